#include "player/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "playlists/show_fixture.h"
#include "plays/testing.h"

#define PUBLICATION                                                                                \
    "{'format':1,'id':'a','version':1,'layer':'unit','unit':'x','title':'x',"                      \
    "'canvas':{'width':64,'height':36},"                                                           \
    "'playlists':[{'name':'p','items':[{'id':'i','type':'colour','colour':'#ff0000'}]}],"          \
    "'zones':[{'name':'z','playlist':'p'}]}"

// A zone's evidence, and the journal it goes to.
struct desk {
    struct bt_running_order *order;
    struct bt_recorder *recorder;
    struct bt_evidence_log log;
    const struct bt_test_dir *dir;
};

static void open_desk(struct desk *desk, const struct bt_test_dir *dir)
{
    const struct bt_recorder_options options = {.path = dir->journal,
                                                .screen = "",
                                                .player = "test",
                                                .wait_for_open = true,
                                                .wall_ms = BT_TEST_WALL_MS,
                                                .clock_trust = BT_CLOCK_SYNCED};
    struct bt_error err;
    *desk = (struct desk){.dir = dir};
    assert_int_equal(bt_recorder_open(&options, &desk->recorder, &err), 0);
    desk->order =
        bt_running_order_create(fixture_show(PUBLICATION), bt_clock_real(), BT_TRUST_ALWAYS, 0);
    bt_evidence_init(&desk->log, desk->recorder, desk->order, BT_EVIDENCE_PRESENT);
}

static void close_desk(struct desk *desk)
{
    bt_recorder_destroy(desk->recorder);
    bt_running_order_destroy(desk->order);
}

static struct bt_play_start a_start(const char *item, int priority, int64_t planned_ms)
{
    struct bt_play_start start = bt_test_start(item, planned_ms);
    bt_copy_cut(start.priority, sizeof(start.priority), bt_priority_word(priority));
    start.run = 1;
    return start;
}

static void begin(struct desk *desk, const char *item, int priority, enum bt_start_reason why,
                  int64_t at_ns)
{
    struct bt_play_start start = a_start(item, priority, 10000);
    bt_evidence_begin(&desk->log, &start, why, at_ns);
}

static int64_t records_like(struct desk *desk, const char *part)
{
    assert_int_equal(bt_recorder_flush(desk->recorder), 0);
    BT_AUTOFREE char *select =
        bt_strf("SELECT count(*) FROM record WHERE body LIKE '%%%s%%'", part);
    return bt_test_count(desk->dir->journal, select);
}

static int64_t open_plays(struct desk *desk)
{
    assert_int_equal(bt_recorder_flush(desk->recorder), 0);
    return bt_test_count(desk->dir->journal, "SELECT count(*) FROM open_play");
}

static void a_play_counts_what_was_presented(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_count(&desk.log, true, BT_NS_PER_S);
    bt_evidence_count(&desk.log, false, BT_NS_PER_S + 20 * BT_NS_PER_MS);
    bt_evidence_count(&desk.log, true, BT_NS_PER_S + 40 * BT_NS_PER_MS);
    bt_evidence_end(&desk.log, BT_END_SCHEDULE, 3, BT_NS_PER_S + 80 * BT_NS_PER_MS);
    assert_int_equal(records_like(&desk, "\"why_ended\":\"schedule\""), 1);
    assert_int_equal(records_like(&desk, "\"presented\":2%\"repeated\":1%\"dropped\":3"), 1);
    assert_int_equal(records_like(&desk, "\"shown_ms\":80"), 1);
    close_desk(&desk);
}

static void what_was_cut_into_goes_on_as_the_same_play(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 2 * BT_NS_PER_S);
    begin(&desk, "gap", BT_PRIORITY_PRIORITY, BT_START_PREEMPT, 2 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 3 * BT_NS_PER_S);
    begin(&desk, "bao", BT_PRIORITY_EMERGENCY, BT_START_PREEMPT, 3 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_WINDOW, 0, 4 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 2);
    begin(&desk, "gap", BT_PRIORITY_PRIORITY, BT_START_RESUME, 4 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_WINDOW, 0, 5 * BT_NS_PER_S);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_RESUME, 5 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_SCHEDULE, 0, 6 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 0);
    assert_int_equal(records_like(&desk, "\"kind\":\"play\""), 3);
    assert_int_equal(records_like(&desk, "\"item\":\"phim\"%\"why_ended\":\"schedule\""), 1);
    close_desk(&desk);
}

static void what_will_not_be_resumed_is_closed(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 2 * BT_NS_PER_S);
    begin(&desk, "gap", BT_PRIORITY_PRIORITY, BT_START_PREEMPT, 2 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_WINDOW, 0, 3 * BT_NS_PER_S);
    // Its dates ended meanwhile: something else of its priority is shown.
    begin(&desk, "anh", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, 3 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 1);
    assert_int_equal(records_like(&desk, "\"item\":\"phim\"%\"why_ended\":\"preempted\""), 1);
    close_desk(&desk);
}

static void an_endless_item_is_closed_when_it_is_cut_into(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    struct bt_play_start crawl = a_start("chu", BT_PRIORITY_NORMAL, 0);
    bt_evidence_begin(&desk.log, &crawl, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 2 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 0);
    assert_int_equal(records_like(&desk, "\"why_ended\":\"preempted\""), 1);
    close_desk(&desk);
}

static void a_display_that_goes_away_closes_interrupted_plays_too(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 2 * BT_NS_PER_S);
    begin(&desk, "gap", BT_PRIORITY_PRIORITY, BT_START_PREEMPT, 2 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_DISPLAY, 0, 3 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 0);
    assert_int_equal(records_like(&desk, "\"why_ended\":\"preempted\""), 1);
    assert_int_equal(records_like(&desk, "\"why_ended\":\"display\""), 1);
    // The loop begins anew and counts its runs from 1 again.
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_RESUME, 4 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 1);
    close_desk(&desk);
}

// The display over the presents of one play, 0 at the end; and what the record says of it.
#define LIT BT_PANEL_ON
static const struct {
    enum bt_panel panels[4];
    size_t count;
    const char *says;
} displays[] = {
    {{LIT, LIT, LIT}, 3, "\"display\":\"on\",\"display_evidence\":\"hpd\""},
    {{LIT, BT_PANEL_OFF, LIT}, 3, "\"display\":\"off\",\"display_evidence\":\"hpd\""},
    {{BT_PANEL_OFF, LIT, LIT}, 3, "\"display\":\"off\""},
    {{LIT, BT_PANEL_STANDBY, BT_PANEL_NONE, LIT}, 4, "\"display\":\"none\""},
    {{LIT, BT_PANEL_UNKNOWN, LIT}, 3, "\"evidence\":\"present\"}"},
    {{BT_PANEL_UNKNOWN, LIT, LIT}, 3, "\"evidence\":\"present\"}"},
    {{BT_PANEL_UNKNOWN, BT_PANEL_STANDBY, LIT}, 3, "\"display\":\"standby\""},
};

static void a_record_says_the_darkest_that_the_display_was(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    for (size_t i = 0; i < BT_ARRAY_LEN(displays); i++) {
        BT_AUTOFREE char *item = bt_strf("phim-%zu", i);
        desk.log.panel = displays[i].panels[0];
        begin(&desk, item, BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
        for (size_t k = 1; k < displays[i].count; k++) {
            desk.log.panel = displays[i].panels[k];
            bt_evidence_count(&desk.log, true, (int64_t)(k + 1) * BT_NS_PER_S);
            open_plays(&desk);  // written down in between
        }
        bt_evidence_end(&desk.log, BT_END_SCHEDULE, 0, 9 * BT_NS_PER_S);
        BT_AUTOFREE char *part = bt_strf("\"item\":\"%s\"%%%s", item, displays[i].says);
        if (records_like(&desk, part) != 1) {
            fail_msg("case %zu: no record says %s", i, displays[i].says);
        }
    }
    close_desk(&desk);
}

static void what_happens_in_an_interruption_is_not_the_plays(void **state)
{
    struct desk desk;
    open_desk(&desk, *state);
    desk.log.panel = BT_PANEL_ON;
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_SCHEDULE, BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 2 * BT_NS_PER_S);
    desk.log.panel = BT_PANEL_OFF;
    begin(&desk, "bao", BT_PRIORITY_EMERGENCY, BT_START_PREEMPT, 2 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_WINDOW, 0, 3 * BT_NS_PER_S);
    desk.log.panel = BT_PANEL_ON;
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_RESUME, 3 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 4 * BT_NS_PER_S);
    begin(&desk, "gap", BT_PRIORITY_PRIORITY, BT_START_PREEMPT, 4 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_WINDOW, 0, 5 * BT_NS_PER_S);
    assert_int_equal(open_plays(&desk), 1);
    // Dark when it is resumed: not lit all the time.
    begin(&desk, "anh", BT_PRIORITY_EMERGENCY, BT_START_PREEMPT, 5 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_PREEMPTED, 0, 6 * BT_NS_PER_S);
    desk.log.panel = BT_PANEL_STANDBY;
    begin(&desk, "anh", BT_PRIORITY_EMERGENCY, BT_START_RESUME, 7 * BT_NS_PER_S);
    bt_evidence_end(&desk.log, BT_END_SCHEDULE, 0, 8 * BT_NS_PER_S);
    begin(&desk, "phim", BT_PRIORITY_NORMAL, BT_START_RESUME, 8 * BT_NS_PER_S);
    desk.log.panel = BT_PANEL_ON;
    bt_evidence_end(&desk.log, BT_END_SCHEDULE, 0, 9 * BT_NS_PER_S);
    assert_int_equal(records_like(&desk, "\"item\":\"bao\"%\"display\":\"off\""), 1);
    assert_int_equal(records_like(&desk, "\"item\":\"gap\"%\"display\":\"on\""), 1);
    assert_int_equal(records_like(&desk, "\"item\":\"anh\"%\"display\":\"standby\""), 1);
    assert_int_equal(records_like(&desk, "\"item\":\"phim\"%\"display\":\"standby\""), 1);
    close_desk(&desk);
}

static void without_a_recorder_nothing_happens(void **state)
{
    (void)state;
    struct bt_evidence_log log;
    bt_evidence_init(&log, NULL, NULL, BT_EVIDENCE_SIMULATED);
    struct bt_play_start start = a_start("phim", BT_PRIORITY_NORMAL, 10000);
    bt_evidence_begin(&log, &start, BT_START_SCHEDULE, 1);
    bt_evidence_count(&log, true, 1);
    bt_evidence_end(&log, BT_END_STOPPED, 0, 2);
    assert_int_equal(log.play, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_play_counts_what_was_presented),
        BT_TEST_IN_DIR(what_was_cut_into_goes_on_as_the_same_play),
        BT_TEST_IN_DIR(what_will_not_be_resumed_is_closed),
        BT_TEST_IN_DIR(an_endless_item_is_closed_when_it_is_cut_into),
        BT_TEST_IN_DIR(a_display_that_goes_away_closes_interrupted_plays_too),
        BT_TEST_IN_DIR(a_record_says_the_darkest_that_the_display_was),
        BT_TEST_IN_DIR(what_happens_in_an_interruption_is_not_the_plays),
        cmocka_unit_test(without_a_recorder_nothing_happens),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
