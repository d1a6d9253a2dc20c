/**
 * How much of each pixel is covered, 0 to 255: letters before they have a colour. Inside the room.
 */
#ifndef BT_MEDIA_MASK_H
#define BT_MEDIA_MASK_H

#include "media/frame.h"
#include "playlists/publication.h"

struct bt_point {
    int x, y;
};

struct bt_mask {
    int width, height;
    uint8_t *cover;  // rows without gaps
};

// Nothing is covered. Errors: -ENOMEM.
int bt_mask_create(int width, int height, struct bt_mask **out, struct bt_error *err) BT_NODISCARD;
void bt_mask_destroy(struct bt_mask *mask);
BT_DEFINE_AUTO(bt_mask)

/**
 * The same grown by px to all sides, round at corners, cut at the mask's edges; what was covered
 * is covered wholly. px is at most BT_OUTLINE_MAX_PX.
 * Errors: -ENOMEM.
 */
int bt_mask_grow(const struct bt_mask *mask, int px, struct bt_mask **out,
                 struct bt_error *err) BT_NODISCARD;

// Edges fade over px to both sides. Errors: -ENOMEM.
int bt_mask_soften(struct bt_mask *mask, int px, struct bt_error *err) BT_NODISCARD;

// Colours what is covered of images that stand side by side (one for a card, the tiles of a
// strip); the mask's left top corner at `at` of the first one.
void bt_mask_paint(const struct bt_mask *mask, struct bt_colour colour,
                   struct bt_image *const *images, size_t image_count, struct bt_point at);

/**
 * Letters as a style has them: their shadow below their outline below themselves. A shadow and an
 * outline whose colour is transparent are none.
 * Errors: -ENOMEM.
 */
int bt_mask_paint_letters(const struct bt_mask *letters, const struct bt_text_style *style,
                          struct bt_image *const *images, size_t image_count,
                          struct bt_error *err) BT_NODISCARD;

// How far an outline reaches; 0 for none.
int bt_outline_reach(const struct bt_text_style *style);

#endif
