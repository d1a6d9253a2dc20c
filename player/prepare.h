/**
 * Making a slot ready: everything slow about showing an item happens here, on loader threads.
 */
#ifndef BT_PLAYER_PREPARE_H
#define BT_PLAYER_PREPARE_H

#include "assets/store.h"
#include "base/civil.h"
#include "player/prepared.h"

// What loaders share: the store and the fonts. Thread-safe.
struct bt_kitchen;

int bt_kitchen_open(const char *assets_dir, struct bt_kitchen **out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * Who is told when a stored file is not what its hash says; before the first preparation. Called
 * from the threads that prepare; it may not wait.
 */
struct bt_damage_watch {
    void *context;
    void (*damaged)(void *context, const struct bt_sha256 *sha256);
};
void bt_kitchen_watch(struct bt_kitchen *kitchen, const struct bt_damage_watch *watch);

/**
 * Clips are decoded by software alone until this says otherwise (a name of bt_decoder_names; NULL:
 * "auto"); before the first preparation.
 */
void bt_kitchen_choose_decoder(struct bt_kitchen *kitchen, const char *name);
struct bt_decoders *bt_kitchen_decoders(const struct bt_kitchen *kitchen);  // NULL: software alone

// From now on pictures are shown only of kinds that their reviewers could see
// (bt_picture_is_reviewable), and clips that have one picture track.
void bt_kitchen_trust_reviewed_kinds_alone(struct bt_kitchen *kitchen);

/**
 * From now on live streams are received, and those that the installer wrote down (NULL: none).
 * Without it a stream item is a plain field that says what would be there.
 */
void bt_kitchen_receive(struct bt_kitchen *kitchen, const struct bt_local_streams *local);

// Where they are received; NULL: they are not.
struct bt_live_house *bt_kitchen_lives(const struct bt_kitchen *kitchen);

// What clips say may be heard there; borrowed, before the first preparation. Without it, never.
struct bt_speaker;
void bt_kitchen_set_speaker(struct bt_kitchen *kitchen, struct bt_speaker *speaker);
void bt_kitchen_destroy(struct bt_kitchen *kitchen);
BT_DEFINE_AUTO(bt_kitchen)

// A text card of any size, for what the program itself says.
int bt_kitchen_card(struct bt_kitchen *kitchen, const char *utf8, const struct bt_text_style *style,
                    int width, int height, struct bt_image **out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * Makes the slot ready for its track. `offset_ns` translates the slot's wall time to monotonic
 * time. `skip_ns` begins that much later inside the slot (to show one moment of it); 0 when
 * playing. Waits until a clip's first frames are decoded, at most 2 s.
 *
 * Errors: a missing or damaged asset, or one that cannot be decoded; the message names the item.
 * -EAGAIN: a live stream that is not ready yet.
 */
int bt_prepare(struct bt_kitchen *kitchen, const struct bt_show *show, const struct bt_slot *slot,
               const struct bt_track *track, int64_t offset_ns, int64_t skip_ns,
               struct bt_prepared **out, struct bt_error *err) BT_NODISCARD;

/**
 * The safe card: the unit's name on the canvas's ground, from start_ns to end_ns; what a screen
 * shows when nothing is left. Never fails for reasons of content.
 */
int bt_prepare_safe_card(struct bt_kitchen *kitchen, const struct bt_show *show,
                         const struct bt_track *track, int64_t start_ns, int64_t end_ns,
                         struct bt_prepared **out, struct bt_error *err) BT_NODISCARD;

// A clock's face for a local time, of the track's size.
int bt_prepare_face(struct bt_kitchen *kitchen, const struct bt_item *item,
                    const struct bt_track *track, int64_t local_s, struct bt_image **out,
                    struct bt_error *err) BT_NODISCARD;

#endif
