/**
 * The speaker: what the zones play is heard, when there is a device, and the picture never notices
 * when there is none. One thread opens the device when somebody is to be heard, looks whether it is
 * still there, tries again when it is not (after a second, then ever longer, up to half a minute),
 * and gives it back when nothing was heard for ten seconds. The thread itself starts with the
 * first sound; a show without any costs nothing.
 *
 * A device that hangs may hang the thread; the pictures go on, and the end of the player does not
 * wait for it.
 */
#ifndef BT_PLAYER_SPEAKER_H
#define BT_PLAYER_SPEAKER_H

#include "media/loudness.h"
#include "player/mixer.h"
#include "player/sound_keeper.h"

struct bt_speaker;

struct bt_speaker_options {
    const struct bt_sound_device_impl *device;  // NULL: SDL's
    int64_t delay_ns;  // later (or, below 0, sooner) than the picture is presented: displays and
                       // amplifiers have delays of their own
};

struct bt_speaker *bt_speaker_create(const struct bt_speaker_options *options) BT_NODISCARD;
void bt_speaker_destroy(struct bt_speaker *speaker);
BT_DEFINE_AUTO(bt_speaker)

// Takes the reference to the sound; any thread. NULL: it will not be heard.
struct bt_voice *bt_speaker_add(struct bt_speaker *speaker, struct bt_sound_ring *sound);

// For sounds that it is to play; lives as long as the speaker.
struct bt_loudness *bt_speaker_loudness(struct bt_speaker *speaker);

// Never louder than this. Any thread.
void bt_speaker_set_ceiling(struct bt_speaker *speaker, int64_t milli);

enum bt_speaker_state bt_speaker_state(const struct bt_speaker *speaker);  // any thread

#endif
