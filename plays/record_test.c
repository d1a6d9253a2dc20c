#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "plays/record.h"
#include "plays/testing.h"

static const struct bt_record_origin origin = {
    .journal = "0123456789abcdef0123456789abcdef",
    .boot = "b7e1c0de-0000-4000-8000-000000000001",
    .screen = "Cổng chào",
    .player = "bangtin-player 0.1.0",
};

static struct bt_record round_trip(const struct bt_play *play)
{
    BT_AUTOBUF tail, body;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    assert_int_equal(bt_record_play(play, &origin, &tail), 0);
    assert_int_equal(bt_record_seal(41, bt_buf_text(&tail), &body), 0);
    struct bt_record record;
    struct bt_error err;
    if (bt_record_parse(body.data, body.len, &record, &err) < 0) {
        fail_msg("%s in %s", err.msg, body.data);
    }
    return record;
}

static void a_play_is_stored_exactly_like_this(void **state)
{
    (void)state;
    struct bt_play play;
    struct bt_play_start start = bt_test_start("the-1", 10000);
    start.card = 2;
    start.cards = 8;
    bt_play_begin(&play, 7, &start);
    bt_play_end(&play, &(struct bt_play_counts){10000, 1, 5, 0}, "schedule");
    BT_AUTOBUF body;
    bt_buf_init(&body, BT_RECORD_MAX_BYTES);
    BT_AUTOBUF tail;
    bt_buf_init(&tail, BT_RECORD_MAX_BYTES);
    assert_int_equal(bt_record_play(&play, &origin, &tail), 0);
    assert_int_equal(bt_record_seal(41, bt_buf_text(&tail), &body), 0);
    assert_string_equal(
        bt_buf_text(&body),
        "{\"format\":1,\"seq\":41,\"kind\":\"play\",\"boot\":\"b7e1c0de-0000-4000-8000-"
        "000000000001\",\"screen\":\"Cổng chào\",\"item\":\"the-1\",\"asset\":"
        "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"type\":\"image\","
        "\"zone\":\"main\",\"publication\":\"nq57-bac-ninh\",\"version\":42,\"layer\":\"unit\","
        "\"priority\":\"normal\",\"campaign\":\"cds-10-10\",\"card\":2,\"cards\":8,\"run\":1,"
        "\"why_started\":\"schedule\",\"why_ended\":\"schedule\",\"start_ms\":1795240000000,"
        "\"end_ms\":1795240010000,\"mono_ms\":1000,\"clock\":\"synced\",\"planned_ms\":10000,"
        "\"shown_ms\":10000,"
        "\"presented\":1,\"repeated\":5,\"dropped\":0,\"complete\":true,\"evidence\":\"present\"}");
}

static void everything_known_comes_back(void **state)
{
    (void)state;
    struct bt_play play;
    struct bt_play_start start = bt_test_start("clip", 0);
    start.frames_expected = 1500;
    start.evidence = BT_EVIDENCE_PAGE_FLIP;
    start.light_percent = 70;
    start.sound = BT_SOUND_MUTED;
    bt_copy_cut(start.display, sizeof(start.display), "on");
    bt_copy_cut(start.display_evidence, sizeof(start.display_evidence), "hpd");
    bt_copy_cut(start.approval, sizeof(start.approval), "45/GXN-VHXH");
    bt_play_begin(&play, 7, &start);
    bt_play_end(&play, &(struct bt_play_counts){60000, 1499, 1, 1}, "schedule");
    struct bt_record record = round_trip(&play);
    assert_int_equal(record.kind, BT_RECORD_PLAY);
    assert_int_equal(record.seq, 41);
    assert_string_equal(record.origin.screen, origin.screen);
    assert_int_equal(record.start.frames_expected, 1500);
    assert_int_equal(record.start.evidence, BT_EVIDENCE_PAGE_FLIP);
    assert_int_equal(record.start.light_percent, 70);
    assert_int_equal(record.start.sound, BT_SOUND_MUTED);
    assert_string_equal(record.start.display, "on");
    assert_string_equal(record.start.display_evidence, "hpd");
    assert_string_equal(record.start.approval, "45/GXN-VHXH");
    assert_int_equal(record.start.mono_ns, start.mono_ns);
    assert_int_equal(record.start.wall_ms, start.wall_ms);
    assert_int_equal(record.total.presented, 1499);
    assert_int_equal(record.segment_count, 1);
    assert_true(record.complete);
}

static void an_open_play_reads_as_power_lost(void **state)
{
    (void)state;
    struct bt_play play;
    struct bt_play_start start = bt_test_start("a", 10000);
    bt_play_begin(&play, 7, &start);
    bt_play_count(&play, &(struct bt_play_counts){.shown_ms = 3000});
    struct bt_record record = round_trip(&play);
    assert_string_equal(record.why_ended, BT_PLAY_END_POWER_LOST);
    assert_int_equal(record.total.shown_ms, 3000);
    assert_false(record.complete);
}

static void whatever_a_caller_hands_over_can_be_read_again(void **state)
{
    (void)state;
    struct bt_play play;
    struct bt_play_start start = bt_test_start("\xff\xfe", -5);
    memset(start.campaign, '"', sizeof(start.campaign) - 1);
    memset(start.zone, '\x01', sizeof(start.zone) - 1);
    start.light_percent = 1000;
    start.evidence = 99;
    start.clock_trust = -1;
    start.wall_ms = INT64_MIN / 2;
    start.mono_ns = -7;
    bt_play_begin(&play, 7, &start);
    for (int i = 0; i < BT_PLAY_MAX_SEGMENTS; i++) {
        bt_play_end(&play, &(struct bt_play_counts){INT64_MAX / 20, -1, 0, INT64_MAX / 20},
                    BT_PLAY_END_PREEMPTED);
        bt_play_resume(&play, INT64_MAX, 0);
    }
    bt_play_end(&play, &(struct bt_play_counts){0}, "\"\n");
    struct bt_record record = round_trip(&play);
    assert_string_equal(record.start.item, "?");
    assert_int_equal(record.start.planned_ms, 0);
    assert_int_equal(record.start.light_percent, 100);
    assert_int_equal(record.start.zone[0], ' ');
    assert_int_equal(record.start.campaign[0], '"');
}

static void bad_records_are_refused_in_words(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "line 1"},
        {"{}", "'format'"},
        {"{\"format\":2,\"seq\":1,\"kind\":\"play\"}", "format 2"},
        {"{\"format\":1,\"kind\":\"play\"}", "'seq'"},
        {"{\"format\":1,\"seq\":1}", "'kind'"},
        {"{\"format\":1,\"seq\":-1,\"kind\":\"stop\"}", "'seq' is -1"},
        {"{\"format\":1,\"seq\":1,\"kind\":\"play\"}", "'item' is missing"},
        {"{\"format\":1,\"seq\":1,\"kind\":\"stop\",\"start_ms\":1,\"mono_ms\":1,\"clock\":"
         "\"perhaps\"}",
         "'clock' is 'perhaps'"},
        {"{\"format\":1,\"seq\":1,\"kind\":\"stop\",\"start_ms\":1,\"clock\":\"synced\"}",
         "'mono_ms' is missing"},
        {"{\"format\":1,\"seq\":1,\"seq\":2,\"kind\":\"stop\"}", "twice"},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_record record = {.seq = 77};
        struct bt_error err;
        assert_true(bt_record_parse(cases[i].text, strlen(cases[i].text), &record, &err) < 0);
        if (strstr(err.msg, cases[i].error) == NULL) {
            fail_msg("'%s' instead of '%s'", err.msg, cases[i].error);
        }
        assert_int_equal(record.seq, 77);
    }
}

static void a_kind_of_the_future_is_another_record(void **state)
{
    (void)state;
    struct bt_record record;
    struct bt_error err;
    const char text[] = "{\"format\":1,\"seq\":9,\"kind\":\"photo\",\"sha256\":\"00\"}";
    assert_int_equal(bt_record_parse(text, strlen(text), &record, &err), 0);
    assert_int_equal(record.kind, BT_RECORD_OTHER);
    assert_int_equal(record.seq, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_play_is_stored_exactly_like_this),
        cmocka_unit_test(everything_known_comes_back),
        cmocka_unit_test(an_open_play_reads_as_power_lost),
        cmocka_unit_test(whatever_a_caller_hands_over_can_be_read_again),
        cmocka_unit_test(bad_records_are_refused_in_words),
        cmocka_unit_test(a_kind_of_the_future_is_another_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
