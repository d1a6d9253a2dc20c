/**
 * How long a clip is, by what is in it. Containers lie: recordings of browsers and cameras say
 * nothing or forty hours, a file that was cut off says what it was before.
 *
 * Any thread. Inside media/ only.
 */
#ifndef BT_MEDIA_LENGTH_H
#define BT_MEDIA_LENGTH_H

#include <stdint.h>

#include "base/error.h"
#include "media/input.h"

/**
 * Reads all packets of a clip from its beginning, without decoding them, paced as they would be
 * played. Returns nanoseconds, 0 when nothing is inside.
 * Errors: bt_input_read_packet's; -ECANCELED when the options' time ran out.
 */
int64_t bt_length_measure_ns(const char *path, const struct bt_input_options *options,
                             struct bt_error *err);

#endif
