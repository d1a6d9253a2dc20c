#include "player/overlays.h"

#include "base/compiler.h"

// Serials of zones count up from 2, those of overlays from here.
#define FIRST_SERIAL (UINT64_C(1) << 62)

void bt_overlays_init(struct bt_overlays *overlays)
{
    *overlays = (struct bt_overlays){.light_percent = 100};
}

void bt_overlays_finish(struct bt_overlays *overlays)
{
    for (int i = 0; i < BT_OVERLAY_COUNT; i++) {
        bt_image_destroy(BT_TAKE(overlays->images[i]));
        bt_image_destroy(BT_TAKE(overlays->old[i]));
    }
}

static uint64_t next_serial(void)
{
    static uint64_t serial = FIRST_SERIAL;  // main thread only
    return ++serial;
}

void bt_overlays_set(struct bt_overlays *overlays, enum bt_overlay which, struct bt_image *image)
{
    if (overlays->old[which] == NULL) {
        overlays->old[which] = overlays->images[which];  // perhaps on the screen
    } else {
        bt_image_destroy(overlays->images[which]);
    }
    overlays->images[which] = image;
    overlays->serials[which] = next_serial();
}

void bt_overlays_set_light(struct bt_overlays *overlays, int percent)
{
    overlays->light_percent = percent;
    overlays->serials[BT_OVERLAY_DIM] = next_serial();
}

// The mark stands in the right top corner, everything else in the middle.
static struct bt_rect place(enum bt_overlay which, const struct bt_image *image, int width,
                            int height)
{
    struct bt_rect rect = {(width - image->width) / 2, (height - image->height) / 2, image->width,
                           image->height};
    if (which == BT_OVERLAY_MARK) {
        rect.x = width - image->width;
        rect.y = 0;
    }
    return rect;
}

static void add(const struct bt_overlays *overlays, enum bt_overlay which, int width, int height,
                struct bt_scene *scene)
{
    const struct bt_image *image = overlays->images[which];
    if (image == NULL || scene->zone_count == BT_SCENE_MAX_ZONES) {
        return;
    }
    scene->zones[scene->zone_count++] = (struct bt_zone_view){
        .rect = place(which, image, width, height),
        .to = {.kind = BT_VISUAL_IMAGE, .serial = overlays->serials[which], .image = image},
        .mix = 1000,
    };
}

static void add_dimming(const struct bt_overlays *overlays, int width, int height,
                        struct bt_scene *scene)
{
    if (overlays->light_percent >= 100 || scene->zone_count == BT_SCENE_MAX_ZONES) {
        return;
    }
    uint8_t alpha = (uint8_t)((100 - overlays->light_percent) * 255 / 100);
    scene->zones[scene->zone_count++] = (struct bt_zone_view){
        .rect = {0, 0, width, height},
        .to = {.kind = BT_VISUAL_COLOUR,
               .serial = overlays->serials[BT_OVERLAY_DIM],
               .background = {0, 0, 0, alpha}},
        .mix = 1000,
    };
}

void bt_overlays_view(const struct bt_overlays *overlays, int canvas_width, int canvas_height,
                      struct bt_scene *scene)
{
    if (overlays->images[BT_OVERLAY_CARD] != NULL) {
        scene->zone_count = 0;
    }
    add(overlays, BT_OVERLAY_CARD, canvas_width, canvas_height, scene);
    add(overlays, BT_OVERLAY_MARK, canvas_width, canvas_height, scene);
    add(overlays, BT_OVERLAY_NAME, canvas_width, canvas_height, scene);
    add_dimming(overlays, canvas_width, canvas_height, scene);
}

void bt_overlays_presented(struct bt_overlays *overlays)
{
    for (int i = 0; i < BT_OVERLAY_COUNT; i++) {
        bt_image_destroy(BT_TAKE(overlays->old[i]));
    }
}
