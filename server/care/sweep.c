// What is older than people want goes away, a little at a time.
#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/care/archive.h"
#include "server/media/arrivals.h"
#include "server/media/blobs.h"
#include "server/settings/settings.h"

#define SLICE 300
#define BREATH_NS (10 * BT_NS_PER_MS)
#define MONTH_MS (31 * BT_MS_PER_DAY)

static const struct bt_log logger = {"server/archive"};

// $1: before this time (of `day`s: before this day), $2: at most so many rows.
static const struct sweep {
    const char *setting;
    int64_t unit_ms;  // of its number
    bool days;
    const char *sql;
} sweeps[] = {
    {"keep_hours_months", MONTH_MS, true,
     "DELETE FROM play_hourly WHERE (day, hour, screen, unit, subject) IN (SELECT day, hour, "
     "screen,"
     " unit, subject FROM play_hourly WHERE day < $1 ORDER BY day LIMIT $2)"},
    {"keep_alerts_days", BT_MS_PER_DAY, false,
     "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE until_ms < $1 LIMIT $2)"},
    {"keep_messages_days", BT_MS_PER_DAY, false,
     "DELETE FROM care_outbox WHERE id IN (SELECT id FROM care_outbox WHERE done_ms < $1 LIMIT "
     "$2)"},
    // Who confirmed a takedown or a warning is part of the record of it, and stays.
    {"keep_orders_days", BT_MS_PER_DAY, false,
     "DELETE FROM player_order WHERE (player, n) IN (SELECT player, n FROM player_order"
     " WHERE given_ms < $1 AND state IN ('done', 'refused', 'failed', 'replaced')"
     " AND kind NOT IN ('takedown', 'emergency', 'emergency_end') LIMIT $2)"},
};

static void breathe(void)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + BREATH_NS);
}

static int sweep_rows(struct bt_db *db, const struct sweep *sweep, int64_t now_ms,
                      const atomic_bool *stopping, struct bt_error *err)
{
    int64_t keep, swept = SLICE, all = 0;
    int r = bt_setting_number(db, sweep->setting, NULL, &keep, err);
    int64_t before = r < 0 ? 0 : now_ms - keep * sweep->unit_ms;
    before = sweep->days ? before / BT_MS_PER_DAY : before;
    while (r == 0 && swept == SLICE && !atomic_load(stopping)) {
        const struct bt_db_value values[] = {BT_INT(before), BT_INT(SLICE)};
        swept = bt_db_run_values(db, sweep->sql, values, BT_ARRAY_LEN(values), err);
        r = swept < 0 ? (int)swept : 0;
        all += swept;
        breathe();
    }
    if (r == 0 && all > 0) {
        bt_log_info(&logger, "%lld rows are gone by '%s'", (long long)all, sweep->setting);
    }
    return r;
}

// First the rows, then the blob, then its own row: after a crash it is found again.
static int drop_pack(struct bt_server *server, struct bt_db *db, const char *hex,
                     struct bt_error *err)
{
    struct bt_sha256 sha256;
    int64_t gone = SLICE;
    while (gone == SLICE) {
        gone = bt_db_run(db, err,
                         "DELETE FROM play_batch WHERE (player, journal, first_seq) IN (SELECT"
                         " player, journal, first_seq FROM play_batch WHERE pack = $1 LIMIT $2)",
                         BT_TEXT(hex), BT_INT(SLICE));
        breathe();
    }
    int r = gone < 0 ? (int)gone : bt_unhex(hex, sha256.bytes, sizeof(sha256.bytes));
    r = r < 0 ? r : bt_blobs_remove(server->blobs, &sha256, err);
    gone = r < 0 ? r : bt_db_run(db, err, "DELETE FROM play_pack WHERE sha256 = $1", BT_TEXT(hex));
    return gone < 0 ? (int)gone : 0;
}

static int sweep_packs(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                       const atomic_bool *stopping, struct bt_error *err)
{
    int64_t months;
    int r = bt_setting_number(db, "keep_batches_months", NULL, &months, err);
    int64_t before = r < 0 ? 0 : (now_ms - months * MONTH_MS) / BT_MS_PER_DAY;
    for (bool more = true; r == 0 && more && !atomic_load(stopping);) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(db, &rows, err,
                      "SELECT sha256 FROM play_pack WHERE day < $1 ORDER BY day LIMIT 1",
                      BT_INT(before));
        more = r == 0 && bt_db_next(rows);
        r = more ? drop_pack(server, db, bt_db_get_text(rows, 0), err) : r;
    }
    return r;
}

// Of packs and of what nobody named: what cannot be removed of the ones does not keep the others.
static int sweep_blobs(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                       const atomic_bool *stopping, struct bt_error *err)
{
    struct bt_error later = {0};
    int r = sweep_packs(server, db, now_ms, stopping, err);
    if (r == 0) {
        return bt_arrivals_sweep(server, db, now_ms, err);
    }
    if (bt_arrivals_sweep(server, db, now_ms, &later) < 0) {
        bt_log_warn(&logger, "What nobody came to name is not all gone: %s", later.msg);
    }
    return r;
}

// Blobs come last: one that cannot be removed, or a store that is away, keeps no row.
int bt_archive_sweep(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                     const atomic_bool *stopping, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(sweeps); i++) {
        r = sweep_rows(db, &sweeps[i], now_ms, stopping, err);
    }
    return r < 0 ? r : sweep_blobs(server, db, now_ms, stopping, err);
}
