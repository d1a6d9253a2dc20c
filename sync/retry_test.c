#include "sync/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

#define LONGEST_NS (120 * BT_NS_PER_S)
#define NOW_NS (1000 * BT_NS_PER_S)

static void each_failure_waits_within_its_bound(void **state)
{
    (void)state;
    struct bt_retry retry = {0};
    int64_t bound_ns = 2 * BT_NS_PER_S;
    for (unsigned i = 1; i < 20; i++) {
        bt_retry_failed(&retry, NOW_NS, LONGEST_NS);
        assert_int_equal(retry.failures, i);
        assert_in_range(retry.at_ns, NOW_NS + 100 * BT_NS_PER_MS,
                        NOW_NS + BT_MIN(bound_ns, LONGEST_NS));
        bound_ns *= 2;
    }
}

// A server that was away for long and has forgotten everybody: the wait was waited.
static void a_token_that_is_refused_is_renewed_at_once(void **state)
{
    (void)state;
    struct bt_retry retry = {.failures = 7, .at_ns = NOW_NS - 1};
    bt_retry_refused(&retry, NOW_NS, LONGEST_NS);
    assert_true(retry.at_ns < NOW_NS);
    assert_int_equal(retry.failures, 7);
}

static void one_that_is_refused_again_and_again_counts(void **state)
{
    (void)state;
    struct bt_retry retry = {0};
    for (unsigned i = 0; i < 5; i++) {
        bt_retry_refused(&retry, NOW_NS, LONGEST_NS);
        assert_int_equal(retry.failures, i);
    }
    assert_true(retry.at_ns > NOW_NS);
    bt_retry_well(&retry);
    assert_int_equal(retry.failures, 0);
    bt_retry_refused(&retry, NOW_NS, LONGEST_NS);
    assert_int_equal(retry.failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_waits_within_its_bound),
        cmocka_unit_test(a_token_that_is_refused_is_renewed_at_once),
        cmocka_unit_test(one_that_is_refused_again_and_again_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
