#include "workshop/conversion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void assert_size(const char *container, int width, int height, int wanted_width,
                        int wanted_height)
{
    struct bt_media_report report = {.width = width, .height = height};
    bt_copy_cut(report.container, sizeof(report.container), container);
    int got_width, got_height;
    bt_conversion_size(&report, &got_width, &got_height);
    assert_int_equal(got_width, wanted_width);
    assert_int_equal(got_height, wanted_height);
}

static void pictures_keep_their_size(void **state)
{
    (void)state;
    assert_size("HEIF", 4032, 3024, 4032, 3024);
    assert_size("BMP", 8704, 192, 8704, 192);
    assert_size("TIFF", 1, 1, 1, 1);
    assert_size("AVIF", 4096, 4096, 4096, 4096);
}

static void what_is_too_large_becomes_smaller(void **state)
{
    (void)state;
    assert_size("TIFF", 8192, 8192, 4096, 4096);
    assert_size("TIFF", 16384, 4096, 8192, 2048);
}

static void drawings_are_drawn_large(void **state)
{
    (void)state;
    assert_size("SVG", 24, 24, 3840, 3840);
    assert_size("SVG", 32, 18, 3840, 2160);
    assert_size("SVG", 16000, 1, 3840, 1);
    assert_size("SVG", 7680, 4320, 3840, 2160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_keep_their_size),
        cmocka_unit_test(what_is_too_large_becomes_smaller),
        cmocka_unit_test(drawings_are_drawn_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
