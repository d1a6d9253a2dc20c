#include "server/plays/heads.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/publications/issuer.h"
#include "trust/metadata.h"

static const char no_hash[] = "0000000000000000000000000000000000000000000000000000000000000000";

struct newest {
    int64_t day;  // -1: there is none
    char sha256[BT_SHA256_HEX_BYTES];
};

static int find_newest(struct bt_db *db, struct newest *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT day, sha256 FROM play_heads ORDER BY day DESC LIMIT 1");
    *out = (struct newest){.day = -1};
    bt_copy_cut(out->sha256, sizeof(out->sha256), no_hash);
    if (r == 0 && bt_db_next(rows)) {
        out->day = bt_db_get_int(rows, 0);
        bt_copy_cut(out->sha256, sizeof(out->sha256), bt_db_get_text(rows, 1));
    }
    return r;
}

static const char *const columns[] = {"player",  "screen",   "unit",     "public_key",
                                      "journal", "last_seq", "last_hash"};

static void add_journal(cJSON *list, const struct bt_db_rows *rows)
{
    cJSON *journal = cJSON_CreateObject();
    for (int i = 0; i < (int)BT_ARRAY_LEN(columns); i++) {
        if (i == 5) {
            cJSON_AddNumberToObject(journal, columns[i], (double)bt_db_get_int(rows, i));
        } else {
            cJSON_AddStringToObject(journal, columns[i], bt_db_get_text(rows, i));
        }
    }
    cJSON_AddItemToArray(list, journal);
}

static int list_journals(struct bt_db *db, int64_t now_ms, cJSON *list, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT j.player, j.screen, j.unit, p.public_key, j.journal, j.last_seq,"
                      " j.last_hash FROM play_journal j JOIN player p ON p.id = j.player"
                      " WHERE j.state <> 'closed' OR j.received_ms >= $1"
                      " ORDER BY j.player, j.journal LIMIT $2",
                      BT_INT(now_ms - BT_HEADS_CLOSED_MS), BT_INT(BT_HEADS_MAX_JOURNALS + 1));
    if (r == 0 && bt_db_count(rows) > BT_HEADS_MAX_JOURNALS) {
        return bt_fail(err, -EMSGSIZE, "More than %d journals", BT_HEADS_MAX_JOURNALS);
    }
    while (r == 0 && bt_db_next(rows)) {
        add_journal(list, rows);
    }
    return r;
}

static cJSON *begin_body(int64_t day, int64_t now_ms, const char *previous)
{
    char text[BT_RFC3339_BYTES];
    bt_rfc3339_format(day * BT_MS_PER_DAY, 0, text);
    text[strlen("2026-11-21")] = '\0';
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "_type", "plays-heads");
    cJSON_AddNumberToObject(body, "format", 1);
    cJSON_AddStringToObject(body, "day", text);
    cJSON_AddNumberToObject(body, "made_ms", (double)now_ms);
    cJSON_AddStringToObject(body, "previous", previous);
    return body;
}

static int store(struct bt_db *db, int64_t day, int64_t now_ms, const struct bt_buf *text,
                 struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(text->data, text->len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    int64_t changed =
        bt_db_run(db, err,
                  "INSERT INTO play_heads (day, body, sha256, created_ms)"
                  " VALUES ($1, $2, $3, $4) ON CONFLICT (day) DO NOTHING",
                  BT_INT(day), BT_TEXT(bt_buf_text(text)), BT_TEXT(hex), BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

static int make(struct bt_server *server, struct bt_db *db, struct bt_error *err)
{
    struct newest newest;
    int64_t now_ms = bt_clock_wall_ms(server->clock);
    int64_t day = (now_ms + BT_HEADS_OFFSET_MS) / BT_MS_PER_DAY - 1;
    int r = find_newest(db, &newest, err);
    if (r < 0 || newest.day >= day) {
        return r;
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    BT_AUTOJSON *body = begin_body(day, now_ms, newest.sha256);
    cJSON *list = cJSON_AddArrayToObject(body, "journals");
    r = list_journals(db, now_ms, list, err);
    if (r < 0 || (newest.day < 0 && list->child == NULL)) {
        return r;  // nothing has come home yet
    }
    r = bt_issuer_countersign(server->issuer, body, &text, err);
    return r < 0 ? r : store(db, day, now_ms, &text, err);
}

// Most minutes there is nothing to do, and no writer is waited for.
static int is_due(struct bt_server *server, struct bt_db *db, struct bt_error *err)
{
    struct newest newest;
    int64_t today = (bt_clock_wall_ms(server->clock) + BT_HEADS_OFFSET_MS) / BT_MS_PER_DAY;
    int r = find_newest(db, &newest, err);
    return r < 0 ? r : newest.day < today - 1;
}

int bt_heads_make(struct bt_server *server, struct bt_error *err)
{
    struct bt_db *db = NULL;
    int r = bt_db_acquire(server->db, &db, err);
    if (r < 0) {
        return r;
    }
    r = is_due(server, db, err);
    if (r == 1) {
        r = bt_db_begin(db, true, err);
        r = r < 0 ? r : make(server, db, err);
        r = r < 0 ? r : bt_db_commit(db, err);
    }
    bt_db_release(db);
    return r;
}
