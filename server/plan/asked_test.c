#include "server/plan/asked.h"

#include "playlists/show_fixture.h"

#define HEAD                                                                                       \
    "{'format':1,'id':'u','version':1,'layer':'unit','canvas':{'width':960,'height':480},"         \
    "'layouts':[{'name':'one','zones':[{'name':'main'}]}],"
#define TEXT(id, seconds, ...)                                                                     \
    "{'id':'" id "','type':'text','text':'x','seconds':" seconds __VA_ARGS__ "}"
#define RULE(id, playlist, ...)                                                                    \
    "{'id':'" id "','zone':'main','playlist':'" playlist "'" __VA_ARGS__ "}"

// Of a loop that starts on Monday, what begins between two moments.
static struct bt_asked ask(const char *quoted, const char *count_from, const char *until)
{
    struct bt_error err = {0};
    struct bt_asked asked;
    BT_AUTO(bt_show) show = fixture_show(quoted);
    const struct bt_asked_span span = {.from_ns = fixture_ns("2026-11-16T00:00:00+07:00"),
                                       .count_from_ns = fixture_ns(count_from),
                                       .until_ns = fixture_ns(until)};
    if (bt_asked_count(show, &span, &asked, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return asked;
}

static struct bt_asked ask_monday(const char *quoted)
{
    return ask(quoted, "2026-11-16T00:00:00+07:00", "2026-11-17T00:00:00+07:00");
}

static struct bt_asked ask_tuesday(const char *quoted)
{
    return ask(quoted, "2026-11-17T00:00:00+07:00", "2026-11-18T00:00:00+07:00");
}

static int64_t planned(const struct bt_asked *asked, const char *item)
{
    int64_t sum = 0;
    for (size_t i = 0; i < asked->count; i++) {
        sum += strcmp(asked->rows[i].item, item) == 0 ? asked->rows[i].planned : 0;
    }
    return sum;
}

static void campaigns_are_asked_for_by_their_weights(void **state)
{
    (void)state;
    struct bt_asked asked = ask_monday(
        HEAD "'campaigns':[{'id':'x','name':'X','weight':3},{'id':'y','name':'Y','weight':1}],"
             "'playlists':[{'name':'p','items':[" TEXT("a", "10", ",'campaign':'x'") "," TEXT(
                 "b", "10", ",'campaign':'y'") "]}],'schedule':[" RULE("r", "p") "]}");
    assert_int_equal(asked.count, 2);
    assert_int_equal(planned(&asked, "a"), 6480);  // three quarters of 8640
    assert_int_equal(planned(&asked, "b"), 2160);
    assert_string_equal(asked.rows[0].campaign, "x");
    assert_string_equal(asked.rows[0].publication, "u");
    assert_int_equal(asked.rows[0].priority, BT_PRIORITY_NORMAL);
    bt_asked_finish(&asked);
}

// Monday's evening, into Tuesday.
#define EVENING                                                                                    \
    HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "10") "]},{'name':'q','items':[" TEXT(     \
        "b", "20") "]}],'schedule':[" RULE("r", "p") "," RULE("s", "q",                            \
                                                              ",'priority':'priority','weekdays':" \
                                                              "['mon'],'times':"                   \
                                                              "'22:00-02:00'") "]}"

static void a_window_across_midnight_belongs_to_two_days(void **state)
{
    (void)state;
    struct bt_asked monday = ask_monday(EVENING), tuesday = ask_tuesday(EVENING);
    assert_int_equal(planned(&monday, "b"), 360);  // two hours of twenty seconds
    assert_int_equal(planned(&tuesday, "b"), 360);
    assert_int_equal(planned(&monday, "a"), 22 * 360);
    assert_int_equal(planned(&tuesday, "a"), 22 * 360);
    bt_asked_finish(&monday);
    bt_asked_finish(&tuesday);
}

static void a_set_is_asked_for_once(void **state)
{
    (void)state;
    struct bt_asked asked = ask_monday(
        HEAD "'assets':[{'name':'a','sha256':"
             "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','size':1,"
             "'type':'image/png'}],'playlists':[{'name':'p','items':[{'id':'bo','type':'set',"
             "'cards':[{'asset':'a','seconds':5},{'asset':'a','seconds':7}]}]}],"
             "'schedule':[" RULE("r", "p") "]}");
    assert_int_equal(planned(&asked, "bo"), 7200);
    bt_asked_finish(&asked);
}

static void what_goes_on_after_it_was_interrupted_is_not_asked_for_again(void **state)
{
    (void)state;
    struct bt_asked asked = ask_monday(
        HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "3600") "]},{'name':'q','items':[" TEXT(
            "b", "10") "]}],'schedule':[" RULE("r", "p") "," RULE("s", "q",
                                                                  ",'priority':'priority','times':'"
                                                                  "00:30-00:31'") "]}");
    assert_int_equal(planned(&asked, "a"), 24);  // at 00:00, 01:01, 02:01 … 23:01
    assert_int_equal(planned(&asked, "b"), 6);
    bt_asked_finish(&asked);
}

static void endless_items_are_asked_for_every_hour(void **state)
{
    (void)state;
    struct bt_asked asked = ask_monday(HEAD "'playlists':[{'name':'p','items':[{'id':'gio',"
                                            "'type':'clock'}]}],"
                                            "'schedule':[" RULE("r", "p") "]}");
    assert_int_equal(planned(&asked, "gio"), 24);
    bt_asked_finish(&asked);
}

// Ten minutes a day, in which two of three find room.
#define SHORT_WINDOW                                                                               \
    HEAD "'playlists':[{'name':'p','items':[" TEXT("a", "300") "," TEXT("b", "300") "," TEXT(      \
        "c", "300") "]}],'schedule':[" RULE("r", "p", ",'times':'06:00-06:10'") "]}"

static void what_found_no_room_has_its_turn_the_next_day(void **state)
{
    (void)state;
    struct bt_asked monday = ask_monday(SHORT_WINDOW), tuesday = ask_tuesday(SHORT_WINDOW);
    assert_int_equal(planned(&monday, "a"), 1);
    assert_int_equal(planned(&monday, "b"), 1);
    assert_int_equal(planned(&monday, "c"), 0);
    assert_int_equal(planned(&tuesday, "c"), 1);
    assert_int_equal(planned(&tuesday, "a"), 1);
    assert_int_equal(planned(&tuesday, "b"), 0);
    bt_asked_finish(&monday);
    bt_asked_finish(&tuesday);
}

static void rows_of_one_key_are_added_up(void **state)
{
    (void)state;
    struct bt_asked_row rows[] = {{.item = "b", .planned = 1}, {.item = "a", .planned = 2}};
    const struct bt_asked more = {.rows = rows, .count = BT_ARRAY_LEN(rows)};
    struct bt_asked sum = {0};
    bt_asked_add(&sum, &more, "31333", "s.31333.A");
    bt_asked_add(&sum, &more, "31333", "s.31333.A");
    bt_asked_add(&sum, &more, "31334", "s.31334.A");
    bt_asked_merge(&sum);
    assert_int_equal(sum.count, 4);
    assert_string_equal(sum.rows[0].item, "a");
    assert_string_equal(sum.rows[0].publication, "s.31333.A");
    assert_int_equal(sum.rows[0].planned, 4);
    assert_int_equal(sum.rows[1].planned, 2);
    assert_string_equal(sum.rows[2].unit, "31334");
    assert_int_equal(sum.rows[2].planned, 2);
    bt_asked_finish(&sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(campaigns_are_asked_for_by_their_weights),
        cmocka_unit_test(a_window_across_midnight_belongs_to_two_days),
        cmocka_unit_test(a_set_is_asked_for_once),
        cmocka_unit_test(what_goes_on_after_it_was_interrupted_is_not_asked_for_again),
        cmocka_unit_test(endless_items_are_asked_for_every_hour),
        cmocka_unit_test(what_found_no_room_has_its_turn_the_next_day),
        cmocka_unit_test(rows_of_one_key_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
