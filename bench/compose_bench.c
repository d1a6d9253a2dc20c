/**
 * What composing costs: the soft compositor on a 1080p canvas in memory, milliseconds of CPU per
 * picture and the ratio to copying the canvas once (the floor of anything that touches it all).
 * Usage: compose-bench [PICTURES], 200 each unless told.
 */
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "render/compositor.h"
#include "render/test_material.h"
#include "render/transition.h"

#define WIDTH 1920
#define HEIGHT 1080
#define CRAWL_HEIGHT 80
#define CLIP_FRAMES 4

struct bench {
    struct bt_image *canvas;
    struct bt_image *stills[2], *large;
    struct bt_frame *hd[CLIP_FRAMES], *quarter[CLIP_FRAMES];
    struct bt_strip *strip;
    uint64_t serial;
};

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct bt_zone_view clip_zone(struct bench *bench, struct bt_rect rect,
                                     const struct bt_frame *frame)
{
    struct bt_zone_view zone = {.rect = rect, .mix = 1000};
    zone.to = (struct bt_visual){.kind = BT_VISUAL_FRAME,
                                 .serial = ++bench->serial,
                                 .frame = frame,
                                 .src = {0, 0, frame->av->width, frame->av->height},
                                 .dst = {0, 0, rect.width, rect.height},
                                 .background = {0, 0, 0, 255}};
    return zone;
}

static void one_clip(struct bench *bench, int n, struct bt_scene *scene)
{
    scene->zone_count = 1;
    scene->zones[0] =
        clip_zone(bench, (struct bt_rect){0, 0, WIDTH, HEIGHT}, bench->hd[n % CLIP_FRAMES]);
}

static void four_clips(struct bench *bench, int n, struct bt_scene *scene)
{
    scene->zone_count = 4;
    for (int i = 0; i < 4; i++) {
        struct bt_rect rect = {i % 2 * WIDTH / 2, i / 2 * HEIGHT / 2, WIDTH / 2, HEIGHT / 2};
        scene->zones[i] = clip_zone(bench, rect, bench->quarter[(n + i) % CLIP_FRAMES]);
    }
}

static void shrunk_clips(struct bench *bench, int n, struct bt_scene *scene)
{
    scene->zone_count = 4;
    for (int i = 0; i < 4; i++) {
        struct bt_rect rect = {i % 2 * WIDTH / 2, i / 2 * HEIGHT / 2, WIDTH / 2, HEIGHT / 2};
        scene->zones[i] = clip_zone(bench, rect, bench->hd[(n + i) % CLIP_FRAMES]);
    }
}

static void add_crawl(struct bench *bench, int n, struct bt_scene *scene)
{
    struct bt_zone_view *zone = &scene->zones[scene->zone_count++];
    *zone =
        (struct bt_zone_view){.rect = {0, HEIGHT - CRAWL_HEIGHT, WIDTH, CRAWL_HEIGHT}, .mix = 1000};
    zone->to = (struct bt_visual){.kind = BT_VISUAL_STRIP,
                                  .serial = ++bench->serial,
                                  .strip = bench->strip,
                                  .strip_x = -n,
                                  .background = {0, 0, 0, 160}};
}

// The clip's frame changes with every second step of the crawl.
static void crawl_over_clip(struct bench *bench, int n, struct bt_scene *scene)
{
    if (n % 2 == 0) {
        one_clip(bench, n, scene);
    }
    scene->zone_count = 1;
    add_crawl(bench, n, scene);
}

static void crawl_alone(struct bench *bench, int n, struct bt_scene *scene)
{
    scene->zone_count = 0;
    add_crawl(bench, n, scene);
}

static void fade_of_stills(struct bench *bench, int n, struct bt_scene *scene)
{
    struct bt_zone_view *zone = &scene->zones[0];
    scene->zone_count = 1;
    *zone = (struct bt_zone_view){.rect = {0, 0, WIDTH, HEIGHT}, .mix = 1 + n % 999};
    zone->from = (struct bt_visual){
        .kind = BT_VISUAL_IMAGE, .serial = UINT64_MAX, .image = bench->stills[0]};
    zone->to = (struct bt_visual){
        .kind = BT_VISUAL_IMAGE, .serial = UINT64_MAX - 1, .image = bench->stills[1]};
}

static void fade_of_clips(struct bench *bench, int n, struct bt_scene *scene)
{
    const struct bt_rect all = {0, 0, WIDTH, HEIGHT};
    struct bt_zone_view zone = clip_zone(bench, all, bench->hd[n % CLIP_FRAMES]);
    zone.from = clip_zone(bench, all, bench->hd[(n + 1) % CLIP_FRAMES]).to;
    zone.mix = 1 + n % 999;
    scene->zones[0] = zone;
    scene->zone_count = 1;
}

static void move_stills(struct bench *bench, int n, int type, struct bt_scene *scene)
{
    const struct bt_transition transition = {.type = type};
    fade_of_stills(bench, n, scene);
    bt_transition_at(&transition, 1 + n % 198, 200, &scene->zones[0]);
}

static void slide(struct bench *bench, int n, struct bt_scene *scene)
{
    move_stills(bench, n, BT_TRANSITION_SLIDE, scene);
}

static void push(struct bench *bench, int n, struct bt_scene *scene)
{
    move_stills(bench, n, BT_TRANSITION_PUSH, scene);
}

static void wipe(struct bench *bench, int n, struct bt_scene *scene)
{
    move_stills(bench, n, BT_TRANSITION_WIPE, scene);
}

static void push_of_clips(struct bench *bench, int n, struct bt_scene *scene)
{
    const struct bt_transition transition = {.type = BT_TRANSITION_PUSH};
    fade_of_clips(bench, n, scene);
    bt_transition_at(&transition, 1 + n % 198, 200, &scene->zones[0]);
}

// From the whole of a kept picture of 1.5 times the canvas to a part as large as it.
static void moving_still(struct bench *bench, int n, struct bt_scene *scene)
{
    const int64_t step = (int64_t)(n % 200) * 65536 / 200;
    struct bt_zone_view *zone = &scene->zones[0];
    scene->zone_count = 1;
    *zone = (struct bt_zone_view){.rect = {0, 0, WIDTH, HEIGHT}, .mix = 1000};
    zone->to =
        (struct bt_visual){.kind = BT_VISUAL_DETAIL,
                           .serial = ++bench->serial,
                           .image = bench->large,
                           .detail = {step * (WIDTH / 3), step * (HEIGHT / 4),
                                      (int64_t)(WIDTH * 3 / 2) * 65536 - step * (WIDTH / 2),
                                      (int64_t)(HEIGHT * 3 / 2) * 65536 - step * (HEIGHT / 2)}};
}

static void nothing_new(struct bench *bench, int n, struct bt_scene *scene)
{
    if (n == 0) {
        one_clip(bench, n, scene);
    }
}

static const struct {
    const char *name;
    void (*step)(struct bench *bench, int n, struct bt_scene *scene);
} cases[] = {
    {"nothing changes", nothing_new},
    {"1080p clip, whole canvas", one_clip},
    {"four 540p clips", four_clips},
    {"four 1080p clips at 540p", shrunk_clips},
    {"crawl, 80 px high", crawl_alone},
    {"crawl over a 1080p clip at half its rate", crawl_over_clip},
    {"fade between stills", fade_of_stills},
    {"fade between 1080p clips", fade_of_clips},
    {"slide between stills", slide},
    {"push between stills", push},
    {"wipe between stills", wipe},
    {"push between 1080p clips", push_of_clips},
    {"still that moves, kept at 1.5 times", moving_still},
};

static double measure_copy(struct bench *bench, int count)
{
    size_t size = bench->canvas->stride * HEIGHT;
    double started = cpu_ms();
    for (int n = 0; n < count; n++) {
        memcpy(bench->canvas->pixels, bench->stills[n % 2]->pixels, size);
    }
    return (cpu_ms() - started) / count;
}

typedef void (*step_fn)(struct bench *bench, int n, struct bt_scene *scene);

static int measure(struct bench *bench, step_fn step, int count, double *out_ms)
{
    BT_AUTO(bt_compositor) compositor = bt_compositor_create(WIDTH, HEIGHT);
    const struct bt_raster target = bt_raster_of(bench->canvas);
    struct bt_scene scene = {.background = {0, 0, 0, 255}};
    double started = 0;
    for (int n = 0; n <= count; n++) {
        step(bench, n, &scene);
        if (bt_compositor_draw(compositor, &scene, &target, NULL) < 0) {
            return -1;
        }
        started = n == 0 ? cpu_ms() : started;  // the first draws everything
    }
    *out_ms = (cpu_ms() - started) / count;
    return 0;
}

// What one clip of the canvas's size costs in each form that frames may have.
static const struct {
    const char *name;
    struct test_frame_kind kind;
    int transfer;  // enum AVColorTransferCharacteristic
} forms[] = {
    {"8 bit 4:2:0, full range", {AV_PIX_FMT_YUV420P, AVCOL_SPC_BT709, AVCOL_RANGE_JPEG, false}, 0},
    {"8 bit 4:2:2", {AV_PIX_FMT_YUV422P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"8 bit 4:4:4", {AV_PIX_FMT_YUV444P, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"10 bit 4:2:0", {AV_PIX_FMT_YUV420P10, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"10 bit 4:2:2", {AV_PIX_FMT_YUV422P10, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"12 bit 4:4:4", {AV_PIX_FMT_YUV444P12, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"10 bit of a device (P010)", {AV_PIX_FMT_P010, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"10 bit 4:2:0, HDR (PQ)",
     {AV_PIX_FMT_YUV420P10, AVCOL_SPC_BT2020_NCL, AVCOL_RANGE_MPEG, false},
     AVCOL_TRC_SMPTE2084},
    {"16 bit 4:2:0", {AV_PIX_FMT_YUV420P16, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false}, 0},
    {"12 bit 4:4:4 with alpha",
     {AV_PIX_FMT_YUVA444P12, AVCOL_SPC_BT709, AVCOL_RANGE_MPEG, false},
     0},
    {"8 bit RGB", {AV_PIX_FMT_RGB24, AVCOL_SPC_RGB, AVCOL_RANGE_JPEG, false}, 0},
    {"8 bit RGB with alpha (RGBA)", {AV_PIX_FMT_RGBA, AVCOL_SPC_RGB, AVCOL_RANGE_JPEG, false}, 0},
    {"8 bit RGB with alpha (BGRA)", {AV_PIX_FMT_BGRA, AVCOL_SPC_RGB, AVCOL_RANGE_JPEG, false}, 0},
};

static int measure_form(struct bench *bench, size_t which, int count, double *out_ms)
{
    struct bt_frame *plain[CLIP_FRAMES];
    for (unsigned i = 0; i < CLIP_FRAMES; i++) {
        plain[i] = bench->hd[i];
        bench->hd[i] = test_frame(WIDTH, HEIGHT, forms[which].kind, i);
        bench->hd[i]->av->color_trc = (enum AVColorTransferCharacteristic)forms[which].transfer;
    }
    int r = measure(bench, one_clip, count, out_ms);
    for (unsigned i = 0; i < CLIP_FRAMES; i++) {
        bt_frame_destroy(bench->hd[i]);
        bench->hd[i] = plain[i];
    }
    return r;
}

static void make_material(struct bench *bench)
{
    const struct test_frame_kind kind = {
        .format = AV_PIX_FMT_YUV420P, .matrix = AVCOL_SPC_BT709, .range = AVCOL_RANGE_MPEG};
    bench->canvas = test_image(WIDTH, HEIGHT, 0, 255);
    for (unsigned i = 0; i < BT_ARRAY_LEN(bench->stills); i++) {
        bench->stills[i] = test_image(WIDTH, HEIGHT, i, 255);
    }
    bench->large = test_image(WIDTH * 3 / 2, HEIGHT * 3 / 2, 2, 255);
    for (unsigned i = 0; i < CLIP_FRAMES; i++) {
        bench->hd[i] = test_frame(WIDTH, HEIGHT, kind, i);
        bench->quarter[i] = test_frame(WIDTH / 2, HEIGHT / 2, kind, i);
    }
    bench->strip = test_strip(CRAWL_HEIGHT, 40, false);
}

static void free_material(struct bench *bench)
{
    bt_image_destroy(bench->canvas);
    bt_image_destroy(bench->large);
    for (size_t i = 0; i < BT_ARRAY_LEN(bench->stills); i++) {
        bt_image_destroy(bench->stills[i]);
    }
    for (size_t i = 0; i < CLIP_FRAMES; i++) {
        bt_frame_destroy(bench->hd[i]);
        bt_frame_destroy(bench->quarter[i]);
    }
    test_strip_destroy(bench->strip);
}

static void say(const char *name, double ms, double copy_ms)
{
    printf("%-42s %8.3f %8.2f\n", name, ms, ms / copy_ms);
}

int main(int argc, char **argv)
{
    int64_t count = 200;
    if (argc > 2 || (argc == 2 && bt_parse_int(argv[1], 1, 100000, &count) < 0)) {
        fprintf(stderr, "usage: compose-bench [PICTURES]\n");
        return 2;
    }
    struct bench bench = {0};
    make_material(&bench);
    double copy_ms = measure_copy(&bench, (int)count);
    printf("%-42s %8s %8s\n", "", "ms", "ratio");
    say("copy of the canvas", copy_ms, copy_ms);
    int status = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        double ms = 0;
        status |= measure(&bench, cases[i].step, (int)count, &ms) < 0;
        say(cases[i].name, ms, copy_ms);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(forms); i++) {
        double ms = 0;
        status |= measure_form(&bench, i, (int)count, &ms) < 0;
        say(forms[i].name, ms, copy_ms);
    }
    free_material(&bench);
    return status;
}
