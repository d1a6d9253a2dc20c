/**
 * The player's side of the wire (docs/protocol.md): identity and pairing, the hint stream, verified
 * publications, their assets, orders, status, plays on their way home. Four threads: one for the
 * stream and orders, one for metadata and documents, one for transfers, one for plays, so that
 * neither a download nor a slow disk nor a long journal ever delays a command. Playback never waits
 * for any of it.
 *
 * Everything lives below one directory: identity, trusted metadata, the store, what was taken down.
 * Started without any network it gives the last complete content at once (as BT_NEWS_CONTENT), then
 * goes on from there.
 */
#ifndef BT_SYNC_SYNC_H
#define BT_SYNC_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/queue.h"

struct bt_sync;

struct bt_sync_options {
    const char *directory;  // the player's data; made when missing
    const char *server;  // where to pair, "https://…" or "http://127.0.0.1…"; NULL once paired
    const char *pin;  // "sha256//…" for the first contact; NULL: the system's authorities, or none
                      // for loopback
    const char *root_sha256;  // in hex: pairs with no other root; NULL: people compare the words
    const char *model, *version;
    int64_t max_bytes_per_s;  // of transfers; 0: no cap
    int64_t month_bytes;      // budget that emergencies ignore; 0: none
    int night_from_min,
        night_until_min;  // transfers that are not due soon only then (local time); equal: always
    // The protocol's when 0: a channel without a ping is built anew after 90 s, the server is asked
    // every 60 s when the stream is down, tries are at most 120 s apart, and a request without a
    // byte is given up after 70 s.
    int64_t ping_s, poll_s, retry_max_s, stall_s;
    const struct bt_clock *clock;
    const char *root;  // of the kernel's files, such as /sys; NULL but for tests

    const char *platform;   // "debian-13-arm64"; NULL: no new version of the player is looked for
    const char *installer;  // bangtin-update's directory, whose record says what became of them
    const char *usb;        // where sticks are handed over (docs/usb.md); NULL: nowhere
    const char *plays;      // the journal's database, written by the player; NULL: none comes home
    // Whether the wall clock is known to be right, any thread; NULL: it is not.
    bool (*clock_is_trusted)(void *context);
    void *clock_context;
};

/**
 * Starts the threads. `news` is a queue of struct bt_news *, borrowed; its waker should wake the
 * main loop. Errors: the directory cannot be used. Without a network it starts all the same.
 */
int bt_sync_start(const struct bt_sync_options *options, struct bt_queue *news,
                  struct bt_sync **out, struct bt_error *err) BT_NODISCARD;
void bt_sync_close(struct bt_sync *sync);
void bt_sync_destroy(struct bt_sync *sync);
BT_DEFINE_AUTO(bt_sync)

// The directory of verified assets, for the player's kitchen.
const char *bt_sync_store_directory(const struct bt_sync *sync);

enum bt_order_state { BT_ORDER_DONE, BT_ORDER_REFUSED, BT_ORDER_FAILED };

// From the main loop; none waits.
void bt_sync_done(struct bt_sync *sync, int64_t number, enum bt_order_state state,
                  const char *detail);
void bt_sync_pong(struct bt_sync *sync, int64_t ping);
// Takes png (malloc), and answers the order when the server has the picture.
void bt_sync_screenshot(struct bt_sync *sync, int64_t number, void *png, size_t len);

/**
 * The player's part of the status document (keys of docs/protocol.md it knows: on, anchor_ms,
 * presented, publications' since_ms, emergency, troubles, display, volume, brightness, blank): a
 * JSON object as text, copied. Sent when it changes.
 */
void bt_sync_set_status(struct bt_sync *sync, const char *json);

// Assets of these publications are shown: never evicted. Called after a change of content took
// place.
void bt_sync_content_is_on(struct bt_sync *sync);

// What the kitchen found: a file is not what its hash says. It is removed and fetched again.
struct bt_sha256;
void bt_sync_asset_is_damaged(struct bt_sync *sync, const struct bt_sha256 *sha256);

#endif
