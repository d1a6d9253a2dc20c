#include "server/care/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/str.h"
#include "server/care/alerts.h"

#define NOW_MS 1795240000000LL
#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)

static const struct bt_care_limits limits = {.silent_min = 30,
                                             .celsius = 80,
                                             .free_mib = 500,
                                             .content_days = 3,
                                             .plays_hours = 24,
                                             .quiet_from = 22,
                                             .quiet_until = 6};

// A screen of which nothing is wrong.
static struct bt_care_facts good(void)
{
    return (struct bt_care_facts){.open_since_ms = NOW_MS - 3 * HOUR_MS,
                                  .watched_ms = NOW_MS - 10 * HOUR_MS,
                                  .has_player = true,
                                  .channel = "obeys",
                                  .paired_ms = NOW_MS - 100 * HOUR_MS,
                                  .channel_ms = NOW_MS - HOUR_MS,
                                  .seen_ms = NOW_MS - MINUTE_MS,
                                  .status_ms = NOW_MS - MINUTE_MS,
                                  .celsius = 60,
                                  .free_bytes = 4LL << 30,
                                  .clock_offset_ms = 20,
                                  .order_given_ms = BT_CARE_UNKNOWN,
                                  .order_failed_ms = BT_CARE_UNKNOWN,
                                  .content_end_ms = BT_CARE_NEVER,
                                  .plays_known_ms = NOW_MS - MINUTE_MS,
                                  .loss_ms = BT_CARE_UNKNOWN};
}

// What is found of it, with commas between.
static const char *found(const struct bt_care_facts *facts, bool was_on)
{
    static char words[512];
    words[0] = '\0';
    for (size_t i = 0; i < bt_rules_count; i++) {
        struct bt_finding finding = {.vi = ""};
        const struct bt_judge judge = {facts, &limits, NOW_MS, was_on};
        if (bt_rules[i].holds != NULL && bt_rules[i].holds(&judge, &finding)) {
            assert_true(finding.vi[0] != '\0' && finding.en[0] != '\0');
            size_t len = strlen(words);
            assert_int_equal(bt_format(words + len, sizeof(words) - len, "%s%s", len > 0 ? "," : "",
                                       bt_rules[i].kind),
                             0);
        }
    }
    return words;
}

static void of_a_good_screen_nothing_is_said(void **state)
{
    (void)state;
    struct bt_care_facts facts = good();
    assert_string_equal(found(&facts, false), "");
    facts.has_player = false;
    facts.seen_ms = facts.status_ms = BT_CARE_UNKNOWN;
    assert_string_equal(found(&facts, false), "");
}

#define SET(text_, word_) bt_copy_cut(text_, sizeof(text_), word_)

#define FINDS(words, ...)                                                                          \
    do {                                                                                           \
        struct bt_care_facts facts = good();                                                       \
        __VA_ARGS__;                                                                               \
        assert_string_equal(found(&facts, false), words);                                          \
    } while (0)

static void what_is_wrong_with_the_screen_is_found(void **state)
{
    (void)state;
    FINDS("hot", facts.celsius = 80);
    FINDS("", facts.celsius = 79);
    FINDS("throttled", facts.throttled = true);
    FINDS("storage", facts.free_bytes = 499LL << 20);
    FINDS("", facts.free_bytes = 500LL << 20);
    FINDS("storage", SET(facts.troubles, "server-unreachable disk-full"));
    FINDS("", SET(facts.troubles, "disk-fuller"));
    FINDS("wrong-mode", SET(facts.troubles, "disk-fuller wrong-mode"));
    FINDS("went-back", SET(facts.back_from, "0.2.0"); SET(facts.back_why, "missing-frames"));
    FINDS("clock", facts.clock_offset_ms = -61000);
    FINDS("clock", facts.clock_untrusted = true);
}

static void a_dark_display_is_found(void **state)
{
    (void)state;
    FINDS("dark", SET(facts.display, "standby"));
    FINDS("dark", SET(facts.display, "off"));
    FINDS("dark", SET(facts.display, "none"));
    FINDS("", SET(facts.display, "on"));
    FINDS("", SET(facts.display, "off"); facts.open_since_ms = BT_CARE_UNKNOWN);
    // Plays on a dark display count where the player does not say what it does now.
    FINDS("dark", facts.plays_unlit = 3);
    FINDS("", facts.plays_unlit = 3; facts.plays_lit = 1);
    FINDS("", facts.plays_unlit = 3; SET(facts.display, "on"));
    FINDS("", facts.plays_unlit = 3; facts.open_since_ms = BT_CARE_UNKNOWN);
    FINDS("dark", facts.no_display = true);
    FINDS("", facts.no_display = true; facts.open_since_ms = BT_CARE_UNKNOWN);
}

static void what_is_wrong_with_what_it_does_is_found(void **state)
{
    (void)state;
    FINDS("order-unanswered", facts.order_given_ms = NOW_MS - 16 * MINUTE_MS);
    FINDS("", facts.order_given_ms = NOW_MS - 14 * MINUTE_MS);
    FINDS("order-unanswered", facts.order_failed_ms = NOW_MS - HOUR_MS);
    FINDS("content", facts.content_end_ms = NOW_MS + 3 * BT_MS_PER_DAY);
    FINDS("content", facts.content_end_ms = NOW_MS - 1);
    FINDS("", facts.content_end_ms = NOW_MS + 3 * BT_MS_PER_DAY + 1);
    FINDS("", facts.content_end_ms = 0);
    FINDS("plays-late", facts.plays_known_ms = NOW_MS - 24 * HOUR_MS);
    FINDS("plays-late", facts.plays_known_ms = BT_CARE_UNKNOWN);
    FINDS("", facts.plays_known_ms = BT_CARE_UNKNOWN; facts.paired_ms = NOW_MS - HOUR_MS);
    FINDS("journal-forked", facts.forked = true; facts.plays_known_ms = 0);
    FINDS("journal-damaged", facts.loss_ms = NOW_MS - HOUR_MS);
    FINDS("", facts.loss_ms = NOW_MS - 25 * HOUR_MS);
    FINDS("never-seen", facts.seen_ms = facts.status_ms = BT_CARE_UNKNOWN);
    FINDS("", facts.celsius = 99; facts.status_ms = NOW_MS - 46 * MINUTE_MS);
}

static void silence_is_of_opening_hours_and_of_what_was_watched(void **state)
{
    (void)state;
    int64_t long_ago = NOW_MS - 5 * HOUR_MS;
#define SILENT SET(facts.channel, "not-obeying"), facts.seen_ms = facts.status_ms = long_ago
    FINDS("silent", SILENT);
    FINDS("", SILENT; facts.open_since_ms = BT_CARE_UNKNOWN);
    FINDS("", SILENT; facts.open_since_ms = NOW_MS - 29 * MINUTE_MS);
    FINDS("", SILENT; facts.watched_ms = NOW_MS - 29 * MINUTE_MS);
    FINDS("not-obeying", SET(facts.channel, "not-obeying"));
    FINDS("", SILENT; SET(facts.channel, "obeys"));
    // Once told, it goes on through the night.
    struct bt_care_facts facts = good();
    SILENT;
    facts.open_since_ms = BT_CARE_UNKNOWN;
    assert_string_equal(found(&facts, true), "silent");
}

static void what_was_on_takes_more_to_end(void **state)
{
    (void)state;
    struct bt_care_facts facts = good();
    facts.celsius = 76;
    facts.free_bytes = 550LL << 20;
    assert_string_equal(found(&facts, false), "");
    assert_string_equal(found(&facts, true), "hot,storage");
    facts.celsius = 74;
    facts.free_bytes = 601LL << 20;
    assert_string_equal(found(&facts, true), "");
}

static void steps_of_an_alert(void **state)
{
    (void)state;
    const struct bt_rule rule = {.hold_ms = 1000, .calm_ms = 5000}, quick = {.kind = "quick"};
    const struct bt_alert_row none = {.calm_ms = BT_CARE_UNKNOWN};
    const struct bt_alert_row seen = {.there = true, .seen_ms = 500, .calm_ms = BT_CARE_UNKNOWN};
    const struct bt_alert_row on = {true, true, 500, BT_CARE_UNKNOWN};
    const struct bt_alert_row calm = {true, true, 500, 3000};
    const struct {
        const struct bt_rule *rule;
        const struct bt_alert_row *row;
        bool found;
        int64_t now_ms;
        enum bt_alert_step step;
    } cases[] = {
        {&rule, &none, false, 500, BT_ALERT_NOTHING}, {&rule, &none, true, 500, BT_ALERT_NOTICE},
        {&quick, &none, true, 500, BT_ALERT_RAISE},   {&rule, &seen, true, 1499, BT_ALERT_NOTHING},
        {&rule, &seen, true, 1500, BT_ALERT_RAISE},   {&rule, &seen, false, 1499, BT_ALERT_FORGET},
        {&rule, &on, true, 9000, BT_ALERT_NOTHING},   {&rule, &on, false, 9000, BT_ALERT_CALM},
        {&rule, &calm, true, 4000, BT_ALERT_STIR},    {&rule, &calm, false, 7999, BT_ALERT_NOTHING},
        {&rule, &calm, false, 8000, BT_ALERT_END},    {&quick, &on, false, 9000, BT_ALERT_END},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_int_equal(
            bt_alert_step(cases[i].rule, cases[i].row, cases[i].found, cases[i].now_ms),
            cases[i].step);
    }
}

// 2026-11-21, at that minute of the day in Viet Nam.
static int64_t at_minute(int64_t minute)
{
    return 1795194000000LL + minute * MINUTE_MS;
}

static void opening_hours_and_quiet_ones(void **state)
{
    (void)state;
    BT_AUTO(bt_tz) tz = bt_tz_create_fixed(7 * 3600);
    assert_true(bt_opening(360, 1320, tz, at_minute(359)) == BT_CARE_UNKNOWN);
    assert_true(bt_opening(360, 1320, tz, at_minute(360)) == at_minute(360));
    assert_true(bt_opening(360, 1320, tz, at_minute(1319)) == at_minute(360));
    assert_true(bt_opening(360, 1320, tz, at_minute(1320)) == BT_CARE_UNKNOWN);
    assert_true(bt_opening(0, 0, tz, at_minute(1)) == 0);
    assert_true(bt_opening(1080, 120, tz, at_minute(1439)) == at_minute(1080));
    assert_true(bt_opening(1080, 120, tz, at_minute(119)) == at_minute(1080 - 1440));
    assert_true(bt_opening(1080, 120, tz, at_minute(120)) == BT_CARE_UNKNOWN);
    assert_true(bt_quiet(&limits, tz, at_minute(22 * 60)));
    assert_true(bt_quiet(&limits, tz, at_minute(5 * 60 + 59)));
    assert_false(bt_quiet(&limits, tz, at_minute(6 * 60)));
    const struct bt_care_limits never = {.quiet_from = 5, .quiet_until = 5};
    assert_false(bt_quiet(&never, tz, at_minute(5 * 60)));
}

static void ends_of_signatures(void **state)
{
    (void)state;
    assert_null(bt_expiry_kind(NOW_MS + 30 * BT_MS_PER_DAY + 1, NOW_MS));
    assert_string_equal(bt_expiry_kind(NOW_MS + 30 * BT_MS_PER_DAY, NOW_MS), "expiry-30");
    assert_string_equal(bt_expiry_kind(NOW_MS + 7 * BT_MS_PER_DAY, NOW_MS), "expiry-7");
    assert_string_equal(bt_expiry_kind(NOW_MS - 1, NOW_MS), "expiry-1");
}

static void one_word_for_a_screen(void **state)
{
    (void)state;
    int64_t since_ms;
    struct bt_care_facts facts = good();
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "ok");
    assert_true(since_ms == facts.channel_ms);
    facts.celsius = 90;
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "trouble");
    facts.no_display = true;
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "dark");
    memcpy(facts.channel, "not-obeying", sizeof("not-obeying"));
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "not-obeying");
    facts.seen_ms = NOW_MS - HOUR_MS;
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "silent");
    assert_true(since_ms == facts.seen_ms);
    facts.seen_ms = BT_CARE_UNKNOWN;
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "never-seen");
    facts.has_player = false;
    assert_string_equal(bt_screen_state(&facts, &limits, NOW_MS, &since_ms), "no-player");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_a_good_screen_nothing_is_said),
        cmocka_unit_test(what_is_wrong_with_the_screen_is_found),
        cmocka_unit_test(a_dark_display_is_found),
        cmocka_unit_test(what_is_wrong_with_what_it_does_is_found),
        cmocka_unit_test(silence_is_of_opening_hours_and_of_what_was_watched),
        cmocka_unit_test(what_was_on_takes_more_to_end),
        cmocka_unit_test(steps_of_an_alert),
        cmocka_unit_test(opening_hours_and_quiet_ones),
        cmocka_unit_test(ends_of_signatures),
        cmocka_unit_test(one_word_for_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
