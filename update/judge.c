#include "update/judge.h"

#include "base/compiler.h"

// The new version may miss so much more than the one before.
#define MORE_MISSING 0.01

const struct bt_judge_limits bt_judge_usual_limits = {
    .watch_ms = BT_WATCH_MS,
    .silence_ms = BT_SILENCE_MS,
    .least_due = 600,
    .starts = 2,
};

void bt_judge_begin(struct bt_judge *judge, const struct bt_judge_limits *limits,
                    const struct bt_frames *before, int64_t now_ms)
{
    *judge = (struct bt_judge){
        .limits = *limits, .before = *before, .began_ms = now_ms, .present_ms = now_ms};
}

static double share(int64_t missing, int64_t due)
{
    return due > 0 ? (double)BT_MIN(missing, due) / (double)due : 0;
}

// Counters that go back are those of another process, whatever it says of its start.
static bool is_same_process(const struct bt_frames *last, const struct bt_frames *frames)
{
    return last->start == frames->start && last->presented <= frames->presented &&
           last->due <= frames->due && last->missing <= frames->missing;
}

static void take(struct bt_judge *judge, const struct bt_frames *frames, int64_t now_ms)
{
    struct bt_frames from = judge->last;
    if (!is_same_process(&judge->last, frames)) {
        judge->starts++;
        from = (struct bt_frames){0};
    }
    if (frames->presented > from.presented) {
        judge->present_ms = now_ms;
    }
    judge->due += frames->due - from.due;
    judge->missing += frames->missing - from.missing;
    judge->last = *frames;
}

static bool misses_more(const struct bt_judge *judge)
{
    return share(judge->missing, judge->due) >
           share(judge->before.missing, judge->before.due) + MORE_MISSING;
}

enum bt_verdict bt_judge_look(struct bt_judge *judge, const struct bt_frames *frames,
                              int64_t now_ms, const char **out_why)
{
    // What the version before left lies there until the new one writes.
    if (frames != NULL && frames->start != judge->before.start) {
        take(judge, frames, now_ms);
    }
    bool over = now_ms - judge->began_ms >= judge->limits.watch_ms;
    if (judge->starts > judge->limits.starts) {
        *out_why = "restarts";
        return BT_VERDICT_BACK;
    }
    if (now_ms - judge->present_ms >= judge->limits.silence_ms ||
        (over && judge->last.presented == 0)) {
        *out_why = judge->last.dark ? BT_NO_DISPLAY : "no-present";
        return BT_VERDICT_BACK;
    }
    if ((over || judge->due >= judge->limits.least_due) && misses_more(judge)) {
        *out_why = "missing-frames";
        return BT_VERDICT_BACK;
    }
    return over ? BT_VERDICT_KEEP : BT_VERDICT_WATCH;
}
