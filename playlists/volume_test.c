#include "playlists/volume.h"

#include "base/str.h"
#include "playlists/show_fixture.h"

#define UNIT_ITEM                                                                                  \
    "'assets':[{'name':'phim','size':9,'type':'video/mp4','duration_ms':15000,"                    \
    "'sha256':'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}],"               \
    "'playlists':[{'name':'p','items':[{'id':'i','type':'video','asset':'phim'%s}]}]"

struct house {
    const char *item, *zone, *unit_sound, *screen_sound, *limits;
};

static const struct house plain = {
    ",'volume_percent':80", "", "", "", "",
};

static struct bt_show *show_of(const struct house *house)
{
    BT_AUTOFREE char *screen = bt_strf("{'format':1,'id':'m','version':1,'layer':'screen',"
                                       "'canvas':{'width':640,'height':360},"
                                       "'zones':[{'name':'chinh'%s}]%s%s}",
                                       house->zone, house->screen_sound, house->limits);
    BT_AUTOFREE char *unit = bt_strf("{'format':1,'id':'u','version':1%s," UNIT_ITEM
                                     ",'schedule':[{'zone':'chinh','playlist':'p'}]}",
                                     house->unit_sound, house->item);
    const char *texts[] = {screen, unit};
    struct bt_show *show = NULL;
    struct bt_error err;
    if (fixture_try_show(texts, BT_ARRAY_LEN(texts), &show, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return show;
}

static enum bt_heard ask(const struct house *house, const char *local, bool trusted,
                         int64_t *out_milli)
{
    BT_AUTO(bt_show) show = show_of(house);
    const struct bt_publication *unit = bt_show_publication(show, 1);
    struct bt_volume_wish wish;
    bt_volume_wish(unit, &unit->playlists[0].items[0], &wish);
    int64_t ms;
    assert_int_equal(bt_rfc3339_parse(local, &ms), 0);
    const struct bt_volume_time time = {ms / 1000, trusted};
    return bt_volume(show, bt_show_track(show, 0), &wish, &time, out_milli);
}

// 21 November 2026 is a Saturday.
#define NOON "2026-11-21T12:00:00Z"

static const struct {
    struct house house;
    const char *local;
    enum bt_heard heard;
    int64_t milli;
} quieter[] = {
    {{"", "", "", "", ""}, NOON, BT_HEARD_UNASKED, 0},
    {{",'volume_percent':0", "", "", "", ""}, NOON, BT_HEARD_UNASKED, 0},
    {{",'volume_percent':80", "", "", "", ""}, NOON, BT_HEARD, 800},
    {{",'volume_percent':80", ",'volume_percent':50", "", "", ""}, NOON, BT_HEARD, 400},
    {{",'volume_percent':80", ",'volume_percent':0", "", "", ""}, NOON, BT_HEARD_UNASKED, 0},
    {{",'volume_percent':80", "", "", "", ",'limits':{'volume_percent':30}"}, NOON, BT_HEARD, 300},
    {{",'volume_percent':20", "", "", "", ",'limits':{'volume_percent':30}"}, NOON, BT_HEARD, 200},
    {{",'volume_percent':80", "", "", "", ",'limits':{'volume_percent':0}"},
     NOON,
     BT_HEARD_LIMITED,
     0},
    {{",'volume_percent':80", "", ",'sound':[{'times':'11:00-13:00','volume_percent':50}]", "", ""},
     NOON,
     BT_HEARD,
     400},
    {{",'volume_percent':80", "", ",'sound':[{'times':'11:00-13:00','volume_percent':50}]",
      ",'sound':[{'times':'00:00-24:00','volume_percent':50}]", ""},
     NOON,
     BT_HEARD,
     200},
    // Hours that are not named are silent; the quietest that holds counts.
    {{",'volume_percent':80", "", ",'sound':[{'times':'13:00-14:00','volume_percent':50}]", "", ""},
     NOON,
     BT_HEARD_CURFEW,
     0},
    {{",'volume_percent':80", "", "",
      ",'sound':[{'times':'06:00-22:00','volume_percent':100},"
      "{'times':'11:30-13:30','volume_percent':25}]",
      ""},
     NOON,
     BT_HEARD,
     200},
    {{",'volume_percent':80", "", "",
      ",'sound':[{'times':'06:00-22:00','volume_percent':100},"
      "{'times':'11:30-13:30','weekdays':['mon','sun'],'volume_percent':25}]",
      ""},
     NOON,
     BT_HEARD,
     800},
    {{",'volume_percent':100", "", "", "", ",'limits':{'sound_times':['07:00-11:30']}"},
     NOON,
     BT_HEARD_CURFEW,
     0},
    {{",'volume_percent':100", "", "", "",
      ",'limits':{'sound_times':['07:00-11:30','11:59-21:00']}"},
     NOON,
     BT_HEARD,
     1000},
};

static void everybody_can_only_make_it_quieter(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(quieter); i++) {
        int64_t milli = -1;
        enum bt_heard heard = ask(&quieter[i].house, quieter[i].local, true, &milli);
        if (heard != quieter[i].heard || milli != quieter[i].milli) {
            fail_msg("case %zu: %d, %lld", i, (int)heard, (long long)milli);
        }
    }
}

static void a_curfew_begins_and_ends_with_the_second(void **state)
{
    (void)state;
    static const struct house house = {",'volume_percent':80", "", "", "",
                                       ",'limits':{'sound_times':['21:00-01:00']}"};
    static const struct {
        const char *local;
        enum bt_heard heard;
    } cases[] = {
        {"2026-11-21T20:59:59Z", BT_HEARD_CURFEW}, {"2026-11-21T21:00:00Z", BT_HEARD},
        {"2026-11-22T00:59:59Z", BT_HEARD},        {"2026-11-22T01:00:00Z", BT_HEARD_CURFEW},
        {"1969-12-31T23:00:00Z", BT_HEARD},        {"1969-12-31T20:00:00Z", BT_HEARD_CURFEW},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        int64_t milli;
        assert_int_equal(ask(&house, cases[i].local, true, &milli), cases[i].heard);
    }
}

static void who_does_not_know_the_hour_is_silent_where_it_matters(void **state)
{
    (void)state;
    static const struct house curfew = {",'volume_percent':80", "", "", "",
                                        ",'limits':{'sound_times':['00:00-24:00']}"};
    static const struct house hours = {",'volume_percent':80", "",
                                       ",'sound':[{'times':'00:00-24:00','volume_percent':50}]", "",
                                       ""};
    int64_t milli;
    assert_int_equal(ask(&plain, NOON, false, &milli), BT_HEARD);
    assert_int_equal(ask(&curfew, NOON, true, &milli), BT_HEARD);
    assert_int_equal(ask(&curfew, NOON, false, &milli), BT_HEARD_CURFEW);
    assert_int_equal(ask(&hours, NOON, false, &milli), BT_HEARD_CURFEW);
    assert_int_equal(milli, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_can_only_make_it_quieter),
        cmocka_unit_test(a_curfew_begins_and_ends_with_the_second),
        cmocka_unit_test(who_does_not_know_the_hour_is_silent_where_it_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
