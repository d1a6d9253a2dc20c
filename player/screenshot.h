// A screenshot on its way: the canvas as it was presented, made a PNG off the render thread.
#ifndef BT_PLAYER_SCREENSHOT_H
#define BT_PLAYER_SCREENSHOT_H

#include "media/frame.h"
#include "player/errands.h"

// What the server takes; a larger picture is halved until it fits.
#define BT_SCREENSHOT_MAX_BYTES (4 * 1024 * 1024)

struct bt_screenshot {
    struct bt_errand errand;
    int64_t number;
    struct bt_image *image;  // owned
    int result;
    struct bt_error err;
    char *png;  // owned
    size_t len;
};

// Takes the image.
struct bt_screenshot *bt_screenshot_create(struct bt_image *image, int64_t number,
                                           void (*finish)(struct bt_errand *errand,
                                                          void *context)) BT_NODISCARD;

#endif
