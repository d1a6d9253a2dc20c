/**
 * Those who hear a live stream. Each has a ring of its own (media/sound_ring.h), all are given the
 * same: frames of sound numbered on the monotonic clock, 48000 a second from its 0 on. A ring that
 * has no room loses what comes; what is missing is silence in it, so that the rest stays where it
 * belongs. Who joins hears from what comes next on.
 *
 * Shared by the stream and all who listen, who may outlive it. Thread-safe. Inside live/ only.
 */
#ifndef BT_LIVE_LISTENERS_H
#define BT_LIVE_LISTENERS_H

#include "media/sound_ring.h"

struct bt_listeners;

struct bt_listeners *bt_listeners_create(void) BT_NODISCARD;  // with one reference
void bt_listeners_unref(struct bt_listeners *listeners);

// For the caller; who lets it go listens no more.
struct bt_sound_ring *bt_listeners_add(struct bt_listeners *listeners) BT_NODISCARD;

// How many frames all of them take now; -1: nobody listens.
int64_t bt_listeners_room(struct bt_listeners *listeners);

void bt_listeners_write(struct bt_listeners *listeners, int64_t first, const float *stereo,
                        size_t frames);

// No more will come.
void bt_listeners_end(struct bt_listeners *listeners);

#endif
