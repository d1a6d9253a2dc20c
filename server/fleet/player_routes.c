// What a player asks and answers: its stream, the poll, what it did, pongs.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/hub.h"
#include "server/fleet/orders.h"
#include "server/http/transaction.h"

// As far as JSON counts, nearly: a player whose server was in wrong hands may have been given high
// numbers, and still gets orders.
#define MAX_NUMBER (1LL << 52)

#define POLL_ORDERS 100
#define MAX_RESULTS 100

struct opening {
    int64_t after;
    char unit_path[BT_UNIT_PATH_BYTES];
};

// "?after=N", or the header a browser's event source would send. False: 400 was answered.
static bool read_after(struct bt_call *call, int64_t *out)
{
    const char *header = bt_call_header(call, "Last-Event-ID");
    if (header == NULL || bt_call_query(call, "after") != NULL) {
        return bt_call_query_int(call, "after", 0, MAX_NUMBER, 0, out);
    }
    if (bt_parse_int(header, 0, MAX_NUMBER, out) < 0) {
        struct bt_error err;
        bt_fail(&err, -EINVAL, "'Last-Event-ID' is not the number of an order");
        bt_fleet_bad_request(call, &err);
        return false;
    }
    return true;
}

static int open_stream(struct bt_call *call, void *context, struct bt_error *err)
{
    struct opening *opening = context;
    const struct bt_caller *caller = bt_call_caller(call);
    int r = bt_orders_catch_up(bt_call_db(call), caller->player, opening->after, err);
    return r < 0 ? r
                 : bt_fleet_unit_path(call, caller->unit, opening->unit_path,
                                      sizeof(opening->unit_path), err);
}

int bt_handle_player_stream(struct bt_call *call, struct bt_error *err)
{
    struct opening opening = {.after = 0};
    if (!read_after(call, &opening.after)) {
        return 0;
    }
    int r = bt_call_write(call, open_stream, &opening, err);
    if (r < 0) {
        return r;
    }
    const struct bt_caller *caller = bt_call_caller(call);
    const struct bt_seat_player player = {.player = caller->player,
                                          .screen = caller->screen,
                                          .unit_path = opening.unit_path,
                                          .after = opening.after};
    struct bt_seat *seat = bt_seat_of_player(bt_call_server(call)->hub, &player);
    return bt_call_stream_reply(call, bt_seat_on_open, bt_seat_on_close, seat);
}

struct polled {
    char player[32];
    int64_t n;
};

static void tell_polled(struct bt_server *server, void *context)
{
    const struct polled *polled = context;
    bt_hub_polled(server->hub, polled->player, polled->n);
}

// The orders as JSON text; *out_n is the last one.
static int write_orders(struct bt_db_rows *rows, int64_t now_ms, struct bt_buf *out, int64_t *out_n)
{
    int r = bt_buf_appendf(out, "{\"orders\":[");
    for (bool first = true; r == 0 && bt_db_next(rows);) {
        if (bt_orders_row_is_stale(rows, now_ms)) {
            continue;
        }
        r = first ? 0 : bt_buf_append(out, ",", 1);
        r = r < 0 ? r : bt_orders_append(rows, out);
        first = false;
        *out_n = bt_orders_row_number(rows);
    }
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

static int timestamp_version(struct bt_db *db, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT max(version) FROM tuf_metadata WHERE role = 'timestamp'");
    if (r == 0 && bt_db_next(rows)) {
        *out = bt_db_get_int(rows, 0);
    }
    return r;
}

static void mark_polled(struct bt_call *call, int64_t n)
{
    struct polled *polled = BT_NEW(struct polled);
    bt_copy_cut(polled->player, sizeof(polled->player), bt_call_caller(call)->player);
    polled->n = n;
    bt_call_after_commit(call, tell_polled, polled, free);
}

int bt_handle_player_orders(struct bt_call *call, struct bt_error *err)
{
    int64_t after, timestamp = 0, last = 0;
    if (!bt_call_query_int(call, "after", 0, MAX_NUMBER, 0, &after)) {
        return 0;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_orders_open(bt_call_db(call), bt_call_caller(call)->player, after, POLL_ORDERS,
                           &rows, err);
    r = r < 0 ? r : timestamp_version(bt_call_db(call), &timestamp, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOBUF body;
    bt_buf_init(&body, POLL_ORDERS * (BT_ORDER_MAX_BYTES + 256));
    r = write_orders(rows, bt_call_now_ms(call), &body, &last);
    r = r < 0 ? r : bt_buf_appendf(&body, ",\"timestamp\":%lld}", (long long)timestamp);
    if (r < 0) {
        return bt_fail(err, r, "The orders are too long");
    }
    if (last > 0) {
        mark_polled(call, last);
    }
    return bt_call_bytes_reply(call, 200, "application/json", body.data, body.len);
}

struct result {
    int64_t n, at_ms;
    int state;
    char detail[513];
};

static const char *const result_words[] = {"done", "refused", "failed", NULL};

static const struct bt_json_field result_fields[] = {
    BT_JSON_FIELD(struct result, n, "n", BT_JSON_INT, .min = 1, .max = MAX_NUMBER),
    BT_JSON_FIELD(struct result, state, "state", BT_JSON_ENUM, .words = result_words),
    BT_JSON_FIELD(struct result, at_ms, "at_ms", BT_JSON_INT, .min = 0, .max = 1LL << 52),
    BT_JSON_FIELD(struct result, detail, "detail", BT_JSON_STRING, .max = 512, .optional = true),
};

static int tell_result(struct bt_call *call, const struct result *result, const char *reference,
                       struct bt_error *err)
{
    const struct bt_caller *caller = bt_call_caller(call);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "screen", caller->screen);
    cJSON_AddStringToObject(data, "player", caller->player);
    cJSON_AddNumberToObject(data, "n", (double)result->n);
    cJSON_AddStringToObject(data, "reference", reference);
    cJSON_AddStringToObject(data, "state", result_words[result->state]);
    cJSON_AddNumberToObject(data, "at_ms", (double)result->at_ms);
    return bt_fleet_tell(call, caller->unit, "order", data, err);
}

// The first answer to an order counts.
static int take_result(struct bt_call *call, const struct result *result, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "UPDATE player_order SET state = $3, at_ms = $4, detail = $5"
                      " WHERE player = $1 AND n = $2 AND state IN ('waiting', 'sent', 'replaced')"
                      " RETURNING reference",
                      BT_TEXT(bt_call_caller(call)->player), BT_INT(result->n),
                      BT_TEXT(result_words[result->state]), BT_INT(result->at_ms),
                      BT_TEXT(result->detail));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    return tell_result(call, result, bt_db_get_text(rows, 0), err);
}

// Returns how many, or -EINVAL.
static int read_results(const cJSON *body, struct result out[MAX_RESULTS], struct bt_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(body, "results");
    int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count > MAX_RESULTS) {
        return bt_fail(err, -EINVAL, "'results' must be a list of at most %d", MAX_RESULTS);
    }
    int i = 0;
    for (const cJSON *entry = list->child; entry != NULL; entry = entry->next, i++) {
        if (bt_json_read(entry, result_fields, BT_ARRAY_LEN(result_fields), &out[i], NULL, err) <
            0) {
            return bt_fail_in(err, -EINVAL, "results[%d]", i);
        }
    }
    return count;
}

int bt_handle_player_done(struct bt_call *call, struct bt_error *err)
{
    const cJSON *body = bt_call_json(call);
    if (body == NULL) {
        return 0;
    }
    BT_AUTOFREE struct result *results = BT_NEW_ARRAY(struct result, MAX_RESULTS);
    int count = read_results(body, results, err);
    if (count < 0) {
        return bt_fleet_bad_request(call, err);
    }
    for (int i = 0; i < count; i++) {
        int r = take_result(call, &results[i], err);
        if (r < 0) {
            return r;
        }
    }
    return bt_call_empty_reply(call, 204);
}

struct pong {
    int64_t ping;
};

static const struct bt_json_field pong_fields[] = {
    BT_JSON_FIELD(struct pong, ping, "ping", BT_JSON_INT, .min = 0, .max = 1LL << 52),
};

int bt_handle_player_pong(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    struct pong pong;
    if (!bt_fleet_read(call, pong_fields, BT_ARRAY_LEN(pong_fields), &pong)) {
        return 0;
    }
    bt_hub_pong(bt_call_server(call)->hub, bt_call_caller(call)->player, pong.ping);
    return bt_call_empty_reply(call, 204);
}
