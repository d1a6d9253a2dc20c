#include "server/http/transaction.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "server/db/testing.h"
#include "server/http/call_private.h"
#include "server/http/route.h"

struct tries {
    int count, alone;
};

// Comes again until it has been told to come back. On PostgreSQL a lock tells who writes alone.
static int write_again(struct bt_call *call, void *context, struct bt_error *err)
{
    struct tries *tries = context;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"
                      " AND locktype = 'relation' AND mode = 'ExclusiveLock'");
    assert_int_equal(r, 0);
    assert_true(bt_db_next(rows));
    tries->count++;
    tries->alone += bt_db_get_int(rows, 0) == 1;
    return bt_fail(err, -EAGAIN, "Others are writing");
}

static void people_are_the_only_ones_who_write_after_some_tries_and_players_are_not(void **state)
{
    static const struct {
        struct bt_route route;
        bool alone;
    } cases[] = {
        {{.who = BT_WHO_USER, .no_transaction = true}, true},
        {{.who = BT_WHO_ANYONE, .no_transaction = true}, true},  // somebody logs in
        {{.who = BT_WHO_ANYONE}, false},                         // a player does
        {{.who = BT_WHO_PLAYER, .no_transaction = true}, false},
    };
    const struct bt_test_db *test = *state;
    if (strcmp(test->engine, "postgresql") != 0) {
        skip();  // there is one writer at a time
    }
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_call call = {.server = &server, .route = &cases[i].route};
        struct tries tries = {0};
        struct bt_error err = {0};
        assert_int_equal(bt_call_write(&call, write_again, &tries, &err), -EAGAIN);
        bt_db_release(call.db);
        assert_int_equal(tries.count, BT_TRANSACTION_TRIES + 1);
        assert_int_equal(tries.alone, cases[i].alone ? BT_TRANSACTION_TRIES + 1 -
                                                           BT_TRANSACTION_TRIES_BESIDE_OTHERS
                                                     : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(people_are_the_only_ones_who_write_after_some_tries_and_players_are_not),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
