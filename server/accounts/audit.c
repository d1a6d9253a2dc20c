#include "server/accounts/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "trust/canonical.h"

#define ENTRY_MAX_BYTES 65536
#define VERIFY_PAGE 500

struct link {
    int64_t seq;
    struct bt_sha256 hash;
};

static int read_link(const struct bt_db_rows *rows, struct link *out, struct bt_error *err)
{
    out->seq = bt_db_get_int(rows, 0);
    return bt_unhex(bt_db_get_text(rows, 1), out->hash.bytes, BT_SHA256_BYTES) < 0
               ? bt_fail(err, -EIO, "The hash of audit entry %lld is none", (long long)out->seq)
               : 0;
}

// The head moves first: on PostgreSQL a second writer fails here, and is run again behind us.
static int take_next(struct bt_db *db, struct link *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash");
    if (r < 0) {
        return r;
    }
    return bt_db_next(rows) ? read_link(rows, out, err)
                            : bt_fail(err, -EIO, "The audit log has no head");
}

static cJSON *build(const struct bt_audit_entry *entry, int64_t seq, cJSON *details)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "seq", (double)seq);
    cJSON_AddNumberToObject(body, "at_ms", (double)entry->at_ms);
    cJSON_AddStringToObject(body, "actor", entry->actor);
    cJSON_AddStringToObject(body, "from", entry->from);
    cJSON_AddStringToObject(body, "verb", entry->verb);
    cJSON_AddStringToObject(body, "object", entry->object);
    cJSON_AddStringToObject(body, "unit", entry->unit);
    cJSON_AddItemToObject(body, "details", details != NULL ? details : cJSON_CreateObject());
    return body;
}

static int insert(struct bt_db *db, const struct bt_audit_entry *entry, int64_t seq,
                  const char *body, const char *hash, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "INSERT INTO audit(seq, at_ms, actor, verb, object, unit, path, body,"
                          " hash) SELECT $1, $2, $3, $4, $5, $6,"
                          " coalesce((SELECT path FROM unit WHERE code = $6), '/' || $7 || '/'),"
                          " $8, $9",
                          BT_INT(seq), BT_INT(entry->at_ms), BT_TEXT(entry->actor),
                          BT_TEXT(entry->verb), BT_TEXT(entry->object), BT_TEXT(entry->unit),
                          BT_TEXT(BT_ROOT_UNIT), BT_TEXT(body), BT_TEXT(hash));
    r = r < 0 ? r
              : bt_db_run(db, err, "UPDATE audit_head SET hash = $1 WHERE id = 1", BT_TEXT(hash));
    return r < 0 ? (int)r : 0;
}

int bt_audit_write(struct bt_db *db, const struct bt_audit_entry *entry, cJSON *details,
                   struct bt_error *err)
{
    BT_AUTOJSON *taken = details;
    struct link previous;
    int r = take_next(db, &previous, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *body = build(entry, previous.seq, BT_TAKE(taken));
    BT_AUTOBUF text;
    bt_buf_init(&text, ENTRY_MAX_BYTES);
    r = bt_canonical_json(body, &text, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Audit entry '%s'", entry->verb);
    }
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_chain_next(&previous.hash, text.data, text.len);
    bt_hex(hash.bytes, BT_SHA256_BYTES, hex);
    return insert(db, entry, previous.seq, bt_buf_text(&text), hex, err);
}

int bt_audit(struct bt_call *call, const char *verb, const char *object, const char *unit,
             cJSON *details, struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    char actor[48] = "nobody";
    int r = caller->user[0] != '\0' ? bt_format(actor, sizeof(actor), "user/%s", caller->user)
            : caller->player[0] != '\0'
                ? bt_format(actor, sizeof(actor), "player/%s", caller->player)
                : 0;
    if (r < 0) {
        cJSON_Delete(details);
        return bt_fail(err, r, "The caller's name is too long");
    }
    const struct bt_audit_entry entry = {
        .at_ms = bt_call_now_ms(call),
        .actor = actor,
        .from = bt_call_remote(call),
        .verb = verb,
        .object = object,
        .unit = unit[0] != '\0' ? unit : BT_ROOT_UNIT,
    };
    return bt_audit_write(bt_call_db(call), &entry, details, err);
}

static int read_head(struct bt_db *db, struct link *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT seq, hash FROM audit_head WHERE id = 1");
    if (r < 0) {
        return r;
    }
    return bt_db_next(rows) ? read_link(rows, out, err)
                            : bt_fail(err, -EIO, "The audit log has no head");
}

int bt_audit_head(struct bt_db *db, char out[65], struct bt_error *err)
{
    struct link head;
    int r = read_head(db, &head, err);
    if (r == 0) {
        bt_hex(head.hash.bytes, BT_SHA256_BYTES, out);
    }
    return r;
}

static bool follows(const struct link *previous, const struct bt_db_rows *rows, struct link *out)
{
    const char *body = bt_db_get_text(rows, 2);
    struct bt_sha256 hash = bt_chain_next(&previous->hash, body, strlen(body));
    return read_link(rows, out, NULL) == 0 && out->seq == previous->seq + 1 &&
           memcmp(hash.bytes, out->hash.bytes, BT_SHA256_BYTES) == 0;
}

// 1 when the page had rows and all followed, 0 at the end; *out_bad is set where one did not.
static int verify_page(struct bt_db *db, struct link *last, int64_t *out_bad, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT seq, hash, body FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
                      BT_INT(last->seq), BT_INT(VERIFY_PAGE));
    if (r < 0) {
        return r;
    }
    while (bt_db_next(rows)) {
        struct link next = {0};
        if (!follows(last, rows, &next)) {
            *out_bad = last->seq + 1;
            return 0;
        }
        *last = next;
    }
    return bt_db_count(rows) > 0;
}

int bt_audit_verify(struct bt_db *db, int64_t *out_count, int64_t *out_bad, struct bt_error *err)
{
    struct link last = {0}, head;
    int64_t bad = 0;
    int r;
    do {
        r = verify_page(db, &last, &bad, err);
    } while (r == 1);
    r = r < 0 ? r : read_head(db, &head, err);
    if (r < 0) {
        return r;
    }
    bool at_head =
        head.seq == last.seq && memcmp(head.hash.bytes, last.hash.bytes, BT_SHA256_BYTES) == 0;
    *out_bad = bad == 0 && !at_head ? last.seq + 1 : bad;
    *out_count = last.seq;
    return 0;
}
