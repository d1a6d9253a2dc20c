#include "media/tone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

static const enum AVColorTransferCharacteristic transfers[] = {AVCOL_TRC_SMPTE2084,
                                                               AVCOL_TRC_ARIB_STD_B67};

static void greys_rise_and_stay_grey(void **state)
{
    (void)state;
    for (size_t t = 0; t < BT_ARRAY_LEN(transfers); t++) {
        BT_AUTO(bt_tone) tone = bt_tone_create(transfers[t]);
        assert_true(bt_transfer_is_hdr(bt_tone_transfer(tone)));
        int before = 0;
        for (int value = 0; value < 256; value++) {
            uint8_t pixel[4] = {(uint8_t)value, (uint8_t)value, (uint8_t)value, 255};
            bt_tone_map(tone, pixel, 4, 1, 1);
            assert_true(abs(pixel[0] - pixel[2]) <= 1 && abs(pixel[1] - pixel[2]) <= 1);
            assert_int_equal(pixel[3], 255);
            assert_true(pixel[1] >= before);
            before = pixel[1];
        }
        assert_int_equal(before, 255);
    }
}

// The values that BT.2408 gives for what a camera sees, and what is to be seen of it.
static void known_brightness_lands_where_it_belongs(void **state)
{
    (void)state;
    static const struct {
        enum AVColorTransferCharacteristic transfer;
        int percent, least, most;
    } cases[] = {
        {AVCOL_TRC_SMPTE2084, 0, 0, 0},        // black
        {AVCOL_TRC_SMPTE2084, 38, 95, 140},    // a grey card, 26 nits
        {AVCOL_TRC_SMPTE2084, 58, 195, 245},   // diffuse white, 203 nits
        {AVCOL_TRC_SMPTE2084, 75, 252, 255},   // 1,000 nits
        {AVCOL_TRC_SMPTE2084, 100, 252, 255},  // 10,000 nits
        {AVCOL_TRC_ARIB_STD_B67, 0, 0, 2},      {AVCOL_TRC_ARIB_STD_B67, 38, 95, 140},
        {AVCOL_TRC_ARIB_STD_B67, 75, 195, 245}, {AVCOL_TRC_ARIB_STD_B67, 100, 252, 255},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_tone) tone = bt_tone_create(cases[i].transfer);
        uint8_t value = (uint8_t)(cases[i].percent * 255 / 100);
        uint8_t pixel[4] = {value, value, value, 255};
        bt_tone_map(tone, pixel, 4, 1, 1);
        if (pixel[1] < cases[i].least || pixel[1] > cases[i].most) {
            fail_msg("%d %% became %d", cases[i].percent, pixel[1]);
        }
    }
}

static void colours_keep_their_hue(void **state)
{
    (void)state;
    for (size_t t = 0; t < BT_ARRAY_LEN(transfers); t++) {
        BT_AUTO(bt_tone) tone = bt_tone_create(transfers[t]);
        for (int strong = 0; strong < 3; strong++) {
            uint8_t pixel[4] = {60, 60, 60, 255};
            pixel[strong] = 150;
            bt_tone_map(tone, pixel, 4, 1, 1);
            for (int c = 0; c < 3; c++) {
                assert_true(c == strong || pixel[strong] > pixel[c] + 40);
            }
        }
    }
}

// Neighbours in the source are neighbours on the screen: no seam between the table's points.
static void there_are_no_seams(void **state)
{
    (void)state;
    BT_AUTO(bt_tone) tone = bt_tone_create(AVCOL_TRC_SMPTE2084);
    for (int value = 0; value < 255; value++) {
        uint8_t pair[8] = {40, (uint8_t)value, 90, 255, 40, (uint8_t)(value + 1), 90, 255};
        bt_tone_map(tone, pair, 8, 2, 1);
        for (int c = 0; c < 3; c++) {
            assert_true(abs(pair[c] - pair[4 + c]) <= 12);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greys_rise_and_stay_grey),
        cmocka_unit_test(known_brightness_lands_where_it_belongs),
        cmocka_unit_test(colours_keep_their_hue),
        cmocka_unit_test(there_are_no_seams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
