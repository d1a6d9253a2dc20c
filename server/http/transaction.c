#include "server/http/transaction.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/http/call_private.h"
#include "server/http/idempotency.h"

static const struct bt_log http_log = {"server/http"};

struct bt_db *bt_call_db(struct bt_call *call)
{
    struct bt_error err = {0};
    if (call->db == NULL && call->server->db != NULL &&
        bt_db_acquire(call->server->db, &call->db, &err) < 0) {
        bt_log_warn(&http_log, "No connection to the database: %s", err.msg);
    }
    return call->db;
}

// What was not committed is rolled back.
void bt_call_let_go(struct bt_call *call)
{
    if (call->db != NULL) {
        bt_db_release(call->db);
        call->db = NULL;
    }
}

// With an account, or to get into one. What else needs no name, players ask for.
static bool is_a_persons(const struct bt_route *route)
{
    return route->who == BT_WHO_USER || (route->who == BT_WHO_ANYONE && route->no_transaction);
}

// Others have made a person's request fail so often: now they wait. Players come again by
// themselves.
static int begin_writing(const struct bt_call *call, struct bt_db *db, int tries,
                         struct bt_error *err)
{
    bool alone = tries >= BT_TRANSACTION_TRIES_BESIDE_OTHERS && is_a_persons(call->route);
    return alone ? bt_db_begin_alone(db, err) : bt_db_begin(db, true, err);
}

static int begin(struct bt_call *call, bool writes, struct bt_error *err)
{
    if (call->server->db == NULL) {
        return 0;
    }
    int r = bt_db_acquire(call->server->db, &call->db, err);
    if (r < 0) {
        return r;
    }
    return writes ? begin_writing(call, call->db, call->tries, err)
                  : bt_db_begin(call->db, false, err);
}

static bool passes_gate(struct bt_call *call)
{
    return call->gate == NULL || call->gate(call, call->route);
}

// The caller is refused, but for want of an answer: of what the database did not say it is not
// known whether it is there.
static int look_whether_known(const struct bt_call *call, struct bt_error *err)
{
    int r = call->db == NULL ? 0 : bt_db_unanswered(call->db);
    return r < 0 ? bt_fail(err, r, "The database did not answer what decides about it") : 0;
}

static int handle(struct bt_call *call, struct bt_error *err)
{
    int r = call->route->handle(call, err);
    bool asked_for_body = call->receiving.fd >= 0 && !call->receiving.ended;
    bool comes_later = asked_for_body || call->later.answer != NULL;
    if (r == 0 && call->reply.kind == BT_REPLY_NONE && !comes_later) {
        return bt_fail(err, -EPROTO, "The handler of %s %s answered nothing", call->route->method,
                       call->route->path);
    }
    return r;
}

// The gate only read: with its connection nothing is lost but an answer, whatever the call does.
static int commit_gate(struct bt_call *call, struct bt_error *err)
{
    int r = bt_db_commit(call->db, err);
    return r == -ECONNABORTED ? -EAGAIN : r;
}

// The gate looks things up (what it notes, it notes afterwards), and is done before the handler
// begins transactions of its own. So it waits for nobody who writes.
static int run_bare(struct bt_call *call, struct bt_error *err)
{
    int r = begin(call, false, err);
    bool passed = r == 0 && passes_gate(call);
    if (passed && call->db != NULL) {
        r = commit_gate(call, err);
    } else if (r == 0 && !passed) {
        r = look_whether_known(call, err);
    }
    bt_call_let_go(call);
    if (r == 0 && passed) {
        r = handle(call, err);
        bt_call_let_go(call);
    }
    return r;
}

// The connection was lost while committing. Who only read may read again; with a key, what was done
// is found to be done.
static bool may_commit_again(const struct bt_call *call)
{
    return !bt_call_writes(call) || bt_idempotency_counts(call);
}

static int commit(struct bt_call *call, struct bt_error *err)
{
    int r = bt_db_commit(call->db, err);
    return r == -ECONNABORTED && may_commit_again(call) ? -EAGAIN : r;
}

static int run_in_transaction(struct bt_call *call, struct bt_error *err)
{
    int r = begin(call, bt_call_writes(call), err);
    if (r < 0) {
        return r;
    }
    if (!passes_gate(call)) {
        return look_whether_known(call, err);
    }
    r = call->db == NULL ? 0 : bt_idempotency_look(call, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = handle(call, err);
    if (r < 0 || call->db == NULL) {
        return r;
    }
    if (call->reply.status >= 400) {
        return look_whether_known(call, err);
    }
    r = bt_idempotency_keep(call, err);
    return r < 0 ? r : commit(call, err);
}

static int try_once(struct bt_call *call, struct bt_error *err)
{
    bt_call_start_over(call);
    // Who can be let in without knowing anything is not made to wait for the database.
    bool needs_nothing = call->route->no_transaction && call->route->who == BT_WHO_ANYONE &&
                         !call->route->knows_caller;
    int r = needs_nothing                 ? handle(call, err)
            : call->route->no_transaction ? run_bare(call, err)
                                          : run_in_transaction(call, err);
    bt_call_let_go(call);
    return r;
}

// Others are writing: give way for a little longer each time.
static void give_way(struct bt_call *call, int tries)
{
    const struct bt_clock *clock = call->server->clock;
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + (BT_NS_PER_MS << tries));
}

static int write_once(struct bt_call *call, int tries,
                      int (*work)(struct bt_call *call, void *context, struct bt_error *err),
                      void *context, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    assert(!call->committed || call->route->comes_again);
    if (db == NULL) {
        return bt_fail(err, -EAGAIN, "The database cannot be reached");
    }
    int r = begin_writing(call, db, tries, err);
    if (r < 0) {
        return r;
    }
    r = work(call, context, err);
    if (r == 0) {
        r = bt_db_commit(db, err);
        call->committed |= r == 0;
    }
    bt_db_rollback(db);
    return r;
}

int bt_call_write(struct bt_call *call,
                  int (*work)(struct bt_call *call, void *context, struct bt_error *err),
                  void *context, struct bt_error *err)
{
    int r = write_once(call, 0, work, context, err);
    for (int tries = 0; r == -EAGAIN && tries < BT_TRANSACTION_TRIES; tries++) {
        give_way(call, tries);
        r = write_once(call, tries + 1, work, context, err);
    }
    return r;
}

// What the caller can do about it; anything else is ours to look into.
static const struct trouble {
    int code;
    int status;
    const char *type, *detail, *detail_en;
} troubles[] = {
    {-EAGAIN, 503, "busy", "Máy chủ đang bận; hãy thử lại sau giây lát",
     "The server is busy; try again in a moment"},
    {-ENOTCONN, 503, "database",
     "Máy chủ chưa nối được với cơ sở dữ liệu; hãy thử lại sau giây lát",
     "The server cannot reach its database; try again in a moment"},
    {-ECONNABORTED, 503, "outcome-unknown",
     "Mất kết nối với cơ sở dữ liệu khi đang ghi; hãy xem lại đã ghi hay chưa rồi mới thử lại",
     "The database was lost while writing; look whether it is done before trying again"},
    {0, 500, "internal", "Máy chủ gặp lỗi khi xử lý yêu cầu",
     "The server failed to handle the request"},
};

static const struct trouble *trouble_of(int code)
{
    const struct trouble *trouble = troubles;
    while (trouble->code != 0 && trouble->code != code) {
        trouble++;
    }
    return trouble;
}

static void give_up(struct bt_call *call, int r, const struct bt_error *err)
{
    bt_call_start_over(call);
    const struct trouble *trouble = trouble_of(r);
    bt_log_write(&http_log, trouble->status == 500 ? BT_LOG_ERROR : BT_LOG_WARN,
                 "%s %s: %s; answered %d %s", call->method, call->route->path, err->msg,
                 trouble->status, trouble->type);
    if (trouble->status == 503 && trouble->code != -ECONNABORTED) {
        bt_call_set_header(call, "Retry-After", "1");
    }
    bt_call_problem(call, trouble->status, trouble->type, trouble->detail, trouble->detail_en);
}

static bool try_often(struct bt_call *call, int (*once)(struct bt_call *call, struct bt_error *err))
{
    call->now_ms = bt_clock_wall_ms(call->server->clock);
    struct bt_error err = {0};
    call->tries = 0;
    call->committed = false;
    int r = once(call, &err);
    while (r == -EAGAIN && !call->committed && call->tries < BT_TRANSACTION_TRIES) {
        give_way(call, call->tries++);
        r = once(call, &err);
    }
    if (r < 0) {
        give_up(call, r, &err);
    }
    return r == 0;
}

static int judge_once(struct bt_call *call, struct bt_error *err)
{
    bt_call_start_over(call);
    int r = begin(call, false, err);
    call->let_in = r == 0 && passes_gate(call);
    if (r == 0 && !call->let_in) {
        r = look_whether_known(call, err);
    }
    bt_call_let_go(call);
    return r;
}

bool bt_call_judge(struct bt_call *call)
{
    call->body_awaited = true;
    bool let_in = try_often(call, judge_once) && call->let_in;
    call->body_awaited = false;
    return let_in;
}

// The last bytes are the handler's.
static bool is_to_be_settled(const struct bt_receiving *receiving)
{
    return receiving->settle != NULL && receiving->write_error == 0 &&
           receiving->got_bytes < receiving->max_bytes &&
           receiving->got_bytes - receiving->settled_bytes >= receiving->settle_bytes;
}

void bt_call_settle(struct bt_call *call)
{
    struct bt_error err = {0};
    struct bt_receiving *receiving = &call->receiving;
    if (!is_to_be_settled(receiving)) {
        return;
    }
    call->now_ms = bt_clock_wall_ms(call->server->clock);
    int r = receiving->settle(call, &err);
    bt_call_let_go(call);
    receiving->settled_bytes = receiving->got_bytes;
    if (r < 0) {
        bt_log_warn(&http_log, "%s %s: what has come so far would be lost with this server: %s",
                    call->method, call->route->path, err.msg);
    }
    if (r == -ESTALE) {
        receiving->settle = NULL;
    }
}

void bt_call_answer(struct bt_call *call)
{
    if (try_often(call, try_once) && call->reply.status < 400) {
        bt_call_run_hooks(call);
    }
}

void bt_call_answer_later(struct bt_call *call)
{
    struct bt_error err = {0};
    int r = call->later.answer(call, call->later.context, &err);
    bt_call_let_go(call);
    if (r < 0) {
        give_up(call, r, &err);
    }
}
