// Trials: a message that says that nothing is wrong, by each way on which the alerts of a unit
// would go; they wait in the outbox like all others, are tried once, and whoever asked looks what
// became of them.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/care/handlers.h"
#include "server/care/limits.h"
#include "server/care/message.h"
#include "server/care/outbox.h"
#include "server/fleet/fleet.h"

// A trial is to be waited for; who has more readers than this tries a part of them.
#define MAX_WAYS 20

#define SUBJECT "Bảng tin: thư thử / a test"
#define VI                                                                                                                         \
    "Đây là thư thử. Không có gì hỏng cả. Cảnh báo của bảng tin sẽ đến đúng địa chỉ này, bằng " \
    "đúng đường này."
#define EN                                                                                         \
    "This is a test. Nothing is wrong. Alerts of the notice boards will come to this address, by " \
    "this way."

struct trial {
    struct bt_call *call;  // borrowed
    char unit[32], path[BT_UNIT_PATH_BYTES];
    cJSON *items;
    int64_t now_ms;
};

static cJSON *trial_json(const char *id, const char *channel, const char *address)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "channel", channel);
    cJSON_AddStringToObject(json, "address", address);
    return json;
}

// `said`: the address as people know it.
static int put(struct trial *trial, const char *channel, const char *address, const char *said,
               const char *body, struct bt_error *err)
{
    char id[BT_SERVER_ID_BYTES];
    if (cJSON_GetArraySize(trial->items) >= MAX_WAYS) {
        return 0;
    }
    int r = bt_outbox_put_trial(bt_call_db(trial->call), channel, address, SUBJECT, body,
                                trial->now_ms, id, err);
    if (r == 0) {
        cJSON_AddItemToArray(trial->items, trial_json(id, channel, said));
    }
    return r;
}

// One letter for each reader: of a letter to several, one refused address would not be seen.
static int try_mail(struct trial *trial, struct bt_error *err)
{
    BT_AUTO(bt_all_limits) limits = NULL;
    char address[BT_ADDRESS_BYTES];
    const char *from;
    int r = bt_all_limits_load(bt_call_db(trial->call), &limits, err);
    const char *to = r < 0 ? "" : bt_all_limits_mail_to(limits, trial->path, &from);
    BT_AUTOFREE char *text = bt_strf(VI " (%s)\n\n--- English ---\n" EN "\n", trial->unit);
    while (r == 0 && bt_message_address(&to, address)) {
        r = put(trial, BT_CHANNEL_MAIL, address, address, text, err);
    }
    return r;
}

static char *hook_text(const struct trial *trial)
{
    BT_AUTOJSON *json = bt_message_json(NULL, 0, trial->now_ms);
    cJSON_AddTrueToObject(json, "test");
    cJSON_AddStringToObject(json, "vi", VI);
    cJSON_AddStringToObject(json, "en", EN);
    return cJSON_PrintUnformatted(json);
}

static int try_hooks(struct trial *trial, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    char *text = hook_text(trial);
    int r = bt_db_ask(bt_call_db(trial->call), &rows, err,
                      "SELECT w.id, w.url FROM webhook w JOIN unit u ON u.code = w.unit"
                      " WHERE substr($1, 1, length(u.path)) = u.path ORDER BY w.id LIMIT $2",
                      BT_TEXT(trial->path), BT_INT(MAX_WAYS));
    while (r == 0 && bt_db_next(rows)) {
        r = put(trial, BT_CHANNEL_WEBHOOK, bt_db_get_text(rows, 0), bt_db_get_text(rows, 1), text,
                err);
    }
    cJSON_free(text);
    return r;
}

static int note(const struct trial *trial, struct bt_error *err)
{
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "ways", cJSON_GetArraySize(trial->items));
    return bt_audit(trial->call, "alert.test", "alerts", trial->unit, details, err);
}

struct wanted {
    char unit[32];
};
static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct wanted, unit, "unit", BT_JSON_STRING, .min = 1, .max = 31),
};

int bt_handle_alert_test(struct bt_call *call, struct bt_error *err)
{
    struct wanted wanted = {.unit = ""};
    struct trial trial = {.call = call, .now_ms = bt_call_now_ms(call)};
    if (!bt_call_read(call, fields, BT_ARRAY_LEN(fields), &wanted)) {
        return 0;
    }
    bt_copy_cut(trial.unit, sizeof(trial.unit), wanted.unit);
    int r = bt_fleet_unit_path(call, wanted.unit, trial.path, sizeof(trial.path), err);
    BT_AUTOJSON *reply = cJSON_CreateObject();
    trial.items = cJSON_AddArrayToObject(reply, "items");
    r = r < 0 ? r : try_mail(&trial, err);
    r = r < 0 ? r : try_hooks(&trial, err);
    if (r == 0 && cJSON_GetArraySize(trial.items) == 0) {
        return bt_call_problem(call, 409, "no-way",
                               "Chưa ai nhận cảnh báo của đơn vị này: hãy đặt alert_mail_to hoặc "
                               "thêm một webhook.",
                               "Nobody gets this unit's alerts: set alert_mail_to or add a "
                               "webhook.");
    }
    r = r < 0 ? r : note(&trial, err);
    return r < 0 ? r : bt_call_json_reply(call, 201, BT_TAKE(reply));
}

// Whoever knows the id has asked for it.
int bt_handle_alert_test_result(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT done_ms, sent, error FROM care_outbox WHERE id = $1 AND subject = $2",
                      BT_TEXT(bt_call_path(call, "message")), BT_TEXT(SUBJECT));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_call_problem(call, 404, "not-found", "Không có thứ này.",
                               "There is no such thing.");
    }
    bool done = !bt_db_is_null(rows, 0), sent = bt_db_get_int(rows, 1) != 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "state", sent ? "sent" : done ? "failed" : "waiting");
    cJSON_AddStringToObject(json, "error", bt_db_get_text(rows, 2));
    return bt_call_json_reply(call, 200, json);
}
