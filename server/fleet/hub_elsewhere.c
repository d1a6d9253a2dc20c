/**
 * Other servers on the database: what they are told and what they say. Only hints travel; whoever
 * misses one finds it in the database a few seconds later. Pongs and news go together, once a
 * second, because commits that notify wait for each other.
 *
 * Of each player the row says which server knows whether it obeys (player.hub). A server keeps a
 * lease while it lives; when that has ended, another one says of its players that they do not. Once
 * a minute each compares the rows with what it knows, so that a lost hint is not believed for ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/hub_private.h"

// It is taken again every minute; and a player that lost its server is back within two.
#define ALIVE_MS 180000

#define MAX_DEAD 100
#define MAX_ROWS 100000

static const struct bt_log hub_log = {"server/hub"};

static const char *const topics[BT_HUB_TOPICS] = {
    [BT_HUB_PONGS] = "pongs", [BT_HUB_SEATS] = "seats", [BT_HUB_NEWS] = "news"};

/*
 * Telling.
 */

// Under the lock. What there is no room for is lost.
static void say(struct bt_hub *hub, enum bt_hub_topic topic, const char *line)
{
    size_t len = strlen(line);
    if (len < BT_DB_HINT_BYTES && bt_buf_append(&hub->said[topic], line, len) == 0) {
        (void)!bt_buf_append(&hub->said[topic], "\n", 1);
    }
}

void bt_hub_say_number(struct bt_hub *hub, enum bt_hub_topic topic, const char *player,
                       int64_t number)
{
    char line[BT_MEMBER_ID_BYTES + 24];
    if (hub->name[0] != '\0' &&
        bt_format(line, sizeof(line), "%s %lld", player, (long long)number) == 0) {
        say(hub, topic, line);
    }
}

void bt_hub_say_news(struct bt_hub *hub, const char *unit_path, const char *event, const char *data)
{
    if (hub->name[0] != '\0') {
        BT_AUTOFREE char *line = bt_strf("%s %s %s", unit_path, event, data);
        say(hub, BT_HUB_NEWS, line);
    }
}

// As many whole lines as one hint has room for.
static size_t piece_of(const char *text, size_t len)
{
    size_t end = BT_MIN(len, (size_t)BT_DB_HINT_BYTES);
    while (end > 0 && text[end - 1] != '\n') {
        end--;
    }
    return end;
}

static int notify_pieces(struct bt_db *db, const char *topic, const struct bt_buf *said,
                         struct bt_error *err)
{
    int r = 0;
    for (size_t at = 0, len; r == 0 && at < said->len; at += len) {
        len = piece_of(said->data + at, said->len - at);
        if (len == 0) {
            break;
        }
        BT_AUTOFREE char *piece = bt_strf("%.*s", (int)len, said->data + at);
        r = bt_db_notify(db, topic, piece, err);
    }
    return r;
}

static int notify_all(struct bt_hub *hub, struct bt_buf said[BT_HUB_TOPICS], struct bt_error *err)
{
    struct bt_db *db;
    int r = bt_db_acquire(hub->options.db, &db, err);
    if (r < 0) {
        return r;
    }
    r = bt_db_begin(db, true, err);
    for (size_t i = 0; r == 0 && i < BT_HUB_TOPICS; i++) {
        r = notify_pieces(db, topics[i], &said[i], err);
    }
    r = r < 0 ? r : bt_db_commit(db, err);
    bt_db_release(db);
    return r;
}

void bt_hub_flush_said(struct bt_hub *hub)
{
    struct bt_buf said[BT_HUB_TOPICS];
    struct bt_error err = {0};
    size_t len = 0;
    pthread_mutex_lock(&hub->lock);
    for (size_t i = 0; i < BT_HUB_TOPICS; i++) {
        said[i] = hub->said[i];
        len += said[i].len;
        bt_buf_init(&hub->said[i], BT_HUB_SAID_BYTES);
    }
    pthread_mutex_unlock(&hub->lock);
    if (len > 0 && notify_all(hub, said, &err) < 0) {
        bt_log_debug(&hub_log, "Other servers are not told: %s", err.msg);
    }
    for (size_t i = 0; i < BT_HUB_TOPICS; i++) {
        bt_buf_finish(&said[i]);
    }
}

int bt_hub_notify_hint(struct bt_db *db, int64_t timestamp_version, enum bt_urgency urgency,
                       struct bt_error *err)
{
    char text[48];
    int r = bt_format(text, sizeof(text), "%lld %d", (long long)timestamp_version, (int)urgency);
    return r < 0 ? r : bt_db_notify(db, "hint", text, err);
}

int bt_hub_notify_orders(struct bt_db *db, const char *const *players, size_t count,
                         struct bt_error *err)
{
    if (count == 0) {
        return 0;
    }
    // Of more than a hint has room for, others look for themselves.
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_DB_HINT_BYTES);
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = bt_buf_appendf(&text, "%s\n", players[i]);
    }
    return bt_db_notify(db, "orders", r < 0 ? "" : bt_buf_text(&text), err);
}

int bt_hub_notify_forget(struct bt_db *db, const char *player, struct bt_error *err)
{
    return bt_db_notify(db, "forget", player, err);
}

/*
 * Hearing. Texts are ours to cut.
 */

// What stands before `at`; *text is what stands behind it, NULL at the end.
static char *cut(char **text, char at)
{
    char *first = *text;
    char *end = first == NULL ? NULL : strchr(first, at);
    if (end != NULL) {
        *end++ = '\0';
    }
    *text = end;
    return first;
}

static void hear_hint(struct bt_hub *hub, char *text)
{
    int64_t version, urgency;
    const char *first = cut(&text, ' ');
    if (text != NULL && bt_parse_int(first, 1, INT64_MAX, &version) == 0 &&
        bt_parse_int(text, BT_URGENCY_NORMAL, BT_URGENCY_EMERGENCY, &urgency) == 0) {
        bt_hub_hint(hub, version, (enum bt_urgency)urgency);
    }
}

static void look_now(struct bt_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->look_now = true;
    bt_hub_wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

static void hear_orders(struct bt_hub *hub, char *text)
{
    char *line;
    if (text[0] == '\0') {
        look_now(hub);
    }
    while ((line = cut(&text, '\n')) != NULL) {
        bt_hub_orders(hub, line);
    }
}

static void hear_forget(struct bt_hub *hub, char *text)
{
    bt_hub_forget(hub, text);
}

// "PLAYER NUMBER" on each line.
static void hear_numbers(struct bt_hub *hub, char *text,
                         void (*take)(struct bt_hub *hub, const char *player, int64_t number))
{
    char *line;
    int64_t number;
    pthread_mutex_lock(&hub->lock);
    while ((line = cut(&text, '\n')) != NULL) {
        char *player = cut(&line, ' ');
        if (line != NULL && bt_parse_int(line, 0, INT64_MAX, &number) == 0) {
            take(hub, player, number);
        }
    }
    pthread_mutex_unlock(&hub->lock);
}

static void take_pong(struct bt_hub *hub, const char *player, int64_t ping)
{
    (void)bt_hub_take_pong(hub, player, ping);
}

// It has come to another server: what we have of it is over, unless it came to us after that.
static void take_seat(struct bt_hub *hub, const char *player, int64_t since_ms)
{
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member == NULL || (member->seat != NULL && member->seat->since_ms > since_ms)) {
        return;
    }
    if (member->seat != NULL) {
        hub->options.close(member->seat->stream);
    }
    bt_hub_remove(hub, member);
}

static void hear_pongs(struct bt_hub *hub, char *text)
{
    hear_numbers(hub, text, take_pong);
}

static void hear_seats(struct bt_hub *hub, char *text)
{
    hear_numbers(hub, text, take_seat);
}

static void hear_news(struct bt_hub *hub, char *text)
{
    char *line;
    pthread_mutex_lock(&hub->lock);
    while ((line = cut(&text, '\n')) != NULL) {
        const char *path = cut(&line, ' ');
        const char *event = cut(&line, ' ');
        if (line != NULL) {
            bt_hub_add_news(hub, path, event, line);
        }
    }
    bt_hub_wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

static const struct {
    const char *topic;
    void (*hear)(struct bt_hub *hub, char *text);
} ears[] = {
    {"hint", hear_hint},   {"orders", hear_orders}, {"forget", hear_forget},
    {"pongs", hear_pongs}, {"seats", hear_seats},   {"news", hear_news},
};

void bt_hub_hear(struct bt_hub *hub, const char *topic, const char *text)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(ears); i++) {
        if (strcmp(ears[i].topic, topic) == 0) {
            BT_AUTOFREE char *copy = bt_strdup(text);
            bt_metric_add(hub->heard, 1);
            ears[i].hear(hub, copy);
        }
    }
}

void bt_hub_listens(struct bt_hub *hub, bool now)
{
    bt_metric_set(hub->listening, now);
    if (now) {
        look_now(hub);
    }
}

/*
 * Who is alive.
 */

// Most of the time there are none, and nothing is written.
static int find_dead(struct bt_hub *hub, struct bt_db *db, int64_t now_ms, struct bt_db_rows **out,
                     struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT DISTINCT hub FROM player WHERE channel = 'obeys' AND hub <> ''"
                     " AND hub <> $1 AND NOT EXISTS (SELECT 1 FROM care_lease l"
                     " WHERE l.name = 'hub ' || player.hub AND l.until_ms > $2) LIMIT $3",
                     BT_TEXT(hub->name), BT_INT(now_ms), BT_INT(MAX_DEAD));
}

static int bury(struct bt_db *db, const char *dead, int64_t now_ms, struct bt_error *err)
{
    int64_t r = bt_db_run(db, err,
                          "UPDATE player SET channel = 'not-obeying', channel_ms = $2"
                          " WHERE hub = $1 AND channel = 'obeys' AND state = 'active'",
                          BT_TEXT(dead), BT_INT(now_ms));
    if (r > 0) {
        bt_log_warn(&hub_log, "Server %.8s is gone; %lld players that it had are nowhere", dead,
                    (long long)r);
    }
    return r < 0 ? (int)r : 0;
}

/*
 * What the rows say of our players.
 */

static bool was_stray(const struct bt_hub *hub, const char *player)
{
    for (size_t i = 0; i < hub->strays.count; i++) {
        if (strcmp(hub->strays.players[i], player) == 0) {
            return true;
        }
    }
    return false;
}

// Under the lock. The row says that it obeys us. One of which we do not know that may be on its way
// to another server, which has a minute to say so.
static void compare_row(struct bt_hub *hub, const char *player, struct bt_hub_strays *strays)
{
    struct bt_member *member = bt_roster_find(&hub->roster, player);
    if (member != NULL && member->channel == BT_CHANNEL_OBEYS) {
        member->compared = hub->comparison;
    } else if (was_stray(hub, player)) {
        struct bt_hub_mark mark = {.channel = BT_CHANNEL_DEAF,
                                   .at_ms = bt_clock_wall_ms(hub->options.clock)};
        bt_copy_cut(mark.player, sizeof(mark.player), player);
        bt_hub_mark(hub, &mark);
    } else if (strays->count < BT_HUB_MAX_STRAYS) {
        bt_copy_cut(strays->players[strays->count++], BT_MEMBER_ID_BYTES, player);
    }
}

// Under the lock. It obeys us and its row does not say so.
static void say_again(struct bt_hub *hub, const struct bt_member *member)
{
    struct bt_hub_mark mark = {
        .channel = BT_CHANNEL_OBEYS, .seated = true, .at_ms = bt_clock_wall_ms(hub->options.clock)};
    bt_copy_cut(mark.player, sizeof(mark.player), member->player);
    bt_hub_mark(hub, &mark);
}

static void compare(struct bt_hub *hub, struct bt_db_rows *rows)
{
    struct bt_hub_strays strays = {0};
    pthread_mutex_lock(&hub->lock);
    hub->comparison++;
    while (bt_db_next(rows)) {
        compare_row(hub, bt_db_get_text(rows, 0), &strays);
    }
    for (size_t i = 0; i < hub->roster.count; i++) {
        const struct bt_member *member = hub->roster.members[i];
        if (member->seat != NULL && member->channel == BT_CHANNEL_OBEYS &&
            member->compared != hub->comparison) {
            say_again(hub, member);
        }
    }
    pthread_mutex_unlock(&hub->lock);
    hub->strays = strays;
}

static int compare_rows(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id FROM player WHERE hub = $1 AND channel = 'obeys'"
                      " AND state = 'active' LIMIT $2",
                      BT_TEXT(hub->name), BT_INT(MAX_ROWS));
    if (r == 0) {
        compare(hub, rows);
    }
    return r;
}

int bt_hub_keep_alive(struct bt_hub *hub, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t now_ms = bt_clock_wall_ms(hub->options.clock);
    BT_AUTOFREE char *lease = bt_strf("hub %s", hub->name);
    int r = bt_lease_take(db, lease, hub->name, now_ms, ALIVE_MS, err);
    r = r < 0 ? r : find_dead(hub, db, now_ms, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        r = bury(db, bt_db_get_text(rows, 0), now_ms, err);
    }
    return r < 0 ? r : compare_rows(hub, db, err);
}
