/**
 * The words that a player and a technician compare when they pair (docs/protocol.md): four of 256
 * Vietnamese syllables. Both sides compute them from what they themselves know, so a server in
 * between that swapped the player's key or the root metadata shows other words than the screen.
 *
 * The list is part of the protocol: its order never changes. No two syllables are alike when their
 * marks are left out, since people read them over the telephone.
 */
#ifndef BT_TRUST_WORDS_H
#define BT_TRUST_WORDS_H

#include "base/compiler.h"

#define BT_WORDS_COUNT 256
#define BT_WORDS_BYTES 64  // four syllables, single spaces, the NUL

extern const char *const bt_words_list[BT_WORDS_COUNT];

/**
 * `public_key` and `root_sha256` as lower-case hex, `code` as it is shown, with its hyphen
 * ("K7WQ-2MXB"). Gives "sen núi quạt mưa". Slow on purpose: a tenth of a second and more. -EINVAL:
 * the texts are longer than that.
 */
int bt_words(const char *public_key, const char *root_sha256, const char *code,
             char out[BT_WORDS_BYTES]) BT_NODISCARD;

#endif
