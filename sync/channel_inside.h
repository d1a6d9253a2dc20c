// What sync/channel.c (the thread) and sync/talks.c (the single requests) share.
#ifndef BT_SYNC_CHANNEL_INSIDE_H
#define BT_SYNC_CHANNEL_INSIDE_H

#include <pthread.h>

#include "base/queue.h"
#include "sync/channel.h"
#include "sync/event_stream.h"
#include "sync/retry.h"
#include "sync/status.h"
#include "sync/wire.h"

#define BT_ANSWER_MAX_BYTES (5 * 1024 * 1024)  // the root metadata in the answer to pairing
#define BT_SCREENSHOT_MAX_BYTES (4 * 1024 * 1024)

enum bt_talk {
    BT_TALK_NONE,
    BT_TALK_PAIR,
    BT_TALK_CLAIM,
    BT_TALK_CHALLENGE,
    BT_TALK_SESSION,
    BT_TALK_ORDERS,
    BT_TALK_PONG,
    BT_TALK_RESULTS,
    BT_TALK_STATUS,
    BT_TALK_SCREENSHOT,
    BT_TALK_COUNT
};

// One request on its way.
struct bt_exchange {
    struct bt_wire wire;
    enum bt_talk talk;  // NONE: free
    struct bt_address address;
    struct bt_buf sent, got;
    int64_t number;  // of the ping, the order
};

struct bt_screenshot {
    int64_t number;
    void *bytes;  // owned
    size_t len;
};

struct bt_channel {
    struct bt_sync *sync;    // borrowed
    struct bt_queue *inbox;  // other threads → channel
    CURLM *multi;
    pthread_t thread;
    bool started;
    // The thread's own.
    struct bt_exchange talk;    // small ones, one after the other
    struct bt_exchange upload;  // screenshots, which may take long
    struct bt_wire stream;
    struct bt_address stream_address;
    struct bt_event_stream *events;  // NULL: no stream
    bool stream_alive;               // something came on it
    struct bt_error stream_error;    // why it was ended by us
    int64_t heard_ns;                // the last ping, or when the stream was begun
    char token[BT_TOKEN_BYTES];      // "": not logged in
    int64_t token_until_ns;
    struct bt_buf challenge;  // the nonce to be signed
    bool caught_up;           // all orders were taken, in this connection
    int64_t poll_at_ns;       // orders, when the stream is down
    struct bt_retry retry;
    struct bt_pairing pairing;  // id "": none
    bool enrolling;             // it was begun with a token, so nobody needs a code
    int64_t claim_at_ns, pairing_until_ns;
    unsigned strikes;     // logins in a row that the server refused
    int64_t login_at_ns;  // once it does not know us, the next try
    int64_t pong;         // to be answered; 0: none
    bool results_due;
    int64_t results_at_ns;              // not before
    unsigned results_put_off;           // in a row, by a server that had no time for them
    struct bt_screenshot screenshot;    // bytes NULL: none
    char *player_status;                // owned
    struct bt_status_said status_said;  // of the last one that the server took
    struct bt_status_said status_sent;  // of the last one that was sent
    struct bt_gauge_pace gauge_pace;
    int64_t status_at_ns, status_said_ns;
    int64_t clock_offset_ms;
    uint64_t ticket;  // of the refresh that waiting emergencies hope for; 0: none
};

int64_t bt_channel_now_ns(const struct bt_channel *channel);

// The next small request that is due, begun; false when there is none.
bool bt_talk_begin_next(struct bt_channel *channel);
bool bt_talk_begin_screenshot(struct bt_channel *channel);

// One has ended. `r` < 0: no answer.
void bt_talk_finish(struct bt_channel *channel, struct bt_exchange *exchange, int r, long status);

// Takes one order, however it came; an error ends the connection, so that it comes again.
int bt_channel_take_order(struct bt_channel *channel, const cJSON *json, const char *body,
                          struct bt_error *err) BT_NODISCARD;

// No answer: waits, and begins anew with the next server.
void bt_channel_fail(struct bt_channel *channel, const struct bt_address *address);

// A server that has no time to answer, as while its database is away, is asked later. What it says
// on the stream is heard all the same: all players would come anew at the same time.
void bt_channel_put_off(struct bt_channel *channel);

// It answers, and the stream stands.
void bt_channel_is_well(struct bt_channel *channel);

// Begins anew with a new login; see sync/retry.h.
void bt_channel_token_refused(struct bt_channel *channel);

#endif
