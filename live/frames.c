#include "live/frames.h"

#include <assert.h>

static struct bt_frame *at(const struct bt_live_frames *frames, size_t i)
{
    return frames->ring[(frames->first + i) % BT_LIVE_FRAMES];
}

static void drop_first(struct bt_live_frames *frames)
{
    bt_frame_destroy(at(frames, 0));
    frames->first = (frames->first + 1) % BT_LIVE_FRAMES;
    frames->count--;
}

void bt_live_frames_clear(struct bt_live_frames *frames)
{
    while (frames->count > 0) {
        drop_first(frames);
    }
}

void bt_live_frames_add(struct bt_live_frames *frames, struct bt_frame *frame)
{
    assert(frames->count < BT_LIVE_FRAMES);
    frame->number = frames->next_number++;
    frames->ring[(frames->first + frames->count++) % BT_LIVE_FRAMES] = frame;
}

void bt_live_frames_drop(struct bt_live_frames *frames, int64_t at_ns)
{
    while (frames->count > 1 && at(frames, 1)->pts_ns <= at_ns) {
        drop_first(frames);
    }
}

int64_t bt_live_frames_room_ns(const struct bt_live_frames *frames)
{
    return frames->count < BT_LIVE_FRAMES ? 0 : at(frames, 1)->pts_ns;
}

const struct bt_frame *bt_live_frames_find(const struct bt_live_frames *frames, int64_t at_ns,
                                           int64_t after)
{
    const struct bt_frame *found = NULL;
    for (size_t i = 0; i < frames->count; i++) {
        const struct bt_frame *frame = at(frames, i);
        bool is_first = after < 0 && i == 0;
        if (frame->number > after && (is_first || frame->pts_ns <= at_ns)) {
            found = frame;
        }
    }
    return found;
}

const struct bt_frame *bt_live_frames_next(const struct bt_live_frames *frames, int64_t after)
{
    for (size_t i = 0; i < frames->count; i++) {
        if (at(frames, i)->number > after) {
            return at(frames, i);
        }
    }
    return NULL;
}

const struct bt_frame *bt_live_frames_first(const struct bt_live_frames *frames)
{
    return frames->count > 0 ? at(frames, 0) : NULL;
}

const struct bt_frame *bt_live_frames_last(const struct bt_live_frames *frames)
{
    return frames->count > 0 ? at(frames, frames->count - 1) : NULL;
}
