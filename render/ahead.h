/**
 * Pictures that will be shown soon, on their way into the GPU's memory: a few rows with every
 * refresh, so that no refresh is late when they are shown. Whoever shows one takes its tiles; what
 * is not asked for any more is forgotten.
 *
 * Pictures are known by their ids (struct bt_image): an address may be used again by another.
 */
#ifndef BT_RENDER_AHEAD_H
#define BT_RENDER_AHEAD_H

#include "render/tile.h"

// Whichever comes first; at least one slice is uploaded all the same.
struct bt_upload_budget {
    int64_t until_ns;  // monotonic
    size_t bytes;
};

struct bt_ahead;

// Tiles have at most `side` pixels a side. The renderer must outlive it.
struct bt_ahead *bt_ahead_create(SDL_Renderer *renderer, int side) BT_NODISCARD;
void bt_ahead_destroy(struct bt_ahead *ahead);

// Uploads some of these pictures, the first ones first. True when there is more to do.
bool bt_ahead_step(struct bt_ahead *ahead, const struct bt_image *const *images, size_t count,
                   struct bt_upload_budget budget);

/**
 * The tiles of the picture, wholly uploaded; the caller's, the array too. 0 when it was not on its
 * way.
 */
size_t bt_ahead_take(struct bt_ahead *ahead, const struct bt_image *image,
                     struct bt_texture_tile **out_tiles) BT_NODISCARD;

// The GPU has lost its memory.
void bt_ahead_forget(struct bt_ahead *ahead);

#endif
