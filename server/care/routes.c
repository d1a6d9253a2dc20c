#include "base/compiler.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/care/handlers.h"
#include "server/fleet/fleet.h"
#include "server/http/route.h"

// Answers itself and returns false when there is none.
static bool take_unit(struct bt_call *call, int r, struct bt_db_rows *rows, char *out, size_t size)
{
    if (r < 0) {
        bt_call_problem(call, 503, "busy", "Máy chủ đang bận, hãy thử lại",
                        "The server is busy, try again");
        return false;
    }
    if (!bt_db_next(rows)) {
        bt_call_problem(call, 404, "not-found", "Không có thứ này.", "There is no such thing.");
        return false;
    }
    bt_copy_cut(out, size, bt_db_get_text(rows, 0));
    return true;
}

bool bt_care_unit_of_alert(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT unit FROM alert WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "alert")));
    return take_unit(call, r, rows, out, size);
}

bool bt_care_unit_of_hook(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT unit FROM webhook WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "webhook")));
    return take_unit(call, r, rows, out, size);
}

#define VIEW BT_WHO_USER, BT_ACTION_VIEW
#define OPERATE BT_WHO_USER, BT_ACTION_OPERATE
#define ADMINISTER BT_WHO_USER, BT_ACTION_ADMINISTER
#define ANYWHERE .unit = bt_unit_any

static const struct bt_route routes[] = {
    {"GET", "/v1/fleet", VIEW, ANYWHERE, .handle = bt_handle_fleet},
    {"GET", "/v1/alerts", VIEW, ANYWHERE, .handle = bt_handle_alerts_list},
    {"POST", "/v1/alerts/{alert}/acknowledge", OPERATE, .unit = bt_care_unit_of_alert,
     .body = BT_BODY_JSON, .max_body = 4096, .handle = bt_handle_alert_acknowledge},
    {"POST", "/v1/alerts/test", ADMINISTER, .unit = bt_fleet_unit_in_body, .body = BT_BODY_JSON,
     .max_body = 4096, .handle = bt_handle_alert_test},
    {"GET", "/v1/alerts/test/{message}", ADMINISTER, ANYWHERE,
     .handle = bt_handle_alert_test_result},
    {"GET", "/v1/webhooks", ADMINISTER, ANYWHERE, .handle = bt_handle_hooks_list},
    {"POST", "/v1/webhooks", ADMINISTER, .unit = bt_fleet_unit_in_body, .body = BT_BODY_JSON,
     .max_body = 4096, .handle = bt_handle_hooks_add},
    {"DELETE", "/v1/webhooks/{webhook}", ADMINISTER, .unit = bt_care_unit_of_hook,
     .handle = bt_handle_hook_remove},
    {"GET", "/v1/messages", ADMINISTER, .handle = bt_handle_messages_list},
};

const struct bt_route_table bt_care_routes = {routes, BT_ARRAY_LEN(routes)};
