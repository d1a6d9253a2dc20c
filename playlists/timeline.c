#include "playlists/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "playlists/timeline_track.h"

#define HOUR_S 3600

// How many changes that turn out to change nothing for a track are looked through at once. Past
// them a slot ends early and goes on in the next one.
#define LOOK_THROUGH 256

static struct bt_rotation *track_rotation(struct track *track, struct bt_lineup *lineup)
{
    for (size_t i = 0; i < track->rotation_count; i++) {
        if (track->rotations[i]->lineup == lineup) {
            return track->rotations[i];
        }
    }
    BT_GROW(track->rotations, track->rotation_capacity, track->rotation_count + 1);
    track->rotations[track->rotation_count] = bt_rotation_create(lineup);
    return track->rotations[track->rotation_count++];
}

static void add_source(struct track *track, size_t index, const struct bt_entry *entry)
{
    BT_GROW(track->sources, track->source_capacity, track->source_count + 1);
    struct source source = {
        .entry = index,
        .priority = BT_CLAMP(entry->feed->rule->priority, 0, PRIORITIES - 1),
        .rotation = track_rotation(track, entry->lineup),
    };
    size_t i = track->source_count++;
    for (; i > 0 && track->sources[i - 1].priority < source.priority; i--) {
        track->sources[i] = track->sources[i - 1];
    }
    track->sources[i] = source;
}

void bt_track_init(struct bt_timeline *timeline, struct track *track, size_t index)
{
    const char *zone = bt_show_track(timeline->show, index)->name;
    track->index = index;
    track->settled = true;
    for (size_t i = 0; i < bt_show_feed_count(timeline->show); i++) {
        const struct bt_entry *entry = bt_programme_entry(timeline->programme, i);
        if (entry->lineup != NULL && strcmp(entry->feed->rule->zone, zone) == 0) {
            add_source(track, i, entry);
        }
    }
    track->parties = BT_NEW_ARRAY(struct bt_party, track->source_count);
    track->preferred = BT_NEW_ARRAY(bool, track->source_count);
    track->chosen = BT_NEW_ARRAY(size_t, track->source_count);
}

struct bt_timeline *bt_timeline_create(const struct bt_show *show, struct bt_moment anchor)
{
    struct bt_timeline *timeline = BT_NEW(struct bt_timeline);
    timeline->show = show;
    timeline->anchor = anchor;
    timeline->programme = bt_programme_create(show);
    timeline->track_count = bt_show_track_count(show);
    timeline->tracks = BT_NEW_ARRAY(struct track, timeline->track_count);
    for (size_t i = 0; i < timeline->track_count; i++) {
        bt_track_init(timeline, &timeline->tracks[i], i);
    }
    return timeline;
}

void bt_track_finish(struct track *track)
{
    for (size_t i = 0; i < track->rotation_count; i++) {
        bt_rotation_destroy(track->rotations[i]);
    }
    free(track->rotations);
    free(track->sources);
    free(track->parties);
    free(track->chosen);
    free(track->preferred);
    bt_track_forget(&track->memory);
    *track = (struct track){0};
}

void bt_timeline_destroy(struct bt_timeline *timeline)
{
    if (timeline == NULL) {
        return;
    }
    for (size_t i = 0; i < timeline->track_count; i++) {
        bt_track_finish(&timeline->tracks[i]);
    }
    free(timeline->tracks);
    bt_programme_destroy(timeline->programme);
    free(timeline);
}

const struct bt_entry *bt_track_look(struct bt_timeline *timeline, const struct track *track,
                                     size_t source, struct bt_moment at)
{
    return bt_programme_look(timeline->programme, track->sources[source].entry, at);
}

static bool look_visible(struct bt_timeline *timeline, const struct track *track,
                         struct bt_moment at, int64_t *out_until_ns)
{
    size_t layout = bt_programme_layout(timeline->programme, at, out_until_ns);
    return bt_show_layout_has(timeline->show, layout, track->index);
}

static const struct bt_rule *source_rule(const struct bt_timeline *timeline,
                                         const struct track *track, size_t source)
{
    return bt_programme_entry(timeline->programme, track->sources[source].entry)->feed->rule;
}

/**
 * Weights of the chosen sources: those with a share get it in percent of all, the others divide
 * what is left by their weights. Without others, or with shares beyond 100, shares are weights.
 */
static void weigh_rules(const struct bt_timeline *timeline, struct track *track)
{
    int64_t shares = 0, weights = 0;
    for (size_t i = 0; i < track->chosen_count; i++) {
        const struct bt_rule *rule = source_rule(timeline, track, track->chosen[i]);
        shares += rule->share_percent;
        weights += rule->share_percent > 0 ? 0 : BT_MAX(rule->weight, 1);
    }
    int64_t rest = BT_MAX(100 - shares, 0);
    bool proportion = weights > 0 && rest > 0;
    for (size_t i = 0; i < track->chosen_count; i++) {
        const struct bt_rule *rule = source_rule(timeline, track, track->chosen[i]);
        int64_t share = rule->share_percent * (proportion ? weights : 1);
        int64_t weight = BT_MAX(rule->weight, 1) * (shares == 0 ? 1 : rest);
        track->parties[track->chosen[i]].weight = rule->share_percent > 0 ? share : weight;
    }
}

// Keeps the proportions; nobody's weight becomes nothing.
static void scale_weights(struct track *track)
{
    int64_t total = 0;
    for (size_t i = 0; i < track->chosen_count; i++) {
        total += track->parties[track->chosen[i]].weight;
    }
    for (size_t i = 0; total > BT_FAIR_MAX_WEIGHT && i < track->chosen_count; i++) {
        struct bt_party *party = &track->parties[track->chosen[i]];
        party->weight = party->weight * (BT_FAIR_MAX_WEIGHT / 2) / total + 1;
    }
}

static bool is_of_province(const struct bt_timeline *timeline, const struct track *track,
                           size_t source)
{
    const struct bt_entry *entry =
        bt_programme_entry(timeline->programme, track->sources[source].entry);
    return entry->feed->publication->layer == BT_LAYER_PROVINCE;
}

// What all rules of the province together may have is the screen's to say.
static void limit_province(const struct bt_timeline *timeline, struct track *track)
{
    // Weights here are whole numbers up to a million; this leaves room for small parts.
    enum { SCALE = 1000 };
    int64_t limit = bt_show_limits(timeline->show)->province_share_percent;
    int64_t province = 0, others = 0;
    for (size_t i = 0; i < track->chosen_count; i++) {
        int64_t weight = track->parties[track->chosen[i]].weight;
        *(is_of_province(timeline, track, track->chosen[i]) ? &province : &others) += weight;
    }
    if (others == 0 || province * 100 <= limit * (province + others)) {
        return;
    }
    for (size_t i = 0; i < track->chosen_count; i++) {
        struct bt_party *party = &track->parties[track->chosen[i]];
        party->weight *= SCALE;
        if (is_of_province(timeline, track, track->chosen[i])) {
            party->weight = party->weight * others / province * limit / (100 - limit) + 1;
        }
    }
}

static void weigh(const struct bt_timeline *timeline, struct track *track)
{
    weigh_rules(timeline, track);
    scale_weights(track);
    limit_province(timeline, track);
    scale_weights(track);
}

// Finds who competes at the instant: the sources that count, of the highest priority up to
// `ceiling`.
static void choose_sources(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                           int ceiling)
{
    for (size_t i = 0; i < track->chosen_count; i++) {
        track->parties[track->chosen[i]].weight = 0;
    }
    track->chosen_count = 0;
    track->level = NOTHING;
    track->trusted = at.trusted;
    track->from_ns = at.wall_ns;
    track->visible = look_visible(timeline, track, at, &track->until_ns);
    for (size_t i = 0; track->visible && i < track->source_count; i++) {
        int priority = track->sources[i].priority;
        if (priority < track->level) {
            break;
        }
        const struct bt_entry *entry = bt_track_look(timeline, track, i, at);
        track->until_ns = BT_MIN(track->until_ns, entry->until_ns);
        if (entry->counts && priority <= ceiling) {
            track->level = priority;
            track->chosen[track->chosen_count++] = i;
        }
    }
    weigh(timeline, track);
}

void bt_track_refresh(struct bt_timeline *timeline, struct track *track, struct bt_moment at)
{
    if (at.wall_ns < track->from_ns || at.wall_ns >= track->until_ns ||
        at.trusted != track->trusted) {
        choose_sources(timeline, track, at, PRIORITIES - 1);
    }
}

// Whether something above `level` wants the track, or it is not to be seen at all. From nothing it
// takes both, something to show and a place in the layout.
bool bt_track_taken_over(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                         int level, int64_t *out_until_ns)
{
    int64_t layout_until_ns, until_ns = INT64_MAX;
    bool visible = look_visible(timeline, track, at, &layout_until_ns);
    bool higher = false;
    for (size_t i = 0; i < track->source_count && track->sources[i].priority > level; i++) {
        const struct bt_entry *entry = bt_track_look(timeline, track, i, at);
        until_ns = BT_MIN(until_ns, entry->until_ns);
        higher = higher || entry->counts;
    }
    if (level == NOTHING && !higher) {
        *out_until_ns = visible ? until_ns : BT_MAX(until_ns, layout_until_ns);
        return false;
    }
    *out_until_ns = BT_MIN(until_ns, layout_until_ns);
    return level == NOTHING ? visible : higher || !visible;
}

static int64_t find_takeover(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                             int level)
{
    int64_t until_ns;
    bool taken = false;
    (void)bt_track_taken_over(timeline, track, at, level, &until_ns);
    for (int i = 0; i < LOOK_THROUGH && !taken && until_ns != INT64_MAX; i++) {
        at.wall_ns = until_ns;
        taken = bt_track_taken_over(timeline, track, at, level, &until_ns);
    }
    return !taken && until_ns == INT64_MAX ? INT64_MAX : at.wall_ns;
}

// The next instant after `at` when something above `level` takes the track over.
static int64_t next_takeover(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                             int level)
{
    if (track->takeover_level != level || track->takeover_trusted != at.trusted ||
        at.wall_ns < track->takeover_from_ns || at.wall_ns >= track->takeover_at_ns) {
        track->takeover_at_ns = find_takeover(timeline, track, at, level);
        track->takeover_from_ns = at.wall_ns;
        track->takeover_level = level;
        track->takeover_trusted = at.trusted;
    }
    return track->takeover_at_ns;
}

static int64_t add_ns(int64_t at_ns, int64_t length_ns)
{
    return length_ns > INT64_MAX - at_ns ? INT64_MAX : at_ns + length_ns;
}

// The next full hour of local time; a change of the zone's offset moves it.
static int64_t next_hour(const struct bt_tz *tz, int64_t at_ns)
{
    int64_t at_s = at_ns / BT_NS_PER_S;
    for (;;) {
        int64_t local_s = bt_tz_to_local_s(tz, at_s);
        int64_t hour_s = at_s + HOUR_S - ((local_s % HOUR_S) + HOUR_S) % HOUR_S;
        int64_t change_s = bt_tz_next_change_s(tz, at_s);
        if (hour_s <= change_s) {
            return hour_s * BT_NS_PER_S;
        }
        if (bt_tz_to_local_s(tz, change_s) % HOUR_S == 0) {
            return change_s * BT_NS_PER_S;
        }
        at_s = change_s;
    }
}

// What follows the slot last given, now that it is known how long it was really shown.
void bt_track_settle(struct track *track, int64_t at_ns)
{
    if (track->settled) {
        return;
    }
    track->settled = true;
    const struct bt_slot *last = &track->last;
    struct run run = track->shown;
    struct source *source = &track->sources[run.source];
    bool early = at_ns < last->end_ns;
    int64_t shown_ns = BT_MAX(early ? at_ns - last->start_ns : last->end_ns - last->start_ns, 0);
    if (track->skipped) {
        source->rotation->avoid_until_ns[run.item] = track->avoid_until_ns;
    } else {
        bt_rotation_charge(source->rotation, run.item, shown_ns);
        bt_fair_charge(track->parties, track->source_count, run.source, shown_ns);
    }
    bool interrupted = !early && !track->skipped && last->why_end == BT_END_PREEMPTED;
    if (interrupted && last->length_ns != INT64_MAX) {
        run.offset_ns += shown_ns;
    } else {
        run.card++;
        run.offset_ns = 0;
        run.active = !interrupted && run.card < last->item->card_count;
    }
    if (!early && last->why_end == BT_END_WINDOW) {
        run.active = false;
    }
    track->pending[source->priority] = run;
}

// Goes on with what was interrupted or is not finished, when its time has come.
static bool take_pending(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                         struct run *out)
{
    struct run *pending = &track->pending[track->level];
    if (!pending->active) {
        return false;
    }
    *out = *pending;
    pending->active = false;
    const struct source *source = &track->sources[out->source];
    return at.wall_ns < out->deadline_ns &&
           bt_track_look(timeline, track, out->source, at)->counts &&
           bt_lineup_item_open(&source->rotation->lineup->items[out->item], at.wall_ns, at.trusted);
}

static int pick_item(struct bt_timeline *timeline, struct track *track, size_t source,
                     struct bt_moment at, bool may_cut)
{
    const struct bt_entry *entry = bt_track_look(timeline, track, source, at);
    struct bt_stay stay = {
        .at_ns = at.wall_ns,
        .opens_ns = entry->opens_ns,
        .closes_ns = entry->closes_ns,
        .trusted = at.trusted,
        .cut = may_cut,
    };
    return bt_rotation_pick(track->sources[source].rotation, &stay);
}

bool bt_track_pick(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                   bool may_cut, struct run *out)
{
    out->active = false;
    int64_t best_ns = 0;
    for (size_t i = 0; i < track->chosen_count; i++) {
        size_t source = track->chosen[i];
        if (track->prefers && !track->preferred[source]) {
            continue;
        }
        int item = pick_item(timeline, track, source, at, may_cut);
        if (item < 0) {
            continue;
        }
        int64_t length_ns = track->sources[source].rotation->lineup->items[item].length_ns;
        if (!out->active || bt_fair_before(&track->parties[source], length_ns,
                                           &track->parties[out->source], best_ns)) {
            *out = (struct run){.active = true, .source = source, .item = (size_t)item};
            best_ns = length_ns;
        }
    }
    return out->active;
}

static bool start_run(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                      struct run *out)
{
    bool fits = bt_track_pick(timeline, track, at, false, out);
    if (!fits && track->prefers) {
        track->prefers = false;
        fits = bt_track_pick(timeline, track, at, false, out);
    }
    track->prefers = false;
    if (!fits && !bt_track_pick(timeline, track, at, true, out)) {
        return false;
    }
    const struct source *source = &track->sources[out->source];
    if (fits) {  // else it will be cut and keeps its turn
        bt_rotation_take(source->rotation, out->item);
    }
    const struct bt_entry *entry = bt_track_look(timeline, track, out->source, at);
    out->deadline_ns =
        BT_MIN(entry->closes_ns, source->rotation->lineup->items[out->item].until_ns);
    out->number = ++track->run_count;
    return true;
}

static enum bt_start_reason start_reason(const struct track *track, const struct run *run,
                                         bool going_on, int64_t at_ns)
{
    const struct bt_slot *last = &track->last;
    bool follows = last->item != NULL && last->end_ns == at_ns;
    if (going_on) {
        bool next_card = follows && track->shown.number == run->number && run->offset_ns == 0;
        return next_card ? BT_START_SCHEDULE : BT_START_RESUME;
    }
    int priority = track->sources[run->source].priority;
    if (priority == BT_PRIORITY_FALLBACK) {
        return BT_START_FALLBACK;
    }
    bool cut_in =
        follows && priority > last->rule->priority &&
        (last->why_end == BT_END_PREEMPTED || track->pending[last->rule->priority].active);
    return cut_in ? BT_START_PREEMPT : BT_START_SCHEDULE;
}

void bt_track_fill_slot(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                        const struct run *run, struct bt_slot *out)
{
    const struct source *source = &track->sources[run->source];
    const struct bt_feed *feed = bt_programme_entry(timeline->programme, source->entry)->feed;
    const struct bt_item *item = &source->rotation->lineup->playlist->items[run->item];
    int64_t length_ns = bt_card_length_ns(feed->publication, item, run->card);
    bool endless = length_ns == INT64_MAX;
    int64_t takeover_ns = next_takeover(timeline, track, at, source->priority);
    int64_t limit_ns = BT_MIN(takeover_ns, run->deadline_ns);
    int64_t due_ns = endless ? next_hour(bt_show_tz(timeline->show), at.wall_ns)
                             : add_ns(at.wall_ns, length_ns - run->offset_ns);
    enum bt_end_reason cut = run->deadline_ns == limit_ns ? BT_END_WINDOW : BT_END_PREEMPTED;
    *out = (struct bt_slot){
        .publication = feed->publication,
        .item = item,
        .rule = feed->rule,
        .card = run->card,
        .run = run->number,
        .start_ns = at.wall_ns,
        .end_ns = BT_MIN(due_ns, limit_ns),
        .offset_ns = run->offset_ns,
        .length_ns = length_ns,
        .limit_ns = limit_ns,
        .why_end = limit_ns < due_ns ? cut : BT_END_SCHEDULE,
    };
}

static void fill_empty(struct bt_moment at, int64_t end_ns, struct bt_slot *out)
{
    *out = (struct bt_slot){
        .start_ns = at.wall_ns,
        .end_ns = end_ns,
        .length_ns = INT64_MAX,
        .limit_ns = end_ns,
        .why_start = BT_START_SCHEDULE,
        .why_end = BT_END_SCHEDULE,
    };
}

/**
 * Finds what to show, from the highest priority that has something downwards: nothing is left of
 * a priority only when all its items could not be shown a moment ago.
 */
static bool find_run(struct bt_timeline *timeline, struct track *track, struct bt_moment at,
                     struct run *out, bool *out_going_on)
{
    while (track->level != NOTHING) {
        *out_going_on = take_pending(timeline, track, at, out);
        if (*out_going_on || start_run(timeline, track, at, out)) {
            return true;
        }
        choose_sources(timeline, track, at, track->level - 1);
        track->until_ns = track->from_ns;  // look again from the top next time
    }
    return false;
}

// The earliest instant when an item that could not be shown is tried again.
static int64_t next_retry(const struct track *track, int64_t at_ns)
{
    int64_t retry_ns = INT64_MAX;
    for (size_t i = 0; i < track->rotation_count; i++) {
        const struct bt_rotation *rotation = track->rotations[i];
        for (size_t j = 0; j < rotation->lineup->playlist->item_count; j++) {
            int64_t until_ns = rotation->avoid_until_ns[j];
            retry_ns = until_ns > at_ns ? BT_MIN(retry_ns, until_ns) : retry_ns;
        }
    }
    return retry_ns;
}

void bt_timeline_next(struct bt_timeline *timeline, size_t track_index, struct bt_moment at,
                      struct bt_slot *out)
{
    struct track *track = &timeline->tracks[track_index];
    struct run run;
    bool going_on = false;
    bt_track_settle(track, at.wall_ns);
    bt_track_refresh(timeline, track, at);
    if (at.wall_ns < timeline->anchor.wall_ns) {
        fill_empty(at, timeline->anchor.wall_ns, out);
    } else if (find_run(timeline, track, at, &run, &going_on)) {
        bt_track_fill_slot(timeline, track, at, &run, out);
        out->why_start = start_reason(track, &run, going_on, at.wall_ns);
        track->shown = run;
        track->settled = false;
    } else {
        int64_t end_ns = next_takeover(timeline, track, at, NOTHING);
        fill_empty(at, BT_MIN(end_ns, next_retry(track, at.wall_ns)), out);
    }
    out->serial = ++track->serial_count;
    track->skipped = false;
    track->last = *out;
}

void bt_timeline_skip(struct bt_timeline *timeline, size_t track_index)
{
    struct track *track = &timeline->tracks[track_index];
    track->skipped = true;
    track->avoid_until_ns = track->last.end_ns;
}

void bt_timeline_not_yet(struct bt_timeline *timeline, size_t track_index, int64_t again_ns)
{
    struct track *track = &timeline->tracks[track_index];
    track->skipped = true;
    track->avoid_until_ns = again_ns;
}

const char *bt_start_reason_word(int reason)
{
    static const char *const words[] = {"schedule", "resume", "preempt", "fallback"};
    return reason >= 0 && reason < (int)BT_ARRAY_LEN(words) ? words[reason] : "unknown";
}

const char *bt_end_reason_word(int reason)
{
    static const char *const words[] = {"schedule", "preempted", "window",     "removed",
                                        "error",    "display",   "power lost", "stopped"};
    return reason >= 0 && reason < (int)BT_ARRAY_LEN(words) ? words[reason] : "unknown";
}
