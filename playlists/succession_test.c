#include <stdlib.h>

#include "playlists/show_fixture.h"
#include "playlists/timeline.h"

#define SECOND BT_NS_PER_S
#define START "2026-10-10T06:00:00+07:00"

#define TEXT(id, seconds) "{'id':'" id "','type':'text','text':'x','seconds':" seconds "}"
#define UNIT(version, activate, items)                                                             \
    "{'format':1,'id':'u','version':" version ",'activate':'" activate                             \
    "','canvas':{'width':64,'height':36},'zones':[{'name':'main','playlist':'p'}],"                \
    "'playlists':[{'name':'p','items':[" items "]}]}"
#define ABC TEXT("a", "10") "," TEXT("b", "10") "," TEXT("c", "10")

static const char warning[] =
    "{'format':1,'id':'w','version':1,'layer':'emergency','activate':'now','playlists':["
    "{'name':'w','items':[" TEXT("w", "7") "]}],'schedule':["
                                           "{'id':'w','zone':'main','playlist':'w'}]}";

// A timeline with its show, and the slot that is on.
struct stage {
    struct bt_show *show;
    struct bt_timeline *timeline;
    struct bt_slot on, ahead;
    bool planned;  // `ahead` is what follows
    int64_t at_ns;
};

static struct bt_moment moment(int64_t ns)
{
    return (struct bt_moment){ns, true};
}

static struct stage open_stage(const char *const *quoted, size_t count)
{
    struct stage stage = {.at_ns = fixture_ns(START), .on = {.start_ns = fixture_ns(START)}};
    struct bt_error err;
    if (fixture_try_show(quoted, count, &stage.show, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    stage.timeline = bt_timeline_create(stage.show, moment(stage.at_ns));
    return stage;
}

static struct stage open_one(const char *quoted)
{
    return open_stage(&quoted, 1);
}

static void close_stage(struct stage *stage)
{
    bt_timeline_destroy(stage->timeline);
    bt_show_destroy(stage->show);
}

// The next slot comes on the screen, and the one after it is planned ahead, as players do.
static const char *step(struct stage *stage)
{
    if (!stage->planned) {
        bt_timeline_next(stage->timeline, 0, moment(stage->at_ns), &stage->ahead);
    }
    stage->on = stage->ahead;
    assert_true(bt_timeline_keep(stage->timeline, 0, stage->on.serial));
    stage->at_ns = stage->on.end_ns;
    bt_timeline_next(stage->timeline, 0, moment(stage->at_ns), &stage->ahead);
    stage->planned = true;
    return stage->on.item == NULL ? "" : stage->on.item->id;
}

// Goes on with another show so long after the slot on the screen began.
static enum bt_fate change(struct stage *stage, const char *const *quoted, size_t count,
                           int64_t shown_ns, bool urgent)
{
    struct stage next = open_stage(quoted, count);
    struct bt_succession succession = {.from = stage->timeline,
                                       .serial = stage->on.serial,
                                       .shown_ns = shown_ns,
                                       .urgent = urgent};
    next.at_ns = stage->on.start_ns + shown_ns;
    next.on = stage->on;
    struct bt_slot slot;
    enum bt_fate fate =
        bt_timeline_succeed(next.timeline, 0, &succession, moment(next.at_ns), &slot);
    if (fate == BT_FATE_GOES_ON) {
        next.on = slot;
        next.at_ns = slot.end_ns;
    } else if (fate == BT_FATE_MAY_FINISH) {
        next.at_ns = stage->on.end_ns;
    }
    close_stage(stage);
    *stage = next;
    return fate;
}

static enum bt_fate change_one(struct stage *stage, const char *quoted, int64_t shown_ns)
{
    return change(stage, &quoted, 1, shown_ns, false);
}

static void the_same_show_goes_on_as_if_nothing_had_happened(void **state)
{
    (void)state;
    struct stage stage = open_one(UNIT("1", "boundary", ABC));
    assert_string_equal(step(&stage), "a");
    // The timeline is one ahead: 'b' was planned already and must not be lost.
    int64_t end_ns = stage.on.end_ns;
    assert_int_equal(change_one(&stage, UNIT("2", "now", ABC), 4 * SECOND), BT_FATE_GOES_ON);
    assert_string_equal(stage.on.item->id, "a");
    assert_int_equal(stage.on.end_ns, end_ns);
    assert_string_equal(step(&stage), "b");
    assert_string_equal(step(&stage), "c");
    assert_string_equal(step(&stage), "a");
    close_stage(&stage);
}

static void a_changed_playlist_goes_on_behind_what_is_shown(void **state)
{
    (void)state;
    struct stage stage = open_one(UNIT("1", "boundary", ABC));
    (void)step(&stage);
    assert_string_equal(step(&stage), "b");
    assert_int_equal(change_one(&stage,
                                UNIT("2", "boundary", TEXT("n", "5") "," ABC "," TEXT("d", "5")),
                                SECOND),
                     BT_FATE_GOES_ON);
    assert_string_equal(step(&stage), "c");
    assert_string_equal(step(&stage), "d");
    assert_string_equal(step(&stage), "n");
    close_stage(&stage);
}

static void what_is_gone_may_finish_and_its_successor_follows(void **state)
{
    (void)state;
    struct stage stage = open_one(UNIT("1", "boundary", ABC));
    (void)step(&stage);
    assert_string_equal(step(&stage), "b");
    assert_int_equal(
        change_one(&stage, UNIT("2", "boundary", TEXT("c", "10") "," TEXT("d", "5")), SECOND),
        BT_FATE_MAY_FINISH);
    assert_string_equal(step(&stage), "c");
    assert_string_equal(step(&stage), "d");
    close_stage(&stage);
}

static void what_is_to_begin_now_begins_with_its_first_item(void **state)
{
    (void)state;
    struct stage stage = open_one(UNIT("1", "boundary", ABC));
    (void)step(&stage);
    assert_string_equal(step(&stage), "b");
    assert_int_equal(change_one(&stage, UNIT("2", "now", TEXT("n", "5") "," ABC), SECOND),
                     BT_FATE_REMOVED);
    assert_string_equal(step(&stage), "n");
    assert_string_equal(step(&stage), "a");
    // Its first item stands on the screen already: it is not begun again.
    assert_int_equal(change_one(&stage, UNIT("3", "now", TEXT("a", "10")), SECOND),
                     BT_FATE_GOES_ON);
    close_stage(&stage);
}

static void a_warning_cuts_in_and_the_item_resumes_at_its_place(void **state)
{
    (void)state;
    static const char *const both[] = {UNIT("1", "boundary", ABC), warning};
    struct stage stage = open_one(both[0]);
    (void)step(&stage);
    assert_string_equal(step(&stage), "b");
    int64_t run = stage.on.run;
    assert_int_equal(change(&stage, both, 2, 3 * SECOND, true), BT_FATE_PREEMPTED);
    assert_string_equal(step(&stage), "w");
    assert_int_equal(stage.on.why_start, BT_START_PREEMPT);
    // It came on the screen a little later than it was planned.
    bt_timeline_interrupted_at(stage.timeline, 0, run, 3 * SECOND + 40 * BT_NS_PER_MS);
    assert_string_equal(step(&stage), "w");
    assert_int_equal(change(&stage, both, 1, SECOND, true), BT_FATE_REMOVED);
    assert_string_equal(step(&stage), "b");
    assert_int_equal(stage.on.why_start, BT_START_RESUME);
    assert_int_equal(stage.on.run, run);
    assert_int_equal(stage.on.offset_ns, 3 * SECOND + 40 * BT_NS_PER_MS);
    assert_string_equal(step(&stage), "c");
    close_stage(&stage);
}

static void an_interrupted_item_that_was_changed_meanwhile_is_not_resumed(void **state)
{
    (void)state;
    static const char *const both[] = {UNIT("1", "boundary", ABC), warning};
    struct stage stage = open_one(both[0]);
    assert_string_equal(step(&stage), "a");
    assert_int_equal(change(&stage, both, 2, 3 * SECOND, true), BT_FATE_PREEMPTED);
    assert_string_equal(step(&stage), "w");
    static const char *const other[] = {
        UNIT("2", "boundary", TEXT("a", "12") "," TEXT("b", "10") "," TEXT("c", "10"))};
    assert_int_equal(change(&stage, other, 1, SECOND, true), BT_FATE_REMOVED);
    assert_string_equal(step(&stage), "b");
    assert_int_equal(stage.on.why_start, BT_START_SCHEDULE);
    close_stage(&stage);
}

static void a_track_that_showed_nothing_begins(void **state)
{
    (void)state;
    struct stage stage = open_one(UNIT("1", "boundary", ABC));
    assert_int_equal(change_one(&stage, UNIT("2", "boundary", ABC), 0), BT_FATE_NONE);
    assert_string_equal(step(&stage), "a");
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_show_goes_on_as_if_nothing_had_happened),
        cmocka_unit_test(a_changed_playlist_goes_on_behind_what_is_shown),
        cmocka_unit_test(what_is_gone_may_finish_and_its_successor_follows),
        cmocka_unit_test(what_is_to_begin_now_begins_with_its_first_item),
        cmocka_unit_test(a_warning_cuts_in_and_the_item_resumes_at_its_place),
        cmocka_unit_test(an_interrupted_item_that_was_changed_meanwhile_is_not_resumed),
        cmocka_unit_test(a_track_that_showed_nothing_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
