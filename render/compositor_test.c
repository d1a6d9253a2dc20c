#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "render/compositor.h"
#include "render/test_material.h"

#define CANVAS_WIDTH 160
#define CANVAS_HEIGHT 90
#define IMAGES 6
#define FRAMES 8
#define STRIPS 2
#define STEPS 1500

struct material {
    struct bt_image *images[IMAGES];
    struct bt_frame *frames[FRAMES];
    struct bt_strip *strips[STRIPS];
    uint64_t serial;
    uint32_t random;
};

static const struct test_frame_kind frame_kinds[] = {
    {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG},
    {AV_PIX_FMT_NV12, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG},
    {AV_PIX_FMT_BGRA, AVCOL_SPC_RGB, AVCOL_RANGE_JPEG},
    {AV_PIX_FMT_YUV422P10LE, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG},
};

static int make_material(void **state)
{
    struct material *material = BT_NEW(struct material);
    for (unsigned i = 0; i < IMAGES; i++) {
        material->images[i] = test_image(40 + (int)i * 17, 30 + (int)i * 9, i, i % 2 ? 255 : 250);
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        material->frames[i] = test_frame(64 + (int)i * 6, 36 + (int)(i % 3) * 2,
                                         frame_kinds[i % BT_ARRAY_LEN(frame_kinds)], i);
    }
    for (size_t i = 0; i < STRIPS; i++) {
        material->strips[i] = test_strip(20, 4, i == 1);
    }
    *state = material;
    return 0;
}

static int free_material(void **state)
{
    struct material *material = *state;
    for (size_t i = 0; i < IMAGES; i++) {
        bt_image_destroy(material->images[i]);
    }
    for (size_t i = 0; i < FRAMES; i++) {
        bt_frame_destroy(material->frames[i]);
    }
    for (size_t i = 0; i < STRIPS; i++) {
        test_strip_destroy(material->strips[i]);
    }
    free(material);
    return 0;
}

static unsigned roll(struct material *material, unsigned below)
{
    return test_random(&material->random, below);
}

static struct bt_colour random_colour(struct material *material)
{
    static const uint8_t alphas[] = {255, 255, 0, 120};
    return (struct bt_colour){(uint8_t)roll(material, 256), (uint8_t)roll(material, 256),
                              (uint8_t)roll(material, 256), alphas[roll(material, 4)]};
}

static struct bt_rect random_rect(struct material *material, int width, int height)
{
    struct bt_rect rect = {(int)roll(material, (unsigned)width - 8),
                           (int)roll(material, (unsigned)height - 8), 0, 0};
    rect.width = 1 + (int)roll(material, (unsigned)(width - rect.x));
    rect.height = 1 + (int)roll(material, (unsigned)(height - rect.y));
    return rect;
}

static void random_frame(struct material *material, struct bt_visual *visual, struct bt_rect zone)
{
    static const int turns[] = {0, 0, 90, 180, 270};
    visual->frame = material->frames[roll(material, FRAMES)];
    const AVFrame *av = visual->frame->av;
    visual->src = (struct bt_rect){0, 0, av->width, av->height};
    if (roll(material, 3) == 0) {
        visual->src = random_rect(material, av->width, av->height);
    }
    visual->rotation = turns[roll(material, BT_ARRAY_LEN(turns))];
    visual->dst = (struct bt_rect){0, 0, zone.width, zone.height};
    if (roll(material, 2) == 0) {
        int inset = (int)roll(material, 8) - 3;  // below 0: cut by the zone
        visual->dst = (struct bt_rect){inset, 2 * inset, BT_MAX(1, zone.width - 2 * inset),
                                       BT_MAX(1, zone.height - 4 * inset)};
    }
}

static void random_detail(struct material *material, struct bt_visual *visual)
{
    int64_t width = (int64_t)visual->image->width << 16,
            height = (int64_t)visual->image->height << 16;
    struct bt_detail *detail = &visual->detail;
    detail->width = width / (1 + (int64_t)roll(material, 4));
    detail->height = height / (1 + (int64_t)roll(material, 4));
    detail->x = (width - detail->width) * roll(material, 1001) / 1000;
    detail->y = (height - detail->height) * roll(material, 1001) / 1000;
}

static struct bt_visual random_visual(struct material *material, struct bt_rect zone)
{
    struct bt_visual visual = {
        .kind = (enum bt_visual_kind)roll(material, BT_VISUAL_FRAME + 1),
        .serial = ++material->serial,
        .background = random_colour(material),
    };
    if (visual.kind == BT_VISUAL_IMAGE) {
        visual.image = material->images[roll(material, IMAGES)];
    } else if (visual.kind == BT_VISUAL_DETAIL) {
        visual.image = material->images[roll(material, IMAGES)];
        random_detail(material, &visual);
    } else if (visual.kind == BT_VISUAL_STRIP) {
        visual.strip = material->strips[roll(material, STRIPS)];
        visual.strip_x = (int)roll(material, 300) - 150;
    } else if (visual.kind == BT_VISUAL_FRAME) {
        random_frame(material, &visual, zone);
    }
    return visual;
}

// Now and then a zone reaches over an edge of the canvas.
static struct bt_rect random_zone_rect(struct material *material)
{
    struct bt_rect rect = random_rect(material, CANVAS_WIDTH, CANVAS_HEIGHT);
    if (roll(material, 5) == 0) {
        rect.x += (int)roll(material, 61) - 30;
        rect.y += (int)roll(material, 61) - 30;
    }
    return rect;
}

static void random_way(struct material *material, struct bt_zone_view *zone)
{
    zone->way = (enum bt_way)roll(material, BT_WAY_WIPE + 1);
    zone->towards = (int)roll(material, BT_TOWARDS_DOWN + 1);
    zone->edge_px = (int)roll(material, 40);
}

static void random_zone(struct material *material, struct bt_zone_view *zone)
{
    static const int mixes[] = {1000, 1000, 1000, 0, 1, 333, 999};
    zone->rect = random_zone_rect(material);
    zone->from = random_visual(material, zone->rect);
    zone->to = random_visual(material, zone->rect);
    zone->mix = mixes[roll(material, BT_ARRAY_LEN(mixes))];
    random_way(material, zone);
}

// The next frame of a clip, the next step of a crawl, of a fade; whatever the zone shows.
static void advance_zone(struct material *material, struct bt_zone_view *zone)
{
    struct bt_visual *visual = zone->mix == 0 ? &zone->from : &zone->to;
    if (visual->kind == BT_VISUAL_STRIP) {
        visual->strip_x -= 3;
    } else if (visual->kind == BT_VISUAL_DETAIL) {
        random_detail(material, visual);
    } else if (visual->kind == BT_VISUAL_FRAME) {
        visual->frame = material->frames[roll(material, FRAMES)];
        visual->src = (struct bt_rect){0, 0, visual->frame->av->width, visual->frame->av->height};
    }
    visual->serial = ++material->serial;
}

static void fade_zone(struct material *material, struct bt_zone_view *zone)
{
    if (zone->mix == 1000) {
        zone->from = zone->to;
        zone->to = random_visual(material, zone->rect);
        zone->mix = 0;
        random_way(material, zone);
    } else {
        zone->mix = BT_MIN(1000, zone->mix + 250);
        zone->edge_px += (int)roll(material, 20);
    }
}

static void change_scene(struct material *material, struct bt_scene *scene)
{
    size_t zone = scene->zone_count > 0 ? roll(material, (unsigned)scene->zone_count) : 0;
    unsigned what = scene->zone_count == 0 ? 0 : roll(material, 24);
    if (what == 0 && scene->zone_count < 6) {
        random_zone(material, &scene->zones[scene->zone_count++]);
    } else if (what == 1 && scene->zone_count > 0) {
        memmove(&scene->zones[zone], &scene->zones[zone + 1],
                (--scene->zone_count - zone) * sizeof(scene->zones[0]));
    } else if (what == 2) {
        scene->background = random_colour(material);
    } else if (what == 3) {
        scene->zones[zone].rect = random_zone_rect(material);
    } else if (what < 6) {
        random_zone(material, &scene->zones[zone]);
    } else if (what < 10) {
        fade_zone(material, &scene->zones[zone]);
    } else {
        advance_zone(material, &scene->zones[zone]);
    }
}

static void draw_fresh(const struct bt_scene *scene, const struct bt_raster *target)
{
    BT_AUTO(bt_compositor) fresh = bt_compositor_create(target->width, target->height);
    memset(target->pixels, 0x5A, target->stride * (size_t)target->height);
    assert_int_equal(bt_compositor_draw(fresh, scene, target, NULL), 1);
}

static bool pixels_equal(const struct bt_raster *a, const struct bt_raster *b, int x, int y)
{
    return memcmp(a->pixels + (size_t)y * a->stride + (size_t)x * 4,
                  b->pixels + (size_t)y * b->stride + (size_t)x * 4, 4) == 0;
}

static void assert_changes_inside(const struct bt_raster *before, const struct bt_raster *after,
                                  const struct bt_region *damage)
{
    for (int y = 0; y < before->height; y++) {
        for (int x = 0; x < before->width; x++) {
            if (!pixels_equal(before, after, x, y)) {
                assert_true(bt_region_touches(damage, (struct bt_rect){x, y, 1, 1}));
            }
        }
    }
}

static void assert_same_picture(const struct bt_raster *a, const struct bt_raster *b, int step)
{
    for (int y = 0; y < a->height; y++) {
        for (int x = 0; x < a->width; x++) {
            if (!pixels_equal(a, b, x, y)) {
                fail_msg("step %d: pixel %d,%d differs from a full redraw", step, x, y);
            }
            assert_int_equal(a->pixels[(size_t)y * a->stride + (size_t)x * 4 + 3], 255);
        }
    }
}

static void run_random_scenes(struct material *material, uint32_t seed)
{
    material->random = seed;
    BT_AUTO(bt_image) canvas = bt_image_create(CANVAS_WIDTH, CANVAS_HEIGHT);
    BT_AUTO(bt_image) before = bt_image_create(CANVAS_WIDTH, CANVAS_HEIGHT);
    BT_AUTO(bt_image) full = bt_image_create(CANVAS_WIDTH, CANVAS_HEIGHT);
    const struct bt_raster target = bt_raster_of(canvas), reference = bt_raster_of(full);
    const struct bt_raster old = bt_raster_of(before);
    BT_AUTO(bt_compositor) compositor = bt_compositor_create(CANVAS_WIDTH, CANVAS_HEIGHT);
    struct bt_scene scene = {0};
    for (int step = 0; step < STEPS; step++) {
        change_scene(material, &scene);
        if (roll(material, 3) == 0) {
            change_scene(material, &scene);
        }
        memcpy(before->pixels, canvas->pixels, canvas->stride * CANVAS_HEIGHT);
        assert_true(bt_compositor_draw(compositor, &scene, &target, NULL) >= 0);
        assert_changes_inside(&old, &target, bt_compositor_damage(compositor));
        draw_fresh(&scene, &reference);
        assert_same_picture(&target, &reference, step);
        assert_int_equal(bt_compositor_draw(compositor, &scene, &target, NULL), 0);
    }
}

static void incremental_drawing_equals_a_full_redraw(void **state)
{
    for (uint32_t seed = 1; seed <= 4; seed++) {
        run_random_scenes(*state, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incremental_drawing_equals_a_full_redraw),
    };
    return cmocka_run_group_tests(tests, make_material, free_material);
}
