/**
 * A loader: the thread that plans and prepares ahead for one track. One per track, so that an 8K
 * picture in one zone never makes another zone wait.
 *
 * It prepares exactly one item beyond what is on the screen, a few seconds before it is due (a
 * second open clip costs memory). What cannot be prepared is skipped here, before anybody sees
 * it; when nothing is left the safe card comes. A live stream that is not ready when its turn comes
 * loses it; as soon as it is, it cuts in on what has a lower priority. While a clock is on the
 * screen it also draws the clock's next face ahead of time.
 *
 * All functions are for the main thread and never wait, except destroy, which joins the thread.
 */
#ifndef BT_PLAYER_LOADER_H
#define BT_PLAYER_LOADER_H

#include "player/prepare.h"
#include "player/running_order.h"

struct bt_loader;

// What becomes of the item on the screen when the loader's show follows another.
struct bt_verdict {
    enum bt_fate fate;
    // When it goes on.
    int64_t end_ns, limit_ns;     // monotonic
    enum bt_end_reason why_end;   // at the limit
    const struct bt_item *clock;  // its item in the loader's show, if it is a clock
    struct bt_volume_wish volume;
};

struct bt_delivery {
    uint64_t epoch;  // of the bt_loader_want it goes back to
    bool judges;     // it is the answer to bt_loader_succeed
    struct bt_verdict verdict;
    struct bt_prepared *prepared;  // the next item, or NULL
    struct bt_image *face;         // a clock's face from at_ns on, or NULL
    const struct bt_item *clock;   // whose face it is
    int64_t at_ns;
};

void bt_delivery_destroy(struct bt_delivery *delivery);
BT_DEFINE_AUTO(bt_delivery)

// Both must outlive the loader.
struct bt_loader *bt_loader_create(struct bt_running_order *order, struct bt_kitchen *kitchen,
                                   size_t track) BT_NODISCARD;
void bt_loader_close(struct bt_loader *loader);  // stops soon, returns at once
void bt_loader_destroy(struct bt_loader *loader);
BT_DEFINE_AUTO(bt_loader)

/**
 * Begin: prepare what is due at that instant, now. Deliveries carry the epoch of the newest want,
 * so that older ones can be told and dropped.
 */
void bt_loader_want(struct bt_loader *loader, int64_t at_ns, uint64_t epoch);

/**
 * Begin where a track of another order stands. The verdict on what it shows is delivered first;
 * then what follows it, a few seconds before it is due. Takes the reference to the order.
 */
struct bt_inheritance {
    struct bt_running_order *from;
    size_t track;
    int64_t serial;            // on the screen; 0: nothing
    int64_t start_ns, end_ns;  // since when, and until when by the old show
    bool urgent;
};
void bt_loader_succeed(struct bt_loader *loader, struct bt_inheritance inheritance, uint64_t epoch);

/**
 * The item with that ticket is on the screen and is due to end then; go on with what follows it.
 * Means nothing when something newer was delivered meanwhile.
 */
void bt_loader_started(struct bt_loader *loader, uint64_t ticket, int64_t end_ns);

// Said before bt_loader_started: the run it interrupted was shown up to that offset.
void bt_loader_interrupted_at(struct bt_loader *loader, int64_t run, int64_t offset_ns);

// What is on the screen ends sooner than bt_loader_started said: what follows is wanted by then.
void bt_loader_hurry(struct bt_loader *loader, int64_t at_ns);

// Hands an item back to be destroyed there.
void bt_loader_retire(struct bt_loader *loader, struct bt_prepared *prepared);

struct bt_delivery *bt_loader_take(struct bt_loader *loader) BT_NODISCARD;  // NULL: nothing yet

#endif
