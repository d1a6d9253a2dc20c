/**
 * What the hub's thread of the database writes there: up to which order each player was sent, and
 * who obeys. Many marks with one statement, and some statements in each transaction: an order of a
 * whole fleet is answered while it is marked as sent, and of two that change one row PostgreSQL
 * makes one begin anew.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/listed.h"
#include "server/fleet/hub_private.h"
#include "server/fleet/orders.h"

// In one transaction.
#define MAX_MARKS ((size_t)5 * BT_LISTED_MAX)

#define TRIES 5

static const struct bt_log hub_log = {"server/hub"};

static const char *channel_word(enum bt_channel channel)
{
    return channel == BT_CHANNEL_OBEYS ? "obeys" : "not-obeying";
}

// Of whom we have no stream another server may have one by now: then it is not ours to say.
static int store_alike(const struct bt_hub *hub, struct bt_db *db, const struct bt_hub_mark *like,
                       const struct bt_paired *pairs, struct bt_error *err)
{
    if (like->channel == BT_CHANNEL_UNKNOWN) {
        return bt_orders_sent(db, pairs, err);
    }
    int64_t r = bt_paired_run(db, pairs, err,
                              "WITH heard(player, at_ms) AS (" BT_PAIRED ") UPDATE player"
                              " SET channel = $181, channel_ms = CASE WHEN player.channel = $181"
                              " THEN player.channel_ms ELSE h.at_ms END, hub = $182 FROM heard h"
                              " WHERE player.id = h.player AND player.state = 'active'"
                              " AND (player.channel <> $181 OR player.hub <> $182)"
                              " AND ($183 = 1 OR player.hub IN ($182, ''))",
                              BT_TEXT(channel_word(like->channel)), BT_TEXT(hub->name),
                              BT_INT(like->seated));
    return r < 0 ? (int)r : 0;
}

// The first marks, as long as they say the same: their order counts.
static void take_alike(const struct bt_hub_mark *marks, size_t count, struct bt_paired *out)
{
    enum bt_channel channel = marks[0].channel;
    bool seated = marks[0].seated;
    out->count = 0;
    while (out->count < BT_MIN(count, (size_t)BT_LISTED_MAX) &&
           marks[out->count].channel == channel && marks[out->count].seated == seated) {
        const struct bt_hub_mark *mark = &marks[out->count];
        out->ids[out->count] = mark->player;
        out->numbers[out->count] = channel == BT_CHANNEL_UNKNOWN ? mark->sent : mark->at_ms;
        out->count++;
    }
}

static int store_marks(const struct bt_hub *hub, struct bt_db *db, const struct bt_hub_mark *marks,
                       size_t count, struct bt_error *err)
{
    struct bt_paired pairs;
    int r = bt_db_begin(db, true, err);
    for (size_t done = 0; done < count && r == 0; done += pairs.count) {
        take_alike(&marks[done], count - done, &pairs);
        r = store_alike(hub, db, &marks[done], &pairs, err);
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
    for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
        r = store_marks(hub, db, marks, count, err);
    }
    bt_db_release(db);
    return r;
}

// Under the lock.
static struct bt_hub_mark *take_marks(struct bt_hub *hub, size_t *out_count)
{
    *out_count = hub->mark_count;
    hub->mark_count = hub->mark_capacity = 0;
    return BT_TAKE(hub->marks);
}

static void add_marks(struct bt_hub *hub, const struct bt_hub_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bt_hub_mark(hub, &marks[i]);
    }
}

// In front of those that came meanwhile: what a player said last stays.
static void put_marks_back(struct bt_hub *hub, const struct bt_hub_mark *marks, size_t count)
{
    size_t newer_count;
    pthread_mutex_lock(&hub->lock);
    BT_AUTOFREE struct bt_hub_mark *newer = take_marks(hub, &newer_count);
    add_marks(hub, marks, count);
    add_marks(hub, newer, newer_count);
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_flush_marks(struct bt_hub *hub)
{
    size_t count;
    pthread_mutex_lock(&hub->lock);
    BT_AUTOFREE struct bt_hub_mark *marks = take_marks(hub, &count);
    pthread_mutex_unlock(&hub->lock);
    for (size_t done = 0; done < count; done += MAX_MARKS) {
        struct bt_error err = {0};
        if (done > 0) {  // whoever waits for orders does not wait for all of this
            bt_hub_write_waiting_hint(hub);
            bt_hub_serve_dirty(hub);
        }
        if (in_database(hub, &marks[done], BT_MIN(count - done, MAX_MARKS), &err) < 0) {
            bt_log_warn(&hub_log, "Cannot write what players said: %s; trying again in a second",
                        err.msg);
            put_marks_back(hub, &marks[done], count - done);
            return;
        }
    }
}
