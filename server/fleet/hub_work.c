/**
 * What the hub's thread does each time it is woken, most urgent first: hints to everybody, orders
 * and greetings to those who wait for them, news to people, then once a second pings, and what the
 * database has to know.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/hub_private.h"
#include "server/fleet/orders.h"

#define TICK_NS BT_NS_PER_S
#define LOOK_NS (5 * BT_NS_PER_S)
#define CLEAN_NS (60 * BT_NS_PER_S)

// Orders given on another server are looked for this far back: its clock may be behind ours.
#define LOOK_BACK_MS 10000

// At once to one stream; the rest a second later, so that a slow line is not dropped for a long
// absence. A stream queues 64 KiB.
#define MAX_ORDERS 100
#define MAX_PORTION_BYTES (40 * 1024)

// A normal hint makes everybody fetch: a millisecond each, and not longer than this.
#define MAX_JITTER_MS 10000

// Rights may have changed; people's programs come again by themselves.
#define WATCH_NS (3600 * BT_NS_PER_S)

static const struct bt_log hub_log = {"server/hub"};

static const char *const urgency_words[] = {
    [BT_URGENCY_NORMAL] = "normal", [BT_URGENCY_NOW] = "now", [BT_URGENCY_EMERGENCY] = "emergency"};

static void write_to(struct bt_hub *hub, struct bt_member *member, const char *text, size_t len)
{
    if (hub->options.write(member->seat->stream, text, len) < 0) {
        bt_hub_leave_seat(hub, member);
    }
}

// Under the lock.
static void write_hint(struct bt_hub *hub)
{
    char text[160];
    int64_t jitter_ms =
        hub->urgency == BT_URGENCY_NORMAL ? BT_MIN((int64_t)hub->open_players, MAX_JITTER_MS) : 0;
    hub->hint_waits = false;
    if (bt_format(text, sizeof(text),
                  "event: hint\ndata: {\"timestamp\":%lld,\"priority\":\"%s\",\"jitter_ms\":%lld}"
                  "\n\n",
                  (long long)hub->timestamp, urgency_words[hub->urgency],
                  (long long)jitter_ms) < 0) {
        return;
    }
    size_t len = strlen(text);
    for (size_t i = 0; i < hub->roster.count; i++) {
        struct bt_member *member = hub->roster.members[i];
        if (member->seat != NULL && member->greeted) {
            write_to(hub, member, text, len);
        }
    }
}

static void write_waiting_hint(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->hint_waits) {
        write_hint(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

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
        write_to(hub, member, text, strlen(text));
    }
}

// Whom the thread looks at, as it was when the lock was let go.
struct served {
    char player[BT_MEMBER_ID_BYTES];
    const struct bt_seat *seat;
    int64_t given;
    bool wants_orders;
};

static bool next_served(struct bt_hub *hub, struct served *out)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = hub->dirty;
    if (member != NULL) {
        hub->dirty = member->next_dirty;
        member->dirty = false;
        if (member->seat != NULL && !member->greeted) {
            greet(hub, member);
        }
        *out = (struct served){.seat = member->seat,
                               .given = member->given,
                               .wants_orders = member->wants_orders && member->seat != NULL};
        bt_copy_cut(out->player, sizeof(out->player), member->player);
        member->wants_orders = false;
    }
    pthread_mutex_unlock(&hub->lock);
    return member != NULL;
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

static int append_orders(struct bt_db_rows *rows, int64_t now_ms, struct portion *out)
{
    out->all = bt_db_count(rows) < MAX_ORDERS;
    while (bt_db_next(rows)) {
        int r = bt_orders_row_is_stale(rows, now_ms) ? 0 : append_order(rows, out);
        if (r < 0) {
            return r;
        }
        out->given = bt_orders_row_number(rows);
        if (out->text.len > MAX_PORTION_BYTES) {
            out->all = false;
            return 0;
        }
    }
    return 0;
}

static int read_portion(struct bt_hub *hub, struct bt_db *db, const struct served *served,
                        struct portion *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_orders_open(db, served->player, served->given, MAX_ORDERS, &rows, err);
    if (r == 0 && append_orders(rows, bt_clock_wall_ms(hub->options.clock), out) < 0) {
        r = bt_fail(err, -EMSGSIZE, "An order is too large");
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
        write_to(hub, member, portion->text.data, portion->text.len);
    }
    if (member->seat != NULL && portion->given > member->given) {
        struct bt_hub_mark mark = {.sent = portion->given};
        member->given = portion->given;
        bt_metric_add(hub->orders, portion->count);
        bt_copy_cut(mark.player, sizeof(mark.player), member->player);
        bt_hub_mark(hub, &mark);
    }
}

static void want_again(struct bt_hub *hub, const char *player)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member != NULL) {
        member->wants_orders = true;
    }
    pthread_mutex_unlock(&hub->lock);
}

static int serve(struct bt_hub *hub, struct bt_db *db, const struct served *served,
                 struct bt_error *err)
{
    struct portion portion = {.given = served->given, .all = true};
    bt_buf_init(&portion.text, MAX_PORTION_BYTES + BT_ORDER_MAX_BYTES + 256);
    int r = read_portion(hub, db, served, &portion, err);
    if (r == 0) {
        pthread_mutex_lock(&hub->lock);
        write_portion(hub, served, &portion);
        pthread_mutex_unlock(&hub->lock);
    }
    bt_buf_finish(&portion.text);
    return r;
}

static void serve_dirty(struct bt_hub *hub)
{
    struct served served;
    struct bt_db *db = NULL;
    while (next_served(hub, &served)) {
        struct bt_error err = {0};
        int r = 0;
        if (served.wants_orders && db == NULL) {
            r = bt_db_acquire(hub->options.db, &db, &err);
        }
        if (r == 0 && served.wants_orders) {
            r = serve(hub, db, &served, &err);
        }
        if (r < 0) {
            bt_log_warn(&hub_log, "Cannot read the orders of '%s': %s; trying again in a second",
                        served.player, err.msg);
            want_again(hub, served.player);
        }
        write_waiting_hint(hub);
    }
    if (db != NULL) {
        bt_db_release(db);
    }
}

static bool may_see(const struct bt_seat *watcher, const char *unit_path)
{
    for (size_t i = 0; watcher->unit_paths[i] != NULL; i++) {
        if (bt_str_starts(unit_path, watcher->unit_paths[i])) {
            return true;
        }
    }
    return false;
}

// Under the lock. A watcher that is too slow is closed by the stream itself.
static void tell_watcher(struct bt_hub *hub, struct bt_seat *watcher, const char *text)
{
    if (hub->options.write(watcher->stream, text, strlen(text)) < 0) {
        hub->options.close(watcher->stream);
    }
}

static void tell_watchers(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    while (hub->news != NULL) {
        struct bt_news_item *item = hub->news;
        for (struct bt_seat *seat = hub->watchers; seat != NULL; seat = seat->next) {
            if (may_see(seat, item->unit_path)) {
                tell_watcher(hub, seat, item->text);
            }
        }
        bt_hub_drop_oldest_news(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

static const char *channel_word(enum bt_channel channel)
{
    return channel == BT_CHANNEL_OBEYS ? "obeys" : "not-obeying";
}

static int store_mark(struct bt_db *db, const struct bt_hub_mark *mark, struct bt_error *err)
{
    if (mark->channel == BT_CHANNEL_UNKNOWN) {
        return bt_orders_sent(db, mark->player, mark->sent, err);
    }
    int64_t r =
        bt_db_run(db, err,
                  "UPDATE player SET channel = $2, channel_ms = $3 WHERE id = $1"
                  " AND channel <> $2 AND state = 'active'",
                  BT_TEXT(mark->player), BT_TEXT(channel_word(mark->channel)), BT_INT(mark->at_ms));
    return r < 0 ? (int)r : 0;
}

static int store_marks(struct bt_db *db, const struct bt_hub_mark *marks, size_t count,
                       struct bt_error *err)
{
    int r = bt_db_begin(db, true, err);
    for (size_t i = 0; i < count && r == 0; i++) {
        r = store_mark(db, &marks[i], err);
    }
    r = r < 0 ? r : bt_db_commit(db, err);
    if (r < 0) {
        bt_db_rollback(db);
    }
    return r;
}

static int in_database(struct bt_hub *hub, const struct bt_hub_mark *marks, size_t count,
                       struct bt_error *err)
{
    struct bt_db *db;
    int r = bt_db_acquire(hub->options.db, &db, err);
    if (r < 0) {
        return r;
    }
    r = -EAGAIN;
    for (int i = 0; i < 5 && r == -EAGAIN; i++) {
        r = store_marks(db, marks, count, err);
    }
    bt_db_release(db);
    return r;
}

static void put_marks_back(struct bt_hub *hub, const struct bt_hub_mark *marks, size_t count)
{
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < count; i++) {
        bt_hub_mark(hub, &marks[i]);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void flush_marks(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    BT_AUTOFREE struct bt_hub_mark *marks = BT_TAKE(hub->marks);
    size_t count = hub->mark_count;
    hub->mark_count = hub->mark_capacity = 0;
    pthread_mutex_unlock(&hub->lock);
    if (count == 0) {
        return;
    }
    struct bt_error err = {0};
    if (in_database(hub, marks, count, &err) < 0) {
        bt_log_warn(&hub_log, "Cannot write what players said: %s; trying again in a second",
                    err.msg);
        put_marks_back(hub, marks, count);
    }
}

// Under the lock. False: it has left the list.
static bool judge(struct bt_hub *hub, struct bt_member *member, int64_t now_ns)
{
    bool late = now_ns - member->answered_ns > BT_HUB_DEAF_NS;
    if (late && (member->channel == BT_CHANNEL_OBEYS ||
                 (member->channel == BT_CHANNEL_UNKNOWN && member->seat != NULL))) {
        bt_hub_set_channel(hub, member, BT_CHANNEL_DEAF);
    }
    if (member->seat == NULL && member->channel != BT_CHANNEL_OBEYS) {
        bt_hub_remove(hub, member);
        return false;
    }
    return true;
}

static void tick_players(struct bt_hub *hub, int64_t now_ns)
{
    char text[64];
    pthread_mutex_lock(&hub->lock);
    hub->ping++;
    if (bt_format(text, sizeof(text), "event: ping\ndata: {\"ping\":%lld}\n\n",
                  (long long)hub->ping) < 0) {
        text[0] = '\0';
    }
    size_t len = strlen(text), i = 0;
    while (i < hub->roster.count) {
        struct bt_member *member = hub->roster.members[i];
        if (!judge(hub, member, now_ns)) {
            continue;  // another one has its place
        }
        i++;
        if (member->seat == NULL || !member->greeted) {
            continue;
        }
        if (member->wants_orders) {
            bt_hub_make_dirty(hub, member);
        }
        if (member->phase == hub->tick % BT_ROSTER_PHASES) {
            member->last_ping = hub->ping;
            write_to(hub, member, text, len);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

static void tick_watchers(struct bt_hub *hub, int64_t now_ns)
{
    pthread_mutex_lock(&hub->lock);
    for (struct bt_seat *seat = hub->watchers; seat != NULL; seat = seat->next) {
        if (now_ns - seat->since_ns > WATCH_NS) {
            hub->options.close(seat->stream);
        } else if (hub->tick % BT_ROSTER_PHASES == 0) {
            tell_watcher(hub, seat, ":\n\n");
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

// There may be orders up to this number.
static void note_orders(struct bt_hub *hub, const char *player, int64_t last)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member != NULL && member->seat != NULL && member->given < last) {
        member->wants_orders = true;
        bt_hub_make_dirty(hub, member);
    }
    pthread_mutex_unlock(&hub->lock);
}

static int look_for_orders(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t now_ms = bt_clock_wall_ms(hub->options.clock);
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, last_order FROM player WHERE order_ms > $1 AND state = 'active'"
                      " LIMIT 100000",
                      BT_INT(hub->looked_ms - LOOK_BACK_MS));
    while (r == 0 && bt_db_next(rows)) {
        note_orders(hub, bt_db_get_text(rows, 0), bt_db_get_int(rows, 1));
    }
    hub->looked_ms = r < 0 ? hub->looked_ms : now_ms;
    return r;
}

static int look_for_timestamp(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT max(version) FROM tuf_metadata WHERE role = 'timestamp'");
    if (r == 0 && bt_db_next(rows)) {
        bt_hub_hint(hub, bt_db_get_int(rows, 0), BT_URGENCY_NOW);
    }
    return r;
}

// What other servers on this database did, and what was there before we started.
static void look_around(struct bt_hub *hub)
{
    struct bt_db *db;
    struct bt_error err = {0};
    int r = bt_db_acquire(hub->options.db, &db, &err);
    if (r == 0) {
        r = look_for_timestamp(hub, db, &err);
        r = r < 0 ? r : look_for_orders(hub, db, &err);
        bt_db_release(db);
    }
    if (r < 0) {
        bt_log_warn(&hub_log, "Cannot look for news in the database: %s; trying again", err.msg);
    }
}

static void clean(struct bt_hub *hub)
{
    struct bt_db *db;
    struct bt_error err = {0};
    int r = bt_db_acquire(hub->options.db, &db, &err);
    if (r < 0) {
        bt_log_warn(&hub_log, "Cannot remove what is over: %s; trying again", err.msg);
        return;
    }
    r = bt_db_begin(db, true, &err);
    r = r < 0 ? r : bt_fleet_clean(db, bt_clock_wall_ms(hub->options.clock), &err);
    r = r < 0 ? r : bt_db_commit(db, &err);
    bt_db_release(db);
    if (r < 0) {
        bt_log_warn(&hub_log, "Cannot remove what is over: %s; trying again", err.msg);
    }
}

static void set_gauges(struct bt_hub *hub)
{
    struct bt_hub_counts counts;
    bt_hub_count(hub, &counts);
    bt_metric_set(hub->connected, counts.players);
    bt_metric_set(hub->obeying, counts.obeying);
    bt_metric_set(hub->watching, counts.watchers);
}

static void tick(struct bt_hub *hub, int64_t now_ns)
{
    tick_players(hub, now_ns);
    tick_watchers(hub, now_ns);
    set_gauges(hub);
    hub->tick++;
    hub->next_tick_ns = BT_MAX(hub->next_tick_ns + TICK_NS, now_ns);
    if (now_ns >= hub->next_clean_ns) {
        hub->next_clean_ns = now_ns + CLEAN_NS;
        clean(hub);
    }
}

void bt_hub_step(struct bt_hub *hub)
{
    int64_t now_ns = bt_clock_mono_ns(hub->options.clock);
    if (now_ns >= hub->next_look_ns) {
        hub->next_look_ns = now_ns + LOOK_NS;
        look_around(hub);
    }
    write_waiting_hint(hub);
    serve_dirty(hub);
    tell_watchers(hub);
    if (now_ns >= hub->next_tick_ns) {
        tick(hub, now_ns);
    }
    flush_marks(hub);
}
