// The technician's side of enrolments: making one for a card, seeing what became of it, ending it.
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/accounts/secret.h"
#include "server/fleet/enrolment.h"
#include "server/fleet/fleet.h"
#include "server/fleet/list.h"
#include "server/fleet/player_view.h"
#include "server/http/transaction.h"
#include "server/ids.h"

struct making {
    char screen[32];
    char public_key[BT_PLAYER_KEY_BYTES];
    int64_t days;
    // What came of it.
    char id[BT_SERVER_ID_BYTES], unit[32], secret[BT_SECRET_BYTES];
    int64_t expires_ms;
};

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct making, screen, "screen", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct making, public_key, "public_key", BT_JSON_STRING,
                  .min = BT_PLAYER_KEY_BYTES - 1, .max = BT_PLAYER_KEY_BYTES - 1),
    BT_JSON_FIELD(struct making, days, "days", BT_JSON_INT, .min = 1, .max = BT_ENROLMENT_MAX_DAYS),
};

static int note(struct bt_call *call, const char *verb, const char *id, const char *unit,
                cJSON *details, struct bt_error *err)
{
    char object[64];
    int r = bt_format(object, sizeof(object), "enrolment/%.40s", id);
    if (r < 0) {
        cJSON_Delete(details);
        return bt_fail(err, r, "An enrolment's id is too long");
    }
    return bt_audit(call, verb, object, unit, details, err);
}

static int find_unit(struct bt_call *call, struct making *making, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT unit FROM screen WHERE id = $1 AND retired_ms IS NULL",
                      BT_TEXT(making->screen));
    bt_copy_cut(making->unit, sizeof(making->unit),
                r == 0 && bt_db_next(rows) ? bt_db_get_text(rows, 0) : "");
    return r;
}

// A screen has one card on its way at most: a new one ends those before.
static int add_row(struct bt_call *call, struct making *making, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    char hash[BT_SHA256_HEX_BYTES];
    bt_server_id('f', making->id);
    bt_secret_make(making->secret);
    bt_secret_hash(making->secret, hash);
    int64_t now_ms = bt_call_now_ms(call);
    making->expires_ms = now_ms + making->days * BT_MS_PER_DAY;
    int64_t r = bt_db_run(db, err,
                          "UPDATE enrolment SET withdrawn_ms = $2 WHERE screen = $1"
                          " AND used_ms IS NULL AND withdrawn_ms IS NULL",
                          BT_TEXT(making->screen), BT_INT(now_ms));
    r = r < 0 ? r
              : bt_db_run(db, err,
                          "INSERT INTO enrolment(id, secret_sha256, screen, public_key,"
                          " created_ms, created_by, expires_ms)"
                          " VALUES($1, $2, $3, $4, $5, $6, $7)",
                          BT_TEXT(making->id), BT_TEXT(hash), BT_TEXT(making->screen),
                          BT_TEXT(making->public_key), BT_INT(now_ms),
                          BT_TEXT(bt_call_caller(call)->user), BT_INT(making->expires_ms));
    return r < 0 ? (int)r : 0;
}

static int make(struct bt_call *call, void *context, struct bt_error *err)
{
    struct making *making = context;
    int r = find_unit(call, making, err);
    if (r < 0) {
        return r;
    }
    if (making->unit[0] == '\0') {
        bt_call_problem(call, 404, "not-found", "Không có màn hình này.",
                        "There is no such screen.");
        return 1;
    }
    r = add_row(call, making, err);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "screen", making->screen);
    cJSON_AddStringToObject(details, "public_key", making->public_key);
    cJSON_AddNumberToObject(details, "expires_ms", (double)making->expires_ms);
    return note(call, "enrolment.create", making->id, making->unit, details, err);
}

// Without a transaction around it, so that no copy of the answer is kept for its idempotency key.
int bt_handle_enrolments_add(struct bt_call *call, struct bt_error *err)
{
    struct making making = {0};
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &making)) {
        return 0;
    }
    if (making.public_key[strspn(making.public_key, "0123456789abcdef")] != '\0') {
        return bt_call_problem(call, 400, "fields", "Khóa của máy phát không đúng dạng.",
                               "'public_key' is not 64 hex digits.");
    }
    int r = bt_call_write(call, make, &making, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddStringToObject(reply, "id", making.id);
    cJSON_AddStringToObject(reply, "screen", making.screen);
    cJSON_AddStringToObject(reply, "unit", making.unit);
    cJSON_AddNumberToObject(reply, "expires_ms", (double)making.expires_ms);
    cJSON_AddStringToObject(reply, "token", making.secret);
    bt_call_set_header(call, "Cache-Control", "no-store");
    return bt_call_json_reply(call, 201, reply);
}

#define STATE                                                                                      \
    "CASE WHEN e.used_ms IS NOT NULL THEN 'used' WHEN e.withdrawn_ms IS NOT NULL THEN 'withdrawn'" \
    " WHEN e.expires_ms <= $4 THEN 'expired' ELSE 'waiting' END"

static int ask(struct bt_db *db, const char *path, const char *after, int64_t limit,
               struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT e.id, e.screen, s.unit, " STATE ", e.public_key, e.created_ms,"
                     " e.created_by, e.expires_ms, e.used_ms, e.player, e.withdrawn_ms, s.name,"
                     " coalesce(m.name, '')"
                     " FROM enrolment e JOIN screen s ON s.id = e.screen"
                     " JOIN unit u ON u.code = s.unit"
                     " LEFT JOIN user_account m ON m.id = e.created_by"
                     " WHERE substr(u.path, 1, length($1)) = $1 AND e.id > $2 ORDER BY e.id"
                     " LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit),
                     BT_INT(bt_clock_wall_ms(bt_clock_real())));
}

static cJSON *item_of(const struct bt_db_rows *row)
{
    cJSON *item = cJSON_CreateObject();
    static const char *const texts[] = {"id", "screen", "unit", "state", "public_key"};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        cJSON_AddStringToObject(item, texts[i], bt_db_get_text(row, (int)i));
    }
    cJSON_AddNumberToObject(item, "created_ms", (double)bt_db_get_int(row, 5));
    cJSON_AddStringToObject(item, "created_by", bt_db_get_text(row, 6));
    cJSON_AddNumberToObject(item, "expires_ms", (double)bt_db_get_int(row, 7));
    cJSON_AddItemToObject(item, "used_ms", bt_number_or_null(row, 8));
    if (bt_db_is_null(row, 9)) {
        cJSON_AddNullToObject(item, "player");
    } else {
        cJSON_AddStringToObject(item, "player", bt_db_get_text(row, 9));
    }
    cJSON_AddItemToObject(item, "withdrawn_ms", bt_number_or_null(row, 10));
    // For people, who know neither by its id; whoever makes cards may not list accounts.
    cJSON_AddStringToObject(item, "screen_name", bt_db_get_text(row, 11));
    cJSON_AddStringToObject(item, "created_by_name", bt_db_get_text(row, 12));
    return item;
}

static const struct bt_fleet_list enrolments = {.ask = ask, .row = item_of};

int bt_handle_enrolments_list(struct bt_call *call, struct bt_error *err)
{
    return bt_fleet_list_reply(call, BT_ACTION_INSTALL, &enrolments, err);
}

// What was used stays so; ending it twice is fine.
int bt_handle_enrolment_remove(struct bt_call *call, struct bt_error *err)
{
    const char *id = bt_call_path(call, "enrolment");
    char unit[32];
    if (!bt_fleet_unit_of_enrolment(call, unit, sizeof(unit))) {
        return 0;
    }
    int64_t r = bt_db_run(bt_call_db(call), err,
                          "UPDATE enrolment SET withdrawn_ms = $2 WHERE id = $1"
                          " AND used_ms IS NULL AND withdrawn_ms IS NULL",
                          BT_TEXT(id), BT_INT(bt_call_now_ms(call)));
    r = r > 0 ? note(call, "enrolment.withdraw", id, unit, NULL, err) : r;
    return r < 0 ? (int)r : bt_call_empty_reply(call, 204);
}
