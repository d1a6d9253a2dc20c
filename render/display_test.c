/**
 * The window on a real X server, which tests/display.sh starts and names in DISPLAY and
 * BT_XVFB_PID. What stands on the screen is read back from the server. The last test kills it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "render/output.h"
#include "render/test_rasters.h"

// Far more than an event loop needs; a server that never answers fails the test.
#define PATIENCE 100000

static struct bt_output *open_window(enum bt_backend backend, bool fullscreen)
{
    const struct bt_output_options options = {.canvas_width = TEST_CANVAS_WIDTH,
                                              .canvas_height = TEST_CANVAS_HEIGHT,
                                              .backend = backend,
                                              .fullscreen = fullscreen};
    struct bt_output *output = NULL;
    struct bt_error err = {0};
    if (bt_output_open(&options, &output, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return output;
}

static void show(struct bt_output *output, const struct bt_scene *scene)
{
    int64_t presented_ns;
    assert_true(bt_output_compose(output, scene, NULL) >= 0);
    assert_int_equal(bt_output_present(output, &presented_ns, NULL), 0);
}

// The canvas stands in the left top corner of the screen.
static void assert_on_screen(const struct bt_image *picture, const char *name)
{
    Display *display = XOpenDisplay(NULL);
    assert_non_null(display);
    XImage *screen = XGetImage(display, DefaultRootWindow(display), 0, 0, TEST_CANVAS_WIDTH,
                               TEST_CANVAS_HEIGHT, AllPlanes, ZPixmap);
    assert_non_null(screen);
    for (int y = 0; y < picture->height; y++) {
        const uint8_t *row = picture->pixels + (size_t)y * picture->stride;
        for (int x = 0; x < picture->width; x++, row += 4) {
            unsigned long expected = (unsigned long)row[2] << 16 | row[1] << 8 | row[0];
            unsigned long found = XGetPixel(screen, x, y) & 0xFFFFFF;
            if (found != expected) {
                fail_msg("'%s': %d,%d is %06lx on the screen, not %06lx", name, x, y, found,
                         expected);
            }
        }
    }
    XDestroyImage(screen);
    XCloseDisplay(display);
}

// Each scene replaces the one before through dirty rectangles.
static void check_screen(enum bt_backend backend, bool fullscreen)
{
    BT_AUTO(bt_output) output = open_window(backend, fullscreen);
    assert_string_equal(bt_output_info(output)->video_driver, "x11");
    struct test_stage stages[2] = {0};
    for (size_t i = 0; i < test_scene_count; i++) {
        struct test_stage *stage = &stages[i % 2];
        test_stage_finish(stage);
        stage->scene.background = (struct bt_colour){40, 60, 30, 255};
        test_scenes[i].build(stage);
        show(output, &stage->scene);
        while (bt_output_poll(output) == BT_OUTPUT_EXPOSED) {
            show(output, &stage->scene);
        }
        BT_AUTO(bt_image) picture = NULL;
        assert_int_equal(bt_output_read(output, &picture, NULL), 0);
        assert_on_screen(picture, test_scenes[i].name);
    }
    const struct bt_scene nothing = {0};
    show(output, &nothing);
    test_stage_finish(&stages[0]);
    test_stage_finish(&stages[1]);
}

static void the_screen_shows_what_was_composed(void **state)
{
    (void)state;
    check_screen(BT_BACKEND_SOFT, false);
    check_screen(BT_BACKEND_GLES2, false);
}

static void a_full_screen_shows_the_canvas_in_its_corner(void **state)
{
    (void)state;
    check_screen(BT_BACKEND_SOFT, true);
}

static struct bt_output *open_mapped(enum bt_backend backend, const struct test_raster *raster)
{
    const struct bt_output_options options = {.canvas_width = raster->width,
                                              .canvas_height = raster->height,
                                              .plan = &raster->plan,
                                              .backend = backend,
                                              .fullscreen = true};
    struct bt_output *output = NULL;
    struct bt_error err = {0};
    if (bt_output_open(&options, &output, &err) < 0) {
        fail_msg("'%s': %s", raster->name, err.msg);
    }
    return output;
}

// What stands on the whole screen.
static struct bt_image *grab(Display *display)
{
    XWindowAttributes root;
    assert_true(XGetWindowAttributes(display, DefaultRootWindow(display), &root) != 0);
    XImage *screen = XGetImage(display, DefaultRootWindow(display), 0, 0, (unsigned)root.width,
                               (unsigned)root.height, AllPlanes, ZPixmap);
    assert_non_null(screen);
    struct bt_image *image = bt_image_create(root.width, root.height);
    assert_non_null(image);
    for (int y = 0; y < root.height; y++) {
        memcpy(image->pixels + (size_t)y * image->stride,
               screen->data + (size_t)y * (size_t)screen->bytes_per_line, (size_t)root.width * 4);
    }
    XDestroyImage(screen);
    return image;
}

static void check_mapped(enum bt_backend backend, size_t index)
{
    struct test_raster raster;
    struct test_stage stage = {0};
    test_raster_get(index, &raster);
    BT_AUTO(bt_output) output = open_mapped(backend, &raster);
    Display *display = XOpenDisplay(NULL);
    assert_non_null(display);
    for (int x = 60; x > 57; x--) {
        const struct bt_scene nothing = {0};
        show(output, &nothing);
        test_stage_finish(&stage);
        stage = (struct test_stage){0};
        test_raster_scene(&raster, x, &stage);
        show(output, &stage.scene);
        while (bt_output_poll(output) == BT_OUTPUT_EXPOSED) {
            show(output, &stage.scene);
        }
    }
    BT_AUTO(bt_image) canvas = NULL;
    assert_int_equal(bt_output_read(output, &canvas, NULL), 0);
    BT_AUTO(bt_image) screen = grab(display);
    test_raster_assert(raster.name, &raster.plan, 0, 0, canvas, screen);
    const struct bt_scene nothing = {0};
    show(output, &nothing);
    test_stage_finish(&stage);
    XCloseDisplay(display);
}

// Whatever the screen's own mode is: 1:1 from the left top corner, what does not fit is cut off.
static void a_mapped_canvas_stands_where_the_plan_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < TEST_RASTER_COUNT; i++) {
        check_mapped(BT_BACKEND_SOFT, i);
        check_mapped(BT_BACKEND_GLES2, i);
    }
}

#define CRAWL_STEPS 48
#define WANTED_GRABS 60

static uint64_t hash_of(const struct bt_image *image)
{
    uint64_t hash = UINT64_C(14695981039346656037);  // FNV-1a
    for (int y = 0; y < image->height; y++) {
        const uint8_t *row = image->pixels + (size_t)y * image->stride;
        for (int i = 0; i < image->width * 4; i++) {
            hash = (hash ^ (i % 4 == 3 ? 255 : row[i])) * UINT64_C(1099511628211);
        }
    }
    return hash;
}

// Looks at the screen while a crawl moves over it.
struct witness {
    uint64_t known[CRAWL_STEPS];  // set before it starts
    atomic_int grabs, torn;
};

static void *watch(void *context)
{
    struct witness *witness = context;
    Display *display = XOpenDisplay(NULL);
    while (atomic_load(&witness->grabs) < WANTED_GRABS) {
        BT_AUTO(bt_image) screen = grab(display);
        uint64_t hash = hash_of(screen);
        size_t i = 0;
        while (i < CRAWL_STEPS && witness->known[i] != hash) {
            i++;
        }
        atomic_fetch_add(&witness->torn, i == CRAWL_STEPS);
        atomic_fetch_add(&witness->grabs, 1);
    }
    XCloseDisplay(display);
    return NULL;
}

static void step(struct bt_output *output, struct test_stage *stage, int position)
{
    stage->scene.zones[1].to.strip_x = position * 3;
    stage->scene.zones[1].to.serial = 10 + (uint64_t)position;
    show(output, &stage->scene);
}

// What every position of the crawl makes of the raster.
static void learn(const struct test_raster *raster, struct test_stage *stage,
                  struct witness *witness)
{
    const struct bt_output_options options = {.canvas_width = raster->width,
                                              .canvas_height = raster->height,
                                              .plan = &raster->plan,
                                              .headless = true};
    BT_AUTO(bt_output) memory = NULL;
    assert_int_equal(bt_output_open(&options, &memory, NULL), 0);
    for (int i = 0; i < CRAWL_STEPS; i++) {
        BT_AUTO(bt_image) picture = NULL;
        step(memory, stage, i);
        assert_int_equal(bt_output_read_raster(memory, &picture, NULL), 0);
        witness->known[i] = hash_of(picture);
    }
}

// A crawl over slices that stand apart and are turned: whoever looks, and whenever, sees all of
// them as they were with one present.
static void all_slices_change_with_the_same_present(void **state)
{
    (void)state;
    struct test_raster raster;
    struct test_stage stage = {0};
    struct witness witness = {.grabs = 0, .torn = 0};
    test_raster_get(9, &raster);
    test_raster_scene(&raster, 0, &stage);
    stage.scene.zones[1].rect = (struct bt_rect){0, 60, raster.width, 40};
    learn(&raster, &stage, &witness);
    BT_AUTO(bt_output) output = open_mapped(BT_BACKEND_SOFT, &raster);
    step(output, &stage, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, watch, &witness), 0);
    for (int i = 0; atomic_load(&witness.grabs) < WANTED_GRABS; i++) {
        step(output, &stage, i % CRAWL_STEPS);
        (void)bt_output_poll(output);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(witness.torn, 0);
    const struct bt_scene nothing = {0};
    show(output, &nothing);
    test_stage_finish(&stage);
}

// The gate on two windows, its pillars on the second.
static struct bt_output_plan windows_of(const struct test_raster *gate)
{
    struct bt_output_plan plan = gate->plan;
    plan.mode_width = plan.mode_height = 0;
    plan.window_count = 2;
    plan.windows[0] = (struct bt_output_window){"giua", 0, 8, 4, 400, 200};
    plan.windows[1] = (struct bt_output_window){"tru", 0, 330, 240, 300, 240};
    plan.slices[1].x = plan.slices[2].x = 11;
    for (size_t i = 1; i < plan.slice_count; i++) {
        plan.slices[i].window = 1;
    }
    plan.slices[3].x = 150;
    plan.slices[3].y = 180;
    return plan;
}

// The same on one raster as large as the desktop: the second opinion.
static struct bt_output_plan on_the_desktop(const struct bt_output_plan *windows)
{
    struct bt_output_plan plan = *windows;
    plan.window_count = 0;
    for (size_t i = 0; i < plan.slice_count; i++) {
        struct bt_slice *slice = &plan.slices[i];
        slice->x += windows->windows[slice->window].x;
        slice->y += windows->windows[slice->window].y;
    }
    return plan;
}

static void assert_desktop(Display *display, struct bt_output *output, struct test_stage *stage,
                           const struct bt_output_plan *plan, const char *name)
{
    show(output, &stage->scene);
    while (bt_output_poll(output) == BT_OUTPUT_EXPOSED) {
        show(output, &stage->scene);
    }
    BT_AUTO(bt_image) canvas = NULL;
    BT_AUTO(bt_image) screen = grab(display);
    assert_int_equal(bt_output_read(output, &canvas, NULL), 0);
    test_raster_assert(name, plan, 0, 0, canvas, screen);
}

// Whatever the plan of a new publication is: it is followed while it plays.
static void check_windows(Display *display, enum bt_backend backend, const char *name)
{
    struct test_raster gate;
    struct test_stage stage = {0};
    test_raster_get(11, &gate);
    const struct bt_output_plan windows = windows_of(&gate), desktop = on_the_desktop(&windows);
    BT_AUTO(bt_output) output = open_mapped(backend, &gate);
    test_raster_scene(&gate, 0, &stage);
    assert_desktop(display, output, &stage, &gate.plan, name);
    assert_int_equal(bt_output_resize(output, gate.width, gate.height, &windows, NULL), 0);
    assert_desktop(display, output, &stage, &desktop, name);
    step(output, &stage, 5);
    assert_desktop(display, output, &stage, &desktop, name);
    assert_int_equal(bt_output_info(output)->window_count, 2);
    assert_int_equal(bt_output_info(output)->windows[1].width, 300);
    assert_int_equal(bt_output_resize(output, gate.width, gate.height, &gate.plan, NULL), 0);
    assert_desktop(display, output, &stage, &gate.plan, name);
    assert_int_equal(bt_output_info(output)->window_count, 0);
    const struct bt_scene nothing = {0};
    show(output, &nothing);
    test_stage_finish(&stage);
}

static void windows_come_and_go_with_the_plan(void **state)
{
    (void)state;
    Display *display = XOpenDisplay(NULL);
    check_windows(display, BT_BACKEND_SOFT, "soft");
    check_windows(display, BT_BACKEND_GLES2, "gles2");
    XCloseDisplay(display);
}

static void without_a_gpu_soft_is_chosen(void **state)
{
    (void)state;
    BT_AUTO(bt_output) output = open_window(BT_BACKEND_AUTO, false);
    assert_string_equal(bt_output_info(output)->backend, "soft");
    assert_false(bt_output_info(output)->vsync);
}

static void a_server_that_goes_away_is_reported(void **state)
{
    (void)state;
    const char *text = getenv("BT_XVFB_PID");
    int64_t pid;
    assert_int_equal(bt_parse_int(text != NULL ? text : "", 2, INT32_MAX, &pid), 0);
    BT_AUTO(bt_output) output = open_window(BT_BACKEND_SOFT, false);
    const struct bt_scene scene = {.background = {1, 2, 3, 255}};
    show(output, &scene);
    assert_int_equal(kill((pid_t)pid, SIGTERM), 0);
    int tries = 0;
    while (bt_output_poll(output) != BT_OUTPUT_LOST) {
        assert_true(tries++ < PATIENCE);
        int64_t presented_ns;
        int r = bt_output_present(output, &presented_ns, NULL);
        assert_true(r == 0 || r == -ENODEV);
    }
    assert_int_equal(bt_output_compose(output, &scene, NULL), -ENODEV);
    const struct bt_output_options options = {.canvas_width = 64, .canvas_height = 64};
    struct bt_output *another = NULL;
    assert_int_equal(bt_output_open(&options, &another, NULL), -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_screen_shows_what_was_composed),
        cmocka_unit_test(a_full_screen_shows_the_canvas_in_its_corner),
        cmocka_unit_test(a_mapped_canvas_stands_where_the_plan_says),
        cmocka_unit_test(all_slices_change_with_the_same_present),
        cmocka_unit_test(windows_come_and_go_with_the_plan),
        cmocka_unit_test(without_a_gpu_soft_is_chosen),
        cmocka_unit_test(a_server_that_goes_away_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
