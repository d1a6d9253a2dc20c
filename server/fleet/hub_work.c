/**
 * What the hub's two threads do each time they are woken. One writes what is known already: hints
 * to everybody, news to people, once a second pings. The other asks and tells the database: orders
 * and greetings to those who wait for them, what other servers did, what the rows have to say. It
 * may wait for long when the database's machine is gone without a word; streams do not wait with
 * it.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "server/fleet/fleet.h"
#include "server/fleet/hub_private.h"

#define TICK_NS BT_NS_PER_S
#define LOOK_NS (5 * BT_NS_PER_S)
#define CLEAN_NS (60 * BT_NS_PER_S)
#define CLEAN_LEASE_MS 90000

// Orders given on another server are looked for this far back: its clock may be behind ours.
#define LOOK_BACK_MS 10000

// A normal hint makes everybody fetch: a millisecond each, and not longer than this.
#define MAX_JITTER_MS 10000

// Rights may have changed; people's programs come again by themselves.
#define WATCH_NS (3600 * BT_NS_PER_S)

static const struct bt_log hub_log = {"server/hub"};

static const char *const urgency_words[] = {
    [BT_URGENCY_NORMAL] = "normal", [BT_URGENCY_NOW] = "now", [BT_URGENCY_EMERGENCY] = "emergency"};

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
            bt_hub_write_to(hub, member, text, len);
        }
    }
}

void bt_hub_write_waiting_hint(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    if (hub->hint_waits) {
        write_hint(hub);
    }
    pthread_mutex_unlock(&hub->lock);
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
            bt_hub_write_to(hub, member, text, len);
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
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, last_order FROM player WHERE order_ms > $1 AND state = 'active'"
                      " LIMIT 100000",
                      BT_INT(hub->looked_ms - LOOK_BACK_MS));
    while (r == 0 && bt_db_next(rows)) {
        note_orders(hub, bt_db_get_text(rows, 0), bt_db_get_int(rows, 1));
    }
    return r;
}

// Their streams, when another server ended them.
static int look_for_ended(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id FROM player WHERE ended_ms > $1 AND state <> 'active'"
                      " LIMIT 100000",
                      BT_INT(hub->looked_ms - LOOK_BACK_MS));
    while (r == 0 && bt_db_next(rows)) {
        bt_hub_forget(hub, bt_db_get_text(rows, 0));
    }
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
    int64_t now_ms = bt_clock_wall_ms(hub->options.clock);
    int r = bt_db_acquire(hub->options.db, &db, &err);
    if (r == 0) {
        r = look_for_timestamp(hub, db, &err);
        r = r < 0 ? r : look_for_orders(hub, db, &err);
        r = r < 0 ? r : look_for_ended(hub, db, &err);
        hub->looked_ms = r < 0 ? hub->looked_ms : now_ms;
        bt_db_release(db);
    }
    if (r < 0) {
        bt_log_warn(&hub_log, "Cannot look for news in the database: %s; trying again", err.msg);
    }
}

static int remove_what_is_over(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    int64_t now_ms = bt_clock_wall_ms(hub->options.clock);
    int r = bt_lease_take(db, "clean", hub->name, now_ms, CLEAN_LEASE_MS, err);
    if (r <= 0) {
        return r;  // another server does
    }
    r = bt_db_begin(db, true, err);
    r = r < 0 ? r : bt_fleet_clean(db, now_ms, err);
    return r < 0 ? r : bt_db_commit(db, err);
}

static void clean(struct bt_hub *hub)
{
    struct bt_db *db = NULL;
    struct bt_error err = {0};
    int r = bt_db_acquire(hub->options.db, &db, &err);
    r = r < 0 || hub->name[0] == '\0' ? r : bt_hub_keep_alive(hub, db, &err);
    r = r < 0 ? r : remove_what_is_over(hub, db, &err);
    bt_db_release(db);
    if (r < 0 && r != -EAGAIN) {
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
}

static bool shall_look(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    bool shall = hub->look_now;
    hub->look_now = false;
    pthread_mutex_unlock(&hub->lock);
    return shall;
}

void bt_hub_step_streams(struct bt_hub *hub)
{
    int64_t now_ns = bt_clock_mono_ns(hub->options.clock);
    bt_hub_write_waiting_hint(hub);
    tell_watchers(hub);
    if (now_ns >= hub->next_tick_ns) {
        tick(hub, now_ns);
    }
}

static void ask_database(struct bt_hub *hub, int64_t now_ns)
{
    if (now_ns >= hub->next_look_ns || shall_look(hub)) {
        hub->next_look_ns = now_ns + LOOK_NS;
        look_around(hub);
    }
    bt_hub_write_waiting_hint(hub);
    bt_hub_serve_dirty(hub);
}

static void tell_database(struct bt_hub *hub, int64_t now_ns)
{
    if (now_ns >= hub->next_tell_ns) {
        hub->next_tell_ns = BT_MAX(hub->next_tell_ns + TICK_NS, now_ns);
        bt_hub_flush_said(hub);
    }
    if (now_ns >= hub->next_clean_ns) {
        hub->next_clean_ns = now_ns + CLEAN_NS;
        clean(hub);
    }
    bt_hub_flush_marks(hub);
}

void bt_hub_step_database(struct bt_hub *hub)
{
    int64_t now_ns = bt_clock_mono_ns(hub->options.clock);
    ask_database(hub, now_ns);
    tell_database(hub, now_ns);
}

void bt_hub_step(struct bt_hub *hub)
{
    int64_t now_ns = bt_clock_mono_ns(hub->options.clock);
    ask_database(hub, now_ns);
    bt_hub_step_streams(hub);
    tell_database(hub, now_ns);
}
