/**
 * The hub: open hint streams by player, and what is known of each player's obedience. One thread
 * writes hints, at once and to everybody, and pings, a thirtieth of the players each second; it
 * never waits for the database. Another does: it reads orders, so that each stream gets each order
 * once and in order. While the database's machine is gone without a word that one stands still, for
 * 25 s on a connection that was open and 10 s in each try after that.
 *
 * Several servers on one database: each knows its own streams. What happens on another is heard at
 * once (bt_hub_hear), and every few seconds a thread asks the database for what was not. What
 * comes here and belongs to another's stream (pongs, news for people) goes there once a second. All
 * functions are thread-safe and none waits for the network or the database.
 *
 * Limits: one stream for each player (a second one ends the first), BT_HUB_MAX_WATCHERS streams of
 * people. A reader that is slower than its 64 KiB is dropped and comes again.
 */
#ifndef BT_SERVER_FLEET_HUB_H
#define BT_SERVER_FLEET_HUB_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "server/db/db.h"

struct bt_hub;
struct bt_metrics;
struct bt_stream;

// Each is a browser tab or a program; 500 people watching at once is a province's whole staff.
#define BT_HUB_MAX_WATCHERS 500

enum bt_urgency { BT_URGENCY_NORMAL, BT_URGENCY_NOW, BT_URGENCY_EMERGENCY };

struct bt_hub_options {
    const struct bt_clock *clock;
    struct bt_db_pool *db;
    struct bt_metrics *metrics;  // NULL: none
    const char *name;            // this server's, of several on one database; NULL: there is one
    // bt_stream_write and bt_stream_close; tests have their own.
    int (*write)(struct bt_stream *stream, const char *text, size_t len);
    void (*close)(struct bt_stream *stream);
};

/**
 * main: open after the database, start before the HTTP server, close before it is closed, destroy
 * after it is destroyed. open remembers who obeyed before the restart and gives them 90 s to prove
 * it again.
 */
int bt_hub_open(const struct bt_hub_options *options, struct bt_hub **out,
                struct bt_error *err) BT_NODISCARD;
int bt_hub_start(struct bt_hub *hub, struct bt_error *err) BT_NODISCARD;
void bt_hub_close(struct bt_hub *hub);
void bt_hub_destroy(struct bt_hub *hub);
BT_DEFINE_AUTO(bt_hub)

// To all: the timestamp role has this version. NORMAL is spread over some seconds.
void bt_hub_hint(struct bt_hub *hub, int64_t timestamp_version, enum bt_urgency urgency);

// To one: it has new orders (server/fleet/orders.h); they are read from the database and written.
void bt_hub_orders(struct bt_hub *hub, const char *player);

/**
 * To people who watch (GET /v1/events) and may see the unit whose path this is ("/vn/92/31333/"):
 * an event with its data, one line of JSON. May be lost; whoever missed it reads the lists.
 */
void bt_hub_tell(struct bt_hub *hub, const char *unit_path, const char *event, const char *data);

/**
 * What another server said (server/db/listen.h), as hostile as any text: what is not understood is
 * passed over. `listens`: we hear others from now on, or no longer.
 */
void bt_hub_hear(struct bt_hub *hub, const char *topic, const char *text);
void bt_hub_listens(struct bt_hub *hub, bool now);

// In the transaction that changes it, for the other servers' hubs: bt_hub_hint, bt_hub_orders and
// bt_hub_forget of theirs.
int bt_hub_notify_hint(struct bt_db *db, int64_t timestamp_version, enum bt_urgency urgency,
                       struct bt_error *err) BT_NODISCARD;
int bt_hub_notify_orders(struct bt_db *db, const char *const *players, size_t count,
                         struct bt_error *err) BT_NODISCARD;
int bt_hub_notify_forget(struct bt_db *db, const char *player, struct bt_error *err) BT_NODISCARD;

// What players say: for server/fleet/ alone.
void bt_hub_pong(struct bt_hub *hub, const char *player, int64_t ping);
void bt_hub_polled(struct bt_hub *hub, const char *player, int64_t n);  // has been given up to n
void bt_hub_forget(struct bt_hub *hub, const char *player);             // revoked: ends its stream

/**
 * Streams. A seat is what the handler prepares and bt_call_stream_reply's callbacks carry as their
 * context: a player's, resuming after an order, or a watcher's, with the units' paths it may see.
 * The seat belongs to the stream: on_close frees it.
 */
struct bt_seat;
struct bt_seat_player {
    const char *player, *screen;
    const char *unit_path;  // of the screen
    int64_t after;          // the last order it has
};
struct bt_seat *bt_seat_of_player(struct bt_hub *hub,
                                  const struct bt_seat_player *player) BT_NODISCARD;

// `unit_paths` ends with NULL and is taken (each by free, and the list). NULL when
// BT_HUB_MAX_WATCHERS are there.
struct bt_seat *bt_seat_of_watcher(struct bt_hub *hub, char **unit_paths) BT_NODISCARD;
// `context` is the seat.
void bt_seat_on_open(struct bt_stream *stream, void *context);
void bt_seat_on_close(struct bt_stream *stream, void *context);

// Both threads' work, once; for tests that have not called start.
void bt_hub_step(struct bt_hub *hub);

struct bt_hub_counts {
    int64_t players, watchers;  // open streams
    int64_t obeying;            // players that answered a ping within 90 s
};
void bt_hub_count(struct bt_hub *hub, struct bt_hub_counts *out);

#endif
