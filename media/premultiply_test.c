#include "media/premultiply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

enum { WIDTH = 256, STRIDE = WIDTH * 4 + 12 };

static void every_product_is_rounded_to_the_nearest(void **state)
{
    (void)state;
    static uint8_t from[256 * STRIDE], to[256 * STRIDE];
    for (size_t i = 0; i < sizeof(from); i++) {
        size_t x = i % STRIDE / 4, y = i / STRIDE;
        from[i] = (uint8_t)(i % STRIDE % 4 == 3 ? y : x);
        to[i] = 77;
    }
    bt_premultiply(from, STRIDE, to, STRIDE, WIDTH, 256);
    for (int alpha = 0; alpha < 256; alpha++) {
        for (int value = 0; value < 256; value++) {
            const uint8_t *pixel = to + alpha * STRIDE + value * 4;
            int expected = (2 * value * alpha + 255) / 510;
            for (int i = 0; i < 3; i++) {
                assert_int_equal(pixel[i], expected);
            }
            assert_int_equal(pixel[3], alpha);
        }
        assert_int_equal(to[alpha * STRIDE + WIDTH * 4], 77);  // beside the picture
    }
}

static void it_works_in_place(void **state)
{
    (void)state;
    uint8_t pixels[] = {200, 100, 0, 128, 255, 255, 255, 255, 255, 255, 255, 0};
    static const uint8_t expected[] = {100, 50, 0, 128, 255, 255, 255, 255, 0, 0, 0, 0};
    bt_premultiply(pixels, 12, pixels, 12, 3, 1);
    assert_memory_equal(pixels, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_product_is_rounded_to_the_nearest),
        cmocka_unit_test(it_works_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
