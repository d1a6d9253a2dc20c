#include "server/plan/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define FOR_EVER INT64_MAX

static int nothing_to_read(void *context, struct bt_plan_version *version, struct bt_error *err)
{
    (void)context;
    (void)version;
    return bt_fail(err, -1, "everything is known");
}

// -1 when none is in force.
static void assert_in_force(struct bt_plan_version *versions, size_t count, int64_t at_ms,
                            int wanted, int64_t wanted_until_ms)
{
    const struct bt_plan_version *version;
    int64_t until_ms;
    struct bt_error err = {0};
    assert_int_equal(
        bt_plan_in_force(versions, count, at_ms, nothing_to_read, NULL, &version, &until_ms, &err),
        0);
    assert_int_equal(version == NULL ? -1 : version - versions, wanted);
    assert_int_equal(until_ms, wanted_until_ms);
}

static void a_version_is_in_force_until_the_next_one(void **state)
{
    (void)state;
    struct bt_plan_version v[] = {
        {.published_ms = 100, .ended_ms = 200, .was_read = true, .activate_ms = INT64_MIN},
        {.published_ms = 200, .ended_ms = 300, .was_read = true, .activate_ms = INT64_MIN},
        {.published_ms = 500, .ended_ms = FOR_EVER, .was_read = true, .activate_ms = INT64_MIN},
    };
    assert_in_force(v, 3, 99, -1, 100);
    assert_in_force(v, 3, 100, 0, 200);
    assert_in_force(v, 3, 199, 0, 200);
    assert_in_force(v, 3, 200, 1, 300);
    assert_in_force(v, 3, 300, -1, 500);  // withdrawn
    assert_in_force(v, 3, 500, 2, FOR_EVER);
    assert_in_force(v, 0, 500, -1, FOR_EVER);
}

static void until_its_time_the_one_before_stays(void **state)
{
    (void)state;
    struct bt_plan_version v[] = {
        {.published_ms = 100, .ended_ms = 200, .was_read = true, .activate_ms = INT64_MIN},
        {.published_ms = 200, .ended_ms = 250, .was_read = true, .activate_ms = 900},
        {.published_ms = 250, .ended_ms = 600, .was_read = true, .activate_ms = 400},
    };
    assert_in_force(v, 3, 210, 0, 250);
    assert_in_force(v, 3, 260, 0, 400);  // the second was replaced before its time
    assert_in_force(v, 3, 400, 2, 600);
    assert_in_force(v, 3, 600, -1, FOR_EVER);
}

static void what_was_withdrawn_does_not_come_back(void **state)
{
    (void)state;
    struct bt_plan_version v[] = {
        {.published_ms = 100, .ended_ms = 150, .was_read = true, .activate_ms = INT64_MIN},
        {.published_ms = 200, .ended_ms = FOR_EVER, .was_read = true, .activate_ms = 300},
    };
    assert_in_force(v, 2, 250, -1, 300);
    assert_in_force(v, 2, 300, 1, FOR_EVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_in_force_until_the_next_one),
        cmocka_unit_test(until_its_time_the_one_before_stays),
        cmocka_unit_test(what_was_withdrawn_does_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
