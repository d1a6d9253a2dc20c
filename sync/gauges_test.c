#include "sync/gauges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include "base/compiler.h"
#include "base/json.h"
#include "base/str.h"

static struct bt_gauges read(const char *text)
{
    BT_AUTOJSON *status = cJSON_Parse(text);
    struct bt_gauges gauges;
    assert_non_null(status);
    bt_gauges_read(status, &gauges);
    return gauges;
}

#define FREE(bytes) "{\"storage\":{\"free_bytes\":" #bytes "}}"
#define WARM(celsius) "{\"machine\":{\"celsius\":" #celsius "}}"

static void what_is_worth_saying_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *said, *now;
        bool moved;
    } cases[] = {
        {"{}", "{}", false},
        {"{}", "{\"presented\":7,\"troubles\":[]}", false},
        {"{\"display\":{\"state\":\"on\"}}", "{\"display\":{\"state\":\"off\"}}", true},
        {"{\"display\":{\"state\":\"on\"}}", "{\"display\":{\"width\":1}}", true},
        {"{\"display\":{\"width\":2}}", "{\"display\":{\"width\":1}}", false},
        {"{\"machine\":{\"throttled\":false}}", "{\"machine\":{\"throttled\":true}}", true},
        {"{\"machine\":{\"throttled\":true}}", "{\"machine\":{\"throttled\":false}}", true},
        {"{\"machine\":{\"low_power\":false}}", "{\"machine\":{\"low_power\":true}}", true},
        // Trembling is not moving; what is cool does not matter.
        {WARM(60), WARM(62), false},
        {WARM(60), WARM(63), true},
        {WARM(85), WARM(80), true},
        {WARM(20), WARM(36), false},
        {WARM(20), WARM(40), true},
        {"{}", WARM(40), true},
        {FREE(10000000000), FREE(9000000000), false},
        {FREE(10000000000), FREE(7900000000), true},
        {FREE(100000000), FREE(70000000), false},
        {FREE(100000000), FREE(60000000), true},
        {FREE(0), FREE(40000000), true},
        {"{\"clock\":{\"trust\":\"synced\"}}", "{\"clock\":{\"trust\":\"unknown\"}}", true},
        {"{\"clock\":{\"offset_ms\":-13}}", "{\"clock\":{\"offset_ms\":20000}}", false},
        {"{\"clock\":{\"offset_ms\":-13}}", "{\"clock\":{\"offset_ms\":-61000}}", true},
        // Of another form: as if it were nothing, and nothing breaks.
        {"{\"machine\":7,\"display\":[]}", "{\"machine\":\"x\"}", false},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_gauges said = read(cases[i].said), now = read(cases[i].now);
        if (bt_gauges_moved(&said, &now) != cases[i].moved) {
            fail_msg("%s -> %s", cases[i].said, cases[i].now);
        }
    }
}

static void a_slow_needle_is_heard_of(void **state)
{
    (void)state;
    struct bt_gauges said = read(WARM(70));
    int told = 0;
    for (int celsius = 70; celsius <= 90; celsius++) {
        BT_AUTOFREE char *text = bt_strf("{\"machine\":{\"celsius\":%d}}", celsius);
        struct bt_gauges now = read(text);
        if (bt_gauges_moved(&said, &now)) {
            said = now;
            told++;
        }
    }
    assert_int_equal(told, 6);
}

static void a_few_at_once_and_then_one_a_minute(void **state)
{
    (void)state;
    struct bt_gauge_pace pace = {.used = 0};
    int64_t second_ns = INT64_C(1000000000), now_ns = 5 * second_ns;
    for (int i = 0; i < BT_GAUGES_BURST; i++) {
        assert_true(bt_gauge_pace_allows(&pace, now_ns + i * second_ns));
    }
    assert_false(bt_gauge_pace_allows(&pace, now_ns + 30 * second_ns));
    int allowed = 0;
    for (int s = 30; s < 30 + 3600; s++) {
        allowed += bt_gauge_pace_allows(&pace, now_ns + s * second_ns);
    }
    assert_in_range(allowed, 59, 61);
    // After a quiet time there may be a few again.
    for (int i = 0; i < BT_GAUGES_BURST; i++) {
        assert_true(bt_gauge_pace_allows(&pace, now_ns + 9000 * second_ns));
    }
    assert_false(bt_gauge_pace_allows(&pace, now_ns + 9000 * second_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_worth_saying_at_once),
                                       cmocka_unit_test(a_slow_needle_is_heard_of),
                                       cmocka_unit_test(a_few_at_once_and_then_one_a_minute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
