#include "server/plan/planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/many.h"
#include "server/plan/day.h"
#include "server/publications/target.h"
#include "server/reports/period.h"

// A sixtieth of one processor at most; a night's work for hundreds of screens is done in a few.
#define BITE_NS BT_NS_PER_S
#define PASS_MS (15 * 60 * INT64_C(1000))
#define DAY_S 86400
#define PATH_BYTES 256

enum { COLUMNS = 10 };

static const struct bt_log logger = {"server/plan"};

// The screen that is being gone over, from its newest day back.
struct at_screen {
    char id[32], unit[32], path[PATH_BYTES];
    struct bt_tz *tz;
    int64_t day, first_day, checked_day;
    struct bt_db_rows *done;  // days that are known, the newest first
    bool has_done;            // the row it stands at counts
};

struct bt_planner {
    struct bt_plan_history *history;  // NULL between passes
    struct bt_plan_memo *memo;
    struct bt_plan_orders orders;
    struct at_screen at;  // .tz NULL: the screen behind this one comes next
    int64_t next_pass_ms;
    struct bt_many *insert;
    struct bt_plan_day day;
};

struct bt_planner *bt_planner_create(void)
{
    struct bt_planner *planner = BT_NEW(struct bt_planner);
    planner->insert = bt_many_create(
        "INSERT INTO plan_daily(day, screen, unit, publication, item, campaign, priority, planned,"
        " taken_down, emergency)",
        COLUMNS, "");
    return planner;
}

static void leave_screen(struct at_screen *at)
{
    bt_tz_destroy(at->tz);
    bt_db_rows_destroy(at->done);
    at->tz = NULL;
    at->done = NULL;
}

static void end_pass(struct bt_planner *planner)
{
    leave_screen(&planner->at);
    bt_plan_history_destroy(planner->history);
    bt_plan_memo_destroy(planner->memo);
    bt_plan_orders_finish(&planner->orders);
    planner->history = NULL;
    planner->memo = NULL;
    planner->at = (struct at_screen){.tz = NULL};
}

void bt_planner_destroy(struct bt_planner *planner)
{
    if (planner != NULL) {
        end_pass(planner);
        bt_many_destroy(planner->insert);
        free(planner);
    }
}

static int64_t local_day(const struct bt_tz *tz, int64_t ms)
{
    return bt_day_of_s(bt_tz_to_local_s(tz, ms / 1000));
}

static int64_t midnight_ms(const struct bt_tz *tz, int64_t day)
{
    return bt_tz_to_utc_s(tz, day * DAY_S) * 1000;
}

/*
 * Going over the screens.
 */

static void step_done(struct at_screen *at)
{
    at->has_done = bt_db_next(at->done);
}

static int load_days(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                     int64_t retired_ms, struct bt_error *err)
{
    struct at_screen *at = &planner->at;
    int64_t today = local_day(at->tz, now_ms);
    int r = bt_plan_history_load(planner->history, db, at->id, err);
    if (r < 0) {
        return r;
    }
    int64_t begin_ms = bt_plan_history_begin_ms(planner->history);
    at->day = BT_MIN(today - 1, local_day(at->tz, retired_ms));
    at->checked_day = today - BT_PLAN_CHECKED_DAYS;
    at->first_day = begin_ms == INT64_MAX
                        ? today
                        : BT_MAX(today - BT_PLAN_MAX_DAYS, local_day(at->tz, begin_ms));
    r = bt_db_ask(db, &at->done, err,
                  "SELECT day, inputs FROM plan_done WHERE screen = $1 AND day >= $2 AND day <= $3"
                  " ORDER BY day DESC LIMIT 1000",
                  BT_TEXT(at->id), BT_INT(at->first_day), BT_INT(at->day));
    if (r == 0) {
        step_done(at);
    }
    return r;
}

static int load_screen(struct bt_planner *planner, const struct bt_db_rows *row, struct bt_db *db,
                       int64_t now_ms, struct bt_error *err)
{
    struct at_screen at = {.tz = NULL};
    int r = bt_tz_load(bt_db_get_text(row, 2), &at.tz, err);
    if (r < 0) {
        return r;
    }
    bt_copy_cut(at.id, sizeof(at.id), bt_db_get_text(row, 0));
    bt_copy_cut(at.unit, sizeof(at.unit), bt_db_get_text(row, 1));
    bt_copy_cut(at.path, sizeof(at.path), bt_db_get_text(row, 4));
    struct at_screen before = planner->at;
    planner->at = at;
    r = load_days(planner, db, now_ms, bt_db_is_null(row, 3) ? now_ms : bt_db_get_int(row, 3), err);
    if (r < 0) {
        leave_screen(&planner->at);
        planner->at = before;
    }
    return r;
}

// By units, since screens of one unit often have the same documents. 1: there is one, 0: none.
static int next_screen(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                       struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT s.id, s.unit, s.time_zone, s.retired_ms, u.path FROM screen s"
                      " JOIN unit u ON u.code = s.unit WHERE s.unit > $1"
                      " OR (s.unit = $1 AND s.id > $2) ORDER BY s.unit, s.id LIMIT 1",
                      BT_TEXT(planner->at.unit), BT_TEXT(planner->at.id));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    r = load_screen(planner, rows, db, now_ms, err);
    return r < 0 ? r : 1;
}

/*
 * One day of one screen.
 */

static bool is_of_the_database(int r)
{
    return r == -EAGAIN || r == -EIO || r == -EMSGSIZE;
}

static int ask_piece(struct bt_planner *planner, struct bt_db *db, size_t piece,
                     struct bt_asked *sum, struct bt_error *err)
{
    const struct bt_plan_piece *p = &planner->day.pieces[piece];
    const struct bt_asked *asked;
    struct bt_target own;
    if (p->count == 0) {
        return 0;
    }
    int r = bt_target_read(p->documents[0]->target, &own, err);
    r = r < 0 ? r : bt_plan_day_ask(&planner->day, piece, db, planner->memo, &asked, err);
    if (r < 0) {
        return r;
    }
    bt_asked_add(sum, asked, own.unit, own.id);
    return 0;
}

static int ask_day(struct bt_planner *planner, struct bt_db *db, struct bt_asked *sum,
                   struct bt_error *err)
{
    for (size_t i = 0; i < planner->day.count; i++) {
        int r = ask_piece(planner, db, i, sum, err);
        if (is_of_the_database(r)) {
            return r;
        }
        if (r < 0) {
            bt_log_warn(&logger, "Day %lld of screen '%s': %s; nothing is planned for a part of it",
                        (long long)planner->at.day, planner->at.id, err->msg);
        }
    }
    bt_asked_merge(sum);
    return 0;
}

static int insert_rows(struct bt_planner *planner, struct bt_db *db, const struct bt_asked *sum,
                       struct bt_error *err)
{
    BT_AUTOFREE struct bt_db_value *values =
        BT_NEW_ARRAY(struct bt_db_value, sum->count * COLUMNS + 1);
    for (size_t i = 0; i < sum->count; i++) {
        const struct bt_asked_row *row = &sum->rows[i];
        const struct bt_db_value columns[COLUMNS] = {
            BT_INT(planner->at.day),
            BT_TEXT(planner->at.id),
            BT_TEXT(row->unit),
            BT_TEXT(row->publication),
            BT_TEXT(row->item),
            BT_TEXT(row->campaign),
            BT_TEXT(bt_priority_word(row->priority)),
            BT_INT(row->planned),
            BT_INT(row->withheld[BT_ORDER_TAKEDOWN]),
            BT_INT(row->withheld[BT_ORDER_EMERGENCY]),
        };
        memcpy(&values[i * COLUMNS], columns, sizeof(columns));
    }
    int64_t r = bt_many_run(planner->insert, db, values, sum->count, err);
    return r < 0 ? (int)r : 0;
}

static int store_in(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                    const struct bt_asked *sum, struct bt_error *err)
{
    const struct at_screen *at = &planner->at;
    int64_t r = bt_db_run(db, err, "DELETE FROM plan_daily WHERE day = $1 AND screen = $2",
                          BT_INT(at->day), BT_TEXT(at->id));
    r = r < 0 ? r : insert_rows(planner, db, sum, err);
    r = r < 0 ? r
              : bt_db_run(db, err,
                          "INSERT INTO plan_done (screen, day, inputs, made_ms)"
                          " VALUES ($1, $2, $3, $4) ON CONFLICT (screen, day) DO UPDATE SET"
                          " inputs = excluded.inputs, made_ms = excluded.made_ms",
                          BT_TEXT(at->id), BT_INT(at->day), BT_TEXT(planner->day.inputs),
                          BT_INT(now_ms));
    return r < 0 ? (int)r : 0;
}

// Computed before the transaction begins: nobody waits for it.
static int plan_day(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                    struct bt_error *err)
{
    BT_AUTOFINISH(bt_asked_finish) struct bt_asked sum = {0};
    int r = ask_day(planner, db, &sum, err);
    r = r < 0 ? r : bt_db_begin(db, true, err);
    if (r < 0) {
        return r;
    }
    r = store_in(planner, db, now_ms, &sum, err);
    r = r < 0 ? r : bt_db_commit(db, err);
    if (r < 0) {
        bt_db_rollback(db);
    }
    return r;
}

static int look_at_day(struct bt_planner *planner, struct bt_db *db, const char *known,
                       int64_t now_ms, struct bt_error *err)
{
    struct at_screen *at = &planner->at;
    if (known != NULL && at->day < at->checked_day) {
        return 0;
    }
    // 1970-01-01 was a Thursday.
    int64_t monday = at->day - (at->day + 3) % 7;
    const struct bt_plan_bounds bounds = {.week_ms = midnight_ms(at->tz, monday),
                                          .from_ms = midnight_ms(at->tz, at->day),
                                          .until_ms = midnight_ms(at->tz, at->day + 1)};
    const struct bt_plan_screen screen = {at->id, at->path, planner->history, &planner->orders};
    int r = bt_plan_day_look(&screen, db, &bounds, &planner->day, err);
    if (r < 0 && !is_of_the_database(r)) {
        planner->day.count = 0;  // nobody could have shown that
        bt_log_warn(&logger, "Day %lld of screen '%s': %s; nothing is planned for it",
                    (long long)at->day, at->id, err->msg);
        r = 0;
    }
    if (r < 0 || (known != NULL && strcmp(known, planner->day.inputs) == 0)) {
        return r;
    }
    return plan_day(planner, db, now_ms, err);
}

static int step(struct bt_planner *planner, struct bt_db *db, int64_t now_ms, struct bt_error *err)
{
    struct at_screen *at = &planner->at;
    bool known = at->has_done && bt_db_get_int(at->done, 0) == at->day;
    int r = look_at_day(planner, db, known ? bt_db_get_text(at->done, 1) : NULL, now_ms, err);
    if (r == 0) {
        at->day--;
        if (known) {
            step_done(at);
        }
    }
    return r;
}

/*
 * Bites.
 */

// 1: there is more.
static int step_or_move_on(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                           struct bt_error *err)
{
    if (planner->at.tz != NULL && planner->at.day >= planner->at.first_day) {
        int r = step(planner, db, now_ms, err);
        return r < 0 ? r : 1;
    }
    leave_screen(&planner->at);
    int r = next_screen(planner, db, now_ms, err);
    if (r == 0) {
        end_pass(planner);
    }
    return r;
}

// 1: there is something to do.
static int begin_pass(struct bt_planner *planner, struct bt_db *db, int64_t now_ms,
                      struct bt_error *err)
{
    int r = bt_plan_orders_load(db, now_ms - BT_PLAN_MAX_DAYS * BT_MS_PER_DAY, now_ms,
                                &planner->orders, err);
    if (r < 0) {
        bt_plan_orders_finish(&planner->orders);
        return r;
    }
    planner->history = bt_plan_history_create();
    planner->memo = bt_plan_memo_create();
    planner->next_pass_ms = now_ms + PASS_MS;
    return 1;
}

int bt_planner_bite(struct bt_planner *planner, struct bt_db *db, int64_t now_ms, int64_t budget_ns,
                    bool *out_more, struct bt_error *err)
{
    int r = 1;
    if (planner->history == NULL && now_ms >= planner->next_pass_ms &&
        (r = begin_pass(planner, db, now_ms, err)) < 0) {
        return r;
    }
    const struct bt_clock *clock = bt_clock_real();
    int64_t end_ns = bt_clock_mono_ns(clock) + budget_ns;
    while (r > 0 && planner->history != NULL) {
        r = step_or_move_on(planner, db, now_ms, err);
        if (bt_clock_mono_ns(clock) >= end_ns) {
            break;
        }
    }
    if (out_more != NULL) {
        *out_more = planner->history != NULL;
    }
    return BT_MIN(r, 0);
}

int bt_planner_run(struct bt_server *server, struct bt_error *err)
{
    struct bt_db *db = NULL;
    int r = bt_db_acquire(server->db, &db, err);
    if (r == 0) {
        r = bt_planner_bite(server->planner, db, bt_clock_wall_ms(server->clock), BITE_NS, NULL,
                            err);
        bt_db_release(db);
    }
    return r;
}
