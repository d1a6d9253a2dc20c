#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"

// The exact text that was hashed goes out, so that others can follow the chain themselves.
static cJSON *audit_item(const struct bt_db_rows *rows)
{
    cJSON *item = cJSON_CreateObject();
    cJSON_AddNumberToObject(item, "seq", (double)bt_db_get_int(rows, 0));
    cJSON_AddNumberToObject(item, "at_ms", (double)bt_db_get_int(rows, 1));
    cJSON_AddStringToObject(item, "actor", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(item, "verb", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(item, "object", bt_db_get_text(rows, 4));
    cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 5));
    cJSON_AddStringToObject(item, "body", bt_db_get_text(rows, 6));
    cJSON_AddStringToObject(item, "hash", bt_db_get_text(rows, 7));
    return item;
}

#define SELECT_VISIBLE                                                                             \
    "SELECT x.seq, x.at_ms, x.actor, x.verb, x.object, x.unit, x.body, x.hash FROM audit x"        \
    " WHERE ($2 = '' OR x.unit = $2) AND EXISTS"                                                   \
    " (SELECT 1 FROM role_grant g JOIN unit u ON u.code = g.unit"                                  \
    " WHERE g.user_id = $3 AND $4 LIKE '% ' || g.role || ' %'"                                     \
    " AND substr(x.path, 1, length(u.path)) = u.path)"

// Newest first, or with ?order=oldest from the beginning, as whoever follows the chain wants it.
int bt_handle_audit_list(struct bt_call *call, struct bt_error *err)
{
    const char *order = bt_call_query(call, "order"), *unit = bt_call_query(call, "unit");
    bool oldest = order != NULL && strcmp(order, "oldest") == 0;
    struct bt_page page;
    int64_t after;
    if (!bt_page_read(call, &page) ||
        !bt_call_query_int(call, "after", 0, INT64_MAX, oldest ? 0 : INT64_MAX, &after)) {
        return 0;
    }
    char who[BT_ROLES_BYTES];
    bt_roles_who_may(BT_ACTION_ADMINISTER, who);
    const struct bt_db_value values[] = {BT_INT(after), BT_TEXT(unit != NULL ? unit : ""),
                                         BT_TEXT(bt_call_caller(call)->user), BT_TEXT(who),
                                         BT_INT(page.limit + 1)};
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask_values(bt_call_db(call),
                             oldest ? SELECT_VISIBLE " AND x.seq > $1 ORDER BY x.seq LIMIT $5"
                                    : SELECT_VISIBLE " AND x.seq < $1 ORDER BY x.seq DESC LIMIT $5",
                             values, BT_ARRAY_LEN(values), &rows, err);
    return r < 0 ? r : bt_page_reply(call, &page, rows, audit_item, "seq");
}

int bt_handle_audit_check(struct bt_call *call, struct bt_error *err)
{
    int64_t count, bad;
    char head[65];
    int r = bt_audit_verify(bt_call_db(call), &count, &bad, err);
    r = r < 0 ? r : bt_audit_head(bt_call_db(call), head, err);
    if (r < 0) {
        return r;
    }
    cJSON *reply = cJSON_CreateObject();
    cJSON_AddBoolToObject(reply, "intact", bad == 0);
    cJSON_AddNumberToObject(reply, "entries", (double)count);
    cJSON_AddStringToObject(reply, "head", head);
    if (bad == 0) {
        cJSON_AddNullToObject(reply, "first_bad");
    } else {
        cJSON_AddNumberToObject(reply, "first_bad", (double)bad);
    }
    return bt_call_json_reply(call, 200, reply);
}
