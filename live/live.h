/**
 * Live streams being received. A stream is connected while somebody holds it, and keeps trying when
 * it breaks: at once, then after 1, 2, 4 … 60 s. One thread reads packets ahead, one decodes them
 * in time, one decodes the sound while somebody listens.
 *
 * Frames have an instant of the monotonic clock at which they are due, about 2 s after they came,
 * so that an uneven network is not seen. Where the sender's clock runs slower or faster than ours,
 * a frame is shown longer or left out, one in five seconds. Any number of zones look at the same
 * frames; a frame goes when the one after it is due, but the last one stays.
 *
 * Thread-safe. What the main thread calls takes microseconds.
 */
#ifndef BT_LIVE_LIVE_H
#define BT_LIVE_LIVE_H

#include "live/local.h"
#include "media/frame.h"
#include "media/sound_ring.h"

// A frame that nothing followed stays so long on the screen; then the stream is given up there.
#define BT_LIVE_SILENCE_NS (6 * BT_NS_PER_S)

struct bt_live_house;
struct bt_live;

// How many different streams at once: each costs a decoder.
#define BT_MAX_LIVES 8

// `local` may be NULL: nothing was written down.
struct bt_live_house *bt_live_house_create(const struct bt_local_streams *local) BT_NODISCARD;
void bt_live_house_destroy(struct bt_live_house *house);  // nobody holds a stream any more
BT_DEFINE_AUTO(bt_live_house)

/**
 * Holds the stream: begins to connect unless it is held already. Errors: -ENOENT a local stream
 * that the installer did not write down; -EBUSY too many.
 */
int bt_live_hold(struct bt_live_house *house, const struct bt_live_address *address,
                 struct bt_live **out, struct bt_error *err) BT_NODISCARD;
struct bt_live *bt_live_ref(struct bt_live *live) BT_NODISCARD;
void bt_live_unref(struct bt_live *live);  // may wait for its threads

// There is a frame to be shown now, and more have come lately.
bool bt_live_is_ready(struct bt_live *live);

// Why it is not ready, in words.
void bt_live_why(struct bt_live *live, struct bt_error *out);

/**
 * The newest frame that is due at the instant, if its number is higher than `after`; for the
 * caller to destroy. With `after` -1 the first one there is, due or not. NULL: none.
 * Numbers begin with 0. pts_ns is the instant at which it was due.
 */
struct bt_frame *bt_live_take(struct bt_live *live, int64_t at_ns, int64_t after) BT_NODISCARD;

// When the first frame after that number is due; INT64_MAX: none is there.
int64_t bt_live_due_ns(struct bt_live *live, int64_t after);

// For how long the frame after the last one has been missing; 0: it is not.
int64_t bt_live_silent_ns(struct bt_live *live, int64_t at_ns);

/**
 * Its sound from now on, for the caller: a ring of its own (media/sound_ring.h), whose times are
 * instants of the monotonic clock as if the sender's clock were ours. What is shown at t is heard
 * at t + the shift, which changes slowly. Silence where nothing comes. It may outlive the stream.
 */
struct bt_sound_ring *bt_live_listen(struct bt_live *live) BT_NODISCARD;
int64_t bt_live_shift_ns(const struct bt_live *live);

// For the status.
struct bt_live_said {
    char name[BT_ID_BYTES];  // host, or the local name
    bool local;
    bool ready;
    int64_t since_ms;  // UTC; of this state
    struct bt_error why;
};
size_t bt_live_house_said(struct bt_live_house *house, struct bt_live_said out[BT_MAX_LIVES]);

#endif
