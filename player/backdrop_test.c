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

static struct bt_backdrop *make_backdrop(int width, int height, const struct bt_output_plan *plan)
{
    struct bt_image *image = bt_image_create(width, height);
    assert_non_null(image);
    memset(image->pixels, 0x55, image->stride * (size_t)height);
    return bt_backdrop_create(image, plan);
}

static void the_picture_stands_in_the_corner_and_black_around_it(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_backdrop) backdrop = make_backdrop(3, 2, NULL);
    put_console(root, "5,4\n", "32\n", "24\n");
    assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), 0);
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

static void assert_console(const char *root, size_t stride, const char *const *rows, size_t count)
{
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    BT_AUTOBUF written;
    bt_buf_init(&written, 10000);
    assert_int_equal(bt_file_read(path, &written, NULL), 0);
    assert_int_equal(written.len, count * stride);
    for (size_t y = 0; y < count; y++) {
        for (size_t x = 0; x < strlen(rows[y]); x++) {
            const uint8_t *pixel = (const uint8_t *)bt_buf_text(&written) + y * stride + x * 4;
            uint8_t level = rows[y][x] == '#' ? 0x55 : rows[y][x] == '+' ? 0x22 : 0;
            for (int i = 0; i < 3; i++) {
                assert_int_equal(pixel[i], level);
            }
        }
    }
}

static void the_picture_stands_where_the_output_plan_says(void **state)
{
    const char *root = *state;
    static const struct bt_output_plan offset = {.slices = {{{0, 0, 3, 2}, 2, 1, 0}},
                                                 .slice_count = 1};
    static const struct bt_output_plan cut = {
        .slices = {{{0, 0, 2, 2}, 4, 0, 0}, {{2, 0, 1, 2}, 0, 3, 90}}, .slice_count = 2};
    struct bt_output_plan dimmed = offset;
    dimmed.has_curves = true;
    for (size_t i = 0; i < 3; i++) {
        dimmed.curves[i][0x55] = 0x22;
    }
    static const char *const offset_rows[] = {".....", "..###", "..###", "....."};
    // The second piece lies on its side; of the first the console holds one column.
    static const char *const cut_rows[] = {"....#", "....#", ".....", "##..."};
    static const char *const dimmed_rows[] = {".....", "..+++", "..+++", "....."};
    const struct {
        const struct bt_output_plan *plan;
        const char *const *rows;
    } cases[] = {{&offset, offset_rows}, {&cut, cut_rows}, {&dimmed, dimmed_rows}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_backdrop) backdrop = make_backdrop(3, 2, cases[i].plan);
        put_console(root, "5,4\n", "32\n", "24\n");
        assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), 0);
        assert_console(root, 24, cases[i].rows, 4);
    }
}

static void a_picture_larger_than_the_console_is_cut(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_backdrop) backdrop = make_backdrop(30, 20, NULL);
    put_console(root, "5,4\n", "32\n", "20\n");
    assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), 0);
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    BT_AUTOBUF written;
    bt_buf_init(&written, 1000);
    assert_int_equal(bt_file_read(path, &written, NULL), 0);
    assert_int_equal(written.len, 80);
}

// As vc4 of the Raspberry Pi makes it: 5, 6 and 5 bits of red, green and blue.
static void a_console_of_16_bits_gets_the_picture_too(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_image) image = bt_image_create(3, 2);
    static const uint8_t ground[] = {67, 42, 16, 255};
    for (size_t i = 0; i < 6; i++) {
        memcpy(image->pixels + i / 3 * image->stride + i % 3 * 4, ground, sizeof(ground));
    }
    BT_AUTO(bt_backdrop) backdrop = bt_backdrop_create(BT_TAKE(image), NULL);
    put_console(root, "5,4\n", "16\n", "12\n");
    assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), 0);
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    BT_AUTOBUF written;
    bt_buf_init(&written, 1000);
    assert_int_equal(bt_file_read(path, &written, NULL), 0);
    assert_int_equal(written.len, 4 * 12);
    for (size_t i = 0; i < written.len / 2; i++) {
        uint16_t pixel;
        memcpy(&pixel, bt_buf_text(&written) + 2 * i, sizeof(pixel));
        assert_int_equal(pixel, i / 6 < 2 && i % 6 < 3 ? 2 << 11 | 10 << 5 | 8 : 0);
    }
}

static void consoles_of_other_kinds_are_left_alone(void **state)
{
    const char *root = *state;
    BT_AUTO(bt_backdrop) backdrop = make_backdrop(3, 2, NULL);
    assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), -ENOTSUP);
    static const struct {
        const char *size, *bits, *stride;
    } cases[] = {
        {"9999,9999\n", "32\n", "39996\n"}, {"5,4\n", "24\n", "16\n"}, {"5,4\n", "32\n", "19\n"},
        {"5,4\n", "32\n", "22\n"},          {"54\n", "32\n", "20\n"},  {"-5,4\n", "32\n", "20\n"},
        {"99999,4\n", "32\n", "20\n"},      {"5,4\n", "32\n", "\n"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        put_console(root, cases[i].size, cases[i].bits, cases[i].stride);
        assert_int_equal(bt_backdrop_paint(backdrop, root, NULL), -ENOTSUP);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        TEST(the_picture_stands_in_the_corner_and_black_around_it),
        TEST(the_picture_stands_where_the_output_plan_says),
        TEST(a_picture_larger_than_the_console_is_cut),
        TEST(a_console_of_16_bits_gets_the_picture_too),
        TEST(consoles_of_other_kinds_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
