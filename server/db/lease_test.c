// Leases, and who keeps them.
#include "server/db/lease.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/clock.h"
#include "server/db/keeper.h"
#include "server/db/testing.h"

#define HOUR_MS 3600000

static void servers_are_told_apart_by_machine_name_and_folder(void **state)
{
    (void)state;
    static const struct bt_lease_place places[] = {
        {"5b1e", "may-chu", 1, 2}, {"77aa", "may-chu", 1, 2}, {"5b1e", "may-chu-2", 1, 2},
        {"5b1e", "may-chu", 2, 2}, {"5b1e", "may-chu", 1, 3}, {"", "may-chu", 1, 2}};
    char names[BT_ARRAY_LEN(places)][BT_LEASE_HOLDER_BYTES], again[BT_LEASE_HOLDER_BYTES];
    for (size_t i = 0; i < BT_ARRAY_LEN(places); i++) {
        bt_lease_holder_of(&places[i], names[i]);
        bt_lease_holder_of(&places[i], again);
        assert_string_equal(names[i], again);
        assert_int_equal(strlen(names[i]), BT_LEASE_HOLDER_BYTES - 1);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(names[i], names[k]);
        }
    }
}

static void this_folder_has_the_same_name_each_time(void **state)
{
    const struct bt_test_db *test = *state;
    char first[BT_LEASE_HOLDER_BYTES], second[BT_LEASE_HOLDER_BYTES], other[BT_LEASE_HOLDER_BYTES];
    bt_lease_holder(test->directory, first);
    bt_lease_holder(test->directory, second);
    bt_lease_holder("/", other);
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
}

static void take(struct bt_test_db *test, const char *holder, int64_t now_ms, int expected)
{
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_lease_take(db, "work", holder, now_ms, HOUR_MS, NULL), expected);
    bt_db_release(db);
}

static int64_t until_ms(struct bt_test_db *test)
{
    struct bt_db *db = bt_testing_acquire(test);
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(
        bt_db_ask(db, &rows, NULL, "SELECT until_ms FROM care_lease WHERE name = 'work'"), 0);
    bt_db_release(db);
    return bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
}

static void one_has_it_until_it_ends(void **state)
{
    struct bt_test_db *test = *state;
    take(test, "a", 1000, 1);
    take(test, "b", 2000, 0);
    take(test, "a", 2000, 1);
    take(test, "b", 1000 + HOUR_MS, 0);
    take(test, "b", 2000 + HOUR_MS, 1);
    take(test, "a", 2000 + HOUR_MS, 0);
}

static struct bt_keeper *keep(struct bt_test_db *test, int64_t for_ms)
{
    struct bt_keeper *keeper = NULL;
    const struct bt_keeper_options options = {.pool = test->pool,
                                              .clock = bt_clock_real(),
                                              .name = "work",
                                              .holder = "a",
                                              .for_ms = for_ms};
    take(test, "a", bt_clock_wall_ms(bt_clock_real()) - HOUR_MS, 1);  // it ends now
    assert_int_equal(bt_keeper_start(&options, &keeper, NULL), 0);
    return keeper;
}

static void whoever_works_has_it_for_longer(void **state)
{
    struct bt_test_db *test = *state;
    BT_AUTO(bt_keeper) keeper = keep(test, 600);
    int64_t first = until_ms(test);
    for (int64_t then = first; then == first; then = until_ms(test)) {
        sched_yield();
    }
    assert_true(until_ms(test) > first);
}

static void whoever_has_lost_it_hears_of_it(void **state)
{
    struct bt_test_db *test = *state;
    BT_AUTO(bt_keeper) keeper = keep(test, 600);
    take(test, "b", bt_clock_wall_ms(bt_clock_real()) + HOUR_MS, 1);
    while (!bt_keeper_lost(keeper)) {
        sched_yield();
    }
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_keeper_confirm(keeper, db, NULL), -ESTALE);
    bt_db_release(db);
}

static void nothing_is_published_by_whoever_has_lost_it(void **state)
{
    struct bt_test_db *test = *state;
    BT_AUTO(bt_keeper) keeper = keep(test, HOUR_MS);
    struct bt_db *db = bt_testing_acquire(test);
    assert_int_equal(bt_db_begin(db, true, NULL), 0);
    assert_int_equal(bt_keeper_confirm(keeper, db, NULL), 0);
    assert_int_equal(bt_db_commit(db, NULL), 0);
    bt_db_release(db);
    take(test, "b", bt_clock_wall_ms(bt_clock_real()) + 2 * HOUR_MS, 1);
    db = bt_testing_acquire(test);
    assert_false(bt_keeper_lost(keeper));  // it has not looked yet
    assert_int_equal(bt_keeper_confirm(keeper, db, NULL), -ESTALE);
    bt_db_release(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_are_told_apart_by_machine_name_and_folder),
        bt_db_test(this_folder_has_the_same_name_each_time),
        bt_db_test(one_has_it_until_it_ends),
        bt_db_test(whoever_works_has_it_for_longer),
        bt_db_test(whoever_has_lost_it_hears_of_it),
        bt_db_test(nothing_is_published_by_whoever_has_lost_it),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
