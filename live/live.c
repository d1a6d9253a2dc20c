#include "live/live.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "live/receiver.h"
#include "playlists/live_url.h"

struct bt_live_house {
    struct bt_local_streams local;  // set by create, never changed
    pthread_mutex_t lock;           // leaf lock, but for those of receivers
    // Protected by lock.
    struct bt_live *lives[BT_MAX_LIVES];
    size_t count;
};

struct bt_live_house *bt_live_house_create(const struct bt_local_streams *local)
{
    struct bt_live_house *house = BT_NEW(struct bt_live_house);
    pthread_mutex_init(&house->lock, NULL);
    if (local != NULL) {
        house->local = *local;
    }
    return house;
}

void bt_live_house_destroy(struct bt_live_house *house)
{
    if (house == NULL) {
        return;
    }
    assert(house->count == 0);
    pthread_mutex_destroy(&house->lock);
    free(house);
}

static int find_origin(const struct bt_live_house *house, const struct bt_live_address *address,
                       struct bt_live_origin *out, struct bt_error *err)
{
    *out = (struct bt_live_origin){.local = address->local[0] != '\0',
                                   .private_addresses = house->local.private_addresses};
    if (!out->local) {
        bt_live_url_host(address->url, out->name, sizeof(out->name));
        memcpy(out->url, address->url, sizeof(out->url));
        memcpy(out->pins, address->pins, sizeof(out->pins));
        return 0;
    }
    const struct bt_local_stream *stream = bt_local_streams_find(&house->local, address->local);
    if (stream == NULL) {
        return bt_fail(err, -ENOENT, "This player has no stream '%s' of its own", address->local);
    }
    memcpy(out->name, stream->name, sizeof(out->name));
    memcpy(out->url, stream->url, sizeof(out->url));
    return 0;
}

static bool is_same(const struct bt_live_origin *a, const struct bt_live_origin *b)
{
    return a->local == b->local && bt_str_equal(a->url, b->url) && bt_str_equal(a->pins, b->pins);
}

static struct bt_live *find_held(const struct bt_live_house *house,
                                 const struct bt_live_origin *origin)
{
    for (size_t i = 0; i < house->count; i++) {
        if (is_same(&house->lives[i]->origin, origin)) {
            return house->lives[i];
        }
    }
    return NULL;
}

static int add(struct bt_live_house *house, const struct bt_live_origin *origin,
               struct bt_live **out, struct bt_error *err)
{
    if (house->count == BT_MAX_LIVES) {
        return bt_fail(err, -EBUSY, "%d streams are being received already", BT_MAX_LIVES);
    }
    struct bt_live *live = BT_NEW(struct bt_live);
    live->house = house;
    live->origin = *origin;
    int r = bt_receiver_start(&live->origin, &live->receiver, err);
    if (r < 0) {
        free(live);
        return r;
    }
    house->lives[house->count++] = live;
    *out = live;
    return 0;
}

int bt_live_hold(struct bt_live_house *house, const struct bt_live_address *address,
                 struct bt_live **out, struct bt_error *err)
{
    struct bt_live_origin origin;
    int r = find_origin(house, address, &origin, err);
    if (r < 0) {
        return r;
    }
    pthread_mutex_lock(&house->lock);
    struct bt_live *live = find_held(house, &origin);
    r = live != NULL ? 0 : add(house, &origin, &live, err);
    if (live != NULL) {
        live->references++;
        *out = live;
    }
    pthread_mutex_unlock(&house->lock);
    return r;
}

struct bt_live *bt_live_ref(struct bt_live *live)
{
    pthread_mutex_lock(&live->house->lock);
    live->references++;
    pthread_mutex_unlock(&live->house->lock);
    return live;
}

static void forget(struct bt_live_house *house, const struct bt_live *live)
{
    size_t kept = 0;
    for (size_t i = 0; i < house->count; i++) {
        if (house->lives[i] != live) {
            house->lives[kept++] = house->lives[i];
        }
    }
    house->count = kept;
}

void bt_live_unref(struct bt_live *live)
{
    if (live == NULL) {
        return;
    }
    struct bt_live_house *house = live->house;
    pthread_mutex_lock(&house->lock);
    bool last = --live->references == 0;
    if (last) {
        forget(house, live);
    }
    pthread_mutex_unlock(&house->lock);
    if (last) {
        bt_receiver_destroy(live->receiver);
        free(live);
    }
}

bool bt_live_is_ready(struct bt_live *live)
{
    return bt_receiver_is_ready(live->receiver);
}

void bt_live_why(struct bt_live *live, struct bt_error *out)
{
    struct bt_live_said said;
    bt_receiver_said(live->receiver, &said);
    *out = said.why;
}

struct bt_frame *bt_live_take(struct bt_live *live, int64_t at_ns, int64_t after)
{
    return bt_receiver_take(live->receiver, at_ns, after);
}

int64_t bt_live_due_ns(struct bt_live *live, int64_t after)
{
    return bt_receiver_due_ns(live->receiver, after);
}

int64_t bt_live_silent_ns(struct bt_live *live, int64_t at_ns)
{
    return bt_receiver_silent_ns(live->receiver, at_ns);
}

struct bt_sound_ring *bt_live_listen(struct bt_live *live)
{
    return bt_receiver_listen(live->receiver);
}

int64_t bt_live_shift_ns(const struct bt_live *live)
{
    return bt_receiver_sound_shift_ns(live->receiver);
}

size_t bt_live_house_said(struct bt_live_house *house, struct bt_live_said out[BT_MAX_LIVES])
{
    pthread_mutex_lock(&house->lock);
    size_t count = house->count;
    for (size_t i = 0; i < count; i++) {
        bt_receiver_said(house->lives[i]->receiver, &out[i]);
    }
    pthread_mutex_unlock(&house->lock);
    return count;
}
