#include "plays/play.h"

#include <assert.h>

#include "base/clock.h"
#include "base/str.h"

#define MAY_MISS 50  // one part in so many: complete is 98 %

static void add_counts(struct bt_play_counts *sum, const struct bt_play_counts *more)
{
    sum->shown_ms += more->shown_ms;
    sum->presented += more->presented;
    sum->repeated += more->repeated;
    sum->dropped += more->dropped;
}

void bt_play_begin(struct bt_play *play, uint64_t id, const struct bt_play_start *start)
{
    *play = (struct bt_play){.id = id, .start = *start, .segment_count = 1};
    play->segments[0].mono_ns = start->mono_ns;
    play->segments[0].wall_ms = start->wall_ms;
}

void bt_play_count(struct bt_play *play, const struct bt_play_counts *counts)
{
    if (play->paused || bt_play_closed(play)) {
        return;
    }
    struct bt_play_counts *last = &play->segments[play->segment_count - 1].counts;
    *last = *counts;
    add_counts(last, &play->carried);
}

void bt_play_resume(struct bt_play *play, int64_t mono_ns, int64_t wall_ms)
{
    if (!play->paused) {
        return;
    }
    play->paused = false;
    if (play->segment_count == BT_PLAY_MAX_SEGMENTS) {
        play->carried = play->segments[play->segment_count - 1].counts;
        return;
    }
    play->segments[play->segment_count++] =
        (struct bt_play_segment){.mono_ns = mono_ns, .wall_ms = wall_ms};
}

void bt_play_end(struct bt_play *play, const struct bt_play_counts *counts, const char *why)
{
    if (bt_play_closed(play)) {
        return;
    }
    bt_play_count(play, counts);
    if (bt_str_equal(why, BT_PLAY_END_PREEMPTED)) {
        play->paused = true;
    } else {
        bt_copy_cut(play->why_ended, sizeof(play->why_ended), why[0] != '\0' ? why : "unknown");
    }
}

void bt_play_abandon(struct bt_play *play)
{
    if (play->paused) {
        bt_copy_cut(play->why_ended, sizeof(play->why_ended), BT_PLAY_END_PREEMPTED);
    }
}

void bt_play_set_display(struct bt_play *play, const char *display, const char *evidence)
{
    if (!bt_play_closed(play)) {
        bt_copy_cut(play->start.display, sizeof(play->start.display), display);
        bt_copy_cut(play->start.display_evidence, sizeof(play->start.display_evidence), evidence);
    }
}

bool bt_play_closed(const struct bt_play *play)
{
    return play->why_ended[0] != '\0';
}

struct bt_play_counts bt_play_total(const struct bt_play *play)
{
    struct bt_play_counts sum = {0};
    for (size_t i = 0; i < play->segment_count; i++) {
        add_counts(&sum, &play->segments[i].counts);
    }
    return sum;
}

int64_t bt_play_end_wall_ms(const struct bt_play *play)
{
    const struct bt_play_segment *last = &play->segments[play->segment_count - 1];
    return last->wall_ms + last->counts.shown_ms;
}

static bool reaches(int64_t part, int64_t whole)
{
    return part >= whole - whole / MAY_MISS;
}

bool bt_play_complete(const struct bt_play *play, const char *why_ended)
{
    struct bt_play_counts total = bt_play_total(play);
    if (play->start.frames_expected > 0) {
        return reaches(total.presented, play->start.frames_expected);
    }
    if (play->start.planned_ms > 0) {
        return reaches(total.shown_ms, play->start.planned_ms);
    }
    return bt_str_equal(why_ended, BT_PLAY_END_SCHEDULE) ||
           bt_str_equal(why_ended, BT_PLAY_END_WINDOW);
}
