#include "sync/emergencies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"

#define HOUR_MS INT64_C(3600000)
#define START_MS INT64_C(1795240000000)

static struct bt_instant at_ms(int64_t ms)
{
    return (struct bt_instant){.wall_ms = START_MS + ms, .mono_ns = (ms + 1) * BT_NS_PER_MS};
}

static struct bt_activation activation(const char *id, int64_t level, int64_t from_ms,
                                       int64_t until_ms)
{
    struct bt_activation one = {
        .level = level, .from_ms = START_MS + from_ms, .until_ms = START_MS + until_ms};
    bt_copy_cut(one.id, sizeof(one.id), id);
    return one;
}

static int add(struct bt_emergencies *list, struct bt_activation one, int64_t now_ms)
{
    struct bt_instant now = at_ms(now_ms);
    return bt_emergencies_add(list, &one, "{}", &now, NULL);
}

static void end(struct bt_emergencies *list, const char *id, int64_t now_ms)
{
    struct bt_instant now = at_ms(now_ms);
    bt_emergencies_end(list, id, now.wall_ms, &now);
}

static const char *shown(const struct bt_emergencies *list, int64_t now_ms)
{
    struct bt_instant now = at_ms(now_ms);
    const struct bt_emergency *one = bt_emergencies_shown(list, &now, NULL, NULL);
    return one != NULL ? one->activation.id : "";
}

static void the_highest_level_and_then_the_newest_is_shown(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    assert_string_equal(shown(&list, 0), "");
    assert_int_equal(add(&list, activation("low", 2, 0, HOUR_MS), 0), 1);
    assert_int_equal(add(&list, activation("high", 5, 0, HOUR_MS / 2), 0), 1);
    assert_int_equal(add(&list, activation("newer", 5, 1000, HOUR_MS / 4), 0), 1);
    assert_string_equal(shown(&list, 0), "high");
    assert_string_equal(shown(&list, 1000), "newer");
    assert_string_equal(shown(&list, HOUR_MS / 4), "high");
    assert_string_equal(shown(&list, HOUR_MS / 2), "low");
    end(&list, "low", HOUR_MS / 2 + 1);
    assert_string_equal(shown(&list, HOUR_MS / 2 + 1), "");
}

static void the_order_in_which_they_come_does_not_matter(void **state)
{
    (void)state;
    const struct bt_activation a = activation("a", 3, 0, HOUR_MS);
    const struct bt_activation b = activation("b", 3, 0, HOUR_MS);
    for (int first = 0; first < 2; first++) {
        BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
        assert_int_equal(add(&list, first == 0 ? a : b, 0), 1);
        assert_int_equal(add(&list, first == 0 ? b : a, 0), 1);
        assert_string_equal(shown(&list, 0), "b");
    }
}

static void a_renewal_has_a_later_end(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS), 0), 1);
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS), 1), 0);
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS - 1), 1), -ESTALE);
    assert_int_equal(add(&list, activation("e", 3, 0, 2 * HOUR_MS), 1), 1);
    assert_string_equal(shown(&list, 2 * HOUR_MS - 1), "e");
    assert_string_equal(shown(&list, 2 * HOUR_MS), "");
}

static void only_keys_of_the_same_role_renew_it(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    struct bt_activation of_province = activation("e", 5, 0, HOUR_MS);
    struct bt_activation of_unit = activation("e", 1, 0, 2 * HOUR_MS);
    bt_copy_cut(of_province.template_target, sizeof(of_province.template_target), "p/template-bao");
    bt_copy_cut(of_unit.template_target, sizeof(of_unit.template_target), "u/31333/template-bao");
    assert_int_equal(add(&list, of_province, 0), 1);
    assert_int_equal(add(&list, of_unit, 1), -EACCES);
    assert_int_equal(list.list[0]->activation.level, 5);
    of_province.until_ms += HOUR_MS;
    bt_copy_cut(of_province.template_target, sizeof(of_province.template_target), "p/template-lu");
    assert_int_equal(add(&list, of_province, 2), 1);
}

static void what_has_ended_comes_back_only_by_a_newer_signature(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS), 0), 1);
    end(&list, "e", 5000);
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS), 6000), -EALREADY);
    assert_int_equal(add(&list, activation("e", 3, 5000, 2 * HOUR_MS), 6000), -EALREADY);
    assert_int_equal(add(&list, activation("e", 3, 5001, 2 * HOUR_MS), 6000), 1);
    // One that was ended before it ever came does not come.
    end(&list, "unseen", 7000);
    assert_int_equal(add(&list, activation("unseen", 3, 0, HOUR_MS), 8000), -EALREADY);
    // By itself counts as well.
    assert_int_equal(add(&list, activation("short", 3, 0, 9000), 8000), 1);
    assert_int_equal(add(&list, activation("short", 3, 8000, HOUR_MS), 9000), -EALREADY);
}

static void a_clock_that_is_set_back_does_not_prolong_it(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    assert_int_equal(add(&list, activation("e", 3, 0, HOUR_MS), 0), 1);
    struct bt_instant now = at_ms(HOUR_MS);
    now.wall_ms -= HOUR_MS / 2;
    assert_null(bt_emergencies_shown(&list, &now, NULL, NULL));
    now = at_ms(HOUR_MS - 1);
    now.wall_ms -= HOUR_MS / 2;
    assert_non_null(bt_emergencies_shown(&list, &now, NULL, NULL));
}

static void the_next_change_is_known(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    struct bt_instant now = at_ms(0);
    assert_true(bt_emergencies_next_change_ms(&list, &now) == INT64_MAX);
    assert_int_equal(add(&list, activation("e", 3, 500, HOUR_MS), 0), 1);
    assert_int_equal(bt_emergencies_next_change_ms(&list, &now), 500);
    now = at_ms(500);
    assert_int_equal(bt_emergencies_next_change_ms(&list, &now), HOUR_MS - 500);
}

static void there_are_bounds_and_old_ends_are_forgotten(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_emergencies_finish) struct bt_emergencies list = {0};
    char id[16], gone[BT_MAX_EMERGENCIES][64];
    for (int i = 0; i < BT_MAX_EMERGENCIES; i++) {
        assert_int_equal(bt_format(id, sizeof(id), "e-%d", i), 0);
        assert_int_equal(add(&list, activation(id, 3, 0, HOUR_MS), 0), 1);
    }
    assert_int_equal(add(&list, activation("more", 3, 0, HOUR_MS), 0), -ENOSPC);
    struct bt_instant now = at_ms(24 * HOUR_MS);
    assert_int_equal(bt_emergencies_prune(&list, &now, gone, BT_MAX_EMERGENCIES), 0);
    now = at_ms(60 * HOUR_MS);
    assert_int_equal(bt_emergencies_prune(&list, &now, gone, BT_MAX_EMERGENCIES),
                     BT_MAX_EMERGENCIES);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_level_and_then_the_newest_is_shown),
        cmocka_unit_test(the_order_in_which_they_come_does_not_matter),
        cmocka_unit_test(a_renewal_has_a_later_end),
        cmocka_unit_test(only_keys_of_the_same_role_renew_it),
        cmocka_unit_test(what_has_ended_comes_back_only_by_a_newer_signature),
        cmocka_unit_test(a_clock_that_is_set_back_does_not_prolong_it),
        cmocka_unit_test(the_next_change_is_known),
        cmocka_unit_test(there_are_bounds_and_old_ends_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
