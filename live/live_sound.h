/**
 * The sound of a live stream: packets → whoever listens, each at the instant of its picture. The
 * reader brings packets and never waits; the picture's decoder says where the stream's times lie on
 * the monotonic clock; a thread of our own, which starts with the first listener, decodes as far
 * ahead as the listeners have room. While nobody listens nothing is decoded, and of the packets the
 * newest few seconds are kept, so that sound begins with its picture.
 *
 * Where the picture's times are moved by a frame, because the sender's clock is not ours, the sound
 * that was given out already cannot move: `shift` says by how much it is to be heard later, and
 * listeners follow it smoothly (player/servo.h). Inside live/ only.
 */
#ifndef BT_LIVE_LIVE_SOUND_H
#define BT_LIVE_LIVE_SOUND_H

#include <libavformat/avformat.h>

#include "base/compiler.h"
#include "media/sound_ring.h"

struct bt_live_sound;

struct bt_live_sound *bt_live_sound_create(void) BT_NODISCARD;
void bt_live_sound_destroy(struct bt_live_sound *sound);  // those who listen hear silence
BT_DEFINE_AUTO(bt_live_sound)

// The reader: what follows is of this kind, until the next run; NULL: there is no sound. Runs count
// up from 1.
void bt_live_sound_begin(struct bt_live_sound *sound, int64_t run, const AVStream *stream);

// The reader: a packet of the present run, which is emptied. The oldest goes when there are too
// many.
void bt_live_sound_push(struct bt_live_sound *sound, AVPacket *packet);

// The picture's decoder: what stands at the stream's time t is due at t + offset_ns.
void bt_live_sound_lay(struct bt_live_sound *sound, int64_t run, int64_t offset_ns);

// For the caller. Frames of the ring have instants of the monotonic clock, + the shift.
struct bt_sound_ring *bt_live_sound_listen(struct bt_live_sound *sound) BT_NODISCARD;
int64_t bt_live_sound_shift_ns(const struct bt_live_sound *sound);  // any thread

#endif
