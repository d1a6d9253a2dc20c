#include "server/reports/first.h"

#include "base/compiler.h"
#include "base/str.h"
#include "server/db/testing.h"

static void write(struct bt_db *db, struct bt_firsts *firsts)
{
    struct bt_error err = {0};
    if (bt_firsts_write(firsts, db, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static int64_t first_of(struct bt_db *db, const char *screen)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(bt_db_ask(db, &rows, NULL,
                               "SELECT first_ms FROM play_first WHERE screen = $1 AND version = 4",
                               BT_TEXT(screen)),
                     0);
    return bt_db_next(rows) ? bt_db_get_int(rows, 0) : -1;
}

static void the_earliest_stays(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_firsts) firsts = bt_firsts_create();
    bt_firsts_add(firsts, "s-1", "u.1.bang", 4, 500);
    bt_firsts_add(firsts, "s-1", "u.1.bang", 4, 400);
    bt_firsts_add(firsts, "s-1", "u.1.bang", 5, 900);
    bt_firsts_add(firsts, "s-2", "u.1.bang", 4, 700);
    write(db, firsts);
    bt_firsts_clear(firsts, true);
    assert_int_equal(first_of(db, "s-1"), 400);
    assert_int_equal(first_of(db, "s-2"), 700);
    bt_firsts_add(firsts, "s-1", "u.1.bang", 4, 800);  // known
    bt_firsts_add(firsts, "s-2", "u.1.bang", 4, 600);  // came late, was earlier
    write(db, firsts);
    bt_firsts_clear(firsts, true);
    assert_int_equal(first_of(db, "s-1"), 400);
    assert_int_equal(first_of(db, "s-2"), 600);
    // Another process remembers nothing; what stands there is earlier.
    BT_AUTO(bt_firsts) other = bt_firsts_create();
    bt_firsts_add(other, "s-1", "u.1.bang", 4, 450);
    write(db, other);
    assert_int_equal(first_of(db, "s-1"), 400);
    bt_db_release(db);
}

static void what_was_rolled_back_is_written_again(void **state)
{
    struct bt_db *db = bt_testing_acquire(*state);
    BT_AUTO(bt_firsts) firsts = bt_firsts_create();
    assert_int_equal(bt_db_begin(db, true, NULL), 0);
    bt_firsts_add(firsts, "s-1", "u.1.bang", 4, 500);
    write(db, firsts);
    bt_db_rollback(db);
    bt_firsts_clear(firsts, false);
    assert_int_equal(first_of(db, "s-1"), -1);
    bt_firsts_add(firsts, "s-1", "u.1.bang", 4, 550);
    write(db, firsts);
    assert_int_equal(first_of(db, "s-1"), 550);
    bt_db_release(db);
}

static void more_than_is_remembered_is_forgotten_and_not_wrong(void **state)
{
    (void)state;
    BT_AUTO(bt_firsts) firsts = bt_firsts_create();
    for (int i = 0; i < 210000; i++) {
        char screen[32];
        assert_int_equal(bt_format(screen, sizeof(screen), "s-%d", i), 0);
        bt_firsts_add(firsts, screen, "p", 1, i);
        bt_firsts_clear(firsts, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(the_earliest_stays),
        bt_db_test(what_was_rolled_back_is_written_again),
        cmocka_unit_test(more_than_is_remembered_is_forgotten_and_not_wrong),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
