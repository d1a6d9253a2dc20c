#include "server/fleet/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/listed.h"
#include "server/fleet/hub.h"
#include "server/fleet/order_kind.h"

// Answered orders are evidence of what was obeyed; after this long the audit log alone is.
#define KEEP_ANSWERED_MS (400 * BT_MS_PER_DAY)

// An emergency lasts 24 hours at most; what is older than this stands for nothing any more.
#define EMERGENCY_STANDS_MS (26 * 3600 * 1000LL)

#define PLAYER_BYTES 32  // a player id, as in struct bt_caller

struct order {
    const struct bt_order_kind_rule *rule;
    const char *body;  // JSON text
    const char *reference;
    int64_t now_ms;
};

static int drop_count(int64_t count)
{
    return count < 0 ? (int)count : 0;
}

// Who has to be told after the commit: names, borrowed by nobody.
struct told {
    char (*players)[PLAYER_BYTES];
    size_t count, capacity;
};

static void tell(struct bt_server *server, void *context)
{
    const struct told *told = context;
    for (size_t i = 0; i < told->count; i++) {
        bt_hub_orders(server->hub, told->players[i]);
    }
}

static void free_told(void *context)
{
    struct told *told = context;
    free(told->players);
    free(told);
}

static int notify(struct bt_db *db, const struct told *told, struct bt_error *err)
{
    BT_AUTOFREE const char **players = BT_NEW_ARRAY(const char *, told->count + 1);
    for (size_t i = 0; i < told->count; i++) {
        players[i] = told->players[i];
    }
    return bt_hub_notify_orders(db, players, told->count, err);
}

static void add_told(struct told *told, const char *player)
{
    BT_GROW(told->players, told->capacity, told->count + 1);
    bt_copy_cut(told->players[told->count++], PLAYER_BYTES, player);
}

static int replace_open(struct bt_db *db, const struct bt_listed *players,
                        const struct order *order, struct bt_error *err)
{
    const char *const *kinds = order->rule->replaces;
    if (kinds[0][0] == '\0') {
        return 0;
    }
    return drop_count(
        bt_listed_run(db, players, err,
                      "UPDATE player_order SET state = 'replaced' WHERE player" BT_LISTED
                      " AND kind IN ($91, $92) AND state IN ('waiting', 'sent')"
                      " AND ($93 = '' OR reference = $93)",
                      BT_TEXT(kinds[0]), BT_TEXT(kinds[1]),
                      BT_TEXT(order->rule->same_reference ? order->reference : "")));
}

static int forget_answered(struct bt_db *db, const struct bt_listed *players, int64_t now_ms,
                           struct bt_error *err)
{
    return drop_count(bt_listed_run(db, players, err,
                                    "DELETE FROM player_order WHERE player" BT_LISTED
                                    " AND given_ms < $91 AND state NOT IN ('waiting', 'sent')",
                                    BT_INT(now_ms - KEEP_ANSWERED_MS)));
}

static int next_numbers(struct bt_db *db, const struct bt_listed *players, int64_t now_ms,
                        struct bt_error *err)
{
    return drop_count(bt_listed_run(
        db, players, err,
        "UPDATE player SET last_order = last_order + 1, order_ms = $91 WHERE id" BT_LISTED,
        BT_INT(now_ms)));
}

static int give_to_players(struct bt_db *db, const struct bt_listed *players,
                           const struct order *order, struct bt_error *err)
{
    int r = replace_open(db, players, order, err);
    r = r < 0 ? r : forget_answered(db, players, order->now_ms, err);
    r = r < 0 ? r : next_numbers(db, players, order->now_ms, err);
    return r < 0 ? r
                 : drop_count(bt_listed_run(
                       db, players, err,
                       "INSERT INTO player_order(player, n, screen, kind, body, reference,"
                       " state, given_ms, detail) SELECT id, last_order, screen, $91, $92, $93,"
                       " 'waiting', $94, '' FROM player WHERE id" BT_LISTED,
                       BT_TEXT(order->rule->name), BT_TEXT(order->body), BT_TEXT(order->reference),
                       BT_INT(order->now_ms)));
}

static int let_stand(struct bt_db *db, const struct bt_listed *screens, const struct order *order,
                     struct bt_error *err)
{
    const struct bt_order_kind_rule *rule = order->rule;
    int r = 0;
    if (rule->replaces[0][0] != '\0') {
        r = drop_count(bt_listed_run(db, screens, err,
                                     "DELETE FROM screen_standing WHERE screen" BT_LISTED
                                     " AND kind IN ($91, $92) AND ($93 = '' OR reference = $93)",
                                     BT_TEXT(rule->replaces[0]), BT_TEXT(rule->replaces[1]),
                                     BT_TEXT(rule->same_reference ? order->reference : "")));
    }
    if (r < 0 || !rule->standing) {
        return r;
    }
    return drop_count(
        bt_listed_run(db, screens, err,
                      "INSERT INTO screen_standing(screen, kind, reference, body, given_ms)"
                      " SELECT id, $91, $92, $93, $94 FROM screen WHERE id" BT_LISTED
                      " ON CONFLICT (screen, kind, reference)"
                      " DO UPDATE SET body = excluded.body, given_ms = excluded.given_ms",
                      BT_TEXT(rule->name), BT_TEXT(order->reference), BT_TEXT(order->body),
                      BT_INT(order->now_ms)));
}

// Those of the screens that are in use, and their players.
static int find_players(struct bt_db *db, const struct bt_listed *asked, struct bt_db_rows **out,
                        struct bt_listed *screens, struct bt_listed *players, struct bt_error *err)
{
    int r = bt_listed_ask(db, asked,
                          "SELECT s.id, p.id FROM screen s LEFT JOIN player p"
                          " ON p.screen = s.id AND p.state = 'active'"
                          " WHERE s.retired_ms IS NULL AND s.id" BT_LISTED,
                          out, err);
    while (r == 0 && bt_db_next(*out)) {
        screens->ids[screens->count++] = bt_db_get_text(*out, 0);
        if (!bt_db_is_null(*out, 1)) {
            players->ids[players->count++] = bt_db_get_text(*out, 1);
        }
    }
    return r;
}

static int give_to_screens(struct bt_db *db, const struct bt_listed *asked,
                           const struct order *order, struct told *told, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_listed screens = {0}, players = {0};
    int r = find_players(db, asked, &rows, &screens, &players, err);
    r = r < 0 ? r : let_stand(db, &screens, order, err);
    r = r < 0 ? r : give_to_players(db, &players, order, err);
    for (size_t i = 0; r == 0 && i < players.count; i++) {
        add_told(told, players.ids[i]);
    }
    return r;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Each once, though units of an emergency may lie in each other.
static int give_to_each(struct bt_db *db, const char *const *screens, size_t count,
                        const struct order *order, struct told *told, struct bt_error *err)
{
    BT_AUTOFREE const char **sorted = BT_NEW_ARRAY(const char *, count + 1);
    struct bt_listed some = {0};
    int r = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = screens[i];
    }
    qsort(sorted, count, sizeof(sorted[0]), compare_ids);
    for (size_t i = 0; i < count && r == 0; i++) {
        if (i == 0 || strcmp(sorted[i - 1], sorted[i]) != 0) {
            some.ids[some.count++] = sorted[i];
        }
        if (some.count == BT_LISTED_MAX || (i + 1 == count && some.count > 0)) {
            r = give_to_screens(db, &some, order, told, err);
            some.count = 0;
        }
    }
    return r;
}

int bt_orders_give(struct bt_call *call, const char *const *screens, size_t count, const char *kind,
                   const cJSON *body, const char *reference, struct bt_error *err)
{
    struct order order = {
        .rule = bt_order_kind_find(kind), .reference = reference, .now_ms = bt_call_now_ms(call)};
    if (order.rule == NULL) {
        return bt_fail(err, -EINVAL, "There is no order '%s'", kind);
    }
    BT_AUTOFREE char *text = cJSON_PrintUnformatted(body);
    if (text == NULL || strlen(text) > BT_ORDER_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "An order has at most %d bytes", BT_ORDER_MAX_BYTES);
    }
    order.body = text;
    struct told *told = BT_NEW(struct told);
    int r = give_to_each(bt_call_db(call), screens, count, &order, told, err);
    r = r < 0 ? r : notify(bt_call_db(call), told, err);
    if (r < 0) {
        free_told(told);
        return r;
    }
    bt_call_after_commit(call, tell, told, free_told);
    return 0;
}

/*
 * A takedown was given to the screens there were. One that was added or moved here later must not
 * show it either: what its unit shows may be older than the takedown.
 */
static int inherit_takedowns(struct bt_db *db, const char *screen, struct bt_error *err)
{
    return drop_count(bt_db_run(
        db, err,
        "INSERT INTO screen_standing(screen, kind, reference, body, given_ms)"
        " SELECT s.id, 'takedown', t.id, '{\"id\":\"' || t.id || '\",\"assets\":' || t.assets ||"
        " ',\"items\":' || t.items || ',\"issued_ms\":' || CAST(t.issued_ms AS TEXT) || '}',"
        " t.issued_ms FROM screen s JOIN unit su ON su.code = s.unit, takedown t"
        " JOIN unit tu ON tu.code = t.unit WHERE s.id = $1"
        " AND substr(su.path, 1, length(tu.path)) = tu.path"
        " ON CONFLICT (screen, kind, reference) DO NOTHING",
        BT_TEXT(screen)));
}

static bool lists(const cJSON *list, const char *text)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (cJSON_IsString(entry) && strcmp(entry->valuestring, text) == 0) {
            return true;
        }
    }
    return false;
}

// As players judge it: their unit stands in the scope, and their screen where some are named.
static bool concerns(const char *activation, const char *unit, const char *screen)
{
    BT_AUTOJSON *document = NULL;
    if (bt_json_parse(activation, strlen(activation), &document, NULL) < 0) {
        return false;
    }
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    const cJSON *screens = cJSON_GetObjectItemCaseSensitive(body, "screens");
    return lists(cJSON_GetObjectItemCaseSensitive(body, "scope"), unit) &&
           (cJSON_GetArraySize(screens) == 0 || lists(screens, screen));
}

static int inherit_emergency(struct bt_db *db, const char *screen, const struct bt_db_rows *row,
                             struct bt_error *err)
{
    BT_AUTOJSON *order = cJSON_CreateObject();
    cJSON_AddStringToObject(order, "activation", bt_db_get_text(row, 1));
    BT_AUTOFREE char *body = cJSON_PrintUnformatted(order);
    return drop_count(bt_db_run(
        db, err,
        "INSERT INTO screen_standing(screen, kind, reference, body, given_ms)"
        " VALUES($1, 'emergency', $2, $3, $4) ON CONFLICT (screen, kind, reference) DO NOTHING",
        BT_TEXT(screen), BT_TEXT(bt_db_get_text(row, 0)), BT_TEXT(body),
        BT_INT(bt_db_get_int(row, 2))));
}

// A screen that was added or moved here while a warning is on shows it, too.
static int inherit_emergencies(struct bt_db *db, const char *screen, int64_t now_ms,
                               struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT e.id, e.activation, e.issued_ms, s.unit FROM emergency e, screen s"
                      " WHERE s.id = $1 AND e.ended_ms IS NULL AND e.until_ms > $2"
                      " ORDER BY e.issued_ms, e.id LIMIT 64",
                      BT_TEXT(screen), BT_INT(now_ms));
    while (r == 0 && bt_db_next(rows)) {
        if (concerns(bt_db_get_text(rows, 1), bt_db_get_text(rows, 3), screen)) {
            r = inherit_emergency(db, screen, rows, err);
        }
    }
    return r;
}

int bt_orders_give_standing(struct bt_call *call, const char *screen, const char *player,
                            struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int64_t now_ms = bt_call_now_ms(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = inherit_takedowns(db, screen, err);
    r = r < 0 ? r : inherit_emergencies(db, screen, now_ms, err);
    r = r < 0 ? r
              : bt_db_ask(db, &rows, err,
                          "SELECT kind, reference, body FROM screen_standing WHERE screen = $1"
                          " AND (kind <> 'emergency' OR given_ms > $2)"
                          " ORDER BY given_ms, reference",
                          BT_TEXT(screen), BT_INT(now_ms - EMERGENCY_STANDS_MS));
    while (r == 0 && bt_db_next(rows)) {
        struct order order = {.rule = bt_order_kind_find(bt_db_get_text(rows, 0)),
                              .reference = bt_db_get_text(rows, 1),
                              .body = bt_db_get_text(rows, 2),
                              .now_ms = now_ms};
        if (order.rule != NULL) {
            r = give_to_players(db, &(struct bt_listed){.ids = {player}, .count = 1}, &order, err);
        }
    }
    return r;
}

int bt_orders_open(struct bt_db *db, const char *player, int64_t after, int64_t limit,
                   struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT n, kind, body, given_ms FROM player_order WHERE player = $1"
                     " AND n > $2 AND state IN ('waiting', 'sent') ORDER BY n LIMIT $3",
                     BT_TEXT(player), BT_INT(after), BT_INT(limit));
}

int bt_orders_open_of(struct bt_db *db, const struct bt_paired *asked, int64_t limit,
                      struct bt_db_rows **out, struct bt_error *err)
{
    // CROSS JOIN: SQLite begins with those who ask, and finds the orders of each by their key.
    return bt_paired_ask(db, asked, out, err,
                         "WITH asked(player, after) AS (" BT_PAIRED ")"
                         " SELECT o.n, o.kind, o.body, o.given_ms, o.player FROM asked a"
                         " CROSS JOIN player_order o WHERE o.player = a.player AND o.n > a.after"
                         " AND o.state IN ('waiting', 'sent') ORDER BY o.player, o.n LIMIT $181",
                         BT_INT(limit));
}

const char *bt_orders_row_player(const struct bt_db_rows *row)
{
    return bt_db_get_text(row, 4);
}

int64_t bt_orders_row_number(const struct bt_db_rows *row)
{
    return bt_db_get_int(row, 0);
}

bool bt_orders_row_is_stale(const struct bt_db_rows *row, int64_t now_ms)
{
    return bt_order_is_stale(bt_db_get_text(row, 1), bt_db_get_int(row, 3), now_ms);
}

int bt_orders_append(const struct bt_db_rows *row, struct bt_buf *out)
{
    const char *body = bt_db_get_text(row, 2);
    bool empty = bt_str_equal(body, "{}");
    // The body is an object we printed ourselves; its keys follow ours.
    return bt_buf_appendf(out, "{\"n\":%lld,\"kind\":\"%s\"%s%s",
                          (long long)bt_orders_row_number(row), bt_db_get_text(row, 1),
                          empty ? "" : ",", body + 1);
}

int bt_orders_sent(struct bt_db *db, const struct bt_paired *sent, struct bt_error *err)
{
    return drop_count(bt_paired_run(
        db, sent, err,
        "WITH given(player, up_to) AS (" BT_PAIRED ") UPDATE player_order SET state = 'sent'"
        " FROM given g WHERE player_order.player = g.player AND player_order.n <= g.up_to"
        " AND player_order.state = 'waiting'"));
}

int bt_orders_catch_up(struct bt_db *db, const char *player, int64_t after, struct bt_error *err)
{
    int64_t behind = bt_db_run(db, err,
                               "UPDATE player SET last_order = last_order + $2 WHERE id = $1"
                               " AND last_order < $2",
                               BT_TEXT(player), BT_INT(after));
    if (behind <= 0) {
        return drop_count(behind);
    }
    return drop_count(bt_db_run(db, err,
                                "UPDATE player_order SET n = n + $2 WHERE player = $1"
                                " AND state IN ('waiting', 'sent')",
                                BT_TEXT(player), BT_INT(after)));
}

void bt_orders_describe(cJSON *object, const struct bt_order_view *order, int64_t now_ms)
{
    const char *state = order->state, *detail = order->detail;
    bool open = bt_str_equal(state, "waiting") || bt_str_equal(state, "sent");
    if (bt_str_equal(state, "replaced")) {
        state = "failed";
        detail = "Lệnh mới hơn đã thay lệnh này. / A newer order replaced it.";
    } else if (open && bt_order_is_stale(order->kind, order->given_ms, now_ms)) {
        state = "failed";
        detail = "Không gửi được trong 10 phút. / It could not be delivered within 10 minutes.";
    }
    cJSON_AddStringToObject(object, "state", state);
    if (order->answered) {
        cJSON_AddNumberToObject(object, "at_ms", (double)order->at_ms);
    } else {
        cJSON_AddNullToObject(object, "at_ms");
    }
    cJSON_AddStringToObject(object, "detail", detail);
}
