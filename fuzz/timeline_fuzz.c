// Any publication that can be read can also be planned: slots are contiguous, never empty, inside
// its validity, and each takes bounded work.
#include <assert.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "playlists/schedule.h"
#include "playlists/timeline.h"

#define NOON_NS (INT64_C(1791608400) * BT_NS_PER_S)  // 2026-10-10

static void walk(const struct bt_show *show, size_t track, bool trusted)
{
    struct bt_moment at = {NOON_NS, trusted};
    BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, at);
    for (int i = 0; i < 100 && at.wall_ns != INT64_MAX; i++) {
        struct bt_slot slot;
        bt_timeline_next(timeline, track, at, &slot);
        assert(slot.start_ns == at.wall_ns && slot.end_ns > slot.start_ns);
        assert(slot.end_ns <= slot.limit_ns);
        assert(slot.item == NULL || slot.end_ns <= bt_ns_from_ms(slot.publication->valid_until_ms));
        if (i % 7 == 6) {
            bt_timeline_skip(timeline, track);
        }
        at.wall_ns = slot.end_ns;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_publication *publication = NULL;
    struct bt_error err;
    if (bt_publication_parse((const char *)data, size, BT_UNKNOWN_IGNORE, &publication, &err) < 0) {
        return 0;
    }
    BT_AUTO(bt_show) show = NULL;
    if (bt_show_create(&publication, 1, bt_tz_create_fixed(7 * 3600), &show, &err) < 0) {
        return 0;
    }
    for (size_t i = 0; i < bt_show_track_count(show) && i < 3; i++) {
        walk(show, i, true);
        walk(show, i, false);
    }
    return 0;
}
