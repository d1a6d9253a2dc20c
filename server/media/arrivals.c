#include "server/media/arrivals.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/media/blobs.h"

// Whoever brings a blob has ended, or has died, long before.
#define NEVER_NAMED_MS BT_MS_PER_DAY
// Whoever removes one, too. The store is asked a few times, and each time may be silent for as long
// as --s3-timeout may say; twice that, as an answer may also come slowly, or the request late.
#define GOING_MS (INT64_C(2) * BT_S3_TRIES * BT_S3_MAX_STALL_S * 1000)
static_assert(GOING_MS < NEVER_NAMED_MS, "What is still being removed is not swept again");
#define SWEPT_AT_ONCE 100

static const struct bt_log logger = {"server/arrivals"};

// Who was removing it died at that, so it may come again.
static int forget_dead(struct bt_db *db, const char *hex, int64_t now_ms, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "DELETE FROM blob_arrival WHERE sha256 = $1 AND state = 'going'"
                          " AND changed_ms < $2",
                          BT_TEXT(hex), BT_INT(now_ms - GOING_MS));
    return r < 0 ? (int)r : 0;
}

static int refuse_going(struct bt_db *db, const char *hex, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err,
                  "SELECT 1 FROM blob_arrival WHERE sha256 = $1 AND state = 'going'", BT_TEXT(hex));
    return r == 0 && bt_db_next(rows) ? bt_fail(err, -EBUSY, "'%s' is being removed", hex) : r;
}

int bt_arrival_begin(struct bt_db *db, const char *sha256_hex, int64_t now_ms,
                     char out_id[BT_SERVER_ID_BYTES], struct bt_error *err)
{
    int r = forget_dead(db, sha256_hex, now_ms, err);
    r = r < 0 ? r : refuse_going(db, sha256_hex, err);
    if (r < 0) {
        return r;
    }
    bt_server_id('v', out_id);
    int64_t added = bt_db_run(db, err,
                              "INSERT INTO blob_arrival (id, sha256, state, changed_ms)"
                              " VALUES ($1, $2, 'coming', $3)",
                              BT_TEXT(out_id), BT_TEXT(sha256_hex), BT_INT(now_ms));
    return added < 0 ? (int)added : 0;
}

int bt_arrival_end(struct bt_db *db, const char *id, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err, "DELETE FROM blob_arrival WHERE id = $1 AND state = 'coming'",
                          BT_TEXT(id));
    return r == 0 ? bt_fail(err, -ESTALE, "It came too slowly, and was removed")
                  : (int)BT_MIN(r, INT64_C(0));
}

/*
 * What nobody came to name.
 */

struct arrival {
    const char *id, *hex;  // borrowed from the row
    int64_t changed_ms;
};

// What becomes of one that is swept; below 0 an error ends the round.
enum { SWEPT, STAYS };

// 1: it is named, or somebody else is about to.
static int is_wanted(struct bt_db *db, const struct arrival *arrival, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT 1 FROM asset WHERE sha256 = $1"
                      " UNION ALL SELECT 1 FROM blob_arrival WHERE sha256 = $1 AND id <> $2",
                      BT_TEXT(arrival->hex), BT_TEXT(arrival->id));
    return r < 0 ? r : bt_db_next(rows);
}

static int forget(struct bt_db *db, const struct arrival *arrival, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err, "DELETE FROM blob_arrival WHERE id = $1", BT_TEXT(arrival->id));
    return r < 0 ? (int)r : 0;
}

// In a transaction: 1 when the blob is ours to remove. Nobody begins to bring it from here on, for
// GOING_MS: `now_ms` is the time of this claim, and not that of the round.
static int claim(struct bt_db *db, const struct arrival *arrival, int64_t now_ms,
                 struct bt_error *err)
{
    int64_t ours = bt_db_run(db, err,
                             "UPDATE blob_arrival SET state = 'going', changed_ms = $3"
                             " WHERE id = $1 AND changed_ms = $2",
                             BT_TEXT(arrival->id), BT_INT(arrival->changed_ms), BT_INT(now_ms));
    if (ours <= 0) {
        return (int)ours;  // 0: another server was faster, or it is named
    }
    int wanted = is_wanted(db, arrival, err);
    return wanted == 1 ? forget(db, arrival, err) : wanted < 0 ? wanted : 1;
}

static int claim_in_transaction(const struct bt_server *server, struct bt_db *db,
                                const struct arrival *arrival, struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    if (r < 0) {
        return r;
    }
    int ours = claim(db, arrival, bt_clock_wall_ms(server->clock), err);
    r = ours < 0 ? ours : bt_db_commit(db, err);
    bt_db_rollback(db);
    return r < 0 ? r : ours;
}

// It is surely still there: it may come again meanwhile, and is tried another day, after others.
static void put_back(const struct bt_server *server, struct bt_db *db,
                     const struct arrival *arrival)
{
    struct bt_error err = {0};
    if (bt_db_run(db, &err,
                  "UPDATE blob_arrival SET state = 'coming', changed_ms = $2 WHERE id = $1",
                  BT_TEXT(arrival->id), BT_INT(bt_clock_wall_ms(server->clock))) < 0) {
        bt_log_debug(&logger, "'%s' stays on its way out: %s", arrival->hex, err.msg);
    }
}

static int remove_it(struct bt_server *server, const struct arrival *arrival, struct bt_error *err)
{
    struct bt_sha256 sha256;
    return bt_unhex(arrival->hex, sha256.bytes, sizeof(sha256.bytes)) < 0
               ? bt_fail(err, -EIO, "The hash of an arrival is none")
               : bt_blobs_remove(server->blobs, &sha256, err);
}

// Without an answer it may be removed yet: it stays on its way out, so that nobody names it, until
// that cannot be any more (GOING_MS), and is tried again a day later.
static bool may_go_yet(int code)
{
    return code == -EHOSTUNREACH || code == -ECANCELED;
}

static int sweep_one(struct bt_server *server, struct bt_db *db, const struct arrival *arrival,
                     struct bt_error *err)
{
    int r = claim_in_transaction(server, db, arrival, err);
    if (r <= 0) {
        return r;
    }
    r = remove_it(server, arrival, err);
    if (may_go_yet(r)) {
        return r;
    }
    if (r < 0) {
        bt_log_warn(&logger, "The blob '%s', which nobody came to name, cannot be removed: %s",
                    arrival->hex, err == NULL ? "" : err->msg);
        put_back(server, db, arrival);
        return STAYS;
    }
    bt_log_info(&logger, "Removed the blob '%s', which nobody came to name", arrival->hex);
    return forget(db, arrival, err);
}

// A store that is known to be away is not asked, so nothing is claimed for it.
static int look_for_store(struct bt_server *server, struct bt_error *err)
{
    struct bt_s3 *store = bt_blobs_store(server->blobs);
    return store != NULL && bt_s3_away(store)
               ? bt_fail(err, -EHOSTUNREACH, "The store of blobs is away")
               : 0;
}

int bt_arrivals_sweep(struct bt_server *server, struct bt_db *db, int64_t now_ms,
                      struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, sha256, changed_ms FROM blob_arrival WHERE changed_ms < $1"
                      " ORDER BY changed_ms LIMIT $2",
                      BT_INT(now_ms - NEVER_NAMED_MS), BT_INT(SWEPT_AT_ONCE));
    int stay = 0;
    while (r == 0 && bt_db_next(rows)) {
        const struct arrival arrival = {.id = bt_db_get_text(rows, 0),
                                        .hex = bt_db_get_text(rows, 1),
                                        .changed_ms = bt_db_get_int(rows, 2)};
        r = look_for_store(server, err);
        r = r < 0 ? r : sweep_one(server, db, &arrival, err);
        stay += r == STAYS;
        r = BT_MIN(r, 0);
    }
    return r == 0 && stay > 0
               ? bt_fail(err, -EIO,
                         "%d blobs that nobody came to name cannot be removed; the log says why,"
                         " and they are tried again a day later",
                         stay)
               : r;
}
