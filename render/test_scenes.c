#include "render/test_scenes.h"

#include <assert.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include "render/transition.h"

static const struct bt_colour clear = {0, 0, 0, 0};
static const struct bt_colour navy = {12, 24, 72, 255};
static const struct bt_colour red = {200, 30, 20, 255};
static const struct bt_colour glass = {250, 210, 40, 110};

static const struct test_frame_kind hd = {
    .format = AV_PIX_FMT_YUV420P, .matrix = AVCOL_SPC_BT709, .range = AVCOL_RANGE_MPEG};
// Without edges, so that two ways of scaling agree.
static const struct test_frame_kind soft_hd = {.format = AV_PIX_FMT_YUV420P,
                                               .matrix = AVCOL_SPC_BT709,
                                               .range = AVCOL_RANGE_MPEG,
                                               .smooth = true};

void test_stage_finish(struct test_stage *stage)
{
    for (size_t i = 0; i < stage->image_count; i++) {
        bt_image_destroy(stage->images[i]);
    }
    for (size_t i = 0; i < stage->strip_count; i++) {
        test_strip_destroy(stage->strips[i]);
    }
    for (size_t i = 0; i < stage->frame_count; i++) {
        bt_frame_destroy(stage->frames[i]);
    }
    *stage = (struct test_stage){0};
}

// As a player gives them: never twice.
static uint64_t next_serial(void)
{
    static uint64_t last;
    return ++last;
}

static struct bt_visual colour(struct bt_colour background)
{
    return (struct bt_visual){
        .kind = BT_VISUAL_COLOUR, .serial = next_serial(), .background = background};
}

static struct bt_visual image(struct test_stage *stage, int width, int height, int alpha)
{
    assert(stage->image_count < BT_ARRAY_LEN(stage->images));
    struct bt_image *made = test_image(width, height, (unsigned)stage->image_count, alpha);
    stage->images[stage->image_count++] = made;
    return (struct bt_visual){.kind = BT_VISUAL_IMAGE, .serial = next_serial(), .image = made};
}

static struct bt_visual strip(struct test_stage *stage, int height, int x, bool opaque,
                              struct bt_colour background)
{
    assert(stage->strip_count < BT_ARRAY_LEN(stage->strips));
    struct bt_strip *made = test_strip(height, 4, opaque);
    stage->strips[stage->strip_count++] = made;
    return (struct bt_visual){.kind = BT_VISUAL_STRIP,
                              .serial = next_serial(),
                              .strip = made,
                              .strip_x = x,
                              .background = background};
}

static struct bt_visual frame(struct test_stage *stage, int width, int height,
                              struct test_frame_kind kind, struct bt_rect dst)
{
    assert(stage->frame_count < BT_ARRAY_LEN(stage->frames));
    struct bt_frame *made = test_frame(width, height, kind, (unsigned)stage->frame_count);
    stage->frames[stage->frame_count++] = made;
    return (struct bt_visual){.kind = BT_VISUAL_FRAME,
                              .serial = next_serial(),
                              .frame = made,
                              .src = {0, 0, width, height},
                              .dst = dst,
                              .background = navy};
}

static void add_fade(struct test_stage *stage, struct bt_rect rect, struct bt_visual from,
                     struct bt_visual to, int mix)
{
    struct bt_scene *scene = &stage->scene;
    assert(scene->zone_count < BT_ARRAY_LEN(scene->zones));
    scene->zones[scene->zone_count++] =
        (struct bt_zone_view){.rect = rect, .from = from, .to = to, .mix = mix};
}

static void add_zone(struct test_stage *stage, struct bt_rect rect, struct bt_visual visual)
{
    add_fade(stage, rect, (struct bt_visual){0}, visual, 1000);
}

static struct bt_rect at(int x, int y, int width, int height)
{
    return (struct bt_rect){x, y, width, height};
}

static void colours(struct test_stage *stage)
{
    add_zone(stage, at(10, 10, 80, 50), colour(red));
    add_zone(stage, at(50, 30, 90, 50), colour(glass));
    add_zone(stage, at(120, 5, 30, 80), colour(navy));
    add_zone(stage, at(0, 80, 160, 10), colour(clear));
}

static void images(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 120, 70), image(stage, 120, 70, 255));
    add_zone(stage, at(60, 20, 90, 60), image(stage, 90, 60, 220));
    add_zone(stage, at(4, 60, 40, 24), image(stage, 40, 24, 255));
}

static void strips(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 160, 90), image(stage, 160, 90, 255));
    add_zone(stage, at(0, 0, 160, 16), strip(stage, 16, 140, false, navy));
    add_zone(stage, at(10, 18, 140, 16), strip(stage, 16, 0, false, glass));
    add_zone(stage, at(10, 36, 140, 16), strip(stage, 16, -41, false, clear));
    add_zone(stage, at(10, 54, 140, 16), strip(stage, 16, -131, true, red));
    add_zone(stage, at(10, 72, 140, 16), strip(stage, 16, -158, true, glass));
}

static void formats(struct test_stage *stage)
{
    static const struct test_frame_kind kinds[] = {
        {AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_MPEG, false},
        {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false},
        {AV_PIX_FMT_YUVJ420P, AVCOL_SPC_SMPTE170M, AVCOL_RANGE_JPEG, false},
        {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, false},
        {AV_PIX_FMT_NV12, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false},
        {AV_PIX_FMT_YUV420P10LE, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG, false},
        {AV_PIX_FMT_YUV444P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false},
        {AV_PIX_FMT_BGRA, AVCOL_SPC_RGB, AVCOL_RANGE_JPEG, false},
    };
    add_zone(stage, at(0, 0, 160, 90), colour(glass));
    for (int i = 0; i < (int)BT_ARRAY_LEN(kinds); i++) {
        struct bt_visual visual = frame(stage, 40, 44, kinds[i], at(0, 0, 40, 44));
        visual.background = i == 7 ? glass : navy;
        add_zone(stage, at(i % 4 * 40, i / 4 * 45, 40, 44), visual);
    }
}

static void turned(struct test_stage *stage)
{
    for (int i = 0; i < 4; i++) {
        struct bt_rect dst = i % 2 == 1 ? at(10, 12, 20, 40) : at(0, 22, 40, 20);
        struct bt_visual visual = frame(stage, 40, 20, hd, dst);
        visual.rotation = i * 90;
        add_zone(stage, at(i * 40, 8, 40, 64), visual);
    }
}

static void contained(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 160, 90), image(stage, 160, 90, 255));
    add_zone(stage, at(4, 4, 70, 80), frame(stage, 70, 40, hd, at(0, 20, 70, 40)));
    struct bt_visual see_through = frame(stage, 30, 70, hd, at(20, 0, 30, 70));
    see_through.background = clear;
    add_zone(stage, at(84, 10, 70, 70), see_through);
}

static void cropped(struct test_stage *stage)
{
    struct bt_visual visual = frame(stage, 128, 72, hd, at(0, 0, 60, 72));
    visual.src = at(34, 0, 60, 72);
    add_zone(stage, at(2, 2, 60, 72), visual);
    visual = frame(stage, 128, 72, hd, at(0, 0, 51, 41));
    visual.src = at(7, 11, 51, 41);
    add_zone(stage, at(71, 9, 51, 41), visual);
}

static void scaled(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 80, 45), frame(stage, 160, 90, soft_hd, at(0, 0, 80, 45)));
    add_zone(stage, at(80, 0, 80, 45), frame(stage, 48, 27, soft_hd, at(0, 0, 80, 45)));
    struct bt_visual visual = frame(stage, 64, 36, soft_hd, at(0, 0, 45, 80));
    visual.rotation = 90;
    add_zone(stage, at(10, 5, 45, 80), visual);
}

static void fades(struct test_stage *stage)
{
    for (int i = 0; i < 4; i++) {
        struct bt_visual to = image(stage, 38, 44, 255), from = image(stage, 38, 44, 255);
        add_fade(stage, at(i * 40, 0, 38, 44), from, to, i * 250);
    }
    add_fade(stage, at(0, 46, 50, 44), colour(red), frame(stage, 50, 44, hd, at(0, 0, 50, 44)),
             300);
    struct bt_visual to = frame(stage, 30, 44, hd, at(10, 0, 30, 44));
    struct bt_visual from = frame(stage, 50, 30, hd, at(0, 7, 50, 30));
    add_fade(stage, at(52, 46, 50, 44), from, to, 600);
    add_fade(stage, at(104, 46, 56, 44), (struct bt_visual){0}, colour(red), 400);
}

static void fades_over_pictures(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 160, 90), image(stage, 160, 90, 255));
    struct bt_visual to = image(stage, 70, 40, 120), from = image(stage, 70, 40, 200);
    add_fade(stage, at(5, 5, 70, 40), from, to, 500);
    add_fade(stage, at(85, 5, 70, 40), colour(glass), (struct bt_visual){0}, 750);
    to = strip(stage, 20, 30, false, navy);
    from = strip(stage, 20, -20, false, glass);
    add_fade(stage, at(5, 50, 150, 20), from, to, 350);
    to = image(stage, 150, 12, 255);
    from = image(stage, 100, 16, 255);
    add_fade(stage, at(5, 72, 150, 16), from, to, 500);
}

static void crawl_over_clip(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 160, 90), frame(stage, 160, 90, hd, at(0, 0, 160, 90)));
    add_zone(stage, at(0, 70, 160, 16),
             strip(stage, 16, -33, false, (struct bt_colour){0, 0, 0, 128}));
    add_zone(stage, at(100, 6, 56, 32), frame(stage, 56, 32, hd, at(0, 0, 56, 32)));
    add_zone(stage, at(90, 20, 30, 30), image(stage, 30, 30, 230));
}

static struct bt_visual detail(struct test_stage *stage, int alpha)
{
    struct bt_visual visual = image(stage, 160, 120, alpha);
    visual.kind = BT_VISUAL_DETAIL;
    return visual;
}

static struct bt_visual part_of(struct bt_visual visual, double x, double y, double zoom)
{
    double width = visual.image->width / zoom, height = visual.image->height / zoom;
    visual.serial = next_serial();
    visual.detail = (struct bt_detail){
        .x = (int64_t)((visual.image->width - width) * x * 65536),
        .y = (int64_t)((visual.image->height - height) * y * 65536),
        .width = (int64_t)(width * 65536),
        .height = (int64_t)(height * 65536),
    };
    return visual;
}

// Windows of one picture: larger and smaller than it is, between its pixels, over its edges.
static void details(struct test_stage *stage)
{
    static const double zooms[] = {1, 1.3, 2.5, 4};
    struct bt_visual whole = detail(stage, 255);
    for (int i = 0; i < 4; i++) {
        add_zone(stage, at(i * 40, 0, 40, 30), part_of(whole, 0, 0, zooms[i]));
        add_zone(stage, at(i * 40, 30, 40, 30), part_of(whole, 0.37, 0.71, zooms[i]));
        add_zone(stage, at(i * 40, 60, 39, 30), part_of(whole, 1, 1, zooms[i]));
    }
}

// Larger than small textures, between their pixels, see-through and while they fade.
static void wide_details(struct test_stage *stage)
{
    add_zone(stage, at(0, 0, 160, 90), image(stage, 160, 90, 255));
    struct bt_visual see_through = detail(stage, 150);
    add_zone(stage, at(3, 2, 154, 41), part_of(see_through, 0.31, 0.62, 1.7));
    struct bt_visual whole = detail(stage, 255);
    add_fade(stage, at(3, 46, 154, 41), part_of(see_through, 0.5, 0.43, 3.3),
             part_of(whole, 0.7, 0.2, 1.1), 400);
}

// One pair of visuals a row, from the first picture of the transition to the last.
static void add_course(struct test_stage *stage, int row, const struct bt_transition *transition,
                       struct bt_visual from, struct bt_visual to)
{
    for (int step = 0; step <= 4; step++) {
        add_fade(stage, at(step * 32, row * 22, 31, 21), from, to, 0);
        struct bt_zone_view *view = &stage->scene.zones[stage->scene.zone_count - 1];
        bt_transition_at(transition, step * 250, 1000, view);
    }
}

static void add_pairs(struct test_stage *stage, enum bt_transition_type type)
{
    struct bt_visual still = image(stage, 31, 21, 255), see_through = image(stage, 31, 21, 200);
    struct bt_visual clip = frame(stage, 30, 20, hd, at(0, 0, 30, 20));
    struct bt_visual line = strip(stage, 21, 4, false, navy);
    const struct bt_transition transitions[] = {
        {.type = (int)type, .towards = BT_TOWARDS_LEFT, .colour = {255, 255, 255, 255}},
        {.type = (int)type, .towards = BT_TOWARDS_RIGHT, .colour = {0, 0, 0, 0}},
        {.type = (int)type, .towards = BT_TOWARDS_UP, .colour = glass},
        {.type = (int)type, .towards = BT_TOWARDS_DOWN, .colour = red},
    };
    add_course(stage, 0, &transitions[0], still, clip);
    add_course(stage, 1, &transitions[1], clip, line);
    add_course(stage, 2, &transitions[2], see_through, still);
    struct bt_visual whole = detail(stage, 255);
    add_course(stage, 3, &transitions[3], part_of(whole, 0.2, 0.9, 2), part_of(whole, 0.5, 0.5, 1));
}

static void crossfades(struct test_stage *stage)
{
    add_pairs(stage, BT_TRANSITION_CROSSFADE);
}

static void colour_fades(struct test_stage *stage)
{
    add_pairs(stage, BT_TRANSITION_FADE);
}

static void slides(struct test_stage *stage)
{
    add_pairs(stage, BT_TRANSITION_SLIDE);
}

static void pushes(struct test_stage *stage)
{
    add_pairs(stage, BT_TRANSITION_PUSH);
}

static void wipes(struct test_stage *stage)
{
    add_pairs(stage, BT_TRANSITION_WIPE);
}

// A wide zone that moves between two others, and one that reaches over an edge of the canvas.
static void moves_between_zones(struct test_stage *stage)
{
    const struct bt_transition push = {.type = BT_TRANSITION_PUSH, .towards = BT_TOWARDS_LEFT};
    const struct bt_transition slide = {.type = BT_TRANSITION_SLIDE, .towards = BT_TOWARDS_DOWN};
    add_zone(stage, at(0, 0, 160, 90), frame(stage, 160, 90, hd, at(0, 0, 160, 90)));
    add_fade(stage, at(10, 10, 140, 50), image(stage, 140, 50, 255),
             frame(stage, 140, 50, hd, at(0, 0, 140, 50)), 0);
    bt_transition_at(&push, 400, 1000, &stage->scene.zones[1]);
    add_fade(stage, at(120, 40, 60, 60), colour(glass), image(stage, 60, 60, 255), 0);
    bt_transition_at(&slide, 600, 1000, &stage->scene.zones[2]);
    add_zone(stage, at(0, 50, 160, 20), strip(stage, 20, -33, false, glass));
}

const struct test_scene test_scenes[] = {
    {"colours", colours},
    {"images", images},
    {"strips", strips},
    {"formats", formats},
    {"turned", turned},
    {"contained", contained},
    {"cropped", cropped},
    {"scaled", scaled},
    {"fades", fades},
    {"fades-over-pictures", fades_over_pictures},
    {"crawl-over-clip", crawl_over_clip},
    {"details", details},
    {"wide-details", wide_details},
    {"crossfades", crossfades},
    {"colour-fades", colour_fades},
    {"slides", slides},
    {"pushes", pushes},
    {"wipes", wipes},
    {"moves-between-zones", moves_between_zones},
};
const size_t test_scene_count = BT_ARRAY_LEN(test_scenes);
