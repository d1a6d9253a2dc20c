#include "media/kept.h"

#include <stdlib.h>

#include "base/mem.h"

// Ten seconds of 20 Mbit/s at 60 frames a second, and some room.
#define MAX_KEPT_BYTES (32U * 1024 * 1024)
#define MAX_KEPT_PACKETS 1024

static void drop_first(struct bt_kept *kept, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kept->bytes -= (size_t)kept->packets[i]->size;
        av_packet_free(&kept->packets[i]);
    }
    kept->count -= count;
    for (size_t i = 0; i < kept->count && count > 0; i++) {
        kept->packets[i] = kept->packets[i + count];
    }
}

void bt_kept_finish(struct bt_kept *kept)
{
    drop_first(kept, kept->count);
    free(kept->packets);
    *kept = (struct bt_kept){0};
}

static bool is_key(const AVPacket *packet)
{
    return (packet->flags & AV_PKT_FLAG_KEY) != 0;
}

static bool has_room(const struct bt_kept *kept, const AVPacket *packet)
{
    return kept->count < MAX_KEPT_PACKETS && kept->bytes + (size_t)packet->size <= MAX_KEPT_BYTES;
}

void bt_kept_add(struct bt_kept *kept, const AVPacket *packet)
{
    bool room = has_room(kept, packet);
    if (!room) {
        drop_first(kept, kept->count);
    }
    kept->gave_up = (kept->gave_up || !room) && !is_key(packet);
    AVPacket *reference = kept->gave_up ? NULL : av_packet_clone(packet);
    if (reference != NULL) {
        BT_GROW(kept->packets, kept->capacity, kept->count + 1);
        kept->packets[kept->count++] = reference;
        kept->bytes += (size_t)reference->size;
    }
}

void bt_kept_given(struct bt_kept *kept, int64_t stamp)
{
    size_t needed = 0;
    for (size_t i = 0; i < kept->count; i++) {
        if (is_key(kept->packets[i]) && kept->packets[i]->pts <= stamp) {
            needed = i;
        }
    }
    drop_first(kept, needed);
}
