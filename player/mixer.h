/**
 * The mixer: what the zones play, as one stream of stereo samples at BT_SOUND_RATE.
 *
 * A voice is one sound on its way through: it knows at which instant the picture's 0 is on the
 * screen, and plays each sample at the instant its picture has, by playing a little faster or
 * slower (servo.h), or by a jump when it is far off. It begins, ends, jumps and changes its volume
 * with fades of 15 ms, so that nothing clicks. What is not heard is exactly zero.
 *
 * Threads: the main thread steers voices through atomic members and never waits. Whoever mixes and
 * whoever adds or reaps voices share a lock, which is held for microseconds.
 */
#ifndef BT_PLAYER_MIXER_H
#define BT_PLAYER_MIXER_H

#include "media/sound_ring.h"

#define BT_MIXER_MAX_VOICES 64
enum { BT_MIXER_FADE_FRAMES = BT_SOUND_RATE * 15 / 1000 };

struct bt_mixer;
struct bt_voice;

struct bt_mixer *bt_mixer_create(void) BT_NODISCARD;
void bt_mixer_destroy(struct bt_mixer *mixer);  // with all voices
BT_DEFINE_AUTO(bt_mixer)

// Takes the reference to the sound. NULL: there are too many; the sound is let go.
struct bt_voice *bt_mixer_add(struct bt_mixer *mixer, struct bt_sound_ring *sound);

// Nobody steers it from now on: it fades out and is reaped. NULL is fine. Never waits.
void bt_voice_leave(struct bt_voice *voice);

// The picture's 0 is on the screen at that instant, or will be. Said again whenever it changes.
void bt_voice_play(struct bt_voice *voice, int64_t origin_ns);

// Silent from that instant on; INT64_MAX: not so far as we know.
void bt_voice_end_at(struct bt_voice *voice, int64_t at_ns);
void bt_voice_set_volume(struct bt_voice *voice, int64_t milli);

// Nothing is louder than this, whatever its voice says.
void bt_mixer_set_ceiling(struct bt_mixer *mixer, int64_t milli);

size_t bt_mixer_count(struct bt_mixer *mixer);  // voices

// Somebody is to be heard, now or in a moment.
bool bt_mixer_is_wanted(struct bt_mixer *mixer);

/**
 * Fills `stereo`; its first frame is heard at that instant. Returns whether anything is heard: if
 * not, all is 0.
 */
bool bt_mixer_mix(struct bt_mixer *mixer, float *stereo, size_t frames, int64_t at_ns);

/**
 * Destroys the voices that have left and are silent. Where nobody mixes (`now_ns` is then not 0),
 * it also keeps the others up to date, so that they can be heard as soon as somebody does. May wait
 * for a sound's thread.
 */
void bt_mixer_reap(struct bt_mixer *mixer, int64_t now_ns);

#endif
