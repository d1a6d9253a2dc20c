#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"
#include "media/test_media.h"
#include "workshop/preview.h"

// Red for four seconds, then blue for four: 640×360.
#define TWO_COLOURS                                                                                \
    "-f lavfi -i color=red:size=640x360:rate=25:duration=4 -f lavfi -i "                           \
    "color=blue:size=640x360:rate=25:duration=4 -filter_complex concat=n=2:v=1 -c:v libx264 "      \
    "-pix_fmt yuv420p"

static char *two_colours(struct bt_media_report *report)
{
    char *path = bt_test_media("two-colours.mp4", TWO_COLOURS);
    if (path == NULL) {
        skip();
    }
    bt_media_check(path, report);
    return path;
}

static bool is_mostly(const struct bt_image *image, int x, int y, int channel)
{
    const uint8_t *pixel = image->pixels + (size_t)y * image->stride + (size_t)x * 4;
    return pixel[channel] > 200 && pixel[2 - channel] < 60;
}

static void a_thumbnail_keeps_the_clips_shape(void **state)
{
    (void)state;
    struct bt_media_report report;
    BT_AUTOFREE char *path = two_colours(&report);
    BT_AUTO(bt_image) image = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_preview_thumbnail(path, &report, &image, &err), 0);
    assert_int_equal(image->width, 480);
    assert_int_equal(image->height, 270);
    assert_true(is_mostly(image, 240, 135, 2));
}

static void a_filmstrip_goes_through_the_whole_clip(void **state)
{
    (void)state;
    struct bt_media_report report;
    BT_AUTOFREE char *path = two_colours(&report);
    BT_AUTO(bt_image) image = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_preview_filmstrip(path, &report, &image, &err), 0);
    int each = image->width / BT_STRIP_FRAMES;
    for (int i = 0; i < BT_STRIP_FRAMES; i++) {
        assert_true(is_mostly(image, each * i + each / 2, 50, i < BT_STRIP_FRAMES / 2 ? 2 : 0));
    }
}

static void a_preview_is_written_as_jpeg(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(64, 32);
    char path[] = "/tmp/bangtin-preview-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(bt_preview_write(image, path, NULL), 0);
    uint8_t start[3] = {0};
    assert_int_equal(pread(fd, start, sizeof(start), 0), 3);
    assert_memory_equal(start, "\xff\xd8\xff", 3);
    close(fd);
    unlink(path);
}

static void a_refused_file_has_no_preview(void **state)
{
    (void)state;
    struct bt_media_report report;
    bt_media_check("/dev/null", &report);
    BT_AUTO(bt_image) image = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_preview_thumbnail("/dev/null", &report, &image, &err), -EINVAL);
    assert_null(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thumbnail_keeps_the_clips_shape),
        cmocka_unit_test(a_filmstrip_goes_through_the_whole_clip),
        cmocka_unit_test(a_preview_is_written_as_jpeg),
        cmocka_unit_test(a_refused_file_has_no_preview),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
