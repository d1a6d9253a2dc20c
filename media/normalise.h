/**
 * Canonical form of outside text. Vietnamese comes in several spellings that look alike: composed
 * letters (NFC), letter by letter (NFD, file names from macOS), and anything between. Most of
 * them become equal through NFC. One does not: a tone typed before the circumflex or breve
 * (e + U+0301 + U+0302, é + U+0302), because both marks have the same combining class and Unicode
 * keeps their order. Every font draws that wrong, so it is repaired first.
 */
#ifndef BT_MEDIA_NORMALISE_H
#define BT_MEDIA_NORMALISE_H

#include "base/compiler.h"

// The longest text of an item: minutes of reading.
#define BT_TEXT_MAX_BYTES 8192

/**
 * UTF-8 → NFC, after
 * - moving circumflex and breve before the tone (grave, acute, hook above, tilde) where they stand
 *   on a Vietnamese vowel; horn and dot below fall into place by themselves,
 * - Ð (U+00D0, Icelandic) → Đ where the text around it is Vietnamese,
 * - dropping control characters, bidirectional overrides and invisible tags; line ends of all
 *   kinds become \n, tabs become spaces.
 * At most three times as long as the input. The caller frees *out.
 * Errors: -EILSEQ not UTF-8, -EMSGSIZE longer than BT_TEXT_MAX_BYTES.
 * Thread-safe.
 */
int bt_text_normalise(const char *utf8, char **out) BT_NODISCARD;

#endif
