#include "server/care/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "plays/batch.h"
#include "server/media/blobs.h"

#define VIET_NAM_MS (7 * 3600 * 1000LL)
// Of one transaction, and what the others who write get in between.
#define SLICE 200
#define BREATH_NS (10 * BT_NS_PER_MS)
#define PAGE_ROWS 100
#define PAGE_PLAYERS 500

static const struct bt_log logger = {"server/archive"};

struct entry {
    char player[BT_BATCH_PLAYER_BYTES], journal[BT_JOURNAL_ID_BYTES];
    int64_t first_seq, at, len;
};

// A pack in the making.
struct packing {
    struct bt_server *server;  // borrowed
    struct bt_db *db;          // borrowed
    const atomic_bool *stopping;
    int64_t day;
    struct bt_buf body;
    struct entry *entries;
    size_t count, capacity;
    int64_t packed;  // batches, for the log
};

static void packing_finish(struct packing *packing)
{
    bt_buf_finish(&packing->body);
    free(packing->entries);
}

static void breathe(void)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + BREATH_NS);
}

static int64_t forget_body(struct packing *packing, const char *hex, const struct entry *entry,
                           struct bt_error *err)
{
    return bt_db_run(packing->db, err,
                     "UPDATE play_batch SET body = NULL, pack = $4, pack_at = $5, pack_len = $6"
                     " WHERE player = $1 AND journal = $2 AND first_seq = $3 AND pack IS NULL"
                     " AND length(body) = $6",
                     BT_TEXT(entry->player), BT_TEXT(entry->journal), BT_INT(entry->first_seq),
                     BT_TEXT(hex), BT_INT(entry->at), BT_INT(entry->len));
}

static int forget_slice(struct packing *packing, const char *hex, size_t from, struct bt_error *err)
{
    size_t until = BT_MIN(from + SLICE, packing->count);
    int64_t r = bt_db_begin(packing->db, true, err);
    for (size_t i = from; r >= 0 && i < until; i++) {
        // No row: another server has packed it meanwhile.
        r = forget_body(packing, hex, &packing->entries[i], err);
    }
    r = r < 0 ? r : bt_db_commit(packing->db, err);
    if (r < 0) {
        bt_db_rollback(packing->db);
    }
    return r < 0 ? (int)r : 0;
}

static int note_pack(struct packing *packing, const char *hex, struct bt_error *err)
{
    int64_t r = bt_db_run(packing->db, err,
                          "INSERT INTO play_pack(sha256, day, batches, bytes, made_ms)"
                          " VALUES($1, $2, $3, $4, $5) ON CONFLICT (sha256) DO NOTHING",
                          BT_TEXT(hex), BT_INT(packing->day), BT_INT((int64_t)packing->count),
                          BT_INT((int64_t)packing->body.len),
                          BT_INT(bt_clock_wall_ms(packing->server->clock)));
    return r < 0 ? (int)r : 0;
}

static int seal(struct packing *packing, struct bt_error *err)
{
    struct bt_sha256 sha256;
    char hex[BT_SHA256_HEX_BYTES];
    if (packing->count == 0) {
        return 0;
    }
    int r =
        bt_blobs_put(packing->server->blobs, packing->body.data, packing->body.len, &sha256, err);
    // What is kept is what we have.
    r = r < 0 ? r
              : bt_blobs_check(packing->server->blobs, &sha256, (int64_t)packing->body.len, err);
    if (r < 0) {
        return r;
    }
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    r = note_pack(packing, hex, err);
    for (size_t i = 0; r == 0 && i < packing->count; i += SLICE) {
        r = forget_slice(packing, hex, i, err);
        breathe();
    }
    packing->packed += (int64_t)packing->count;
    packing->count = 0;
    bt_buf_clear(&packing->body);
    return r;
}

static int add_batch(struct packing *packing, const char *player, const struct bt_db_rows *row,
                     struct bt_error *err)
{
    size_t len;
    const void *body = bt_db_get_blob(row, 3, &len);
    if (packing->body.len + len > BT_PACK_MAX_BYTES || packing->count == BT_PACK_MAX_BATCHES) {
        int r = seal(packing, err);
        if (r < 0) {
            return r;
        }
    }
    BT_GROW(packing->entries, packing->capacity, packing->count + 1);
    struct entry *entry = &packing->entries[packing->count];
    *entry = (struct entry){
        .first_seq = bt_db_get_int(row, 1), .at = (int64_t)packing->body.len, .len = (int64_t)len};
    bt_copy_cut(entry->player, sizeof(entry->player), player);
    bt_copy_cut(entry->journal, sizeof(entry->journal), bt_db_get_text(row, 0));
    int r = bt_buf_append(&packing->body, body, len);
    packing->count += r == 0;
    return r < 0 ? bt_fail(err, r, "A batch is too long for a pack") : 0;
}

// Rows of the same millisecond stay together: the cursor is the row.
static int add_player(struct packing *packing, const char *player, struct bt_error *err)
{
    int64_t from_ms = packing->day * BT_MS_PER_DAY - VIET_NAM_MS, seq = -1;
    int64_t until_ms = from_ms + BT_MS_PER_DAY;
    char journal[BT_JOURNAL_ID_BYTES] = "";
    int r = 0;
    for (bool more = true; more && r == 0 && !atomic_load(packing->stopping);) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(packing->db, &rows, err,
                      "SELECT journal, first_seq, received_ms, body FROM play_batch"
                      " WHERE player = $1 AND pack IS NULL AND received_ms >= $2"
                      " AND received_ms < $3 AND body IS NOT NULL AND (received_ms > $2"
                      " OR journal > $4 OR (journal = $4 AND first_seq > $5))"
                      " ORDER BY received_ms, journal, first_seq LIMIT $6",
                      BT_TEXT(player), BT_INT(from_ms), BT_INT(until_ms), BT_TEXT(journal),
                      BT_INT(seq), BT_INT(PAGE_ROWS));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            bt_copy_cut(journal, sizeof(journal), bt_db_get_text(rows, 0));
            seq = bt_db_get_int(rows, 1);
            from_ms = bt_db_get_int(rows, 2);
            r = add_batch(packing, player, rows, err);
        }
    }
    return r;
}

static int add_players(struct packing *packing, struct bt_error *err)
{
    char after[BT_BATCH_PLAYER_BYTES] = "";
    int r = 0;
    for (bool more = true; more && r == 0 && !atomic_load(packing->stopping);) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(packing->db, &rows, err,
                      "SELECT DISTINCT player FROM play_journal WHERE player > $1"
                      " ORDER BY player LIMIT $2",
                      BT_TEXT(after), BT_INT(PAGE_PLAYERS));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            bt_copy_cut(after, sizeof(after), bt_db_get_text(rows, 0));
            r = add_player(packing, after, err);
        }
    }
    return r < 0 ? r : seal(packing, err);
}

// The oldest day that has something to be packed, or `today`.
static int find_day(struct bt_db *db, int64_t today, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT MIN(received_ms) FROM play_batch WHERE pack IS NULL"
                      " AND body IS NOT NULL");
    *out = today;
    if (r == 0 && bt_db_next(rows) && !bt_db_is_null(rows, 0)) {
        *out = BT_MIN((bt_db_get_int(rows, 0) + VIET_NAM_MS) / BT_MS_PER_DAY, today);
    }
    return r;
}

int bt_archive_pack(struct bt_server *server, struct bt_db *db, int64_t today,
                    const atomic_bool *stopping, struct bt_error *err)
{
    int r = 0;
    struct packing packing = {.server = server, .db = db, .stopping = stopping, .day = -1};
    bt_buf_init(&packing.body, BT_PACK_MAX_BYTES + BT_BATCH_MAX_PACKED);
    while (r == 0 && !atomic_load(stopping)) {
        int64_t before = packing.day;
        r = find_day(db, today, &packing.day, err);
        if (r < 0 || packing.day == today) {
            break;
        }
        // A day that stays is not tried again and again.
        r = packing.day == before
                ? bt_fail(err, -EIO, "Batches of day %lld cannot be packed", (long long)before)
                : add_players(&packing, err);
    }
    if (packing.packed > 0) {
        bt_log_info(&logger, "%lld batches of plays are packed", (long long)packing.packed);
    }
    packing_finish(&packing);
    return r;
}

int bt_archive_round(struct bt_server *server, struct bt_db *db, struct bt_archive_state *state,
                     const atomic_bool *stopping, struct bt_error *err)
{
    int64_t now_ms = bt_clock_wall_ms(server->clock);
    int64_t today = (now_ms + VIET_NAM_MS) / BT_MS_PER_DAY;
    int r = 0;
    if (state->packed_day != today) {
        r = bt_archive_pack(server, db, today, stopping, err);
        state->packed_day = r == 0 && !atomic_load(stopping) ? today : 0;
    }
    if (r == 0 && state->swept_day != today && !atomic_load(stopping)) {
        r = bt_archive_sweep(server, db, now_ms, stopping, err);
        state->swept_day = r == 0 ? today : 0;
    }
    return r;
}
