#include "server/fleet/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/hub_private.h"

void bt_hub_wake(struct bt_hub *hub)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(hub->hands); i++) {
        hub->hands[i].woken = true;
        pthread_cond_signal(&hub->hands[i].work);
    }
}

void bt_hub_make_dirty(struct bt_hub *hub, struct bt_member *member)
{
    if (!member->dirty) {
        member->dirty = true;
        member->next_dirty = hub->dirty;
        hub->dirty = member;
    }
    bt_hub_wake(hub);
}

void bt_hub_leave_seat(struct bt_hub *hub, struct bt_member *member)
{
    if (member->seat != NULL) {
        member->seat->member = NULL;
        member->seat = NULL;
        hub->open_players--;
    }
}

void bt_hub_write_to(struct bt_hub *hub, struct bt_member *member, const char *text, size_t len)
{
    if (hub->options.write(member->seat->stream, text, len) < 0) {
        bt_hub_leave_seat(hub, member);
    }
}

void bt_hub_remove(struct bt_hub *hub, struct bt_member *member)
{
    bt_hub_leave_seat(hub, member);
    struct bt_member **link = &hub->dirty;
    while (member->dirty && *link != member) {
        link = &(*link)->next_dirty;
    }
    if (member->dirty) {
        *link = member->next_dirty;
    }
    bt_roster_remove(&hub->roster, member);
}

void bt_hub_mark(struct bt_hub *hub, const struct bt_hub_mark *mark)
{
    if (hub->mark_count == BT_HUB_MAX_MARKS) {
        return;  // the database has been away for long; what is lost is told again by later pongs
    }
    BT_GROW(hub->marks, hub->mark_capacity, hub->mark_count + 1);
    hub->marks[hub->mark_count++] = *mark;
}

void bt_hub_set_channel(struct bt_hub *hub, struct bt_member *member, enum bt_channel channel)
{
    struct bt_hub_mark mark = {.channel = channel,
                               .seated = member->seat != NULL,
                               .at_ms = bt_clock_wall_ms(hub->options.clock)};
    member->channel = channel;
    bt_copy_cut(mark.player, sizeof(mark.player), member->player);
    bt_hub_mark(hub, &mark);
    BT_AUTOFREE char *data =
        bt_strf("{\"player\":\"%s\",\"screen\":\"%s\",\"state\":\"%s\",\"since_ms\":%lld}",
                member->player, member->screen,
                channel == BT_CHANNEL_OBEYS ? "obeys" : "not-obeying", (long long)mark.at_ms);
    bt_hub_add_news(hub, member->unit_path, "player", data);
    bt_hub_say_news(hub, member->unit_path, "player", data);
    bt_hub_wake(hub);
}

void bt_hub_drop_oldest_news(struct bt_hub *hub)
{
    struct bt_news_item *item = hub->news;
    hub->news = item->next;
    if (hub->news == NULL) {
        hub->news_end = &hub->news;
    }
    hub->news_count--;
    free(item->unit_path);
    free(item->text);
    free(item);
}

void bt_hub_add_news(struct bt_hub *hub, const char *unit_path, const char *event, const char *data)
{
    if (hub->watchers == NULL) {
        return;
    }
    if (hub->news_count == BT_HUB_MAX_NEWS) {
        bt_hub_drop_oldest_news(hub);
    }
    struct bt_news_item *item = BT_NEW(struct bt_news_item);
    item->unit_path = bt_strdup(unit_path);
    item->text = bt_strf("event: %s\ndata: %s\n\n", event, data);
    *hub->news_end = item;
    hub->news_end = &item->next;
    hub->news_count++;
}

// Who obeyed when this server went away is believed for another 90 s.
static int remember(struct bt_hub *hub, struct bt_error *err)
{
    struct bt_db *db;
    int r = bt_db_acquire(hub->options.db, &db, err);
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_db_rows) rows = NULL;
    r = bt_db_ask(db, &rows, err,
                  "SELECT p.id, p.screen, u.path FROM player p JOIN screen s ON s.id = p.screen"
                  " JOIN unit u ON u.code = s.unit WHERE p.state = 'active'"
                  " AND p.channel = 'obeys' AND p.hub IN ($1, '') LIMIT 100000",
                  BT_TEXT(hub->name));
    bt_db_release(db);
    while (r == 0 && bt_db_next(rows)) {
        struct bt_member *member = bt_roster_add(&hub->roster, bt_db_get_text(rows, 0),
                                                 bt_db_get_text(rows, 1), bt_db_get_text(rows, 2));
        member->channel = BT_CHANNEL_OBEYS;
        member->answered_ns = bt_clock_mono_ns(hub->options.clock);
    }
    return r;
}

static void open_metrics(struct bt_hub *hub)
{
    struct bt_metrics *metrics = hub->options.metrics;
    hub->connected = bt_metrics_gauge(metrics, "bangtin_players_connected", "",
                                      "Players with an open hint stream.");
    hub->obeying = bt_metrics_gauge(metrics, "bangtin_players_obeying", "",
                                    "Players that answered a ping within 90 seconds.");
    hub->watching =
        bt_metrics_gauge(metrics, "bangtin_watchers", "", "People's open streams of events.");
    hub->orders =
        bt_metrics_counter(metrics, "bangtin_orders_sent", "", "Orders written to hint streams.");
    hub->listening = bt_metrics_gauge(metrics, "bangtin_listening", "",
                                      "1: other servers on the database are heard at once.");
    hub->heard = bt_metrics_counter(metrics, "bangtin_hints_heard", "",
                                    "Hints heard from other servers on the database.");
}

int bt_hub_open(const struct bt_hub_options *options, struct bt_hub **out, struct bt_error *err)
{
    BT_AUTO(bt_hub) hub = BT_NEW(struct bt_hub);
    hub->options = *options;
    open_metrics(hub);
    pthread_mutex_init(&hub->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    for (size_t i = 0; i < BT_ARRAY_LEN(hub->hands); i++) {
        pthread_cond_init(&hub->hands[i].work, &attributes);
    }
    pthread_condattr_destroy(&attributes);
    bt_roster_init(&hub->roster);
    if (options->name != NULL) {
        bt_copy_cut(hub->name, sizeof(hub->name), options->name);
    }
    for (size_t i = 0; i < BT_HUB_TOPICS; i++) {
        bt_buf_init(&hub->said[i], BT_HUB_SAID_BYTES);
    }
    hub->news_end = &hub->news;
    hub->next_tick_ns = hub->next_tell_ns = bt_clock_mono_ns(options->clock);
    hub->looked_ms = bt_clock_wall_ms(options->clock);
    int r = remember(hub, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot read the players");
    }
    *out = BT_TAKE(hub);
    return 0;
}

// Steps when it is woken, and when *due_ns has come, which the step moves.
static void run(struct bt_hub *hub, enum bt_hub_hand which, const int64_t *due_ns,
                void (*step)(struct bt_hub *hub))
{
    struct bt_hub_hands *hand = &hub->hands[which];
    pthread_mutex_lock(&hub->lock);
    while (!hub->closed) {
        while (!hub->closed && !hand->woken && bt_clock_mono_ns(hub->options.clock) < *due_ns) {
            struct timespec until = {.tv_sec = *due_ns / BT_NS_PER_S,
                                     .tv_nsec = *due_ns % BT_NS_PER_S};
            pthread_cond_timedwait(&hand->work, &hub->lock, &until);
        }
        hand->woken = false;
        pthread_mutex_unlock(&hub->lock);
        step(hub);
        pthread_mutex_lock(&hub->lock);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void *run_streams(void *context)
{
    struct bt_hub *hub = context;
    run(hub, BT_HUB_STREAMS, &hub->next_tick_ns, bt_hub_step_streams);
    return NULL;
}

static void *run_database(void *context)
{
    struct bt_hub *hub = context;
    run(hub, BT_HUB_DATABASE, &hub->next_tell_ns, bt_hub_step_database);
    return NULL;
}

int bt_hub_start(struct bt_hub *hub, struct bt_error *err)
{
    static void *(*const runs[])(void *context) = {
        [BT_HUB_STREAMS] = run_streams, [BT_HUB_DATABASE] = run_database};
    for (size_t i = 0; i < BT_ARRAY_LEN(runs); i++) {
        int r = pthread_create(&hub->hands[i].thread, NULL, runs[i], hub);
        if (r != 0) {
            return bt_fail(err, -r, "Cannot start the hub's threads");
        }
        hub->hands[i].started = true;
    }
    return 0;
}

void bt_hub_close(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->closed = true;
    bt_hub_wake(hub);
    pthread_mutex_unlock(&hub->lock);
    for (size_t i = 0; i < BT_ARRAY_LEN(hub->hands); i++) {
        if (hub->hands[i].started) {
            pthread_join(hub->hands[i].thread, NULL);
            hub->hands[i].started = false;
        }
    }
}

void bt_hub_destroy(struct bt_hub *hub)
{
    if (hub == NULL) {
        return;
    }
    bt_hub_close(hub);
    while (hub->news != NULL) {
        bt_hub_drop_oldest_news(hub);
    }
    bt_roster_finish(&hub->roster);
    for (size_t i = 0; i < BT_HUB_TOPICS; i++) {
        bt_buf_finish(&hub->said[i]);
    }
    free(hub->marks);
    for (size_t i = 0; i < BT_ARRAY_LEN(hub->hands); i++) {
        pthread_cond_destroy(&hub->hands[i].work);
    }
    pthread_mutex_destroy(&hub->lock);
    free(hub);
}

void bt_hub_hint(struct bt_hub *hub, int64_t timestamp_version, enum bt_urgency urgency)
{
    pthread_mutex_lock(&hub->lock);
    if (timestamp_version > hub->timestamp) {
        hub->timestamp = timestamp_version;
        hub->urgency = hub->hint_waits ? BT_MAX(hub->urgency, urgency) : urgency;
        hub->hint_waits = true;
        bt_hub_wake(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_orders(struct bt_hub *hub, const char *player)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member != NULL && member->seat != NULL) {
        member->wants_orders = true;
        bt_hub_make_dirty(hub, member);
    }
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_tell(struct bt_hub *hub, const char *unit_path, const char *event, const char *data)
{
    pthread_mutex_lock(&hub->lock);
    bt_hub_add_news(hub, unit_path, event, data);
    bt_hub_say_news(hub, unit_path, event, data);
    bt_hub_wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

bool bt_hub_take_pong(struct bt_hub *hub, const char *player, int64_t ping)
{
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    bool good = member != NULL && member->seat != NULL && member->greeted &&
                ping >= member->first_ping && ping <= member->last_ping;
    if (good) {
        member->answered_ns = bt_clock_mono_ns(hub->options.clock);
    }
    if (good && member->channel != BT_CHANNEL_OBEYS) {
        bt_hub_set_channel(hub, member, BT_CHANNEL_OBEYS);
    }
    return good;
}

void bt_hub_pong(struct bt_hub *hub, const char *player, int64_t ping)
{
    pthread_mutex_lock(&hub->lock);
    if (!bt_hub_take_pong(hub, player, ping)) {
        bt_hub_say_number(hub, BT_HUB_PONGS, player, ping);
    }
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_polled(struct bt_hub *hub, const char *player, int64_t n)
{
    struct bt_hub_mark mark = {.sent = n};
    bt_copy_cut(mark.player, sizeof(mark.player), player);
    pthread_mutex_lock(&hub->lock);
    bt_hub_mark(hub, &mark);
    bt_hub_wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_forget(struct bt_hub *hub, const char *player)
{
    pthread_mutex_lock(&hub->lock);
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member != NULL) {
        if (member->seat != NULL) {
            hub->options.close(member->seat->stream);
        }
        bt_hub_remove(hub, member);
    }
    pthread_mutex_unlock(&hub->lock);
}

void bt_hub_count(struct bt_hub *hub, struct bt_hub_counts *out)
{
    *out = (struct bt_hub_counts){0};
    pthread_mutex_lock(&hub->lock);
    out->players = (int64_t)hub->open_players;
    out->watchers = (int64_t)hub->watcher_count;
    for (size_t i = 0; i < hub->roster.count; i++) {
        out->obeying += hub->roster.members[i]->channel == BT_CHANNEL_OBEYS;
    }
    pthread_mutex_unlock(&hub->lock);
}
