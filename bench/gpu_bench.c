/**
 * What composing costs on a GPU: four zones and other scenes at 1080p and 2160p through the gles2
 * back-end. Prints GL_RENDERER and, for each scene, milliseconds a picture: our thread's (upload
 * and drawing commands), and until the GPU has finished.
 *
 * Needs no display: SDL_VIDEODRIVER=offscreen draws into EGL alone.
 * Usage: gpu-bench [PICTURES], 100 each unless told.
 */
#include <SDL.h>
#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "render/output.h"
#include "render/test_material.h"

#define CLIP_FRAMES 4

struct bench {
    struct bt_output *output;
    int width, height;
    struct bt_frame *whole[CLIP_FRAMES], *quarter[CLIP_FRAMES], *deep[CLIP_FRAMES];
    struct bt_image *stills[2];
    struct bt_strip *strip;
    uint64_t serial;
    void (*finish)(void);  // glFinish
};

static struct bt_zone_view clip(struct bench *bench, struct bt_rect rect,
                                const struct bt_frame *frame)
{
    return (struct bt_zone_view){.rect = rect,
                                 .to = {.kind = BT_VISUAL_FRAME,
                                        .serial = ++bench->serial,
                                        .frame = frame,
                                        .src = {0, 0, frame->av->width, frame->av->height},
                                        .dst = {0, 0, rect.width, rect.height},
                                        .background = {0, 0, 0, 255}},
                                 .mix = 1000};
}

static void one_clip(struct bench *bench, int n, struct bt_scene *scene)
{
    const struct bt_rect all = {0, 0, bench->width, bench->height};
    scene->zone_count = 1;
    scene->zones[0] = clip(bench, all, bench->whole[n % CLIP_FRAMES]);
}

static void four(struct bench *bench, int n, struct bt_frame *const *frames, struct bt_scene *scene)
{
    int width = bench->width / 2, height = bench->height / 2;
    scene->zone_count = 4;
    for (int i = 0; i < 4; i++) {
        const struct bt_rect rect = {i % 2 * width, i / 2 * height, width, height};
        scene->zones[i] = clip(bench, rect, frames[(n + i) % CLIP_FRAMES]);
    }
}

static void four_clips(struct bench *bench, int n, struct bt_scene *scene)
{
    four(bench, n, bench->quarter, scene);
}

static void four_shrunk(struct bench *bench, int n, struct bt_scene *scene)
{
    four(bench, n, bench->whole, scene);
}

static void four_deep(struct bench *bench, int n, struct bt_scene *scene)
{
    four(bench, n, bench->deep, scene);
}

// Two clips, a still, and a crawl over the whole width.
static void mixed(struct bench *bench, int n, struct bt_scene *scene)
{
    four_clips(bench, n, scene);
    scene->zone_count = 4;
    scene->zones[2].to = (struct bt_visual){
        .kind = BT_VISUAL_IMAGE, .serial = UINT64_MAX, .image = bench->stills[0]};
    int height = bench->strip->height;
    scene->zones[3] = (struct bt_zone_view){
        .rect = {0, bench->height - height, bench->width, height}, .mix = 1000};
    scene->zones[3].to = (struct bt_visual){.kind = BT_VISUAL_STRIP,
                                            .serial = UINT64_MAX - 1,
                                            .strip = bench->strip,
                                            .strip_x = -n,
                                            .background = {0, 0, 0, 160}};
}

static void crossfade(struct bench *bench, int n, struct bt_scene *scene)
{
    scene->zone_count = 1;
    scene->zones[0] =
        (struct bt_zone_view){.rect = {0, 0, bench->width, bench->height}, .mix = 1 + n % 999};
    scene->zones[0].from = (struct bt_visual){
        .kind = BT_VISUAL_IMAGE, .serial = UINT64_MAX, .image = bench->stills[0]};
    scene->zones[0].to = (struct bt_visual){
        .kind = BT_VISUAL_IMAGE, .serial = UINT64_MAX - 1, .image = bench->stills[1]};
}

static const struct {
    const char *name;
    void (*step)(struct bench *bench, int n, struct bt_scene *scene);
} cases[] = {
    {"one clip of the canvas's size", one_clip},
    {"four clips of their zones' size", four_clips},
    {"four clips of the canvas's size, scaled", four_shrunk},
    {"four 10-bit clips of their zones' size", four_deep},
    {"three clips' zones, one a still; a crawl", mixed},
    {"fade between stills", crossfade},
};

static double ms_since(int64_t started_ns)
{
    return (double)(bt_clock_mono_ns(bt_clock_real()) - started_ns) / (double)BT_NS_PER_MS;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int measure(struct bench *bench, size_t which, int count)
{
    BT_AUTOFREE double *ours = bt_alloc_array((size_t)count, sizeof(*ours));
    BT_AUTOFREE double *all = bt_alloc_array((size_t)count, sizeof(*all));
    struct bt_scene scene = {.background = {0, 0, 0, 255}};
    // The first pictures make textures and programs.
    for (int n = -CLIP_FRAMES; n < count; n++) {
        cases[which].step(bench, n + CLIP_FRAMES, &scene);
        int64_t started_ns = bt_clock_mono_ns(bt_clock_real()), presented_ns;
        struct bt_error err;
        int r = bt_output_compose(bench->output, &scene, &err);
        double ours_ms = ms_since(started_ns);
        bench->finish();
        if (n >= 0) {
            ours[n] = ours_ms;
            all[n] = ms_since(started_ns);
        }
        if (r < 0 || bt_output_present(bench->output, &presented_ns, &err) < 0) {
            fprintf(stderr, "%s: %s\n", cases[which].name, err.msg);
            return -1;
        }
    }
    qsort(ours, (size_t)count, sizeof(*ours), compare);
    qsort(all, (size_t)count, sizeof(*all), compare);
    printf("%-44s %8.2f %8.2f %8.2f\n", cases[which].name, ours[count / 2], all[count / 2],
           all[count * 95 / 100]);
    return 0;
}

static void make_material(struct bench *bench)
{
    const struct test_frame_kind plain = {
        .format = AV_PIX_FMT_YUV420P, .matrix = AVCOL_SPC_BT709, .range = AVCOL_RANGE_MPEG};
    const struct test_frame_kind deep = {
        .format = AV_PIX_FMT_YUV420P10LE, .matrix = AVCOL_SPC_BT709, .range = AVCOL_RANGE_MPEG};
    for (unsigned i = 0; i < CLIP_FRAMES; i++) {
        bench->whole[i] = test_frame(bench->width, bench->height, plain, i);
        bench->quarter[i] = test_frame(bench->width / 2, bench->height / 2, plain, i);
        bench->deep[i] = test_frame(bench->width / 2, bench->height / 2, deep, i);
    }
    for (unsigned i = 0; i < BT_ARRAY_LEN(bench->stills); i++) {
        bench->stills[i] = test_image(bench->width, bench->height, i, 255);
    }
    bench->strip = test_strip(bench->height / 12, 40, false);
}

static void free_material(struct bench *bench)
{
    for (size_t i = 0; i < CLIP_FRAMES; i++) {
        bt_frame_destroy(bench->whole[i]);
        bt_frame_destroy(bench->quarter[i]);
        bt_frame_destroy(bench->deep[i]);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(bench->stills); i++) {
        bt_image_destroy(bench->stills[i]);
    }
    test_strip_destroy(bench->strip);
}

static int measure_all(struct bench *bench, int count)
{
    printf("\n%-44s %8s %8s %8s\n", bench->height == 1080 ? "1920 × 1080" : "3840 × 2160", "ours",
           "all", "95 %");
    make_material(bench);
    int status = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        status = measure(bench, i, count) < 0 ? 1 : status;
    }
    // What is on the stage has to be let go before its pixels are.
    const struct bt_scene nothing = {0};
    (void)!bt_output_compose(bench->output, &nothing, NULL);
    free_material(bench);
    return status;
}

int main(int argc, char **argv)
{
    int64_t count = 100;
    if (argc > 2 || (argc == 2 && bt_parse_int(argv[1], 1, 100000, &count) < 0)) {
        fprintf(stderr, "usage: gpu-bench [PICTURES]\n");
        return 2;
    }
    struct bench bench = {.width = 1920, .height = 1080};
    const struct bt_output_options options = {.canvas_width = bench.width,
                                              .canvas_height = bench.height,
                                              .backend = BT_BACKEND_GLES2,
                                              .window_x = -1,
                                              .window_y = -1};
    struct bt_error err = {0};
    if (bt_output_open(&options, &bench.output, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    void *address = SDL_GL_GetProcAddress("glFinish");
    SDL_memcpy(&bench.finish, &address, sizeof(address));
    const struct bt_output_info *info = bt_output_info(bench.output);
    printf("%s on %s; ms a picture, medians\n", info->renderer, info->video_driver);
    int status = measure_all(&bench, (int)count);
    bench.width = 3840;
    bench.height = 2160;
    if (bt_output_resize(bench.output, bench.width, bench.height, NULL, &err) == 0) {
        status |= measure_all(&bench, (int)count);
    }
    bt_output_destroy(bench.output);
    return status;
}
