#include "live/listeners.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct listener {
    struct bt_listeners *listeners;  // one reference
    struct bt_sound_ring *ring;      // borrowed: it owns us
    struct listener *next;
    bool begun;
    int64_t position;  // number of the frame that is written next
};

struct bt_listeners {
    pthread_mutex_t lock;  // leaf lock
    // Protected by lock.
    size_t references;
    struct listener *first;
    bool ended;
};

struct bt_listeners *bt_listeners_create(void)
{
    struct bt_listeners *listeners = BT_NEW(struct bt_listeners);
    pthread_mutex_init(&listeners->lock, NULL);
    listeners->references = 1;
    return listeners;
}

void bt_listeners_unref(struct bt_listeners *listeners)
{
    if (listeners == NULL) {
        return;
    }
    pthread_mutex_lock(&listeners->lock);
    bool last = --listeners->references == 0;
    pthread_mutex_unlock(&listeners->lock);
    if (last) {
        pthread_mutex_destroy(&listeners->lock);
        free(listeners);
    }
}

// The ring's last owner is gone.
static void leave(void *context)
{
    struct listener *listener = context;
    struct bt_listeners *listeners = listener->listeners;
    pthread_mutex_lock(&listeners->lock);
    struct listener **at = &listeners->first;
    while (*at != listener) {
        at = &(*at)->next;
    }
    *at = listener->next;
    pthread_mutex_unlock(&listeners->lock);
    free(listener);
    bt_listeners_unref(listeners);
}

struct bt_sound_ring *bt_listeners_add(struct bt_listeners *listeners)
{
    struct listener *listener = BT_NEW(struct listener);
    struct bt_sound_ring *ring = bt_sound_ring_create();
    listener->listeners = listeners;
    listener->ring = ring;
    bt_sound_ring_set_filler(ring, (struct bt_sound_filler){listener, leave});
    pthread_mutex_lock(&listeners->lock);
    listeners->references++;
    listener->next = listeners->first;
    listeners->first = listener;
    if (listeners->ended) {
        bt_sound_ring_begin(ring, 0, 1);
        bt_sound_ring_end(ring);
    }
    pthread_mutex_unlock(&listeners->lock);
    return ring;
}

int64_t bt_listeners_room(struct bt_listeners *listeners)
{
    int64_t room = -1;
    pthread_mutex_lock(&listeners->lock);
    for (const struct listener *each = listeners->first; each != NULL; each = each->next) {
        int64_t its_room = (int64_t)bt_sound_ring_room(each->ring);
        room = room < 0 ? its_room : BT_MIN(room, its_room);
    }
    pthread_mutex_unlock(&listeners->lock);
    return room;
}

// As far as there is room.
static void write_silence(struct listener *listener, int64_t until)
{
    static const float silence[1024 * BT_SOUND_CHANNELS];
    int64_t room = (int64_t)bt_sound_ring_room(listener->ring);
    while (listener->position < until && room > 0) {
        int64_t now = BT_MIN(BT_MIN(until - listener->position, room), INT64_C(1024));
        bt_sound_ring_write(listener->ring, silence, (size_t)now);
        listener->position += now;
        room -= now;
    }
}

static void write_one(struct listener *listener, int64_t first, const float *stereo, int64_t frames)
{
    if (!listener->begun) {
        int64_t whole = first / BT_SOUND_RATE, rest = first % BT_SOUND_RATE;
        bt_sound_ring_begin(listener->ring,
                            whole * BT_NS_PER_S + rest * BT_NS_PER_S / BT_SOUND_RATE, 1);
        listener->begun = true;
        listener->position = first;
    }
    write_silence(listener, first);
    int64_t skip = listener->position - first;
    int64_t count = BT_MIN(frames - skip, (int64_t)bt_sound_ring_room(listener->ring));
    if (skip >= 0 && count > 0) {
        bt_sound_ring_write(listener->ring, stereo + skip * BT_SOUND_CHANNELS, (size_t)count);
        listener->position += count;
    }
}

void bt_listeners_write(struct bt_listeners *listeners, int64_t first, const float *stereo,
                        size_t frames)
{
    pthread_mutex_lock(&listeners->lock);
    for (struct listener *each = listeners->first; each != NULL; each = each->next) {
        write_one(each, first, stereo, (int64_t)frames);
    }
    pthread_mutex_unlock(&listeners->lock);
}

void bt_listeners_end(struct bt_listeners *listeners)
{
    pthread_mutex_lock(&listeners->lock);
    listeners->ended = true;
    for (struct listener *each = listeners->first; each != NULL; each = each->next) {
        if (!each->begun) {
            bt_sound_ring_begin(each->ring, 0, 1);
            each->begun = true;
        }
        bt_sound_ring_end(each->ring);
    }
    pthread_mutex_unlock(&listeners->lock);
}
