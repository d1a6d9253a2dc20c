/**
 * The backdrop: what the kernel puts on a display when no program draws on it, such as after a
 * player was killed and before the next one presents. It is the console's picture (/dev/fb0), which
 * nobody sees meanwhile (player/console.h); the safe card is put there, so that a wall never shows
 * a console. Cards without a console (no fb0) show black then.
 */
#ifndef BT_PLAYER_BACKDROP_H
#define BT_PLAYER_BACKDROP_H

#include "media/frame.h"
#include "playlists/output_plan.h"

struct bt_backdrop;

// A picture of the whole canvas, which is taken, and where it stands; the plan is copied. Without
// one (NULL) it stands in the left top corner.
struct bt_backdrop *bt_backdrop_create(struct bt_image *canvas, const struct bt_output_plan *plan);
void bt_backdrop_destroy(struct bt_backdrop *backdrop);
BT_DEFINE_AUTO(bt_backdrop)

/**
 * Paints the canvas where it stands on the display, with its curves, and black around it. `root` is
 * "" but for tests. Takes some milliseconds: not for the main thread.
 * Errors: -ENOTSUP no such console, or one of another kind; -ENOMEM; the errno of writing.
 */
int bt_backdrop_paint(const struct bt_backdrop *backdrop, const char *root,
                      struct bt_error *err) BT_NODISCARD;

#endif
