// Emergencies: activations signed by a duty key, given on at once; ended by one authorised person.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/orders.h"
#include "server/publications/activation.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "server/publications/repository.h"

#define COLUMNS                                                                                    \
    "SELECT e.id, u.path, e.unit, e.template, e.level, e.from_ms, e.until_ms, e.issued_by,"        \
    " e.issued_ms, e.ended_ms, e.ended_by, e.activation"                                           \
    " FROM emergency e JOIN unit u ON u.code = e.unit"

static const char *state_of(struct bt_call *call, struct bt_db_rows *rows)
{
    if (!bt_db_is_null(rows, 9)) {
        return "ended";
    }
    return bt_db_get_int(rows, 6) <= bt_call_now_ms(call) ? "expired" : "active";
}

static cJSON *show(struct bt_call *call, struct bt_db_rows *rows)
{
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(shown, "unit", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(shown, "template", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(shown, "state", state_of(call, rows));
    cJSON_AddNumberToObject(shown, "level", (double)bt_db_get_int(rows, 4));
    cJSON_AddNumberToObject(shown, "from_ms", (double)bt_db_get_int(rows, 5));
    cJSON_AddNumberToObject(shown, "until_ms", (double)bt_db_get_int(rows, 6));
    cJSON_AddStringToObject(shown, "issued_by", bt_db_get_text(rows, 7));
    cJSON_AddNumberToObject(shown, "issued_ms", (double)bt_db_get_int(rows, 8));
    cJSON_AddItemToObject(shown, "ended_ms",
                          bt_db_is_null(rows, 9)
                              ? cJSON_CreateNull()
                              : cJSON_CreateNumber((double)bt_db_get_int(rows, 9)));
    return shown;
}

// As state_of.
#define STATE                                                                                      \
    "CASE WHEN e.ended_ms IS NOT NULL THEN 'ended' WHEN e.until_ms <= $6 THEN 'expired'"           \
    " ELSE 'active' END"

int bt_handle_emergencies(struct bt_call *call, struct bt_error *err)
{
    const struct bt_db_value filters[] = {bt_desk_filter(call, "state"),
                                          BT_INT(bt_call_now_ms(call))};
    return bt_desk_list(call, BT_DESK_LIST(COLUMNS, "e.id", BT_DESK_FILTER(STATE, "$5")), filters,
                        BT_ARRAY_LEN(filters), show, err);
}

bool bt_unit_of_emergency(struct bt_call *call, char *out, size_t size)
{
    return bt_desk_unit_of_row(call, "SELECT unit FROM emergency WHERE id = $1", out, size);
}

static int answer_one(struct bt_call *call, const char *id, int status, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, COLUMNS " WHERE e.id = $1", BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_desk_not_found(call);
    }
    cJSON *shown = show(call, rows), *outcome = NULL;
    cJSON_AddStringToObject(shown, "activation", bt_db_get_text(rows, 11));
    r = bt_orders_outcome(bt_call_db(call), id, &outcome, err);
    if (r < 0) {
        cJSON_Delete(shown);
        return r;
    }
    cJSON_AddItemToObject(shown, "screens", outcome);
    return bt_call_json_reply(call, status, shown);
}

int bt_handle_emergency(struct bt_call *call, struct bt_error *err)
{
    return answer_one(call, bt_call_path(call, "id"), 200, err);
}

// "activation": the signed document, or its text. For cJSON_Delete.
static int read_document(const cJSON *body, cJSON **out, struct bt_error *err)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(body, "activation");
    if (cJSON_IsObject(value)) {
        *out = cJSON_Duplicate(value, true);
        return 0;
    }
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'activation' is missing");
    }
    size_t len = strlen(value->valuestring);
    return len > BT_ACTIVATION_MAX_BYTES
               ? bt_fail(err, -EINVAL, "'activation' is longer than %d", BT_ACTIVATION_MAX_BYTES)
               : bt_json_parse(value->valuestring, len, out, err);
}

struct activating {
    cJSON *document;
    char *text;
    struct bt_activation activation;
    char unit[BT_UNIT_CODE_BYTES];  // whose template it is: the province for p/
};

static void finish_activating(struct activating *a)
{
    cJSON_Delete(a->document);
    cJSON_free(a->text);
}

#define AUTO_ACTIVATING BT_AUTOFINISH(finish_activating) struct activating

static int read_activating(struct bt_call *call, struct activating *out, struct bt_error *err)
{
    int r = read_document(bt_call_json(call), &out->document, err);
    r = r == 0 ? bt_activation_read(out->document, &out->activation, err) : r;
    if (r < 0) {
        return r;
    }
    out->text = cJSON_PrintUnformatted(out->document);
    if (out->text == NULL || strlen(out->text) > BT_ACTIVATION_MAX_BYTES) {
        return bt_fail(err, -EINVAL, "'activation' is longer than %d", BT_ACTIVATION_MAX_BYTES);
    }
    if (out->activation.template.everywhere) {
        return bt_unit_root(bt_call_db(call), out->unit, err);
    }
    bt_copy_cut(out->unit, sizeof(out->unit), out->activation.template.unit);
    return 0;
}

bool bt_unit_of_activation(struct bt_call *call, char *out, size_t size)
{
    AUTO_ACTIVATING activating = {0};
    struct bt_error err;
    if (bt_call_json(call) == NULL) {
        return false;
    }
    if (read_activating(call, &activating, &err) < 0) {
        bt_desk_refuse(call, -EINVAL, "invalid", "Lệnh phát khẩn cấp không hợp lệ.", &err);
        return false;
    }
    bt_copy_cut(out, size, activating.unit);
    return true;
}

// The published template is the one that was meant.
static int check_template(struct bt_db *db, const struct bt_activation *a, struct bt_error *err)
{
    BT_AUTOJSON *role = NULL;
    int r = bt_repository_load(db, a->template.role, &role, err);
    if (r < 0) {
        return r;
    }
    return strcmp(bt_document_target_hash(role, a->template.path), a->template_sha256) == 0
               ? 0
               : bt_fail(err, -EINVAL, "'template_sha256' is not the published template's");
}

static int check_signature(struct bt_db *db, const struct activating *a, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_repository_keyring(db, a->activation.role, &ring, err);
    return r < 0 ? r : bt_signatures_check(a->document, &ring, err);
}

// Whose duty keys signed it: the unit's, or the province's for its templates for all.
static bool is_of_same_role(const struct activating *a, const struct bt_db_rows *row)
{
    bool everywhere = bt_str_starts(bt_db_get_text(row, 3), "p/");
    return strcmp(bt_db_get_text(row, 2), a->unit) == 0 &&
           everywhere == a->activation.template.everywhere;
}

/*
 * A renewal ends later than before; after an end it must have begun after that. It comes from where
 * the first one came, or one unit's officer could put another unit's emergency out of reach.
 */
static int check_renewal(struct bt_db *db, const struct activating *activating,
                         struct bt_error *err)
{
    const struct bt_activation *a = &activating->activation;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT until_ms, ended_ms, unit, template FROM emergency WHERE id = $1",
                      BT_TEXT(a->id));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    if (!is_of_same_role(activating, rows)) {
        return bt_fail(err, -EEXIST, "'%s' is an emergency of another unit; take another 'id'",
                       a->id);
    }
    if (a->until_ms <= bt_db_get_int(rows, 0)) {
        return bt_fail(err, -EEXIST, "'%s' exists; a renewal needs a later 'until_ms'", a->id);
    }
    if (!bt_db_is_null(rows, 1) && a->from_ms <= bt_db_get_int(rows, 1)) {
        return bt_fail(err, -EEXIST, "'%s' was ended; 'from_ms' must be later than that", a->id);
    }
    return 0;
}

static int check_scope(struct bt_db *db, const struct bt_activation *a, struct bt_error *err)
{
    int r = 0;
    struct bt_unit_facts facts;
    for (size_t i = 0; r == 0 && i < a->scope_count; i++) {
        r = bt_unit_facts(db, a->scope[i], &facts, err);
    }
    return r;
}

// Players judge all of this for themselves; here it saves a duty officer from waiting in vain.
static int check(struct bt_call *call, const struct activating *a, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int r = bt_activation_check_time(&a->activation, bt_call_now_ms(call), err);
    r = r == 0 ? check_scope(db, &a->activation, err) : r;
    r = r == 0 ? check_template(db, &a->activation, err) : r;
    r = r == 0 ? check_signature(db, a, err) : r;
    return r == 0 ? check_renewal(db, a, err) : r;
}

// A renewal takes the row's place; when the one before stood is kept for those who count.
static int keep_before(struct bt_call *call, const char *id, struct bt_error *err)
{
    int64_t changed = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO emergency_before (emergency, from_ms, until_ms, activation)"
        " SELECT e.id, e.from_ms, e.until_ms, e.activation FROM (SELECT id,"
        " CASE WHEN issued_ms > from_ms THEN issued_ms ELSE from_ms END AS from_ms,"
        " CASE WHEN ended_ms < until_ms AND ended_ms < $2 THEN ended_ms"
        " WHEN until_ms < $2 THEN until_ms ELSE $2 END AS until_ms, activation FROM emergency"
        " WHERE id = $1) e WHERE e.from_ms < e.until_ms ON CONFLICT DO NOTHING",
        BT_TEXT(id), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

static int store(struct bt_call *call, const struct activating *a, struct bt_error *err)
{
    int r = keep_before(call, a->activation.id, err);
    if (r < 0) {
        return r;
    }
    int64_t changed = bt_db_run(
        bt_call_db(call), err,
        "INSERT INTO emergency (id, unit, template, level, from_ms, until_ms, activation, "
        "issued_by,"
        " issued_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (id) DO UPDATE SET level = excluded.level, from_ms = excluded.from_ms,"
        " until_ms = excluded.until_ms, activation = excluded.activation,"
        " issued_by = excluded.issued_by, issued_ms = excluded.issued_ms, ended_ms = NULL,"
        " ended_by = NULL",
        BT_TEXT(a->activation.id), BT_TEXT(a->unit), BT_TEXT(a->activation.template.path),
        BT_INT(a->activation.level), BT_INT(a->activation.from_ms), BT_INT(a->activation.until_ms),
        BT_TEXT(a->text), BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

// The screens that are meant: those named, of the scope, or all of the scope.
static int find_screens(struct bt_db *db, const struct bt_activation *a, struct bt_screen_list *out,
                        struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < a->scope_count; i++) {
        r = bt_screens_below(db, a->scope[i], out, err);
    }
    size_t kept = 0;
    for (size_t i = 0; r == 0 && a->screen_count > 0 && i < out->count; i++) {
        for (size_t k = 0; k < a->screen_count; k++) {
            if (strcmp(out->pointers[i], a->screens[k]) == 0) {
                out->pointers[kept++] = out->pointers[i];
                break;
            }
        }
    }
    if (r == 0 && a->screen_count > 0) {
        out->count = kept;
    }
    return r;
}

static int give(struct bt_call *call, const struct bt_activation *a, const cJSON *order,
                struct bt_error *err)
{
    BT_AUTOFINISH(bt_screen_list_finish) struct bt_screen_list screens = {0};
    int r = find_screens(bt_call_db(call), a, &screens, err);
    return r == 0 ? bt_orders_give(call, screens.pointers, screens.count, "emergency", order, a->id,
                                   err)
                  : r;
}

static int audit(struct bt_call *call, const char *verb, const char *id, const char *unit,
                 const char *text, struct bt_error *err)
{
    BT_AUTOFREE char *object = bt_strf("emergency/%s", id);
    cJSON *details = NULL;
    if (text != NULL) {
        details = cJSON_CreateObject();
        cJSON_AddStringToObject(details, "activation", text);
    }
    return bt_audit(call, verb, object, unit, details, err);
}

int bt_handle_emergency_activate(struct bt_call *call, struct bt_error *err)
{
    AUTO_ACTIVATING a = {0};
    static const char *const keys[] = {"activation", NULL};
    if (!bt_desk_keys(call, keys)) {
        return 0;
    }
    int r = read_activating(call, &a, err);
    r = r == 0 ? check(call, &a, err) : r;
    if (r < 0) {
        return bt_desk_refuse(call, r, "invalid", "Lệnh phát khẩn cấp không hợp lệ.", err);
    }
    BT_AUTOJSON *order = cJSON_CreateObject();
    cJSON_AddStringToObject(order, "activation", a.text);
    r = store(call, &a, err);
    r = r == 0 ? give(call, &a.activation, order, err) : r;
    r = r == 0 ? audit(call, "emergency.activate", a.activation.id, a.unit, a.text, err) : r;
    return r < 0 ? r : answer_one(call, a.activation.id, 201, err);
}

// To every screen that has it: a renewal may have named fewer than the one before.
static int give_end(struct bt_call *call, const char *id, const cJSON *order, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT screen FROM screen_standing WHERE reference = $1"
                      " AND kind = 'emergency' ORDER BY screen LIMIT 100000",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    size_t count = 0;
    BT_AUTOFREE const char **screens = BT_NEW_ARRAY(const char *, bt_db_count(rows) + 1);
    while (bt_db_next(rows)) {
        screens[count++] = bt_db_get_text(rows, 0);
    }
    return bt_orders_give(call, screens, count, "emergency_end", order, id, err);
}

// 1 when it was in force until now.
static int64_t mark_ended(struct bt_call *call, const char *id, struct bt_error *err)
{
    return bt_db_run(bt_call_db(call), err,
                     "UPDATE emergency SET ended_ms = $2, ended_by = $3"
                     " WHERE id = $1 AND ended_ms IS NULL",
                     BT_TEXT(id), BT_INT(bt_call_now_ms(call)),
                     BT_TEXT(bt_call_caller(call)->user));
}

int bt_handle_emergency_end(struct bt_call *call, struct bt_error *err)
{
    const char *id = bt_call_path(call, "id");
    char unit[BT_UNIT_CODE_BYTES];
    if (!bt_unit_of_emergency(call, unit, sizeof(unit))) {
        return 0;
    }
    int64_t changed = mark_ended(call, id, err);
    if (changed <= 0) {
        return changed < 0 ? (int)changed : answer_one(call, id, 200, err);
    }
    BT_AUTOJSON *order = cJSON_CreateObject();
    cJSON_AddStringToObject(order, "id", id);
    cJSON_AddNumberToObject(order, "at_ms", (double)bt_call_now_ms(call));
    int r = give_end(call, id, order, err);
    r = r == 0 ? audit(call, "emergency.end", id, unit, NULL, err) : r;
    return r < 0 ? r : answer_one(call, id, 200, err);
}
