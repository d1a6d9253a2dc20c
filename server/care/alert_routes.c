// Alerts are listed and acknowledged.
#include <errno.h>

#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/care/handlers.h"
#include "server/fleet/list.h"
#include "server/fleet/player_view.h"

#define COLUMNS                                                                                    \
    "SELECT a.id, a.kind, a.severity, a.object, a.unit, a.vi, a.en, a.since_ms, a.raised_ms,"      \
    " a.until_ms, a.told_ms, a.acknowledged_ms, a.acknowledged_by, a.note, s.name, a.screen"       \
    " FROM alert a JOIN unit u ON u.code = a.unit LEFT JOIN screen s ON s.id = a.screen "

static cJSON *alert_json(const struct bt_db_rows *row)
{
    static const char *const texts[] = {"id", "kind", "severity", "object", "unit", "vi", "en"};
    static const char *const times[] = {"since_ms", "raised_ms", "until_ms", "told_ms",
                                        "acknowledged_ms"};
    cJSON *json = cJSON_CreateObject();
    for (int i = 0; i < (int)BT_ARRAY_LEN(texts); i++) {
        cJSON_AddStringToObject(json, texts[i], bt_db_get_text(row, i));
    }
    for (int i = 0; i < (int)BT_ARRAY_LEN(times); i++) {
        int column = (int)BT_ARRAY_LEN(texts) + i;
        cJSON_AddItemToObject(json, times[i], bt_number_or_null(row, column));
    }
    cJSON_AddStringToObject(json, "acknowledged_by", bt_db_get_text(row, 12));
    cJSON_AddStringToObject(json, "note", bt_db_get_text(row, 13));
    cJSON_AddStringToObject(json, "name", bt_db_get_text(row, 14));
    cJSON_AddStringToObject(json, "screen", bt_db_get_text(row, 15));
    return json;
}

static int ask_open(struct bt_db *db, const char *path, const char *after, int64_t limit,
                    struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     COLUMNS "WHERE substr(u.path, 1, length($1)) = $1 AND a.id > $2 AND"
                             " a.until_ms IS NULL AND a.raised_ms IS NOT NULL"
                             " ORDER BY a.id LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

static int ask_all(struct bt_db *db, const char *path, const char *after, int64_t limit,
                   struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     COLUMNS "WHERE substr(u.path, 1, length($1)) = $1 AND a.id > $2 AND"
                             " a.raised_ms IS NOT NULL ORDER BY a.id LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

int bt_handle_alerts_list(struct bt_call *call, struct bt_error *err)
{
    static const struct bt_fleet_list open = {ask_open, alert_json}, all = {ask_all, alert_json};
    const char *state = bt_call_query(call, "state");
    if (state != NULL && !bt_str_equal(state, "open") && !bt_str_equal(state, "all")) {
        return bt_call_problem(call, 400, "fields", "'state' là open hoặc all",
                               "'state' is open or all");
    }
    return bt_fleet_list_reply(call, BT_ACTION_VIEW, bt_str_equal(state, "all") ? &all : &open,
                               err);
}

struct acknowledgement {
    char note[513];
};
static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct acknowledgement, note, "note", BT_JSON_STRING, .max = 512,
                  .optional = true),
};

static int reply_with(struct bt_call *call, const char *id, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err, COLUMNS "WHERE a.id = $1", BT_TEXT(id));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_fail(err, -ENOENT, "The alert is gone");
    }
    return bt_call_json_reply(call, 200, alert_json(rows));
}

static int note_down(struct bt_call *call, const char *id, const char *note, struct bt_error *err)
{
    char object[64], unit[32];
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "note", note);
    int r = bt_format(object, sizeof(object), "alert/%.40s", id);
    return r < 0 || !bt_care_unit_of_alert(call, unit, sizeof(unit))
               ? (cJSON_Delete(details), r)
               : bt_audit(call, "alert.acknowledge", object, unit, details, err);
}

int bt_handle_alert_acknowledge(struct bt_call *call, struct bt_error *err)
{
    struct acknowledgement said = {.note = ""};
    const char *id = bt_call_path(call, "alert");
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &said)) {
        return 0;
    }
    int64_t changed = bt_db_run(bt_call_db(call), err,
                                "UPDATE alert SET acknowledged_ms = $2, acknowledged_by = $3,"
                                " note = $4 WHERE id = $1 AND until_ms IS NULL"
                                " AND raised_ms IS NOT NULL",
                                BT_TEXT(id), BT_INT(bt_call_now_ms(call)),
                                BT_TEXT(bt_call_caller(call)->user), BT_TEXT(said.note));
    if (changed == 0) {
        return bt_call_problem(call, 409, "alert-over", "Cảnh báo này đã hết.",
                               "This alert is over.");
    }
    int r = changed < 0 ? (int)changed : note_down(call, id, said.note, err);
    return r < 0 ? r : reply_with(call, id, err);
}
