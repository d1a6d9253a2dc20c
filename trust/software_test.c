#include "trust/software.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define RELEASE(program, platform, version, who, from, hours)                                      \
    "{\"program\":\"" program "\",\"platform\":\"" platform "\",\"version\":\"" version            \
    "\",\"sha256\":\"" HASH "\",\"size\":1000,\"who\":" who ",\"from_ms\":" from                   \
    ",\"hours\":\"" hours "\"}"
#define ALL "{\"units\":[],\"screens\":[]}"
#define PLAYER(version, who, from)                                                                 \
    RELEASE("bangtin-player", "debian-13-arm64", version, who, from, "01:00-04:00")
#define TEXT(releases) "{\"format\":1,\"releases\":[" releases "]}"

static struct bt_software *read_text(const char *text)
{
    struct bt_software *software;
    struct bt_error err = {0};
    int r = bt_software_parse(text, strlen(text), true, &software, &err);
    if (r < 0) {
        fail_msg("%s", err.msg);
    }
    return software;
}

static void versions_are_three_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "1",      "1.2",       "1.2.3.4",    "1.2.3-1",
                                      "01.2.3", "1..3",   "1.2.",      ".1.2",       "1.2.3 ",
                                      "v1.2.3", "-1.2.3", "1.2.3~rc1", "1000000.0.0"};
    struct bt_version version;
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_int_equal(bt_version_parse(bad[i], &version), -EINVAL);
    }
    char text[BT_VERSION_BYTES];
    assert_int_equal(bt_version_parse("999999.0.999999", &version), 0);
    bt_version_text(&version, text);
    assert_string_equal(text, "999999.0.999999");
}

static void versions_compare_by_numbers(void **state)
{
    (void)state;
    static const char *const rising[] = {"0.0.0", "0.0.9", "0.0.10", "0.2.0", "0.10.0", "1.0.0"};
    for (size_t i = 0; i < BT_ARRAY_LEN(rising); i++) {
        for (size_t k = 0; k < BT_ARRAY_LEN(rising); k++) {
            struct bt_version a, b;
            assert_int_equal(bt_version_parse(rising[i], &a), 0);
            assert_int_equal(bt_version_parse(rising[k], &b), 0);
            assert_int_equal(bt_version_compare(&a, &b), i < k ? -1 : i > k);
        }
    }
}

struct refused {
    const char *text, *why;
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"[]", "an object { } was expected"},
        {"{\"format\":2,\"releases\":[]}", "'format' is not 1"},
        {"{\"format\":1}", "'releases' is missing"},
        {"{\"format\":1,\"releases\":{}}", "'releases' must be a list of at most 64"},
        {"{\"format\":1,\"releases\":[],\"x\":1}", "'x' is no key here"},
        {TEXT("1"), "releases[0]: an object { } was expected"},
        {TEXT(PLAYER("1.2", ALL, "0")),
         "releases[0]: 'version' is not three numbers, as in \"0.2.0\""},
        {TEXT(PLAYER("1.2.3", "[]", "0")), "releases[0]: who: an object { } was expected"},
        {TEXT(PLAYER("1.2.3", "{\"units\":[\"a/b\"]}", "0")),
         "releases[0]: who: units[0] is not 1 to 32 of A-Z a-z 0-9 - ."},
        {TEXT(PLAYER("1.2.3", "{\"all\":true}", "0")), "releases[0]: who: 'all' is no key here"},
        {TEXT(RELEASE("bangtin-player", "a", "1.2.3", ALL, "0", "1-4")),
         "releases[0]: 'hours' is not of the form \"01:00-04:00\""},
        {TEXT(RELEASE("bangtin-player", "a", "1.2.3", ALL, "0", "01:00-24:01")),
         "releases[0]: 'hours' is not of the form \"01:00-04:00\""},
        {TEXT(RELEASE("../x", "a", "1.2.3", ALL, "0", "01:00-04:00")),
         "releases[0]: 'program' is no name"},
        {TEXT(RELEASE("x", "a b", "1.2.3", ALL, "0", "01:00-04:00")),
         "releases[0]: 'platform' is no name"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_software *software = NULL;
        struct bt_error err = {0};
        int r = bt_software_parse(cases[i].text, strlen(cases[i].text), true, &software, &err);
        assert_true(r < 0);
        assert_null(software);
        assert_string_equal(err.msg, cases[i].why);
    }
}

static void a_version_is_one_package_for_everybody(void **state)
{
    (void)state;
    struct bt_error err = {0};
    char text[] = TEXT(PLAYER("1.2.3", "{\"units\":[\"a\"]}", "0") "," PLAYER("1.2.3", ALL, "0"));
    for (int twice = 0; twice < 2; twice++) {
        BT_AUTO(bt_software) strict = NULL;
        BT_AUTO(bt_software) suffered = NULL;
        int r = bt_software_parse(text, strlen(text), true, &strict, &err);
        assert_int_equal(r, twice ? -EINVAL : 0);
        assert_int_equal(bt_software_parse(text, strlen(text), false, &suffered, NULL), 0);
        char *hash = strstr(text, "\"sha256\":\"") + strlen("\"sha256\":\"");
        *hash = *hash == '0' ? '1' : '0';
    }
    assert_string_equal(err.msg, "releases[1]: version 1.2.3 has another package already");
}

static void players_ignore_keys_they_do_not_know(void **state)
{
    (void)state;
    static const char text[] = "{\"format\":1,\"releases\":[],\"later\":1}";
    struct bt_software *software = NULL;
    assert_int_equal(bt_software_parse(text, strlen(text), false, &software, NULL), 0);
    bt_software_destroy(software);
}

static void a_text_that_is_too_long_is_refused_unread(void **state)
{
    (void)state;
    BT_AUTOFREE char *text = bt_alloc(BT_SOFTWARE_MAX_BYTES + 1);
    struct bt_software *software = NULL;
    assert_int_equal(bt_software_parse(text, BT_SOFTWARE_MAX_BYTES + 1, false, &software, NULL),
                     -EMSGSIZE);
}

#define CANARY "{\"units\":[],\"screens\":[\"HOI-TRUONG\"]}"
#define COMMUNE "{\"units\":[\"31333\"]}"

static const char out_now[] =
    TEXT(PLAYER("0.2.0", ALL, "1000") "," PLAYER("0.4.0", CANARY, "1000") "," PLAYER(
        "0.4.0", ALL,
        "5000") "," PLAYER("0.3.0", COMMUNE,
                           "1000") "," RELEASE("bangtin-server", "debian-13-arm64", "9.0.0", ALL,
                                               "0", "01:00-04:00") "," RELEASE("bangtin-player",
                                                                               "debian-12-amd64",
                                                                               "8.0.0", ALL, "0",
                                                                               "01:00-04:00"));

struct choice {
    const char *unit, *screen, *running;
    int64_t now_ms;
    const char *bad, *chosen;  // NULL: none
};

static void each_player_takes_the_newest_that_is_for_it(void **state)
{
    (void)state;
    static const struct choice cases[] = {
        {"92", "CHO", "0.1.0", 999, NULL, NULL},             // not yet
        {"92", "CHO", "0.1.0", 1000, NULL, "0.2.0"},         // everybody's
        {"31333", "CHO", "0.1.0", 1000, NULL, "0.3.0"},      // its commune's
        {"92", "HOI-TRUONG", "0.1.0", 1000, NULL, "0.4.0"},  // the canary
        {"92", "CHO", "0.1.0", 5000, NULL, "0.4.0"},         // days later all
        {"92", "CHO", "0.1.0", 5000, "0.4.0", "0.2.0"},      // that one was bad: the next
        {"31333", "CHO", "0.1.0", 5000, "0.4.0", "0.3.0"},
        {"92", "CHO", "0.2.0", 1000, NULL, NULL},  // it runs already
        {"92", "CHO", "0.2.1", 1000, NULL, NULL},  // never back
        {"92", "CHO", "0.10.0", 5000, NULL, NULL},
    };
    BT_AUTO(bt_software) software = read_text(out_now);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_version bad;
        struct bt_software_seeker seeker = {
            .program = "bangtin-player",
            .platform = "debian-13-arm64",
            .unit = cases[i].unit,
            .screen = cases[i].screen,
            .now_ms = cases[i].now_ms,
            .bad = &bad,
            .bad_count = cases[i].bad != NULL ? 1 : 0,
        };
        assert_int_equal(bt_version_parse(cases[i].running, &seeker.running), 0);
        if (cases[i].bad != NULL) {
            assert_int_equal(bt_version_parse(cases[i].bad, &bad), 0);
        }
        const struct bt_release *chosen = bt_software_choose(software, &seeker);
        char text[BT_VERSION_BYTES] = "none";
        if (chosen != NULL) {
            bt_version_text(&chosen->version, text);
        }
        assert_string_equal(text, cases[i].chosen != NULL ? cases[i].chosen : "none");
    }
}

struct hour {
    const char *hours;
    int minute;
    bool open;
};

static void hours_may_go_over_midnight(void **state)
{
    (void)state;
    static const struct hour cases[] = {
        {"01:00-04:00", 59, false},  {"01:00-04:00", 60, true},    {"01:00-04:00", 239, true},
        {"01:00-04:00", 240, false}, {"22:00-02:00", 0, true},     {"22:00-02:00", 119, true},
        {"22:00-02:00", 120, false}, {"22:00-02:00", 1319, false}, {"22:00-02:00", 1320, true},
        {"00:00-24:00", 720, true},  {"22:00-24:00", 1439, true},  {"22:00-24:00", 0, false},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *text =
            bt_strf(TEXT(RELEASE("p", "a", "1.2.3", ALL, "0", "%s")), cases[i].hours);
        BT_AUTO(bt_software) software = read_text(text);
        assert_int_equal(bt_release_is_open(&software->list[0], cases[i].minute), cases[i].open);
        software->list[0].now = true;
        assert_true(bt_release_is_open(&software->list[0], cases[i].minute));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_three_numbers),
        cmocka_unit_test(versions_compare_by_numbers),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(players_ignore_keys_they_do_not_know),
        cmocka_unit_test(a_version_is_one_package_for_everybody),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_unread),
        cmocka_unit_test(each_player_takes_the_newest_that_is_for_it),
        cmocka_unit_test(hours_may_go_over_midnight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
