#include "media/picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/test_media.h"

static struct bt_item item_of(enum bt_fit fit)
{
    return (struct bt_item){.fit = (int)fit, .focus_x = 500, .focus_y = 500};
}

static void assert_rect(struct bt_rect r, int x, int y, int width, int height)
{
    assert_int_equal(r.x, x);
    assert_int_equal(r.y, y);
    assert_int_equal(r.width, width);
    assert_int_equal(r.height, height);
}

static void contained_pictures_are_whole_and_centred(void **state)
{
    (void)state;
    struct bt_item item = item_of(BT_FIT_CONTAIN);
    struct bt_placement at = bt_place(&item, 400, 300, 1920, 1080);
    assert_rect(at.src, 0, 0, 400, 300);
    assert_rect(at.dst, 240, 0, 1440, 1080);
    assert_rect(bt_place(&item, 1000, 10, 100, 100).dst, 0, 49, 100, 1);
    assert_rect(bt_place(&item, 16384, 1, 100, 100).dst, 0, 49, 100, 1);
    assert_rect(bt_place(&item, 1920, 1080, 1920, 1080).dst, 0, 0, 1920, 1080);
    assert_rect(bt_place(&item, 3840, 2160, 1366, 768).dst, 0, 0, 1366, 768);
}

static void covering_pictures_are_cut_away_from_the_focus(void **state)
{
    (void)state;
    struct bt_item item = item_of(BT_FIT_COVER);
    assert_rect(bt_place(&item, 1000, 500, 100, 100).src, 250, 0, 500, 500);
    item.focus_x = 0;
    assert_rect(bt_place(&item, 1000, 500, 100, 100).src, 0, 0, 500, 500);
    item.focus_x = 1000;
    assert_rect(bt_place(&item, 1000, 500, 100, 100).src, 500, 0, 500, 500);
    item.focus_x = 600;
    assert_rect(bt_place(&item, 1000, 500, 100, 100).src, 350, 0, 500, 500);
    item.focus_y = 1000;
    assert_rect(bt_place(&item, 500, 1000, 100, 100).src, 0, 500, 500, 500);
    assert_rect(bt_place(&item, 500, 1000, 100, 100).dst, 0, 0, 100, 100);
}

static void stretched_pictures_fill_the_box(void **state)
{
    (void)state;
    struct bt_item item = item_of(BT_FIT_STRETCH);
    struct bt_placement at = bt_place(&item, 3, 7000, 50, 60);
    assert_rect(at.src, 0, 0, 3, 7000);
    assert_rect(at.dst, 0, 0, 50, 60);
}

static void any_placement_lies_inside_both(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 99, 1080, 16384};
    for (int i = 0; i < 6 * 6 * 6 * 6 * 2; i++) {
        struct bt_item item = item_of(i % 2 == 0 ? BT_FIT_CONTAIN : BT_FIT_COVER);
        item.focus_x = i % 1001;
        int sw = sizes[i / 2 % 6], sh = sizes[i / 12 % 6];
        int w = sizes[i / 72 % 6], h = sizes[i / 432 % 6];
        struct bt_placement at = bt_place(&item, sw, sh, w, h);
        assert_true(at.src.x >= 0 && at.src.width >= 1 && at.src.x + at.src.width <= sw);
        assert_true(at.src.y >= 0 && at.src.height >= 1 && at.src.y + at.src.height <= sh);
        assert_true(at.dst.x >= 0 && at.dst.width >= 1 && at.dst.x + at.dst.width <= w);
        assert_true(at.dst.y >= 0 && at.dst.height >= 1 && at.dst.y + at.dst.height <= h);
    }
}

static struct bt_image *load(const char *path, const struct bt_item *item, int width, int height)
{
    struct bt_image *image = NULL;
    struct bt_error err = {0};
    if (bt_picture_load(path, item, width, height, &image, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(image->width, width);
    assert_int_equal(image->height, height);
    return image;
}

static const uint8_t *pixel(const struct bt_image *image, int x, int y)
{
    return image->pixels + (size_t)y * image->stride + (size_t)x * 4;
}

static void assert_near(const uint8_t *bgra, int r, int g, int b, int tolerance)
{
    int off = BT_MAX(BT_MAX(abs(bgra[2] - r), abs(bgra[1] - g)), abs(bgra[0] - b));
    if (off > tolerance) {
        fail_msg("%d,%d,%d is not %d,%d,%d", bgra[2], bgra[1], bgra[0], r, g, b);
    }
}

// Left half (200, 30, 60), right half (20, 90, 220).
#define HALVES                                                                                     \
    "-f lavfi -i color=0xC81E3C:size=60x80,format=rgb24 -f lavfi -i "                              \
    "color=0x145ADC:size=60x80,format=rgb24 -filter_complex hstack -frames:v 1 "

static void each_daily_format_shows_its_colours(void **state)
{
    (void)state;
    static const struct {
        const char *name, *options;
        int tolerance;
    } cases[] = {
        {"halves.png", "-pix_fmt rgb24", 0},
        {"halves16.png", "-pix_fmt rgb48be", 1},
        {"halves-pal.png", "-pix_fmt pal8", 40},  // ffmpeg's fixed palette
        {"halves.jpg", "-q:v 1 -pix_fmt yuvj444p", 4},
        {"halves420.jpg", "-q:v 1 -pix_fmt yuvj420p", 4},
        {"halves.gif", "", 40},  // likewise
        {"halves-lossless.webp", "-c:v libwebp -lossless 1", 1},
        {"halves-lossy.webp", "-c:v libwebp -quality 95", 6},
        {"halves.bmp", "-pix_fmt bgr24", 0},
        {"halves-bgra.bmp", "-pix_fmt bgra", 0},
        {"halves.tif", "-compression_algo raw -pix_fmt rgb24", 0},
        {"halves-packed.tif", "-compression_algo packbits -pix_fmt rgb24", 0},
        {"halves-lzw.tif", "-compression_algo lzw -pix_fmt rgb24", 0},
        {"halves-deflate.tif", "-compression_algo deflate -pix_fmt rgb48le", 1},
    };
    struct bt_item item = item_of(BT_FIT_STRETCH);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *arguments = bt_strf("%s%s", HALVES, cases[i].options);
        BT_AUTOFREE char *path = bt_test_media(cases[i].name, arguments);
        if (path == NULL) {
            print_message("%s cannot be made here\n", cases[i].name);
            continue;
        }
        BT_AUTO(bt_image) same = load(path, &item, 120, 80);
        BT_AUTO(bt_image) small = load(path, &item, 30, 20);
        BT_AUTO(bt_image) large = load(path, &item, 300, 301);
        const struct bt_image *images[] = {same, small, large};
        for (size_t k = 0; k < BT_ARRAY_LEN(images); k++) {
            int width = images[k]->width;
            int height = images[k]->height;
            assert_true(images[k]->opaque || pixel(images[k], 0, 0)[3] == 255);
            assert_near(pixel(images[k], width / 4, height / 2), 200, 30, 60, cases[i].tolerance);
            assert_near(pixel(images[k], width * 3 / 4, 0), 20, 90, 220, cases[i].tolerance);
        }
        assert_false(bt_picture_is_animated(path));
    }
}

static void the_background_is_beside_and_behind_the_picture(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(
        "half-clear.png",
        "-f lavfi -i color=0xC81E3C@0.5:size=40x40,format=rgba -frames:v 1 -pix_fmt rgba");
    if (path == NULL) {
        skip();
    }
    struct bt_item item = item_of(BT_FIT_CONTAIN);
    BT_AUTO(bt_image) clear = load(path, &item, 80, 40);
    assert_false(clear->opaque);
    assert_int_equal(pixel(clear, 0, 0)[3], 0);
    assert_in_range(pixel(clear, 40, 20)[3], 126, 129);
    assert_near(pixel(clear, 40, 20), 100, 15, 30, 2);
    item.background = (struct bt_colour){0, 255, 0, 255};
    BT_AUTO(bt_image) green = load(path, &item, 80, 40);
    assert_true(green->opaque);
    assert_near(pixel(green, 0, 0), 0, 255, 0, 0);
    assert_near(pixel(green, 40, 20), 100, 142, 30, 3);
    for (int x = 0; x < 80; x++) {
        assert_int_equal(pixel(green, x, 10)[3], 255);
    }
}

static void a_large_jpeg_is_decoded_smaller(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(
        "large.jpg", "-f lavfi -i color=0xC81E3C:size=2004x1500 -f lavfi -i "
                     "color=0x145ADC:size=2004x1500 -filter_complex hstack -frames:v 1 -q:v 2");
    if (path == NULL) {
        skip();
    }
    struct bt_item item = item_of(BT_FIT_CONTAIN);
    BT_AUTO(bt_image) image = load(path, &item, 400, 300);
    assert_near(pixel(image, 100, 150), 200, 30, 60, 5);
    assert_near(pixel(image, 300, 150), 20, 90, 220, 5);
    item.fit = BT_FIT_COVER;
    item.focus_x = 1000;
    BT_AUTO(bt_image) right = load(path, &item, 100, 150);
    assert_near(pixel(right, 2, 75), 20, 90, 220, 5);
}

// The eight files show the same picture; only how it is stored differs.
static void all_exif_orientations_stand_upright(void **state)
{
    (void)state;
    struct bt_item item = item_of(BT_FIT_COVER);
    item.focus_x = 200;
    BT_AUTO(bt_image) upright = NULL;
    for (int i = 1; i <= 8; i++) {
        char name[64];
        assert_int_equal(bt_format(name, sizeof(name), "image/exif/Landscape_%d.jpg", i), 0);
        BT_AUTOFREE char *path = bt_test_real_media(name);
        if (path == NULL) {
            skip();
        }
        BT_AUTO(bt_image) image = load(path, &item, 90, 80);
        if (i == 1) {
            upright = BT_TAKE(image);
            continue;
        }
        int64_t difference = 0;
        for (size_t byte = 0; byte < 90 * 80 * 4; byte++) {
            difference += abs(image->pixels[byte] - upright->pixels[byte]);
        }
        // The number written in the middle differs, and JPEG's noise.
        if (difference / (90 * 80 * 3) > 6) {
            fail_msg("orientation %d differs by %lld", i, (long long)(difference / (90 * 80 * 3)));
        }
    }
}

static void cmyk_pictures_have_their_colours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int r, g, b;
    } cases[] = {
        {"image/pillow/pil_sample_cmyk.jpg", 34, 6, 7},
    };
    struct bt_item item = item_of(BT_FIT_STRETCH);
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *path = bt_test_real_media(cases[i].name);
        if (path == NULL) {
            skip();
        }
        BT_AUTO(bt_image) image = load(path, &item, 1, 1);
        assert_true(image->opaque);
        assert_near(pixel(image, 0, 0), cases[i].r, cases[i].g, cases[i].b, 8);
    }
}

static void refused(const char *path, int expected)
{
    struct bt_item item = item_of(BT_FIT_CONTAIN);
    struct bt_image *image = NULL;
    struct bt_error err = {0};
    assert_int_equal(bt_picture_load(path, &item, 16, 16, &image, &err), expected);
    assert_null(image);
    assert_true(err.msg[0] != '\0');
    assert_false(bt_picture_is_animated(path));
}

static void a_cut_off_picture_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"halves.png", "halves.jpg", "halves-lossless.webp",
                                        "halves.bmp", "halves-lzw.tif"};
    static const char *const options[] = {"-pix_fmt rgb24", "-q:v 1 -pix_fmt yuvj444p",
                                          "-c:v libwebp -lossless 1", "-pix_fmt bgr24",
                                          "-compression_algo lzw -pix_fmt rgb24"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        BT_AUTOFREE char *arguments = bt_strf("%s%s", HALVES, options[i]);
        BT_AUTOFREE char *path = bt_test_media(names[i], arguments);
        if (path == NULL) {
            continue;
        }
        BT_AUTOFREE char *cut = bt_strf("/tmp/bt-cut-%d-%s", (int)getpid(), names[i]);
        BT_AUTOFREE char *command = bt_strf("head -c -9 '%s' > '%s'", path, cut);
        assert_int_equal(system(command), 0);
        refused(cut, -EBADMSG);
        unlink(cut);
    }
}

static void what_is_no_picture_is_refused(void **state)
{
    (void)state;
    refused("/nowhere/at/all.png", -ENOENT);
    refused("/tmp", -EINVAL);
    refused("/dev/zero", -EINVAL);
    BT_AUTOFREE char *text = bt_test_real_media("image/pngsuite/PngSuite.README");
    if (text != NULL) {
        refused(text, -EINVAL);
    }
}

static void animations_are_told_from_stills(void **state)
{
    (void)state;
    BT_AUTOFREE char *gif =
        bt_test_media("moving.gif", "-f lavfi -i testsrc2=size=320x180:rate=25 -t 1");
    BT_AUTOFREE char *apng =
        bt_test_media("moving.apng", "-f lavfi -i testsrc2=size=320x180:rate=25 -t 1 -plays 0");
    if (gif == NULL || apng == NULL) {
        skip();
    }
    assert_true(bt_picture_is_animated(gif));
    assert_true(bt_picture_is_animated(apng));
    struct bt_item item = item_of(BT_FIT_CONTAIN);
    bt_image_destroy(load(gif, &item, 32, 18));
    bt_image_destroy(load(apng, &item, 32, 18));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contained_pictures_are_whole_and_centred),
        cmocka_unit_test(covering_pictures_are_cut_away_from_the_focus),
        cmocka_unit_test(stretched_pictures_fill_the_box),
        cmocka_unit_test(any_placement_lies_inside_both),
        cmocka_unit_test(each_daily_format_shows_its_colours),
        cmocka_unit_test(the_background_is_beside_and_behind_the_picture),
        cmocka_unit_test(a_large_jpeg_is_decoded_smaller),
        cmocka_unit_test(all_exif_orientations_stand_upright),
        cmocka_unit_test(cmyk_pictures_have_their_colours),
        cmocka_unit_test(a_cut_off_picture_is_refused),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(animations_are_told_from_stills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
