/**
 * A decoder on a thread of its own, so that it can be given up. A device that hangs holds whoever
 * called it inside the kernel, perhaps for ever: here that is a thread nobody needs. When an
 * answer is late the decoder is left behind with all that is its own; the thread frees it should
 * the device ever let go.
 *
 * Looks like a decoder. Once it was late every call fails with AVERROR(ETIMEDOUT) at once.
 *
 * Inside media/ only.
 */
#ifndef BT_MEDIA_WATCH_H
#define BT_MEDIA_WATCH_H

#include <stdint.h>

#include "media/decoder.h"

struct bt_patience {
    int64_t open_ns;    // for opening, and for every answer until the first frame came
    int64_t answer_ns;  // for every later answer
};

// -ETIMEDOUT: opening hangs; else as bt_decoder_open.
int bt_watch_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                  const struct bt_patience *patience, struct bt_decoder **out,
                  struct bt_error *err) BT_NODISCARD;

#endif
