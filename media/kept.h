/**
 * The packets a second decoder would need to go on where the first one stops: from the key frame
 * at or before the newest frame given. Bounded: of a clip with hardly any key frames nothing is
 * kept until the next one.
 *
 * Inside media/ only.
 */
#ifndef BT_MEDIA_KEPT_H
#define BT_MEDIA_KEPT_H

#include <libavcodec/avcodec.h>
#include <stdbool.h>
#include <stddef.h>

struct bt_kept {
    AVPacket **packets;  // references, oldest first
    size_t count, capacity;
    size_t bytes;
    bool gave_up;  // waits for a key frame
};

// {0} is empty.
void bt_kept_finish(struct bt_kept *kept);

// Keeps a reference of the packet.
void bt_kept_add(struct bt_kept *kept, const AVPacket *packet);

// Frames up to this time stamp were given: what only these need is let go.
void bt_kept_given(struct bt_kept *kept, int64_t stamp);

#endif
