// POST and GET /v1/reports, GET /v1/reports/{report}, GET /v1/report-presets.
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/audit.h"
#include "server/accounts/handlers.h"
#include "server/http/idempotency.h"
#include "server/http/transaction.h"
#include "server/ids.h"
#include "server/publications/desk.h"
#include "server/reports/csv.h"
#include "server/reports/kept.h"
#include "server/reports/period.h"
#include "server/reports/shown.h"
#include "server/reports/xlsx.h"

#define XLSX_TYPE "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

#define COLUMNS                                                                                    \
    "r.id, r.unit, r.preset, r.title, r.from_day, r.until_day, r.rows_count, r.complete,"          \
    " r.sha256, r.created_by, r.created_ms"

static cJSON *report_item(const struct bt_db_rows *rows)
{
    char day[BT_DAY_BYTES];
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(item, "unit", bt_db_get_text(rows, 1));
    cJSON_AddStringToObject(item, "preset", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(item, "title", bt_db_get_text(rows, 3));
    bt_day_iso(bt_db_get_int(rows, 4), day);
    cJSON_AddStringToObject(item, "from_day", day);
    bt_day_iso(bt_db_get_int(rows, 5), day);
    cJSON_AddStringToObject(item, "until_day", day);
    cJSON_AddNumberToObject(item, "rows", (double)bt_db_get_int(rows, 6));
    cJSON_AddNumberToObject(item, "complete", (double)bt_db_get_int(rows, 7));
    cJSON_AddStringToObject(item, "sha256", bt_db_get_text(rows, 8));
    cJSON_AddStringToObject(item, "created_by", bt_db_get_text(rows, 9));
    cJSON_AddNumberToObject(item, "created_ms", (double)bt_db_get_int(rows, 10));
    return item;
}

// The newest first; the cursor is an id.
static int handle_list(struct bt_call *call, struct bt_error *err)
{
    struct bt_page page;
    char who[BT_ROLES_BYTES];
    const char *unit = bt_call_query(call, "unit");
    BT_AUTO(bt_db_rows) rows = NULL;
    if (!bt_page_read(call, &page)) {
        return 0;
    }
    bt_roles_who_may(BT_ACTION_REPORT, who);
    int r = bt_db_ask(
        bt_call_db(call), &rows, err,
        "SELECT " COLUMNS " FROM report r JOIN unit x ON x.code = r.unit"
        " WHERE ($1 = '' OR EXISTS (SELECT 1 FROM report a WHERE a.id = $1 AND (r.created_ms <"
        " a.created_ms OR (r.created_ms = a.created_ms AND r.id < a.id))))"
        " AND ($2 = '' OR r.unit = $2)"
        " AND EXISTS (SELECT 1 FROM role_grant g JOIN unit u ON u.code = g.unit"
        " WHERE g.user_id = $3 AND $4 LIKE '% ' || g.role || ' %'"
        " AND substr(x.path, 1, length(u.path)) = u.path)"
        " ORDER BY r.created_ms DESC, r.id DESC LIMIT $5",
        BT_TEXT(page.after), BT_TEXT(unit != NULL ? unit : ""), BT_TEXT(bt_call_caller(call)->user),
        BT_TEXT(who), BT_INT(page.limit + 1));
    return r < 0 ? r : bt_page_reply(call, &page, rows, report_item, "id");
}

static int refuse(struct bt_call *call, int r, const struct bt_error *why)
{
    return bt_call_problem(call, r == -E2BIG ? 413 : 400,
                           r == -E2BIG ? "report-too-large" : "fields", why->msg, why->msg);
}

// One snapshot for everything the report says.
static int make(struct bt_call *call, struct bt_report_params *params,
                struct bt_report_order *order, struct bt_report_made *made, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    *made = (struct bt_report_made){.rows = 0};
    if (db == NULL) {
        return bt_fail(err, -EAGAIN, "The database cannot be reached");
    }
    int r = bt_db_begin(db, false, err);
    r = r < 0 ? r : bt_report_settle_in(db, params, order->now_ms, err);
    r = r < 0 ? r : bt_report_make(db, order, made, err);
    bt_db_rollback(db);
    return r;
}

struct kept {
    const struct bt_report_order *order;
    const struct bt_report_made *made;
};

static int keep(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct kept *kept = context;
    const struct bt_report_order *order = kept->order;
    char object[48];
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_report_store(bt_call_db(call), order, kept->made, err);
    r = r < 0 ? r : bt_format(object, sizeof(object), "report/%s", order->id);
    if (r < 0) {
        return r;
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "title", order->params->title);
    r = bt_audit(call, "report.make", object, order->params->unit, details, err);
    r = r < 0 ? r
              : bt_db_ask(bt_call_db(call), &rows, err,
                          "SELECT " COLUMNS " FROM report r WHERE r.id = $1", BT_TEXT(order->id));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    r = bt_call_json_reply(call, 201, report_item(rows));
    return r < 0 ? r : bt_idempotency_keep(call, err);
}

// What was made for this key already is not made again; what is not kept is counted anew, having no
// effect that could happen twice.
static int answer_again(struct bt_call *call, struct bt_error *err)
{
    return bt_call_db(call) == NULL ? bt_fail(err, -EAGAIN, "The database cannot be reached")
                                    : bt_idempotency_look(call, err);
}

static int handle_make(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOFREE struct bt_report_params *params = BT_NEW(struct bt_report_params);
    BT_AUTOMADE made = {.rows = 0};
    char id[BT_SERVER_ID_BYTES] = "";
    struct bt_error why = {0};
    const cJSON *body = bt_call_json(call);
    if (body == NULL) {
        return 0;
    }
    int r = bt_report_params_read(body, params, &why);
    if (r < 0) {
        return refuse(call, r, &why);
    }
    if (params->keep) {
        bt_server_id('b', id);
    }
    r = answer_again(call, err);
    if (r != 0) {
        return BT_MIN(r, 0);
    }
    struct bt_report_order order = {params, id, bt_call_caller(call)->user, bt_call_now_ms(call)};
    r = make(call, params, &order, &made, err);
    if (r == -E2BIG || r == -EINVAL) {
        return refuse(call, r, err);
    }
    if (r < 0) {
        return r;
    }
    if (!params->keep) {
        return bt_call_bytes_reply(call, 200, "application/json", made.text.data, made.text.len);
    }
    struct kept kept = {&order, &made};
    return bt_call_write(call, keep, &kept, err);
}

static bool unit_of_report(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT unit FROM report WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "report")));
    if (r == 0 && bt_db_next(rows) && bt_format(out, size, "%s", bt_db_get_text(rows, 0)) == 0) {
        return true;
    }
    bt_not_found(call);
    return false;
}

static int name_file(struct bt_call *call, const char *document, size_t len, const char *ending,
                     struct bt_error *err)
{
    BT_AUTOREADER reader;
    char name[BT_SHOWN_BYTES], header[BT_SHOWN_BYTES + 32];
    int r = bt_report_reader_init(&reader, document, len, err);
    if (r < 0) {
        return r;
    }
    bt_shown_file_name(reader.head, ending, name);
    r = bt_format(header, sizeof(header), "attachment; filename=\"%s\"", name);
    if (r == 0) {
        bt_call_set_header(call, "Content-Disposition", header);
    }
    return r;
}

static int reply_file(struct bt_call *call, const char *document, const char *format,
                      struct bt_error *err)
{
    BT_AUTOBUF file;
    const char *separator = bt_call_query(call, "separator");
    bool is_csv = strcmp(format, "csv") == 0;
    size_t len = strlen(document);
    bt_buf_init(&file, BT_XLSX_MAX_BYTES);
    int r = name_file(call, document, len, format, err);
    if (r < 0) {
        return r;
    }
    char between = separator != NULL && separator[0] == ',' ? ',' : ';';
    r = is_csv ? bt_report_csv(document, len, between, &file, err)
               : bt_report_xlsx(document, len, &file, err);
    return r < 0 ? r
                 : bt_call_bytes_reply(call, 200, is_csv ? "text/csv; charset=utf-8" : XLSX_TYPE,
                                       file.data, file.len);
}

static int handle_get(struct bt_call *call, struct bt_error *err)
{
    const char *format = bt_call_query(call, "format"),
               *separator = bt_call_query(call, "separator");
    BT_AUTO(bt_db_rows) rows = NULL;
    format = format != NULL ? format : "json";
    bool known =
        strcmp(format, "json") == 0 || strcmp(format, "csv") == 0 || strcmp(format, "xlsx") == 0;
    if (!known ||
        (separator != NULL && strcmp(separator, ",") != 0 && strcmp(separator, ";") != 0)) {
        return bt_call_problem(call, 400, "fields", "Có json, csv, xlsx; dấu tách ; hoặc ,",
                               "There are json, csv, xlsx; the separator is ; or ,");
    }
    int r = bt_db_ask(bt_call_db(call), &rows, err, "SELECT document FROM report WHERE id = $1",
                      BT_TEXT(bt_call_path(call, "report")));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : bt_not_found(call);
    }
    const char *document = bt_db_get_text(rows, 0);
    return strcmp(format, "json") == 0
               ? bt_call_bytes_reply(call, 200, "application/json", document, strlen(document))
               : reply_file(call, document, format, err);
}

static bool unit_asked(struct bt_call *call, char *out, size_t size)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    const char *unit = bt_call_query(call, "unit");
    int r = bt_db_ask(bt_call_db(call), &rows, NULL, "SELECT code FROM unit WHERE code = $1",
                      BT_TEXT(unit != NULL ? unit : BT_ROOT_UNIT));
    if (r == 0 && bt_db_next(rows) && bt_format(out, size, "%s", bt_db_get_text(rows, 0)) == 0) {
        return true;
    }
    bt_call_problem(call, 404, "no-such-unit", "Không có đơn vị này", "There is no such unit");
    return false;
}

// What each preset would report now, in a unit.
static int handle_presets(struct bt_call *call, struct bt_error *err)
{
    const char *unit = bt_call_query(call, "unit");
    BT_AUTOJSON *reply = cJSON_CreateObject();
    cJSON *items = cJSON_AddArrayToObject(reply, "items");
    for (size_t i = 0; bt_report_presets[i] != NULL; i++) {
        struct bt_report_params params = {.keep = true};
        char day[BT_DAY_BYTES];
        bt_copy_cut(params.unit, sizeof(params.unit), unit != NULL ? unit : BT_ROOT_UNIT);
        bt_copy_cut(params.preset, sizeof(params.preset), bt_report_presets[i]);
        int r = bt_report_settle_in(bt_call_db(call), &params, bt_call_now_ms(call), err);
        if (r < 0) {
            return r;
        }
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "preset", params.preset);
        cJSON_AddStringToObject(item, "period", params.period);
        cJSON_AddStringToObject(item, "title", params.title);
        bt_day_iso(params.from_day, day);
        cJSON_AddStringToObject(item, "from_day", day);
        bt_day_iso(params.until_day, day);
        cJSON_AddStringToObject(item, "until_day", day);
        cJSON_AddItemToArray(items, item);
    }
    cJSON_AddNullToObject(reply, "next");
    return bt_call_json_reply(call, 200, BT_TAKE(reply));
}

#define REPORTS(unit_) .who = BT_WHO_USER, .action = BT_ACTION_REPORT, .unit = (unit_)

static const struct bt_route routes[] = {
    {"GET", "/v1/reports", REPORTS(bt_unit_any), .handle = handle_list},
    // Reads for seconds; nobody else waits for it meanwhile.
    {"POST", "/v1/reports", REPORTS(bt_desk_unit_of_body), .body = BT_BODY_JSON, .max_body = 8192,
     .no_transaction = true, .handle = handle_make},
    {"GET", "/v1/reports/{report}", REPORTS(unit_of_report), .handle = handle_get},
    {"GET", "/v1/report-presets", REPORTS(unit_asked), .handle = handle_presets},
};

const struct bt_route_table bt_report_routes = {routes, BT_ARRAY_LEN(routes)};
