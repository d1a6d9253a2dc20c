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
#include <signal.h>
#include <stdlib.h>

#include "base/str.h"
#include "render/output.h"
#include "render/test_scenes.h"

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
static void check_screen(bool fullscreen)
{
    BT_AUTO(bt_output) output = open_window(BT_BACKEND_SOFT, fullscreen);
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
    check_screen(false);
}

static void a_full_screen_shows_the_canvas_in_its_corner(void **state)
{
    (void)state;
    check_screen(true);
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
        cmocka_unit_test(without_a_gpu_soft_is_chosen),
        cmocka_unit_test(a_server_that_goes_away_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
