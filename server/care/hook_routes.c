// Webhooks are added, listed and removed; what waits to be sent is shown.
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/care/care.h"
#include "server/care/handlers.h"
#include "server/care/hooks.h"
#include "server/fleet/list.h"
#include "server/fleet/player_view.h"
#include "server/ids.h"

#define MAX_HOOKS 200

static int ask_hooks(struct bt_db *db, const char *path, const char *after, int64_t limit,
                     struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT w.id, w.unit, w.url, w.created_ms FROM webhook w JOIN unit u"
                     " ON u.code = w.unit WHERE substr(u.path, 1, length($1)) = $1 AND w.id > $2"
                     " ORDER BY w.id LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

static cJSON *hook_json(const struct bt_db_rows *row)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", bt_db_get_text(row, 0));
    cJSON_AddStringToObject(json, "unit", bt_db_get_text(row, 1));
    cJSON_AddStringToObject(json, "url", bt_db_get_text(row, 2));
    cJSON_AddNumberToObject(json, "created_ms", (double)bt_db_get_int(row, 3));
    return json;
}

int bt_handle_hooks_list(struct bt_call *call, struct bt_error *err)
{
    static const struct bt_fleet_list hooks = {ask_hooks, hook_json};
    return bt_fleet_list_reply(call, BT_ACTION_ADMINISTER, &hooks, err);
}

struct wanted {
    char unit[32], url[513];
};
static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct wanted, unit, "unit", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct wanted, url, "url", BT_JSON_STRING, .min = 1, .max = 512),
};

static int check_room(struct bt_call *call, bool *out_full, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, "SELECT COUNT(*) FROM webhook");
    *out_full = r == 0 && bt_db_next(rows) && bt_db_get_int(rows, 0) >= MAX_HOOKS;
    return r;
}

static int note(struct bt_call *call, const char *verb, const char *id, const char *unit,
                const char *url, struct bt_error *err)
{
    BT_AUTOFREE char *object = bt_strf("webhook/%s", id);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "url", url);
    return bt_audit(call, verb, object, unit, details, err);
}

// The secret is told once, now.
static int store(struct bt_call *call, const struct wanted *wanted, cJSON *reply,
                 struct bt_error *err)
{
    char id[BT_SERVER_ID_BYTES], secret[BT_HOOK_SECRET_HEX_BYTES];
    bt_server_id('w', id);
    int64_t put = bt_db_run(bt_call_db(call), err,
                            "INSERT INTO webhook(id, unit, url, created_by, created_ms)"
                            " VALUES($1, $2, $3, $4, $5)",
                            BT_TEXT(id), BT_TEXT(wanted->unit), BT_TEXT(wanted->url),
                            BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    int r = put < 0 ? (int)put : bt_hook_secret(bt_call_db(call), id, secret, err);
    r = r < 0 ? r : note(call, "webhook.create", id, wanted->unit, wanted->url, err);
    if (r == 0) {
        cJSON_AddStringToObject(reply, "id", id);
        cJSON_AddStringToObject(reply, "unit", wanted->unit);
        cJSON_AddStringToObject(reply, "url", wanted->url);
        cJSON_AddNumberToObject(reply, "created_ms", (double)bt_call_now_ms(call));
        cJSON_AddStringToObject(reply, "secret", secret);
    }
    return r;
}

int bt_handle_hooks_add(struct bt_call *call, struct bt_error *err)
{
    struct wanted wanted = {.unit = ""};
    struct bt_error why = {0};
    bool full;
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &wanted)) {
        return 0;
    }
    if (bt_hook_check_url(wanted.url, bt_call_server(call)->webhooks_inside, &why) < 0) {
        return bt_call_problem(call, 400, "fields", why.msg, "url");
    }
    int r = check_room(call, &full, err);
    if (r == 0 && full) {
        return bt_call_problem(call, 409, "too-many", "Đã có quá nhiều webhook.",
                               "There are too many webhooks.");
    }
    cJSON *reply = cJSON_CreateObject();
    r = r < 0 ? r : store(call, &wanted, reply, err);
    if (r < 0) {
        cJSON_Delete(reply);
        return r;
    }
    return bt_call_json_reply(call, 201, reply);
}

int bt_handle_hook_remove(struct bt_call *call, struct bt_error *err)
{
    char unit[32];
    const char *id = bt_call_path(call, "webhook");
    if (!bt_care_unit_of_hook(call, unit, sizeof(unit))) {
        return 0;
    }
    int64_t gone =
        bt_db_run(bt_call_db(call), err, "DELETE FROM webhook WHERE id = $1", BT_TEXT(id));
    int r = gone < 0 ? (int)gone : note(call, "webhook.remove", id, unit, "", err);
    return r < 0 ? r : bt_call_empty_reply(call, 204);
}

static int ask_messages(struct bt_db *db, const char *path, const char *after, int64_t limit,
                        struct bt_db_rows **out, struct bt_error *err)
{
    (void)path;  // of the whole server; the gate asks for the root
    return bt_db_ask(db, out, err,
                     "SELECT id, channel, address, subject, error, made_ms, next_ms, attempts,"
                     " done_ms, sent FROM care_outbox WHERE id > $1 ORDER BY id LIMIT $2",
                     BT_TEXT(after), BT_INT(limit));
}

static cJSON *message_json(const struct bt_db_rows *row)
{
    static const char *const texts[] = {"id", "channel", "address", "subject", "error"};
    static const char *const numbers[] = {"made_ms", "next_ms", "attempts"};
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < (int)BT_ARRAY_LEN(texts); i++) {
        cJSON_AddStringToObject(json, texts[i], bt_db_get_text(row, i));
    }
    for (int i = 0; i < (int)BT_ARRAY_LEN(numbers); i++) {
        cJSON_AddNumberToObject(json, numbers[i], (double)bt_db_get_int(row, 5 + i));
    }
    bool done = !bt_db_is_null(row, 8), sent = bt_db_get_int(row, 9) != 0;
    cJSON_AddItemToObject(json, "done_ms", bt_number_or_null(row, 8));
    cJSON_AddStringToObject(json, "state", sent ? "sent" : done ? "failed" : "waiting");
    return json;
}

int bt_handle_messages_list(struct bt_call *call, struct bt_error *err)
{
    static const struct bt_fleet_list messages = {ask_messages, message_json};
    return bt_fleet_list_reply(call, BT_ACTION_ADMINISTER, &messages, err);
}
