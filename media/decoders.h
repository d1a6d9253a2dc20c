/**
 * Which decoders are tried for a clip, and which of them have failed before. What failed once is
 * not tried again for the like of that clip (codec and profile), and what hung for nothing at all,
 * until the process is started anew: whoever opens the next clip goes to software at once.
 *
 * Thread-safe; shared by all clips of a player.
 */
#ifndef BT_MEDIA_DECODERS_H
#define BT_MEDIA_DECODERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct AVCodecParameters;
struct bt_decoders;
struct bt_decoder_impl;

// What may be chosen: "auto", "software", the hardware's names; ends with NULL.
extern const char *const bt_decoder_names[];

struct bt_decoders_options {
    const char *choice;  // of the names; NULL: "auto"

    // For tests: their own hardware, and how long it may take to answer.
    const struct bt_decoder_impl *const *hardware;
    size_t hardware_count;
    int64_t patience_ns;  // 0: what is usual
};

struct bt_decoders *bt_decoders_create(const struct bt_decoders_options *options) BT_NODISCARD;
void bt_decoders_destroy(struct bt_decoders *decoders);
BT_DEFINE_AUTO(bt_decoders)

// For media/decoding.c.

// The next to try after that one (NULL: the first); NULL: software. decoders may be NULL.
const struct bt_decoder_impl *bt_decoders_next(struct bt_decoders *decoders,
                                               const struct AVCodecParameters *parameters,
                                               const struct bt_decoder_impl *after) BT_NODISCARD;

struct bt_patience;
void bt_decoders_patience(const struct bt_decoders *decoders, struct bt_patience *out);

enum bt_decoder_fault {
    BT_FAULT_ABSENT,  // could not be opened: as a rule there is no such device after all
    BT_FAULT_STOPS,   // with this kind of clip
    BT_FAULT_HANGS,
};

// Remembers that it failed; logs when this is news.
void bt_decoders_blame(struct bt_decoders *decoders, const struct bt_decoder_impl *impl,
                       const struct AVCodecParameters *parameters, enum bt_decoder_fault fault,
                       const char *why);

// What stopped or hung since the start of the process; what could not be opened is no failure.
struct bt_decoder_failures {
    size_t count;
    int64_t since_ms;      // UTC, of the first
    struct bt_error last;  // its words; "" when there was none
};
void bt_decoders_failures(struct bt_decoders *decoders, struct bt_decoder_failures *out);

#endif
