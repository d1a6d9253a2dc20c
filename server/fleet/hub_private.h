// The hub's inside, shared by hub.c (what others call), seat.c, and what its thread does:
// hub_work.c, hub_orders.c and hub_marks.c.
#ifndef BT_SERVER_FLEET_HUB_PRIVATE_H
#define BT_SERVER_FLEET_HUB_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/db/lease.h"
#include "server/db/listen.h"
#include "server/fleet/hub.h"
#include "server/fleet/roster.h"
#include "server/http/metrics.h"

// No pong for this long: the screen is shown as not obeying.
#define BT_HUB_DEAF_NS (90 * BT_NS_PER_S)

// News for people that nobody has written yet; the oldest go.
#define BT_HUB_MAX_NEWS 1000

// What is said to other servers within a second; more is lost.
#define BT_HUB_SAID_BYTES ((size_t)10 * BT_DB_HINT_BYTES)

// Players of whom the database says that they obey us, and we do not know that. More wait.
#define BT_HUB_MAX_STRAYS 256
struct bt_hub_strays {
    char players[BT_HUB_MAX_STRAYS][BT_MEMBER_ID_BYTES];
    size_t count;
};

// What goes to other servers once a second, lines of words or of JSON.
enum bt_hub_topic { BT_HUB_PONGS, BT_HUB_SEATS, BT_HUB_NEWS, BT_HUB_TOPICS };

struct bt_seat {
    struct bt_hub *hub;
    struct bt_stream *stream;
    // Protected by the hub's lock.
    struct bt_member *member;      // a player's; NULL once it was given up
    int64_t since_ns;              // a watcher's
    int64_t since_ms;              // a player's
    struct bt_seat *next, **link;  // a watcher's place in the list; link NULL when it has none
    // Set when it is made.
    char player[BT_MEMBER_ID_BYTES], screen[BT_MEMBER_ID_BYTES];
    char *unit_path;    // owned; NULL for a watcher
    char **unit_paths;  // owned; NULL for a player
    int64_t after;
};

struct bt_news_item {
    char *unit_path, *text;  // owned
    struct bt_news_item *next;
};

// To be written into the database: orders that were sent, or the state of a channel.
struct bt_hub_mark {
    char player[BT_MEMBER_ID_BYTES];
    int64_t sent;  // up to this number; 0: none
    enum bt_channel channel;
    bool seated;  // we have its stream; else another server may know better
    int64_t at_ms;
};

// More than a fleet of 100,000 changes in one second.
#define BT_HUB_MAX_MARKS 200000

// The threads of a hub: one writes to streams and never waits for the database.
enum bt_hub_hand { BT_HUB_STREAMS, BT_HUB_DATABASE, BT_HUB_HANDS };

struct bt_hub_hands {
    pthread_t thread;
    bool started;
    pthread_cond_t work;  // monotonic
    bool woken;           // protected by the hub's lock
};

struct bt_hub {
    struct bt_hub_options options;
    struct bt_metric *connected, *obeying, *watching, *orders, *listening, *heard;
    char name[BT_LEASE_HOLDER_BYTES];  // "": there is no other server
    struct bt_hub_hands hands[BT_HUB_HANDS];

    pthread_mutex_t lock;  // held while streams are written to, never while the database is asked
    // Protected by lock.
    bool closed, look_now;
    struct bt_roster roster;
    size_t open_players;
    struct bt_member *dirty;  // orders to read, greetings to send
    int64_t timestamp;        // the newest version known; 0: none
    bool hint_waits;
    enum bt_urgency urgency;  // of the hint that waits
    int64_t ping;
    struct bt_seat *watchers;
    size_t watcher_count;
    struct bt_news_item *news, **news_end;
    size_t news_count;
    struct bt_buf said[BT_HUB_TOPICS];  // for other servers
    struct bt_hub_mark *marks;
    size_t mark_count, mark_capacity;
    unsigned comparison;  // of the players' rows with the roster: which one

    // The streams' thread's own.
    int64_t next_tick_ns;
    unsigned tick;
    // The database's thread's own.
    int64_t next_tell_ns, next_look_ns, next_clean_ns;
    int64_t looked_ms;            // orders given elsewhere are known up to here
    struct bt_hub_strays strays;  // of the last comparison
};

// Under the lock.
void bt_hub_wake(struct bt_hub *hub);
void bt_hub_make_dirty(struct bt_hub *hub, struct bt_member *member);
void bt_hub_leave_seat(struct bt_hub *hub, struct bt_member *member);  // the stream is given up
void bt_hub_write_to(struct bt_hub *hub, struct bt_member *member, const char *text, size_t len);
void bt_hub_remove(struct bt_hub *hub, struct bt_member *member);
void bt_hub_set_channel(struct bt_hub *hub, struct bt_member *member, enum bt_channel channel);
void bt_hub_mark(struct bt_hub *hub, const struct bt_hub_mark *mark);
void bt_hub_drop_oldest_news(struct bt_hub *hub);
void bt_hub_add_news(struct bt_hub *hub, const char *unit_path, const char *event,
                     const char *data);

bool bt_hub_take_pong(struct bt_hub *hub, const char *player, int64_t ping);  // false: not ours
void bt_hub_say_number(struct bt_hub *hub, enum bt_hub_topic topic, const char *player,
                       int64_t number);
void bt_hub_say_news(struct bt_hub *hub, const char *unit_path, const char *event,
                     const char *data);

// What each thread does when it is woken, without the lock.
void bt_hub_step_streams(struct bt_hub *hub);
void bt_hub_step_database(struct bt_hub *hub);

// Without the lock; the first four are the database's thread's.
void bt_hub_flush_said(struct bt_hub *hub);
int bt_hub_keep_alive(struct bt_hub *hub, struct bt_db *db, struct bt_error *err);
void bt_hub_write_waiting_hint(struct bt_hub *hub);
void bt_hub_serve_dirty(struct bt_hub *hub);  // greetings, orders
void bt_hub_flush_marks(struct bt_hub *hub);

#endif
