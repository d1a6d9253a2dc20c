/**
 * The hub's list of players: who has a stream, and who answered a ping not long ago. By id, and in
 * an order that may be walked. Not thread-safe; the hub's lock protects it.
 */
#ifndef BT_SERVER_FLEET_ROSTER_H
#define BT_SERVER_FLEET_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "server/ids.h"

#define BT_MEMBER_ID_BYTES BT_SERVER_ID_BYTES

struct bt_seat;

enum bt_channel {
    BT_CHANNEL_UNKNOWN,  // as the database has it
    BT_CHANNEL_OBEYS,
    BT_CHANNEL_DEAF,
};

struct bt_member {
    char player[BT_MEMBER_ID_BYTES], screen[BT_MEMBER_ID_BYTES];
    char *unit_path;       // owned
    struct bt_seat *seat;  // its open stream, or NULL; borrowed
    unsigned phase;        // which second of the round its ping comes in

    bool greeted;       // the stream got its first hint and ping
    int64_t given;      // orders up to this number were written to the stream
    bool wants_orders;  // there may be more of them
    bool dirty;         // in the list of those the thread has to look at
    struct bt_member *next_dirty;

    enum bt_channel channel;
    unsigned compared;              // when its row was right: which of the hub's comparisons
    int64_t first_ping, last_ping;  // of this stream
    int64_t answered_ns;            // the last good pong, or when the stream was opened

    size_t index;            // in the walk
    struct bt_member *next;  // in the bucket
};

struct bt_roster {
    struct bt_member **members;  // 0 .. count - 1
    size_t count, capacity;
    struct bt_member **buckets;
    size_t bucket_count;  // a power of two
    unsigned next_phase;
};

// Pings go round in this many seconds.
#define BT_ROSTER_PHASES 30

void bt_roster_init(struct bt_roster *roster);
void bt_roster_finish(struct bt_roster *roster);

struct bt_member *bt_roster_find(const struct bt_roster *roster, const char *player);  // or NULL
struct bt_member *bt_roster_add(struct bt_roster *roster, const char *player, const char *screen,
                                const char *unit_path);

// Frees it. The last of the walk takes its place.
void bt_roster_remove(struct bt_roster *roster, struct bt_member *member);

#endif
