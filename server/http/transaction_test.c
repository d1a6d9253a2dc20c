#include "server/http/transaction.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
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

static struct {
    bool commits;
    int runs;
} failing;

static int write_nothing(struct bt_call *call, void *context, struct bt_error *err)
{
    (void)call;
    (void)context;
    (void)err;
    return 0;
}

static int fail_after_all(struct bt_call *call, struct bt_error *err)
{
    failing.runs++;
    int r = failing.commits ? bt_call_write(call, write_nothing, NULL, err) : 0;
    return r < 0 ? r : bt_fail(err, -EAGAIN, "Others are writing");
}

static void what_has_committed_is_not_run_again(void **state)
{
    static const struct bt_route route = {"POST", "/", BT_WHO_ANYONE, .no_transaction = true,
                                          .handle = fail_after_all};
    const struct bt_test_db *test = *state;
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    for (int commits = 0; commits < 2; commits++) {
        BT_AUTO(bt_call) call = bt_call_create(&server);
        call->route = &route;
        bt_copy_cut(call->method, sizeof(call->method), "POST");
        failing.commits = commits == 1;
        failing.runs = 0;
        bt_call_answer(call);
        assert_int_equal(failing.runs, commits == 1 ? 1 : BT_TRANSACTION_TRIES + 1);
        assert_int_equal(call->reply.status, 503);
    }
}

static int gate_runs;

// The first time its connection is lost, and it takes that for a thing that is not there.
static bool look_up(struct bt_call *call, const struct bt_route *route)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    const char *sql =
        ++gate_runs == 1 ? "SELECT pg_terminate_backend(pg_backend_pid())" : "SELECT 1";
    (void)route;
    if (bt_db_ask(bt_call_db(call), &rows, NULL, sql) < 0 || !bt_db_next(rows)) {
        bt_call_problem(call, 404, "not-found", "Không có", "There is no such thing");
        return false;
    }
    return true;
}

static int answer_empty(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    return bt_call_empty_reply(call, 204);
}

static const struct bt_route gated[] = {
    {"GET", "/", BT_WHO_USER, .handle = answer_empty},
    {"POST", "/", BT_WHO_USER, .handle = answer_empty},
    {"POST", "/", BT_WHO_USER, .no_transaction = true, .handle = answer_empty},
};

static void what_the_database_did_not_say_is_not_gone(void **state)
{
    const struct bt_test_db *test = *state;
    if (strcmp(test->engine, "postgresql") != 0) {
        skip();  // it has no connection that could be lost
    }
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    for (size_t i = 0; i < 2 * BT_ARRAY_LEN(gated); i++) {
        BT_AUTO(bt_call) call = bt_call_create(&server);
        call->route = &gated[i / 2];
        call->gate = look_up;
        bt_copy_cut(call->method, sizeof(call->method), call->route->method);
        gate_runs = 0;
        if (i % 2 == 0) {
            bt_call_answer(call);
            assert_int_equal(call->reply.status, 204);
        } else {
            assert_true(bt_call_judge(call));
        }
        assert_int_equal(gate_runs, 2);
    }
}

// It takes a table that is not there for a thing that is not.
static bool look_up_what_fails(struct bt_call *call, const struct bt_route *route)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    (void)route;
    gate_runs++;
    if (bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT 1 FROM nothing_of_that_name") < 0) {
        bt_call_problem(call, 404, "not-found", "Không có", "There is no such thing");
        return false;
    }
    return true;
}

static void what_the_database_failed_to_say_is_not_gone_either(void **state)
{
    const struct bt_test_db *test = *state;
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    for (size_t i = 0; i < 2 * BT_ARRAY_LEN(gated); i++) {
        BT_AUTO(bt_call) call = bt_call_create(&server);
        call->route = &gated[i / 2];
        call->gate = look_up_what_fails;
        bt_copy_cut(call->method, sizeof(call->method), call->route->method);
        gate_runs = 0;
        if (i % 2 == 0) {
            bt_call_answer(call);
        } else {
            assert_false(bt_call_judge(call));
        }
        assert_int_equal(call->reply.status, 500);
        assert_int_equal(gate_runs, 1);  // it would fail again
    }
}

// Who adds what is there already is told so: that is an answer of the database.
static int add_twice(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    static const char sql[] = "INSERT INTO play_pack(sha256, day, batches, bytes, made_ms)"
                              " VALUES('p', 0, 0, 0, 0)";
    assert_int_equal(bt_db_run_values(bt_call_db(call), sql, NULL, 0, NULL), 1);
    assert_int_equal(bt_db_run_values(bt_call_db(call), sql, NULL, 0, NULL), -EEXIST);
    return bt_call_problem(call, 409, "exists", "Đã có", "It is there already");
}

static void what_is_there_already_is_an_answer(void **state)
{
    static const struct bt_route route = {"POST", "/", BT_WHO_USER, .handle = add_twice};
    const struct bt_test_db *test = *state;
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    BT_AUTO(bt_call) call = bt_call_create(&server);
    call->route = &route;
    bt_copy_cut(call->method, sizeof(call->method), "POST");
    bt_call_answer(call);
    assert_int_equal(call->reply.status, 409);
}

// It has its answer, and the connection is gone before the transaction ends, the first time.
static bool look_up_and_lose(struct bt_call *call, const struct bt_route *route)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTO(bt_db_rows) gone = NULL;
    struct bt_db *killer = NULL;
    (void)route;
    assert_int_equal(bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT pg_backend_pid()"), 0);
    assert_true(bt_db_next(rows));
    if (++gate_runs == 1) {
        assert_int_equal(bt_db_acquire(call->server->db, &killer, NULL), 0);
        assert_int_equal(bt_db_ask(killer, &gone, NULL,
                                   "SELECT pg_terminate_backend($1::int, 5000)",
                                   BT_INT(bt_db_get_int(rows, 0))),
                         0);
        bt_db_release(killer);
    }
    return true;
}

static void a_gate_that_lost_its_connection_at_the_end_has_written_nothing(void **state)
{
    static const struct bt_route route = {"POST", "/", BT_WHO_USER, .no_transaction = true,
                                          .handle = answer_empty};
    const struct bt_test_db *test = *state;
    if (strcmp(test->engine, "postgresql") != 0) {
        skip();  // it has no connection that could be lost
    }
    struct bt_server server = {.clock = bt_clock_real(), .db = test->pool};
    BT_AUTO(bt_call) call = bt_call_create(&server);
    call->route = &route;
    call->gate = look_up_and_lose;
    bt_copy_cut(call->method, sizeof(call->method), "POST");
    gate_runs = 0;
    bt_call_answer(call);
    assert_int_equal(call->reply.status, 204);
    assert_int_equal(gate_runs, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(people_are_the_only_ones_who_write_after_some_tries_and_players_are_not),
        bt_db_test(what_has_committed_is_not_run_again),
        bt_db_test(what_the_database_did_not_say_is_not_gone),
        bt_db_test(what_the_database_failed_to_say_is_not_gone_either),
        bt_db_test(what_is_there_already_is_an_answer),
        bt_db_test(a_gate_that_lost_its_connection_at_the_end_has_written_nothing),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
