/**
 * Fills a bt_sound from a file, on a thread of its own. The thread first asks how loud the file is
 * (loudness.h) and then decodes ahead as far as the ring has room. Whoever shows the pictures of
 * the same file never waits for it, nor notices when it is slow, damaged or has no sound at all.
 *
 * Sound follows the container's times: what is missing is silence, what overlaps is left out.
 */
#ifndef BT_MEDIA_SOUND_FILE_H
#define BT_MEDIA_SOUND_FILE_H

#include "base/error.h"
#include "media/loudness.h"
#include "media/sound_ring.h"

struct bt_sound_file_options {
    int64_t origin_ns;             // the container's time of the picture's 0 (bt_stream_origin_ns)
    int64_t start_ns;              // the picture's time to begin with
    struct bt_loudness *loudness;  // borrowed; must outlive the sound. NULL: as loud as it is
};

// Opens nothing itself: a file that cannot be read, or has no sound, is a sound that ends at once.
// Errors: no thread.
int bt_sound_file_open(const char *path, const struct bt_sound_file_options *options,
                       struct bt_sound_ring **out, struct bt_error *err) BT_NODISCARD;

#endif
