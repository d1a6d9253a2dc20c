// What a player says of its frames: bounded, and whatever it says, there is a verdict in the end.
#include <assert.h>

#include "fuzz/fuzz.h"
#include "update/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_frames frames;
    struct bt_judge judge;
    const char *why = NULL;
    const struct bt_frames before = {.start = 1, .presented = 100, .due = 100};
    if (bt_frames_parse((const char *)data, size, &frames, NULL) < 0) {
        return 0;
    }
    bt_judge_begin(&judge, &bt_judge_usual_limits, &before, 0);
    enum bt_verdict verdict = BT_VERDICT_WATCH;
    for (int64_t now_ms = 1000; verdict == BT_VERDICT_WATCH; now_ms += 1000) {
        assert(now_ms <= BT_WATCH_MS);
        verdict = bt_judge_look(&judge, &frames, now_ms, &why);
    }
    assert((verdict == BT_VERDICT_BACK) == (why != NULL));
    return 0;
}
