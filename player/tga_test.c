#include "player/tga.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// Letters stand for colours; a new line ends a row.
static struct bt_image *picture_of(const char *rows)
{
    int width = (int)strcspn(rows, "\n"), height = (int)strlen(rows) / (width + 1);
    struct bt_image *image = bt_image_create(width, height);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            char letter = rows[y * (width + 1) + x];
            const uint8_t pixel[] = {(uint8_t)letter, (uint8_t)(2 * letter),
                                     (uint8_t)(255 - letter), 255};
            memcpy(image->pixels + (size_t)y * image->stride + (size_t)x * 4, pixel, sizeof(pixel));
        }
    }
    return image;
}

static void encode(const char *rows, struct bt_buf *out)
{
    BT_AUTO(bt_image) image = picture_of(rows);
    const struct bt_raster raster = bt_raster_of(image);
    bt_buf_init(out, 100000);
    assert_int_equal(bt_tga_encode(&raster, out, NULL), 0);
}

static void a_picture_comes_back_as_it_was(void **state)
{
    (void)state;
    BT_AUTOFREE char *line = bt_alloc_array(302, 1);
    memset(line, 'a', 300);
    line[300] = '\n';
    BT_AUTOFREE char *mixed = bt_alloc_array(302, 1);
    for (size_t i = 0; i < 300; i++) {
        mixed[i] = (char)('a' + (i % 7 < 4 ? i % 26 : 0));
    }
    mixed[300] = '\n';
    const char *const cases[] = {"a\n", "ab\n", "aab\nbaa\n", "abc\nabc\nccc\n", line, mixed};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_image) image = picture_of(cases[i]);
        BT_AUTOBUF file;
        struct bt_raster back;
        encode(cases[i], &file);
        assert_int_equal(bt_tga_decode(file.data, file.len, &back, NULL), 0);
        assert_int_equal(back.width, image->width);
        assert_int_equal(back.height, image->height);
        for (int y = 0; y < back.height; y++) {
            assert_memory_equal(back.pixels + (size_t)y * back.stride,
                                image->pixels + (size_t)y * image->stride, (size_t)back.width * 4);
        }
        free(back.pixels);
    }
}

static void what_is_alike_takes_little_room(void **state)
{
    (void)state;
    BT_AUTO(bt_image) image = bt_image_create(1920, 1080);
    const struct bt_raster raster = bt_raster_of(image);
    BT_AUTOBUF file;
    bt_buf_init(&file, 18 + 1080 * 15 * 4);
    assert_int_equal(bt_tga_encode(&raster, &file, NULL), 0);
    BT_AUTOBUF small;
    bt_buf_init(&small, 1000);
    assert_int_equal(bt_tga_encode(&raster, &small, NULL), -EMSGSIZE);
}

static void a_file_that_was_cut_is_refused(void **state)
{
    (void)state;
    BT_AUTOBUF file;
    encode("aabcd\nzzzzz\n", &file);
    for (size_t len = 0; len < file.len; len++) {
        struct bt_raster back;
        BT_AUTOFREE char *cut = bt_alloc_array(len + 1, 1);
        memcpy(cut, file.data, len);
        assert_int_equal(bt_tga_decode(cut, len, &back, NULL), -EINVAL);
    }
}

static void files_of_another_kind_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
        int error;
    } cases[] = {{0, 1, -EINVAL},       {1, 1, -EINVAL},       {2, 2, -EINVAL},
                 {16, 32, -EINVAL},     {17, 0, -EINVAL},      {12, 0, -EINVAL},
                 {13, 0x21, -EMSGSIZE}, {15, 0xFF, -EMSGSIZE}, {18, 0x7F, -EINVAL}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOBUF file;
        struct bt_raster back;
        encode("aabcd\nzzzzz\n", &file);
        file.data[cases[i].at] = (char)cases[i].value;
        assert_int_equal(bt_tga_decode(file.data, file.len, &back, NULL), cases[i].error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_comes_back_as_it_was),
        cmocka_unit_test(what_is_alike_takes_little_room),
        cmocka_unit_test(a_file_that_was_cut_is_refused),
        cmocka_unit_test(files_of_another_kind_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
