/**
 * The hub's thread of the database looks at those that are dirty: greets new streams and writes the
 * orders that players do not have yet. What one question to the database costs is nearly all of it,
 * so it is one for many players, answered from one state of the database; whoever gets an order
 * after that is dirty again and comes in a later round.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "server/db/listed.h"
#include "server/fleet/hub_private.h"
#include "server/fleet/orders.h"

// Read at once, of all players of a round: 6 MiB if each were as long as may be.
#define MAX_ROWS 200

// At once to one stream; the rest a second later, so that a slow line is not dropped for a long
// absence. A stream queues 64 KiB.
#define MAX_PORTION_BYTES (40 * 1024)

static const struct bt_log hub_log = {"server/hub"};

// Whom the thread looks at, as it was when the lock was let go.
struct served {
    char player[BT_MEMBER_ID_BYTES];
    const struct bt_seat *seat;
    int64_t given;
    bool reached;  // the rows had all of its orders, or as many as there is room for
};

struct round {
    struct served served[BT_LISTED_MAX];  // those that want orders
    size_t count;
};

// Under the lock.
static void greet(struct bt_hub *hub, struct bt_member *member)
{
    char text[256], hint[96] = "";
    member->greeted = true;
    member->first_ping = member->last_ping = ++hub->ping;
    int r = 0;
    if (hub->timestamp > 0) {
        r = bt_format(hint, sizeof(hint),
                      "event: hint\ndata: {\"timestamp\":%lld,\"priority\":\"normal\"}\n\n",
                      (long long)hub->timestamp);
    }
    r = r < 0 ? r
              : bt_format(text, sizeof(text),
                          "retry: 5000\n\n%sevent: ping\ndata: {\"ping\":%lld}\n\n", hint,
                          (long long)member->last_ping);
    if (r == 0) {
        bt_hub_write_to(hub, member, text, strlen(text));
    }
}

// Under the lock.
static void take_up(struct bt_hub *hub, struct bt_member *member, struct round *round)
{
    member->dirty = false;
    if (member->seat != NULL && !member->greeted) {
        greet(hub, member);
    }
    if (member->wants_orders && member->seat != NULL) {
        struct served *served = &round->served[round->count++];
        *served = (struct served){.seat = member->seat, .given = member->given};
        bt_copy_cut(served->player, sizeof(served->player), member->player);
    }
    member->wants_orders = false;
}

// False: nobody is dirty.
static bool next_round(struct bt_hub *hub, struct round *out)
{
    size_t looked_at = 0;
    out->count = 0;
    pthread_mutex_lock(&hub->lock);
    for (; hub->dirty != NULL && looked_at < BT_LISTED_MAX; looked_at++) {
        struct bt_member *member = hub->dirty;
        hub->dirty = member->next_dirty;
        take_up(hub, member, out);
    }
    pthread_mutex_unlock(&hub->lock);
    return looked_at > 0;
}

static struct served *find_served(struct round *round, const char *player)
{
    for (size_t i = 0; i < round->count; i++) {
        if (strcmp(round->served[i].player, player) == 0) {
            return &round->served[i];
        }
    }
    return NULL;
}

struct portion {
    struct bt_buf text;
    int64_t count;  // of orders in it
    int64_t given;  // what the player has afterwards
    bool all;
};

static int append_order(const struct bt_db_rows *row, struct portion *out)
{
    int r = bt_buf_appendf(&out->text,
                           "id: %lld\nevent: order\ndata: ", (long long)bt_orders_row_number(row));
    r = r < 0 ? r : bt_orders_append(row, &out->text);
    r = r < 0 ? r : bt_buf_append(&out->text, "\n\n", 2);
    out->count += r == 0;
    return r;
}

struct reading {
    struct bt_db_rows *rows;  // player by player, oldest order first
    bool more;                // they stand at one that nobody has read
    bool full;                // there may be more of the last player, and of others
    bool begun;
    int64_t now_ms;
};

static bool is_of(const struct reading *reading, const char *player)
{
    return reading->more && strcmp(bt_orders_row_player(reading->rows), player) == 0;
}

// All rows of the player that are next; what there is no room for is passed over.
static int read_portion(struct reading *reading, const char *player, struct portion *out)
{
    int r = 0;
    bt_buf_clear(&out->text);
    out->count = 0;
    out->all = true;
    for (; is_of(reading, player); reading->more = bt_db_next(reading->rows)) {
        if (r < 0 || out->text.len > MAX_PORTION_BYTES) {
            out->all = false;
            continue;
        }
        bool stale = bt_orders_row_is_stale(reading->rows, reading->now_ms);
        r = stale ? 0 : append_order(reading->rows, out);
        out->given = r < 0 ? out->given : bt_orders_row_number(reading->rows);
    }
    return r;
}

// Under the lock. The stream may have gone, or come anew, while the database was asked.
static void write_portion(struct bt_hub *hub, const struct served *served,
                          const struct portion *portion)
{
    struct bt_member *member = bt_roster_find(&hub->roster, served->player);
    if (member == NULL || member->seat != served->seat || member->given != served->given) {
        return;
    }
    member->wants_orders |= !portion->all;  // the rest at the next tick
    if (portion->text.len > 0) {
        bt_hub_write_to(hub, member, portion->text.data, portion->text.len);
    }
    if (member->seat != NULL && portion->given > member->given) {
        struct bt_hub_mark mark = {.sent = portion->given};
        member->given = portion->given;
        bt_metric_add(hub->orders, portion->count);
        bt_copy_cut(mark.player, sizeof(mark.player), member->player);
        bt_hub_mark(hub, &mark);
    }
}

// At once, or with the next tick.
static void want_again(struct bt_hub *hub, const struct served *served, bool at_once)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = bt_roster_find(&hub->roster, served->player);
    if (member != NULL && member->seat != NULL) {
        member->wants_orders = true;
        if (at_once) {
            bt_hub_make_dirty(hub, member);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

static void complain(const struct served *served, const char *why)
{
    bt_log_warn(&hub_log, "Cannot read the orders of '%s': %s; trying again in a second",
                served->player, why);
}

// Of a full answer the last player's rows may not be all: it is asked for again, unless it is the
// only one.
static void serve_next(struct bt_hub *hub, struct round *round, struct reading *reading,
                       struct portion *portion)
{
    struct served *served = find_served(round, bt_orders_row_player(reading->rows));
    assert(served != NULL);
    portion->given = served->given;
    int r = read_portion(reading, served->player, portion);
    bool cut_off = reading->full && !reading->more;
    if (cut_off && reading->begun) {
        return;
    }
    reading->begun = served->reached = true;
    if (r < 0) {
        complain(served, "one is too large");
        want_again(hub, served, false);
        return;
    }
    portion->all = portion->all && !cut_off;
    pthread_mutex_lock(&hub->lock);
    write_portion(hub, served, portion);
    pthread_mutex_unlock(&hub->lock);
}

static int ask(struct bt_hub *hub, const struct round *round, struct bt_db_rows **out,
               struct bt_error *err)
{
    struct bt_db *db;
    int r = bt_db_acquire(hub->options.db, &db, err);
    if (r < 0) {
        return r;
    }
    struct bt_paired asked = {.count = round->count};
    for (size_t i = 0; i < round->count; i++) {
        asked.ids[i] = round->served[i].player;
        asked.numbers[i] = round->served[i].given;
    }
    r = bt_orders_open_of(db, &asked, MAX_ROWS, out, err);
    bt_db_release(db);
    return r;
}

static int serve(struct bt_hub *hub, struct round *round, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask(hub, round, &rows, err);
    if (r < 0) {
        return r;
    }
    struct portion portion = {.all = true};
    struct reading reading = {.rows = rows,
                              .more = bt_db_next(rows),
                              .full = bt_db_count(rows) == MAX_ROWS,
                              .now_ms = bt_clock_wall_ms(hub->options.clock)};
    bt_buf_init(&portion.text, MAX_PORTION_BYTES + BT_ORDER_MAX_BYTES + 256);
    while (reading.more) {
        serve_next(hub, round, &reading, &portion);
    }
    bt_buf_finish(&portion.text);
    for (size_t i = 0; reading.full && i < round->count; i++) {
        if (!round->served[i].reached) {
            want_again(hub, &round->served[i], true);
        }
    }
    return 0;
}

void bt_hub_serve_dirty(struct bt_hub *hub)
{
    struct round round;
    while (next_round(hub, &round)) {
        struct bt_error err = {0};
        int r = round.count == 0 ? 0 : serve(hub, &round, &err);
        if (r < 0) {
            complain(&round.served[0], err.msg);
        }
        for (size_t i = 0; r < 0 && i < round.count; i++) {
            want_again(hub, &round.served[i], false);
        }
        bt_hub_write_waiting_hint(hub);
    }
}
