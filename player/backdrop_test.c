#include "player/backdrop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static int make_root(void **state)
{
    char *root = bt_strf("/tmp/bt-backdrop-XXXXXX");
    *state = root;
    return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_root(void **state)
{
    BT_AUTOFREE char *root = *state;
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", root);
    return system(command);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

static void put(const char *root, const char *directory, const char *name, const char *text)
{
    BT_AUTOFREE char *dir = bt_strf("%s/%s", root, directory);
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    assert_int_equal(bt_file_make_dirs(dir, NULL), 0);
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
}

static void put_console(const char *root, const char *size, const char *bits, const char *stride)
{
    put(root, "sys/class/graphics/fb0", "virtual_size", size);
    put(root, "sys/class/graphics/fb0", "bits_per_pixel", bits);
    put(root, "sys/class/graphics/fb0", "stride", stride);
    put(root, "dev", "fb0", "console text that must go");
}

static struct bt_image *make_picture(int width, int height)
{
    struct bt_image *image = bt_image_create(width, height);
    assert_non_null(image);
    memset(image->pixels, 0x55, image->stride * (size_t)height);
    return image;
}

static void the_picture_stands_in_the_corner_and_black_around_it(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_image) image = make_picture(3, 2);
    put_console(root, "5,4\n", "32\n", "24\n");
    assert_int_equal(bt_backdrop_paint(root, image, NULL), 0);
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    BT_AUTOBUF written;
    bt_buf_init(&written, 1000);
    assert_int_equal(bt_file_read(path, &written, NULL), 0);
    assert_int_equal(written.len, 4 * 24);
    for (size_t i = 0; i < written.len; i++) {
        bool inside = i / 24 < 2 && i % 24 < 12;
        assert_int_equal(bt_buf_text(&written)[i], inside ? 0x55 : 0);
    }
}

static void a_picture_larger_than_the_console_is_cut(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_image) image = make_picture(30, 20);
    put_console(root, "5,4\n", "32\n", "20\n");
    assert_int_equal(bt_backdrop_paint(root, image, NULL), 0);
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    BT_AUTOBUF written;
    bt_buf_init(&written, 1000);
    assert_int_equal(bt_file_read(path, &written, NULL), 0);
    assert_int_equal(written.len, 80);
}

static void consoles_of_other_kinds_are_left_alone(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_image) image = make_picture(3, 2);
    assert_int_equal(bt_backdrop_paint(root, image, NULL), -ENOTSUP);
    static const struct {
        const char *size, *bits, *stride;
    } cases[] = {
        {"9999,9999\n", "32\n", "39996\n"},
        {"5,4\n", "16\n", "10\n"},
        {"5,4\n", "32\n", "19\n"},
        {"54\n", "32\n", "20\n"},
        {"-5,4\n", "32\n", "20\n"},
        {"99999,4\n", "32\n", "20\n"},
        {"5,4\n", "32\n", "\n"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        put_console(root, cases[i].size, cases[i].bits, cases[i].stride);
        assert_int_equal(bt_backdrop_paint(root, image, NULL), -ENOTSUP);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(the_picture_stands_in_the_corner_and_black_around_it),
        TEST(a_picture_larger_than_the_console_is_cut),
        TEST(consoles_of_other_kinds_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
