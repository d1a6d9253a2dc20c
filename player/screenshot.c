#include "player/screenshot.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

static uint8_t mean_of_four(const uint8_t *at, size_t stride)
{
    return (uint8_t)((at[0] + at[4] + at[stride] + at[stride + 4] + 2) / 4);
}

static struct bt_image *halve(const struct bt_image *image)
{
    struct bt_image *half = bt_image_create(image->width / 2, image->height / 2);
    for (int y = 0; half != NULL && y < half->height; y++) {
        const uint8_t *from = image->pixels + (size_t)y * 2 * image->stride;
        uint8_t *to = half->pixels + (size_t)y * half->stride;
        for (int x = 0; x < half->width * 4; x++) {
            to[x] = mean_of_four(from + (size_t)(x / 4) * 8 + x % 4, image->stride);
        }
    }
    if (half != NULL) {
        half->opaque = image->opaque;
    }
    return half;
}

static int encode(struct bt_screenshot *shot, struct bt_error *err)
{
    for (;;) {
        BT_AUTOBUF png;
        bt_buf_init(&png, BT_SCREENSHOT_MAX_BYTES);
        int r = bt_image_encode_png(shot->image, &png, err);
        if (r == 0) {
            shot->png = BT_TAKE(png.data);
            shot->len = png.len;
            return 0;
        }
        struct bt_image *half = r == -EMSGSIZE ? halve(shot->image) : NULL;
        if (half == NULL) {
            return r;
        }
        bt_image_destroy(shot->image);
        shot->image = half;
    }
}

static void run(struct bt_errand *errand)
{
    struct bt_screenshot *shot = (struct bt_screenshot *)errand;
    shot->result = encode(shot, &shot->err);
}

static void destroy(struct bt_errand *errand)
{
    struct bt_screenshot *shot = (struct bt_screenshot *)errand;
    bt_image_destroy(shot->image);
    free(shot->png);
    free(shot);
}

struct bt_screenshot *bt_screenshot_create(struct bt_image *image, int64_t number,
                                           void (*finish)(struct bt_errand *errand, void *context))
{
    struct bt_screenshot *shot = BT_NEW(struct bt_screenshot);
    shot->errand = (struct bt_errand){run, finish, destroy};
    shot->image = image;
    shot->number = number;
    return shot;
}
