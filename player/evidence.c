#include "player/evidence.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

// The journal commits every 10 s at the latest; more often tells it nothing.
#define REPORT_NS (5 * BT_NS_PER_S)

void bt_evidence_init(struct bt_evidence_log *evidence, struct bt_recorder *recorder,
                      struct bt_running_order *order, enum bt_evidence kind)
{
    *evidence = (struct bt_evidence_log){.recorder = recorder, .order = order, .kind = kind};
}

static void forget_suspended(struct bt_evidence_log *evidence, size_t index)
{
    evidence->suspended_count--;
    memmove(&evidence->suspended[index], &evidence->suspended[index + 1],
            (evidence->suspended_count - index) * sizeof(evidence->suspended[0]));
}

// They will not be resumed: all (NULL), or those of one priority.
static void abandon_suspended(struct bt_evidence_log *evidence, const char *priority)
{
    for (size_t i = evidence->suspended_count; i-- > 0;) {
        const struct bt_suspended *s = &evidence->suspended[i];
        if (priority == NULL || bt_str_equal(s->priority, priority)) {
            bt_recorder_abandon(evidence->recorder, s->play);
            forget_suspended(evidence, i);
        }
    }
}

void bt_evidence_forget(struct bt_evidence_log *evidence)
{
    abandon_suspended(evidence, NULL);
}

static uint64_t take_suspended(struct bt_evidence_log *evidence, const struct bt_play_start *start)
{
    for (size_t i = 0; i < evidence->suspended_count; i++) {
        const struct bt_suspended *s = &evidence->suspended[i];
        if (bt_str_equal(s->item, start->item) && s->card == start->card && s->run == start->run) {
            uint64_t play = s->play;
            evidence->darkest = s->darkest;
            forget_suspended(evidence, i);
            return play;
        }
    }
    return 0;
}

static void suspend(struct bt_evidence_log *evidence)
{
    if (evidence->start.planned_ms == 0) {
        bt_recorder_abandon(evidence->recorder, evidence->play);  // endless
        return;
    }
    if (evidence->suspended_count == BT_MAX_SUSPENDED) {
        bt_recorder_abandon(evidence->recorder, evidence->suspended[0].play);
        forget_suspended(evidence, 0);
    }
    struct bt_suspended *s = &evidence->suspended[evidence->suspended_count++];
    s->play = evidence->play;
    memcpy(s->item, evidence->start.item, sizeof(s->item));
    memcpy(s->priority, evidence->start.priority, sizeof(s->priority));
    s->card = evidence->start.card;
    s->run = evidence->start.run;
    s->darkest = evidence->darkest;
}

static void say_display(struct bt_evidence_log *evidence)
{
    struct bt_play_start *start = &evidence->start;
    const char *word = bt_panel_word(evidence->darkest);
    bt_copy_cut(start->display, sizeof(start->display), word);
    bt_copy_cut(start->display_evidence, sizeof(start->display_evidence),
                word[0] != '\0' ? BT_PANEL_EVIDENCE : "");
}

static void darken(struct bt_evidence_log *evidence)
{
    if (evidence->panel > evidence->darkest) {
        evidence->darkest = evidence->panel;
        say_display(evidence);
        bt_recorder_darken(evidence->recorder, evidence->play, evidence->start.display,
                           evidence->start.display_evidence);
    }
}

void bt_evidence_begin(struct bt_evidence_log *evidence, const struct bt_play_start *start,
                       enum bt_start_reason why, int64_t presented_ns)
{
    if (evidence->recorder == NULL) {
        return;
    }
    enum bt_clock_trust trust;
    evidence->start = *start;
    evidence->start.mono_ns = presented_ns;
    evidence->start.wall_ms = bt_running_order_wall_ms(evidence->order, presented_ns, &trust);
    evidence->start.clock_trust = (int)trust;
    evidence->start.evidence = (int)evidence->kind;
    evidence->darkest = evidence->panel;
    say_display(evidence);
    evidence->counts = (struct bt_play_counts){0};
    evidence->segment_ns = presented_ns;
    evidence->reported_ns = presented_ns;
    evidence->play = why == BT_START_RESUME ? take_suspended(evidence, start) : 0;
    abandon_suspended(evidence, start->priority);
    if (evidence->play != 0) {
        bt_recorder_resume(evidence->recorder, evidence->play, presented_ns,
                           evidence->start.wall_ms);
        darken(evidence);
    } else {
        evidence->play = bt_recorder_begin(evidence->recorder, &evidence->start);
    }
}

void bt_evidence_count(struct bt_evidence_log *evidence, bool is_new, int64_t presented_ns)
{
    if (evidence->play == 0) {
        return;
    }
    darken(evidence);
    struct bt_play_counts *counts = &evidence->counts;
    counts->presented += is_new;
    counts->repeated += !is_new;
    counts->shown_ms = (presented_ns - evidence->segment_ns) / BT_NS_PER_MS;
    if (presented_ns - evidence->reported_ns >= REPORT_NS) {
        bt_recorder_progress(evidence->recorder, evidence->play, counts);
        evidence->reported_ns = presented_ns;
    }
}

void bt_evidence_end(struct bt_evidence_log *evidence, enum bt_end_reason why, int64_t dropped,
                     int64_t presented_ns)
{
    if (why == BT_END_DISPLAY || why == BT_END_STOPPED) {
        abandon_suspended(evidence, NULL);  // the timeline begins anew
    }
    if (evidence->play == 0) {
        return;
    }
    evidence->counts.shown_ms = (presented_ns - evidence->segment_ns) / BT_NS_PER_MS;
    evidence->counts.dropped = dropped;
    bt_recorder_end(evidence->recorder, evidence->play, &evidence->counts,
                    bt_end_reason_word((int)why));
    if (why == BT_END_PREEMPTED) {
        suspend(evidence);
    }
    evidence->play = 0;
}
