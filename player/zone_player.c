#include "player/zone_player.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/zone_sound.h"
#include "render/transition.h"

// A clip that gives no frame for so long is skipped: gone within 2 s, with time for what follows to
// be prepared.
#define STALL_NS (3 * BT_NS_PER_S / 2)

// A clip that turns out so much shorter than planned ends before the loader begins with the next.
#define EARLY_END_NS (2 * BT_NS_PER_S)

// How soon to look again whether the next item is ready once it is due.
#define LOOK_NS BT_NS_PER_MS

// A zone of another show takes over before its next item is ready when so much time is left.
#define UNHURRIED_NS (2 * BT_NS_PER_S)

static const struct bt_log logger = {"player/zone"};

struct bt_zone_player {
    const struct bt_track *track;  // borrowed
    struct bt_loader *loader;      // owned
    const struct bt_grid *grid;    // borrowed
    struct bt_evidence_log evidence;
    uint64_t epoch;                  // grows with each want; older deliveries are dropped
    struct bt_prepared *next;        // owned
    struct bt_shown now;             // on the screen, or about to be
    struct bt_shown before;          // fading out, or not yet replaced on the screen
    bool switched;                   // `now` was never presented
    bool asked;                      // the loader was asked for the next item out of turn
    enum bt_end_reason why_ended;    // of `before`
    int64_t fade_due_ns;             // next step of the fade; INT64_MAX: none
    const struct bt_taken *taken;    // borrowed; NULL: nothing is taken down
    int64_t dropped;                 // of plays that ended
    struct bt_frame_counts *counts;  // borrowed; NULL: nobody counts
    enum bt_heard heard;
    // Succession.
    bool judged;                // there is a verdict on what the old zone shows
    struct bt_verdict verdict;  // on the item below
    int64_t inherits_serial;    // what the old zone showed when the loader was asked
};

static void follow_with_sound(struct bt_zone_player *zone, int64_t at_ns)
{
    const struct bt_zone_heard heard = {
        .order = zone->evidence.order,
        .track = zone->track,
        .before = &zone->before,
        .now = &zone->now,
        .next = zone->next,
    };
    zone->heard = bt_zone_sound_follow(&heard, at_ns);
}

enum bt_heard bt_zone_player_heard(const struct bt_zone_player *zone)
{
    return zone->heard;
}

// What stands where something was taken down, until the next item is ready: never black.
static const struct bt_colour bridge_colour = {16, 42, 67, 255};

struct bt_zone_player *bt_zone_player_create(const struct bt_track *track, struct bt_loader *loader,
                                             const struct bt_grid *grid)
{
    struct bt_zone_player *zone = BT_NEW(struct bt_zone_player);
    zone->track = track;
    zone->loader = loader;
    zone->grid = grid;
    zone->fade_due_ns = INT64_MAX;
    return zone;
}

void bt_zone_player_count_in(struct bt_zone_player *zone, struct bt_frame_counts *counts)
{
    zone->counts = counts;
}

void bt_zone_player_close(struct bt_zone_player *zone)
{
    bt_loader_close(zone->loader);
}

void bt_zone_player_destroy(struct bt_zone_player *zone)
{
    if (zone == NULL) {
        return;
    }
    bt_loader_destroy(zone->loader);
    bt_prepared_destroy(zone->next);
    bt_prepared_destroy(bt_shown_finish(&zone->now));
    bt_prepared_destroy(bt_shown_finish(&zone->before));
    free(zone);
}

struct bt_evidence_log *bt_zone_player_evidence(struct bt_zone_player *zone)
{
    return &zone->evidence;
}

void bt_zone_player_begin(struct bt_zone_player *zone, int64_t at_ns)
{
    bt_loader_want(zone->loader, at_ns, ++zone->epoch);
}

static bool is_taken(const struct bt_taken *taken, const struct bt_prepared *prepared)
{
    struct bt_sha256 asset;
    if (taken == NULL || prepared == NULL || prepared->empty) {
        return false;
    }
    return bt_taken_has_item(taken, prepared->play.publication, prepared->play.item) ||
           (bt_unhex(prepared->play.asset, asset.bytes, sizeof(asset.bytes)) == 0 &&
            bt_taken_has_asset(taken, &asset));
}

static void receive_next(struct bt_zone_player *zone, struct bt_prepared *prepared)
{
    bt_loader_retire(zone->loader, zone->next);
    zone->next = prepared;
    if (is_taken(zone->taken, prepared)) {
        // Of the old show; the new one that has it not is on its way.
        bt_loader_retire(zone->loader, BT_TAKE(zone->next));
    }
}

bool bt_zone_player_receive(struct bt_zone_player *zone)
{
    for (;;) {
        BT_AUTO(bt_delivery) delivery = bt_loader_take(zone->loader);
        if (delivery == NULL) {
            follow_with_sound(zone, bt_clock_mono_ns(bt_clock_real()));
            return zone->next != NULL || zone->now.prepared != NULL;
        }
        if (delivery->epoch != zone->epoch) {
            bt_loader_retire(zone->loader, BT_TAKE(delivery->prepared));
        } else if (delivery->judges) {
            zone->judged = true;
            zone->verdict = delivery->verdict;
        } else if (delivery->prepared != NULL) {
            receive_next(zone, BT_TAKE(delivery->prepared));
        } else if (zone->now.prepared != NULL && zone->now.prepared->clock == delivery->clock) {
            bt_shown_set_face(&zone->now, BT_TAKE(delivery->face), delivery->at_ns);
        }
    }
}

static bool is_fading(const struct bt_zone_player *zone)
{
    return zone->fade_due_ns != INT64_MAX;
}

// The next item is here and does not wait for the end of the one on the screen.
static bool next_cuts_in(const struct bt_zone_player *zone)
{
    return zone->next != NULL && !zone->switched &&
           (zone->now.prepared == NULL || zone->next->immediate || zone->asked);
}

int64_t bt_zone_player_due_ns(const struct bt_zone_player *zone, int64_t now_ns)
{
    if (next_cuts_in(zone)) {
        return now_ns;
    }
    if (zone->now.prepared == NULL) {
        return now_ns + LOOK_NS;
    }
    int64_t end_ns = bt_shown_end_ns(&zone->now);
    if (zone->next == NULL && end_ns <= now_ns) {
        end_ns = now_ns + LOOK_NS;
    }
    int64_t due_ns = BT_MIN(end_ns, bt_shown_due_ns(&zone->now, now_ns));
    return BT_MIN(due_ns, zone->fade_due_ns);
}

// The item that is over goes back to the loader, for good.
static void retire_before(struct bt_zone_player *zone)
{
    bt_loader_retire(zone->loader, bt_shown_finish(&zone->before));
    zone->fade_due_ns = INT64_MAX;
}

static enum bt_end_reason reason_of_end(const struct bt_zone_player *zone, int64_t at_ns)
{
    const struct bt_prepared *ended = zone->now.prepared;
    if (zone->asked) {
        return BT_END_ERROR;
    }
    if (zone->next->immediate) {
        if (zone->next->relieves) {
            return BT_END_SCHEDULE;
        }
        bool preempted = zone->judged && zone->verdict.fate == BT_FATE_PREEMPTED;
        return preempted ? BT_END_PREEMPTED : BT_END_REMOVED;
    }
    bool by_limit = at_ns + bt_grid_tolerance_ns(zone->grid) >= ended->limit_ns;
    return by_limit ? ended->why_end : BT_END_SCHEDULE;
}

// An endless item that goes on after the full hour: nothing of it is seen, not even a fade.
static bool goes_on(const struct bt_prepared *before, const struct bt_prepared *next)
{
    return next->rest_ns == INT64_MAX && bt_prepared_same_content(before, next);
}

static bool fades_in(const struct bt_prepared *before, const struct bt_prepared *next)
{
    return next->fade_ns > 0 && before != NULL && !before->empty && !goes_on(before, next);
}

static void switch_to_next(struct bt_zone_player *zone, int64_t due_ns, int64_t at_ns)
{
    struct bt_prepared *next = BT_TAKE(zone->next);
    // A whole refresh late is not caught up: it would cost a clip its frames.
    bool late = at_ns - due_ns >= zone->grid->period_ns - bt_grid_tolerance_ns(zone->grid);
    retire_before(zone);
    zone->before = zone->now;
    bt_shown_start(&zone->now, next, late || next->immediate ? at_ns : due_ns, &zone->before);
    zone->now.counts = zone->counts;
    zone->switched = true;
    zone->asked = false;
    if (fades_in(zone->before.prepared, next)) {
        zone->fade_due_ns = zone->now.start_ns;
    }
    if (zone->why_ended == BT_END_PREEMPTED) {
        // The timeline planned it for when it was asked or due, and that what ends began in time;
        // this is how far it really came.
        const struct bt_shown *before = &zone->before;
        bt_loader_interrupted_at(zone->loader, before->prepared->play.run,
                                 before->prepared->offset_ns + BT_MAX(at_ns - before->start_ns, 0));
    }
    zone->judged = false;
    bt_loader_started(zone->loader, next->ticket, zone->now.planned_end_ns);
}

static void switch_if_due(struct bt_zone_player *zone, int64_t at_ns)
{
    if (zone->next == NULL || zone->switched) {
        return;
    }
    if (zone->now.prepared == NULL) {
        zone->why_ended = BT_END_SCHEDULE;
        switch_to_next(zone, at_ns, at_ns);
        return;
    }
    int64_t end_ns = next_cuts_in(zone) ? at_ns : bt_shown_end_ns(&zone->now);
    if (at_ns + bt_grid_tolerance_ns(zone->grid) >= end_ns) {
        zone->why_ended = reason_of_end(zone, at_ns);
        switch_to_next(zone, end_ns, at_ns);
    }
}

static void ask_for_next(struct bt_zone_player *zone, int64_t at_ns, const char *why)
{
    if (zone->asked) {
        return;
    }
    zone->asked = true;
    bt_log_warn(&logger, "Zone '%s': '%s' %s; skipping to the next item", zone->track->name,
                zone->now.prepared->play.item, why);
    bt_loader_hurry(zone->loader, at_ns);
}

static void tell_failure(const struct bt_prepared *prepared, struct bt_error *out)
{
    if (prepared->live != NULL) {
        bt_live_why(prepared->live, out);
    } else {
        bt_stream_error(prepared->stream, out);
    }
}

// A clip that is shorter than its publication says.
static void hurry_if_early(struct bt_zone_player *zone)
{
    struct bt_shown *now = &zone->now;
    int64_t end_ns = bt_shown_end_ns(now);
    if (end_ns < now->planned_end_ns - EARLY_END_NS) {
        now->planned_end_ns = end_ns;
        bt_loader_hurry(zone->loader, end_ns);
    }
}

static void step_fade(struct bt_zone_player *zone, int64_t at_ns)
{
    int64_t end_ns = zone->now.start_ns + zone->now.prepared->fade_ns;
    while (zone->fade_due_ns <= at_ns + bt_grid_tolerance_ns(zone->grid)) {
        zone->fade_due_ns += zone->grid->period_ns;
    }
    if (at_ns >= end_ns && !zone->switched) {
        zone->fade_due_ns = INT64_MAX;  // `before` goes once this was presented
    }
}

bool bt_zone_player_advance(struct bt_zone_player *zone, int64_t at_ns)
{
    switch_if_due(zone, at_ns);
    if (zone->now.prepared == NULL) {
        return true;
    }
    if (is_fading(zone)) {
        step_fade(zone, at_ns);
    }
    enum bt_shown_state state = bt_shown_advance(&zone->now, zone->grid, at_ns);
    follow_with_sound(zone, at_ns);
    hurry_if_early(zone);
    if (state == BT_SHOWN_FAILED) {
        struct bt_error err;
        tell_failure(zone->now.prepared, &err);
        ask_for_next(zone, at_ns, err.msg);
    } else if (state == BT_SHOWN_WAITING && at_ns - zone->now.waiting_since_ns > STALL_NS) {
        ask_for_next(zone, at_ns, "gives no more frames");
    }
    return state != BT_SHOWN_WAITING;
}

bool bt_zone_player_switched(const struct bt_zone_player *zone)
{
    return zone->switched;
}

void bt_zone_player_view(const struct bt_zone_player *zone, int64_t at_ns, struct bt_zone_view *out)
{
    *out = (struct bt_zone_view){.rect = zone->track->rect, .mix = 1000};
    bt_shown_view(&zone->now, &zone->track->rect, &out->to);
    if (is_fading(zone)) {
        bt_shown_view(&zone->before, &zone->track->rect, &out->from);
        const struct bt_prepared *now = zone->now.prepared;
        bt_transition_at(&now->transition, at_ns - zone->now.start_ns, now->fade_ns, out);
    }
}

size_t bt_zone_player_soon(const struct bt_zone_player *zone, const struct bt_image **out,
                           size_t room)
{
    const struct bt_prepared *next = zone->next;
    size_t count = 0;
    if (next != NULL && next->image != NULL && room > 0) {
        out[count++] = next->image;
    }
    for (size_t i = 0; next != NULL && next->strip != NULL && i < next->strip->tile_count; i++) {
        if (count < room) {
            out[count++] = next->strip->tiles[i];
        }
    }
    return count;
}

static void count_switch(struct bt_zone_player *zone, int64_t presented_ns)
{
    const struct bt_prepared *prepared = zone->now.prepared;
    bt_evidence_end(&zone->evidence, zone->why_ended, zone->before.dropped, presented_ns);
    zone->dropped += zone->before.dropped;
    struct bt_play_start play = prepared->play;
    if (zone->heard != BT_HEARD_UNASKED) {
        play.sound = zone->heard == BT_HEARD ? BT_SOUND_ON : BT_SOUND_MUTED;
    }
    if (prepared->anew) {
        bt_evidence_forget(&zone->evidence);
    }
    if (!prepared->empty && !prepared->unrecorded) {
        bt_evidence_begin(&zone->evidence, &play, prepared->why_start, presented_ns);
    }
}

// Composing the very first picture takes its time; the item gets it back, in whole refreshes.
static void delay_first_item(struct bt_zone_player *zone, int64_t presented_ns)
{
    int64_t late_ns = presented_ns - zone->now.start_ns;
    if (zone->grid->kind != BT_GRID_FREE) {
        late_ns -= late_ns % zone->grid->period_ns;
    }
    bt_shown_delay(&zone->now, late_ns);
}

void bt_zone_player_presented(struct bt_zone_player *zone, int64_t presented_ns)
{
    if (zone->now.prepared == NULL) {
        return;
    }
    if (zone->switched) {
        count_switch(zone, presented_ns);
        zone->switched = false;
        if (zone->before.prepared == NULL) {
            delay_first_item(zone, presented_ns);
        }
    }
    bt_evidence_count(&zone->evidence, zone->now.is_new, presented_ns);
    bt_shown_presented(&zone->now);
    if (zone->before.prepared != NULL && !is_fading(zone)) {
        retire_before(zone);
    }
}

void bt_zone_player_stop(struct bt_zone_player *zone, enum bt_end_reason why, int64_t at_ns)
{
    bt_evidence_end(&zone->evidence, why, zone->now.dropped, at_ns);
    bt_loader_retire(zone->loader, BT_TAKE(zone->next));
    bt_loader_retire(zone->loader, bt_shown_finish(&zone->now));
    retire_before(zone);
    zone->switched = false;
    zone->asked = false;
}

int64_t bt_zone_player_dropped(const struct bt_zone_player *zone)
{
    return zone->dropped;
}

const struct bt_play_start *bt_zone_player_on(const struct bt_zone_player *zone,
                                              int64_t *out_pts_ms, bool *out_is_new)
{
    if (zone->now.prepared == NULL || zone->now.prepared->empty || zone->now.prepared->unrecorded) {
        return NULL;
    }
    *out_pts_ms = bt_shown_pts_ms(&zone->now);
    *out_is_new = zone->now.is_new;
    return &zone->now.prepared->play;
}

static int64_t serial_on(const struct bt_zone_player *zone)
{
    return zone != NULL && zone->now.prepared != NULL ? zone->now.prepared->serial : 0;
}

int64_t bt_zone_player_end_ns(const struct bt_zone_player *zone, int64_t now_ns)
{
    if (zone->now.prepared == NULL || zone->now.prepared->rest_ns == INT64_MAX) {
        return now_ns;
    }
    return BT_MIN(bt_shown_end_ns(&zone->now), zone->now.planned_end_ns);
}

void bt_zone_player_succeed(struct bt_zone_player *zone, const struct bt_zone_before *before)
{
    struct bt_inheritance inheritance = {
        .from = bt_running_order_ref(before->order),
        .track = before->track,
        .urgent = before->urgent,
    };
    bt_loader_retire(zone->loader, BT_TAKE(zone->next));
    zone->judged = false;
    zone->inherits_serial = before->adopts ? serial_on(before->zone) : 0;
    if (zone->inherits_serial != 0) {
        const struct bt_shown *shown = &before->zone->now;
        inheritance.serial = zone->inherits_serial;
        inheritance.start_ns = shown->start_ns;
        inheritance.end_ns =
            shown->prepared->rest_ns == INT64_MAX ? INT64_MAX : shown->planned_end_ns;
    }
    bt_loader_succeed(zone->loader, inheritance, ++zone->epoch);
}

static bool next_is_not_due(const struct bt_zone_player *zone, const struct bt_zone_before *before,
                            int64_t now_ns)
{
    int64_t end_ns = zone->verdict.end_ns;
    if (zone->verdict.fate == BT_FATE_MAY_FINISH) {
        end_ns = before->zone->now.planned_end_ns;
    } else if (zone->verdict.fate != BT_FATE_GOES_ON) {
        return false;
    }
    return end_ns == INT64_MAX || end_ns - now_ns > UNHURRIED_NS;
}

bool bt_zone_player_can_take_over(struct bt_zone_player *zone, const struct bt_zone_before *before,
                                  int64_t now_ns)
{
    if (before->adopts && serial_on(before->zone) != zone->inherits_serial) {
        bt_zone_player_succeed(zone, before);
        return false;
    }
    return zone->judged && (zone->next != NULL || next_is_not_due(zone, before, now_ns));
}

// What is shown belongs to the new show now, and ends when that one says.
static void apply_verdict(struct bt_zone_player *zone)
{
    struct bt_prepared *prepared = zone->now.prepared;
    const struct bt_verdict *verdict = &zone->verdict;
    if (prepared == NULL) {
        return;
    }
    prepared->clock = verdict->clock;
    prepared->ticket = 0;
    if (verdict->fate != BT_FATE_GOES_ON) {
        return;
    }
    prepared->limit_ns = verdict->limit_ns;
    prepared->why_end = verdict->why_end;
    prepared->volume = verdict->volume;
    bool endless = prepared->rest_ns == INT64_MAX;
    zone->now.planned_end_ns =
        endless ? verdict->end_ns
                : BT_MIN(zone->now.start_ns + prepared->rest_ns, prepared->limit_ns);
}

void bt_zone_player_take_over(struct bt_zone_player *zone, struct bt_zone_player *old,
                              struct bt_running_order *order)
{
    if (!zone->judged) {
        // There was no time to ask about this item: it ends as it was going to.
        zone->verdict = (struct bt_verdict){0};
    }
    zone->now = old->now;
    zone->before = old->before;
    zone->switched = old->switched;
    zone->why_ended = old->why_ended;
    zone->fade_due_ns = old->fade_due_ns;
    zone->taken = old->taken;
    zone->evidence = old->evidence;
    zone->evidence.order = order;
    old->now = old->before = (struct bt_shown){0};
    old->switched = false;
    old->fade_due_ns = INT64_MAX;
    old->evidence.play = 0;
    old->evidence.suspended_count = 0;
    apply_verdict(zone);
}

bool bt_zone_player_shows(const struct bt_zone_player *zone, const struct bt_taken *taken)
{
    return is_taken(taken, zone->now.prepared) ||
           (is_fading(zone) && is_taken(taken, zone->before.prepared));
}

static struct bt_prepared *bridge(const struct bt_zone_player *zone)
{
    struct bt_prepared *prepared = BT_NEW(struct bt_prepared);
    prepared->type = BT_ITEM_COLOUR;
    prepared->background = bridge_colour;
    prepared->unrecorded = true;
    prepared->end_ns = prepared->limit_ns = prepared->rest_ns = INT64_MAX;
    bt_copy_cut(prepared->play.zone, sizeof(prepared->play.zone), zone->track->name);
    return prepared;
}

void bt_zone_player_take_down(struct bt_zone_player *zone, const struct bt_taken *taken)
{
    zone->taken = taken;
    if (is_taken(taken, zone->next)) {
        bt_loader_retire(zone->loader, BT_TAKE(zone->next));
    }
    if (!bt_zone_player_shows(zone, taken)) {
        return;
    }
    if (!is_taken(taken, zone->now.prepared)) {
        retire_before(zone);  // only the end of a fade still shows it
        return;
    }
    if (zone->switched) {
        // It was never on the screen: what still is ends as it was going to.
        bt_loader_retire(zone->loader, bt_shown_finish(&zone->now));
        zone->fade_due_ns = INT64_MAX;
    } else {
        retire_before(zone);
        zone->before = zone->now;
        zone->why_ended = BT_END_REMOVED;
    }
    bt_shown_start(&zone->now, bridge(zone), bt_clock_mono_ns(bt_clock_real()), NULL);
    zone->switched = true;
    zone->asked = false;
}
