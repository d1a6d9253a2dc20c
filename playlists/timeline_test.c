#include "playlists/timeline.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "playlists/show_fixture.h"

#define HEAD                                                                                       \
    "{'format':1,'id':'u','version':1,'layer':'unit','canvas':{'width':960,'height':480},"         \
    "'layouts':[{'name':'one','zones':[{'name':'main'}]}],"
#define TEXT(id, seconds, ...)                                                                     \
    "{'id':'" id "','type':'text','text':'x','seconds':" seconds __VA_ARGS__ "}"
#define RULE(id, playlist, ...)                                                                    \
    "{'id':'" id "','zone':'main','playlist':'" playlist "'" __VA_ARGS__ "}"

#define SECOND BT_NS_PER_S

static struct bt_moment moment(const char *time)
{
    return (struct bt_moment){fixture_ns(time), true};
}

// One track's slots in a row.
struct walk {
    struct bt_show *show;
    struct bt_timeline *timeline;
    struct bt_moment at;
    struct bt_slot slot;
};

static struct walk start_walk(const char *quoted, const char *time)
{
    struct walk walk = {.show = fixture_show(quoted), .at = moment(time)};
    walk.timeline = bt_timeline_create(walk.show, walk.at);
    return walk;
}

static void finish_walk(struct walk *walk)
{
    bt_timeline_destroy(walk->timeline);
    bt_show_destroy(walk->show);
}

static const struct bt_slot *step(struct walk *walk)
{
    bt_timeline_next(walk->timeline, 0, walk->at, &walk->slot);
    assert_int_equal(walk->slot.start_ns, walk->at.wall_ns);
    assert_true(walk->slot.end_ns > walk->slot.start_ns);
    walk->at.wall_ns = walk->slot.end_ns;
    return &walk->slot;
}

// The ids of the next items, for example "a b b". NULL items are "-".
static void assert_steps(struct walk *walk, const char *wanted)
{
    BT_AUTOBUF made;
    bt_buf_init(&made, 4096);
    while (made.len < strlen(wanted)) {
        const struct bt_slot *slot = step(walk);
        assert_int_equal(bt_buf_appendf(&made, "%s%s", made.len > 0 ? " " : "",
                                        slot->item != NULL ? slot->item->id : "-"),
                         0);
    }
    assert_string_equal(bt_buf_text(&made), wanted);
}

static void items_follow_their_playlist(void **state)
{
    (void)state;
    struct walk w = start_walk(HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "," TEXT(
                                   "b", "5") "," TEXT("c", "7") "]}],"
                                                                "'schedule':[" RULE("r", "p") "]}",
                               "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "a b c a b c a");
    assert_int_equal(w.at.wall_ns, fixture_ns("2026-10-10T08:00:54+07:00"));
    assert_int_equal(w.slot.run, 7);
    assert_int_equal(w.slot.limit_ns, INT64_MAX);
    finish_walk(&w);
}

static void the_next_item_starts_when_it_is_asked_for(void **state)
{
    (void)state;
    struct walk w = start_walk(HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "," TEXT(
                                   "b", "5") "]}],'schedule':[" RULE("r", "p") "]}",
                               "2026-10-10T08:00:00+07:00");
    step(&w);
    w.at.wall_ns -= 4 * SECOND;  // its file was shorter than it said
    assert_steps(&w, "b a");
    w.at.wall_ns += 3 * SECOND;  // nobody looked for a while
    assert_steps(&w, "b");
    finish_walk(&w);
}

static void what_could_not_be_shown_is_passed_over_for_its_time(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "]},{'name':'q','items':[" TEXT(
            "f", "3") "]}],'schedule':[" RULE("r",
                                              "p") "],'fallback':[{'zone':'main','playlist':'q'}]}",
        "2026-10-10T08:00:00+07:00");
    step(&w);
    bt_timeline_skip(w.timeline, 0);
    w.at.wall_ns = w.slot.start_ns;  // known before it started
    assert_steps(&w, "f f f f a");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T08:00:12+07:00"));
    finish_walk(&w);
}

static void without_anything_else_a_damaged_item_leaves_its_time_empty(void **state)
{
    (void)state;
    struct walk w = start_walk(HEAD "'playlists':[{'name':'p','items':[" TEXT(
                                   "a", "10") "]}],'schedule':[" RULE("r", "p") "]}",
                               "2026-10-10T08:00:00+07:00");
    step(&w);
    bt_timeline_skip(w.timeline, 0);
    w.at.wall_ns = w.slot.start_ns;
    assert_steps(&w, "- a");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T08:00:10+07:00"));
    finish_walk(&w);
}

static void a_skipped_campaign_gives_its_time_to_nobody(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'campaigns':[{'id':'x','name':'X','weight':1},{'id':'y','name':'Y','weight':1}],"
             "'playlists':[{'name':'p','items':[" TEXT("a", "10", ",'campaign':'x'") "," TEXT(
                 "b", "10", ",'campaign':'y'") "]}],'schedule':[" RULE("r", "p") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "a b a");
    bt_timeline_skip(w.timeline, 0);
    w.at.wall_ns = w.slot.start_ns;
    assert_steps(&w, "b a a b a b");  // the one that was skipped catches up
    finish_walk(&w);
}

static void an_item_that_is_not_ready_loses_its_turn_and_nothing_else(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "]},{'name':'q','items':[" TEXT(
            "f", "3") "]}],'schedule':[" RULE("r",
                                              "p") "],'fallback':[{'zone':'main','playlist':'q'}]}",
        "2026-10-10T08:00:00+07:00");
    step(&w);
    bt_timeline_not_yet(w.timeline, 0, w.slot.start_ns + 1);
    w.at.wall_ns = w.slot.start_ns;
    assert_steps(&w, "f a");
    bt_timeline_not_yet(w.timeline, 0, INT64_MIN);  // it was only given too early
    w.at.wall_ns = w.slot.start_ns - 2 * SECOND;
    assert_steps(&w, "a");
    finish_walk(&w);
}

static void an_item_that_cannot_finish_is_not_started(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("long", "40") "," TEXT(
            "short",
            "9") "]},"
                 "{'name':'q','items':[" TEXT("giant", "100") "," TEXT(
                     "other",
                     "25") "]}],"
                           "'schedule':[" RULE("r", "p", ",'times':'08:00-08:01'") "," RULE(
                               "s", "q", ",'times':'08:01-08:02'") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "long short short");
    assert_steps(&w, "long");  // nothing fits any more
    assert_int_equal(w.slot.why_end, BT_END_WINDOW);
    assert_int_equal(w.slot.end_ns - w.slot.start_ns, 2 * SECOND);
    assert_int_equal(w.slot.length_ns, 40 * SECOND);
    assert_steps(&w, "giant");  // longer than its whole window
    assert_int_equal(w.slot.why_end, BT_END_WINDOW);
    assert_int_equal(w.slot.limit_ns, fixture_ns("2026-10-10T08:02:00+07:00"));
    assert_steps(&w, "- long");  // its turn was kept
    finish_walk(&w);
}

static void nothing_scheduled_is_one_empty_slot_until_something_is(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "]}],'schedule':[" RULE(
            "r", "p",
            ",'first_day':'2026-12-24','last_day':'2026-12-24','times':'18:00-18:00:10'") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "- a -");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-12-24T18:00:10+07:00"));
    finish_walk(&w);
}

static void when_all_is_over_the_slot_never_ends(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD
        "'valid':{'until':'2026-10-10T08:00:15+07:00'},'playlists':[{'name':'p','items':[" TEXT(
            "a", "10") "]}],'schedule':[" RULE("r", "p") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "a a -");
    assert_int_equal(w.slot.end_ns, INT64_MAX);
    finish_walk(&w);
}

static void a_publication_waits_for_its_activation(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'activate':'2026-10-10T09:00:00+07:00','playlists':[{'name':'p','items':[" TEXT(
            "a", "10") "]}],'schedule':[" RULE("r", "p") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "- a");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T09:00:00+07:00"));
    finish_walk(&w);
}

static void before_its_anchor_the_loop_shows_nothing(void **state)
{
    (void)state;
    struct walk w = start_walk(HEAD "'playlists':[{'name':'p','items':[" TEXT(
                                   "a", "10") "]}],'schedule':[" RULE("r", "p") "]}",
                               "2026-10-10T08:00:00+07:00");
    w.at.wall_ns -= 30 * SECOND;
    assert_steps(&w, "- a");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T08:00:00+07:00"));
    finish_walk(&w);
}

static void a_rule_without_living_items_stands_in_nobodys_way(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "]},{'name':'q','items':[" TEXT(
            "old", "10",
            ",'until':'2026-10-10T08:00:25+07:00'") "]}],'schedule':[" RULE("r",
                                                                            "p") "," RULE("s", "q",
                                                                                          ",'"
                                                                                          "priority"
                                                                                          "':'"
                                                                                          "emergenc"
                                                                                          "y'") "]"
                                                                                                "}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "old old old a a");
    finish_walk(&w);
}

static void interrupted_in_turn_each_goes_on_inside(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD
        "'playlists':[{'name':'n','items':[" TEXT("n", "60") "]},{'name':'p','items':[" TEXT("p", "60") "]},{'name':'e','items':[" TEXT(
            "e",
            "60") "]}],'schedule':[" RULE("n",
                                          "n") "," RULE("p", "p",
                                                        ",'priority':'priority','times':'08:00:10-"
                                                        "08:02'") "," RULE("e", "e",
                                                                           ",'priority':'emergency'"
                                                                           ",'times':'08:00:20-08:"
                                                                           "00:30'") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "n p e p p n n");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T08:02:50+07:00"));
    assert_int_equal(w.slot.why_start, BT_START_SCHEDULE);
    finish_walk(&w);
}

static void the_interrupted_is_forgotten_when_its_own_window_has_closed(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'n','items':[" TEXT("n", "60") "," TEXT(
            "m",
            "60") "]},"
                  "{'name':'p','items':[" TEXT("p", "60") "]}],'schedule':[" RULE(
                      "n", "n",
                      ",'times':'08:00-08:02'") "," RULE("n2", "n",
                                                         ",'times':'08:03-08:05'") "," RULE("p",
                                                                                            "p",
                                                                                            ",'"
                                                                                            "priori"
                                                                                            "ty':'"
                                                                                            "priori"
                                                                                            "ty','"
                                                                                            "times'"
                                                                                            ":'08:"
                                                                                            "00:30-"
                                                                                            "08:"
                                                                                            "03'") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "n p p p m");
    assert_int_equal(w.slot.offset_ns, 0);
    finish_walk(&w);
}

static void what_never_ends_takes_over_all_the_same(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "60") "]},{'name':'q','items':[" TEXT(
            "e", "60") "]}],'schedule':[" RULE("r",
                                               "p") "," RULE("s", "q",
                                                             ",'priority':'emergency','from':'2026-"
                                                             "10-10T08:00:30+07:00'") "]}",
        "2026-10-10T08:00:00+07:00");
    assert_steps(&w, "a e e");
    assert_int_equal(w.slot.start_ns, fixture_ns("2026-10-10T08:01:30+07:00"));
    finish_walk(&w);
}

static void endless_items_close_every_full_hour(void **state)
{
    (void)state;
    struct walk w =
        start_walk(HEAD "'playlists':[{'name':'p','items':[{'id':'c','type':'clock'}]}],"
                        "'schedule':[" RULE("r", "p") "]}",
                   "2026-10-10T08:20:00+07:00");
    assert_steps(&w, "c");
    assert_int_equal(w.slot.length_ns, INT64_MAX);
    assert_int_equal(w.slot.end_ns, fixture_ns("2026-10-10T09:00:00+07:00"));
    assert_steps(&w, "c");
    assert_int_equal(w.slot.end_ns, fixture_ns("2026-10-10T10:00:00+07:00"));
    assert_int_equal(w.slot.run, 2);
    finish_walk(&w);
}

static void clocks_hide_while_the_time_is_not_trusted(void **state)
{
    (void)state;
    struct walk w = start_walk(HEAD "'playlists':[{'name':'p','items':[{'id':'c','type':'clock',"
                                    "'seconds':10}," TEXT("a", "10") "]}],'schedule':[" RULE(
                                        "r", "p", ",'times':'20:00-21:00'") "]}",
                               "2026-10-10T08:00:00+07:00");
    w.at.trusted = false;
    assert_steps(&w, "a a");
    w.at.trusted = true;  // now it is known that it is not evening
    assert_steps(&w, "- c a");
    finish_walk(&w);
}

// --- Random publications ---

static uint64_t seed;

static int pick(int n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((seed >> 33) % (uint64_t)n);
}

#define ADD(...) assert_int_equal(bt_buf_appendf(out, __VA_ARGS__), 0)

// Sometimes a stretch of absolute time around 10 October 2026.
static void add_span(struct bt_buf *out)
{
    if (pick(3) == 0) {
        ADD(",'from':'2026-10-%02dT%02d:%02d:00+07:00'", 9 + pick(3), pick(24), pick(60));
    }
    if (pick(3) == 0) {
        ADD(",'until':'2026-10-%02dT%02d:%02d:00+07:00'", 12 + pick(2), pick(24), pick(60));
    }
}

static void add_item(struct bt_buf *out, int number, int campaigns)
{
    ADD("%s{'id':'i%d'", number % 100 > 0 ? "," : "", number);
    int kind = pick(8);
    if (kind == 0) {
        ADD(",'type':'clock'");
    } else if (kind < 3) {
        ADD(",'type':'set','cards':[{'asset':'a','seconds':%d},{'asset':'a','seconds':%d}]",
            5 + pick(60), 5 + pick(60));
    } else {
        ADD(",'type':'text','text':'x','seconds':%d.%03d", 1 + pick(pick(3) ? 20 : 900), pick(999));
    }
    if (pick(2) == 0) {
        ADD(",'campaign':'c%d'", pick(campaigns));
    }
    add_span(out);
    ADD("}");
}

static void add_rule(struct bt_buf *out, int number, int playlists)
{
    static const char *const priorities[] = {"normal", "normal", "priority", "emergency"};
    int priority = pick(4);
    ADD("%s{'id':'r%d','priority':'%s'", number > 0 ? "," : "", number, priorities[priority]);
    if (pick(8) == 0) {
        ADD(",'layout':'%s'", pick(2) ? "one" : "two");
    } else {
        ADD(",'zone':'%s','playlist':'p%d'", pick(2) ? "main" : "side", pick(playlists));
    }
    if (priority > 1 || pick(2) == 0) {
        int from = pick(24 * 60), length = 1 + pick(priority > 1 ? 60 : 600);
        ADD(",'times':'%02d:%02d-%02d:%02d'", from / 60, from % 60, (from + length) / 60 % 24,
            (from + length) % 60);
    }
    if (pick(4) == 0) {
        ADD(",'weekdays':['fri','sat']");
    }
    add_span(out);
    ADD("}");
}

static void make_publication(struct bt_buf *out)
{
    int campaigns = 1 + pick(4), playlists = 2 + pick(3), rules = 2 + pick(10);
    ADD("{'format':1,'id':'u','version':1,'layer':'unit','canvas':{'width':960,'height':480},"
        "'valid':{'until':'2026-10-13T%02d:00:00+07:00'},"
        "'assets':[{'name':'a','sha256':'%064d','size':9,'type':'image/png'}],"
        "'layouts':[{'name':'one','zones':[{'name':'main'},{'name':'side','height':80}]},"
        "{'name':'two','zones':[{'name':'main'}]}],'campaigns':[",
        pick(24), 1);
    for (int i = 0; i < campaigns; i++) {
        ADD("%s{'id':'c%d','name':'C'", i > 0 ? "," : "", i);
        if (pick(2) == 0) {
            ADD(",'weight':%d", 1 + pick(9));
        }
        add_span(out);
        ADD("}");
    }
    ADD("],'playlists':[");
    for (int i = 0; i < playlists; i++) {
        ADD("%s{'name':'p%d','items':[", i > 0 ? "," : "", i);
        for (int j = 0, n = 1 + pick(6); j < n; j++) {
            add_item(out, i * 100 + j, campaigns);
        }
        ADD("]}");
    }
    ADD("],'schedule':[");
    for (int i = 0; i < rules; i++) {
        add_rule(out, i, playlists);
    }
    ADD("],'fallback':[{'zone':'main','playlist':'p0'}]}");
}

// The same rules as in the timeline, asked of one instant and without any cleverness.

static bool dates_hold(int64_t from_ms, int64_t until_ms, int64_t at_ns)
{
    int64_t ms = at_ns / BT_NS_PER_MS;
    return ms >= from_ms && ms < until_ms;
}

static bool item_may(const struct bt_publication *p, const struct bt_item *item, int64_t at_ns)
{
    const struct bt_campaign *c = item->campaign >= 0 ? &p->campaigns[item->campaign] : NULL;
    return dates_hold(p->valid_from_ms, p->valid_until_ms, at_ns) &&
           dates_hold(item->from_ms, item->until_ms, at_ns) &&
           (c == NULL || dates_hold(c->from_ms, c->until_ms, at_ns));
}

static bool in_force(const struct bt_when *when, int64_t at_ns)
{
    int64_t local_s = at_ns / BT_NS_PER_S + 7 * 3600;
    for (int64_t day = local_s / 86400 - 2; day <= local_s / 86400; day++) {
        int64_t time_s = local_s - day * 86400;
        if (time_s >= when->time_from_s && time_s < when->time_until_s &&
            (when->weekdays >> bt_civil_weekday(day * 86400) & 1) != 0) {
            return dates_hold(when->from_ms, when->until_ms, at_ns);
        }
    }
    return false;
}

static bool counts(const struct bt_publication *p, const struct bt_rule *rule, int64_t at_ns)
{
    bool any = false;
    for (size_t i = 0; rule->playlist >= 0 && i < p->playlists[rule->playlist].item_count; i++) {
        any = any || item_may(p, &p->playlists[rule->playlist].items[i], at_ns);
    }
    return any && in_force(&rule->when, at_ns);
}

// The priority a zone has at an instant, -1 for none.
static int level_at(const struct bt_publication *p, const char *zone, int64_t at_ns)
{
    int level = -1, strongest = -1;
    const char *layout = "one";
    for (size_t i = 0; i < p->rule_count; i++) {
        const struct bt_rule *rule = &p->rules[i];
        if (bt_str_equal(rule->zone, zone) && counts(p, rule, at_ns)) {
            level = BT_MAX(level, rule->priority);
        }
        bool valid = dates_hold(p->valid_from_ms, p->valid_until_ms, at_ns);
        if (rule->layout[0] != '\0' && valid && rule->priority > strongest &&
            in_force(&rule->when, at_ns)) {
            strongest = rule->priority;
            layout = rule->layout;
        }
    }
    return bt_str_equal(layout, "two") && bt_str_equal(zone, "side") ? -1 : level;
}

// What was interrupted last at each priority.
struct interrupted {
    int64_t run, offset_ns;
    size_t card;
};

static void check_end(const struct bt_publication *p, const char *zone, const struct bt_slot *s)
{
    int64_t shown_ns = s->end_ns - s->start_ns;
    bool lives = item_may(p, s->item, s->end_ns) && in_force(&s->rule->when, s->end_ns);
    int level = level_at(p, zone, s->end_ns);
    switch ((int)s->why_end) {
    case BT_END_SCHEDULE:
        assert_true(s->length_ns == INT64_MAX ? s->end_ns % (3600 * SECOND) == 0
                                              : s->offset_ns + shown_ns == s->length_ns);
        break;
    case BT_END_PREEMPTED:
        assert_true(lives && (level > s->rule->priority || level < 0));
        break;
    default:
        assert_int_equal(s->why_end, BT_END_WINDOW);
        assert_false(lives);
    }
    assert_true(s->end_ns <= s->limit_ns);
}

static void check_slot(const struct bt_publication *p, const char *zone, const struct bt_slot *s,
                       struct interrupted *interrupted)
{
    int64_t end_ns = BT_MIN(s->end_ns, s->start_ns + 3600 * SECOND);
    int64_t instants[] = {s->start_ns, s->start_ns + (end_ns - s->start_ns) / 3,
                          s->start_ns + (end_ns - s->start_ns) / 3 * 2, end_ns - 1};
    for (size_t i = 0; i < BT_ARRAY_LEN(instants); i++) {
        assert_int_equal(level_at(p, zone, instants[i]), s->item ? s->rule->priority : -1);
        assert_true(s->item == NULL || item_may(p, s->item, instants[i]));
        assert_true(s->item == NULL || in_force(&s->rule->when, instants[i]));
    }
    if (s->item == NULL) {
        return;
    }
    struct interrupted *mine = &interrupted[s->rule->priority];
    if (s->offset_ns > 0) {
        assert_int_equal(s->why_start, BT_START_RESUME);
        assert_int_equal(mine->run, s->run);
        assert_int_equal(mine->card, s->card);
        assert_int_equal(mine->offset_ns, s->offset_ns);
    }
    *mine = (struct interrupted){s->run, s->offset_ns + s->end_ns - s->start_ns, s->card};
    check_end(p, zone, s);
}

static void same_slots(const struct bt_slot *a, const struct bt_slot *b)
{
    assert_true(a->item == b->item && a->rule == b->rule && a->card == b->card &&
                a->run == b->run && a->start_ns == b->start_ns && a->end_ns == b->end_ns &&
                a->offset_ns == b->offset_ns && a->limit_ns == b->limit_ns &&
                a->why_start == b->why_start && a->why_end == b->why_end);
}

static void random_publications_keep_every_promise(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        seed = round;
        BT_AUTOBUF text;
        bt_buf_init(&text, 1 << 20);
        make_publication(&text);
        BT_AUTO(bt_show) show = fixture_show(text.data);
        struct bt_moment from = moment("2026-10-10T08:00:00+07:00");
        int64_t until_ns = from.wall_ns + 4 * 86400 * SECOND;
        // The second timeline has its tracks walked in another order.
        BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, from);
        BT_AUTO(bt_timeline) again = bt_timeline_create(show, from);
        for (size_t i = 0; i < bt_show_track_count(show); i++) {
            struct interrupted interrupted[4] = {0};
            struct bt_moment at = from;
            size_t other = bt_show_track_count(show) - 1 - i;
            struct bt_slot ahead, slot, repeated;
            bt_timeline_next(again, other, from, &ahead);
            while (at.wall_ns < until_ns) {
                bt_timeline_next(timeline, i, at, &slot);
                assert_int_equal(slot.start_ns, at.wall_ns);
                assert_true(slot.end_ns > slot.start_ns);
                check_slot(bt_show_publication(show, 0), bt_show_track(show, i)->name, &slot,
                           interrupted);
                at.wall_ns = slot.end_ns;
            }
            BT_AUTO(bt_timeline) twin = bt_timeline_create(show, from);
            BT_AUTO(bt_timeline) third = bt_timeline_create(show, from);
            at = from;
            for (int n = 0; n < 50 && at.wall_ns < until_ns; n++) {
                bt_timeline_next(twin, i, at, &slot);
                bt_timeline_next(third, other, at, &ahead);
                bt_timeline_next(third, i, at, &repeated);
                same_slots(&slot, &repeated);
                at.wall_ns = slot.end_ns;
            }
        }
    }
}

// --- Shares ---

static void make_shares(struct bt_buf *out, int campaigns, int64_t *weights)
{
    ADD(HEAD "'campaigns':[");
    for (int i = 0; i < campaigns; i++) {
        weights[i] = 1 + pick(pick(2) ? 1000 : 10);
        ADD("%s{'id':'c%d','name':'C','weight':%lld}", i > 0 ? "," : "", i, (long long)weights[i]);
    }
    ADD("],'playlists':[{'name':'e','items':[" TEXT("e", "45") "]},{'name':'p','items':[");
    for (int i = 0, n = campaigns + pick(20); i < n; i++) {
        ADD("%s{'id':'i%d','type':'text','text':'x','seconds':%d,'campaign':'c%d'}",
            i > 0 ? "," : "", i, 5 + pick(pick(4) ? 20 : 400), i < campaigns ? i : pick(campaigns));
    }
    ADD("]}],'schedule':[" RULE("r", "p", ",'times':'06:00-22:00'") "," RULE(
            "e", "e", ",'priority':'priority','times':'%02d:30-%02d:45'") "]}",
        7 + pick(5), 12 + pick(5));
}

static void campaigns_get_their_share_of_a_day(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 60; round++) {
        seed = round;
        int campaigns = 2 + pick(9);
        int64_t weights[16], given[16] = {0}, total = 0, weight_sum = 0, longest = 0;
        BT_AUTOBUF text;
        bt_buf_init(&text, 1 << 20);
        make_shares(&text, campaigns, weights);
        struct walk w = start_walk(text.data, "2026-10-10T06:00:00+07:00");
        while (w.at.wall_ns < fixture_ns("2026-10-10T22:00:00+07:00")) {
            const struct bt_slot *slot = step(&w);
            if (slot->item->campaign >= 0) {
                given[slot->item->campaign] += slot->end_ns - slot->start_ns;
                total += slot->end_ns - slot->start_ns;
                longest = BT_MAX(longest, slot->length_ns);
            }
        }
        finish_walk(&w);
        for (int i = 0; i < campaigns; i++) {
            weight_sum += weights[i];
        }
        for (int i = 0; i < campaigns; i++) {
            int64_t off = llabs(given[i] - total / weight_sum * weights[i]);
            assert_true(off <= BT_MAX(total / 100, longest));
        }
    }
}

static void rules_divide_time_by_share_and_then_by_weight(void **state)
{
    (void)state;
    struct walk w = start_walk(
        HEAD
        "'playlists':[{'name':'a','items':[" TEXT("a", "11") "]},{'name':'b','items':[" TEXT("b", "17") "]},{'name':'c','items':[" TEXT("c", "9") "]},{'name':'d','items':[" TEXT(
            "d",
            "30") "]}],'schedule':[" RULE("a", "a",
                                          ",'share_percent':"
                                          "20") "," RULE("b", "b",
                                                         ",'"
                                                         "shar"
                                                         "e_"
                                                         "perc"
                                                         "ent'"
                                                         ":"
                                                         "10") "," RULE("c", "c",
                                                                        ",'"
                                                                        "weig"
                                                                        "ht':"
                                                                        "3") "," RULE("d", "d",
                                                                                      ",'"
                                                                                      "weight'"
                                                                                      ":4") "]"
                                                                                            "}",
        "2026-10-10T06:00:00+07:00");
    int64_t given[4] = {0}, total = 0;
    while (w.at.wall_ns < fixture_ns("2026-10-10T22:00:00+07:00")) {
        const struct bt_slot *slot = step(&w);
        given[slot->item->id[0] - 'a'] += slot->end_ns - slot->start_ns;
        total += slot->end_ns - slot->start_ns;
    }
    static const int percent[] = {20, 10, 30, 40};
    for (int i = 0; i < 4; i++) {
        assert_true(llabs(given[i] - total * percent[i] / 100) <= 30 * SECOND);
    }
    finish_walk(&w);
}

// The province's rules together, by share or by weight, get no more than the screen allows.
static void the_screen_limits_the_share_of_the_province(void **state)
{
    (void)state;
    static const char screen[] =
        "{'format':1,'id':'s','version':1,'layer':'screen','canvas':{'width':64,'height':36},"
        "'limits':{'province_share_percent':%d},'zones':[{'name':'main'}]}";
    static const char province[] =
        "{'format':1,'id':'p','version':1,'layer':'province','playlists':[{'name':'p','items':["
        "{'id':'p','type':'text','text':'x','seconds':7}]}],'schedule':["
        "{'id':'a','zone':'main','playlist':'p','share_percent':60},"
        "{'id':'b','zone':'main','playlist':'p','weight':900}]}";
    static const char unit[] = "{'format':1,'id':'u','version':1,'playlists':[{'name':'p','items':["
                               "{'id':'u','type':'text','text':'x','seconds':11}]}],'schedule':["
                               "{'id':'c','zone':'main','playlist':'p'}]}";
    static const int limits[] = {1, 20, 75};
    for (size_t i = 0; i < BT_ARRAY_LEN(limits); i++) {
        BT_AUTOFREE char *limited = bt_strf(screen, limits[i]);
        const char *const quoted[] = {limited, province, unit};
        struct bt_error err;
        BT_AUTO(bt_show) show = NULL;
        assert_int_equal(fixture_try_show(quoted, BT_ARRAY_LEN(quoted), &show, &err), 0);
        struct bt_moment at = moment("2026-10-10T06:00:00+07:00");
        int64_t start_ns = at.wall_ns, until_ns = fixture_ns("2026-10-11T06:00:00+07:00");
        int64_t given_ns = 0;
        BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, at);
        for (struct bt_slot slot; at.wall_ns < until_ns; at.wall_ns = slot.end_ns) {
            bt_timeline_next(timeline, 0, at, &slot);
            given_ns += slot.item->id[0] == 'p' ? slot.end_ns - slot.start_ns : 0;
        }
        int64_t allowed_ns = (at.wall_ns - start_ns) * limits[i] / 100;
        assert_true(llabs(given_ns - allowed_ns) <= 20 * SECOND);
    }
}

// A thousand rules that all change every day, most of them by a recurrence, some impossible.
static void a_thousand_rules_are_bounded_work(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    bt_buf_init(&text, 1 << 20);
    struct bt_buf *out = &text;
    ADD(HEAD
        "'playlists':[{'name':'p','items':[" TEXT("a", "10") "," TEXT("b", "700") "]}],"
                                                                                  "'schedule':[");
    for (int i = 0; i < BT_MAX_RULES; i++) {
        static const char *const rrules[] = {
            "FREQ=DAILY;BYHOUR=0,3,6,9,12,15,18,21;BYMINUTE=0,30", "FREQ=YEARLY;BYDAY=MO,TU,WE",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=1FR;BYSETPOS=1;COUNT=900"};
        ADD("%s{'id':'r%d','zone':'main','playlist':'p','weight':%d,'priority':'%s','repeat':"
            "{'rrule':'%s','start':'2020-01-01T00:%02d:%02d','seconds':%d}}",
            i > 0 ? "," : "", i, 1 + i % 1000, i % 7 ? "normal" : "priority", rrules[i % 4], i % 60,
            i / 60, 60 + i);
    }
    ADD("]}");
    struct walk w = start_walk(text.data, "2026-10-10T06:00:00+07:00");
    for (int i = 0; i < 5000; i++) {
        step(&w);
    }
    finish_walk(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_follow_their_playlist),
        cmocka_unit_test(the_next_item_starts_when_it_is_asked_for),
        cmocka_unit_test(what_could_not_be_shown_is_passed_over_for_its_time),
        cmocka_unit_test(without_anything_else_a_damaged_item_leaves_its_time_empty),
        cmocka_unit_test(a_skipped_campaign_gives_its_time_to_nobody),
        cmocka_unit_test(an_item_that_is_not_ready_loses_its_turn_and_nothing_else),
        cmocka_unit_test(an_item_that_cannot_finish_is_not_started),
        cmocka_unit_test(nothing_scheduled_is_one_empty_slot_until_something_is),
        cmocka_unit_test(when_all_is_over_the_slot_never_ends),
        cmocka_unit_test(a_publication_waits_for_its_activation),
        cmocka_unit_test(before_its_anchor_the_loop_shows_nothing),
        cmocka_unit_test(a_rule_without_living_items_stands_in_nobodys_way),
        cmocka_unit_test(interrupted_in_turn_each_goes_on_inside),
        cmocka_unit_test(the_interrupted_is_forgotten_when_its_own_window_has_closed),
        cmocka_unit_test(what_never_ends_takes_over_all_the_same),
        cmocka_unit_test(endless_items_close_every_full_hour),
        cmocka_unit_test(clocks_hide_while_the_time_is_not_trusted),
        cmocka_unit_test(random_publications_keep_every_promise),
        cmocka_unit_test(campaigns_get_their_share_of_a_day),
        cmocka_unit_test(rules_divide_time_by_share_and_then_by_weight),
        cmocka_unit_test(the_screen_limits_the_share_of_the_province),
        cmocka_unit_test(a_thousand_rules_are_bounded_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
