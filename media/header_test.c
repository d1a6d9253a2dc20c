#include "media/header.h"

#include <errno.h>
#include <libavutil/crc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int read(const void *bytes, size_t len, struct bt_picture_header *out)
{
    struct bt_error err = {0};
    int r = bt_picture_header_read(bytes, len, out, &err);
    assert_true(r == 0 || err.msg[0] != '\0');
    return r;
}

// Every shorter text of a good file is refused; a byte behind it is not looked at (no sanitizer
// complaint).
static void check_whole_and_cut(const uint8_t *bytes, size_t len, size_t needed, int width,
                                int height)
{
    struct bt_picture_header header;
    assert_int_equal(read(bytes, len, &header), 0);
    assert_int_equal(header.width, width);
    assert_int_equal(header.height, height);
    for (size_t cut = 0; cut < needed; cut++) {
        uint8_t copy[512];
        memcpy(copy + sizeof(copy) - cut, bytes, cut);
        assert_true(read(copy + sizeof(copy) - cut, cut, &header) < 0);
    }
}

static size_t put_chunk(uint8_t *out, const char *type, const void *data, size_t len)
{
    const uint8_t size[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};
    memcpy(out, size, 4);
    memcpy(out + 4, type, 4);
    if (len > 0) {
        memcpy(out + 8, data, len);
    }
    uint32_t crc =
        av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), UINT32_MAX, out + 4, len + 4) ^ UINT32_MAX;
    const uint8_t sum[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                            (uint8_t)crc};
    memcpy(out + 8 + len, sum, 4);
    return len + 12;
}

static size_t make_png(uint8_t *out, uint32_t width, uint32_t height, int animation_frames)
{
    memcpy(out, "\x89PNG\r\n\x1A\n", 8);
    size_t at = 8;
    const uint8_t header[13] = {(uint8_t)(width >> 24),
                                (uint8_t)(width >> 16),
                                (uint8_t)(width >> 8),
                                (uint8_t)width,
                                (uint8_t)(height >> 24),
                                (uint8_t)(height >> 16),
                                (uint8_t)(height >> 8),
                                (uint8_t)height,
                                8,
                                2,
                                0,
                                0,
                                0};
    at += put_chunk(out + at, "IHDR", header, sizeof(header));
    if (animation_frames > 0) {
        const uint8_t control[8] = {0, 0, 0, (uint8_t)animation_frames};
        at += put_chunk(out + at, "acTL", control, sizeof(control));
    }
    at += put_chunk(out + at, "IDAT", "data", 4);
    at += put_chunk(out + at, "IEND", NULL, 0);
    return at;
}

static void png_is_read_to_its_end(void **state)
{
    (void)state;
    uint8_t png[256];
    size_t len = make_png(png, 640, 480, 0);
    check_whole_and_cut(png, len, len, 640, 480);
    struct bt_picture_header header;
    png[20] ^= 1;  // a bit of the height, which the check sum covers
    assert_int_equal(read(png, len, &header), -EBADMSG);
}

static void apng_is_counted(void **state)
{
    (void)state;
    uint8_t png[256];
    struct bt_picture_header header;
    assert_int_equal(read(png, make_png(png, 8, 8, 5), &header), 0);
    assert_int_equal(header.frames, 5);
    assert_true(bt_picture_header_moves(&header));
    assert_int_equal(read(png, make_png(png, 8, 8, 1), &header), 0);
    assert_false(bt_picture_header_moves(&header));
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        int result;
    } cases[] = {
        {0, 1, -EBADMSG},   {1, 0, -EBADMSG},        {30000, 30000, -EFBIG},
        {16385, 1, -EFBIG}, {1, UINT32_MAX, -EFBIG}, {UINT32_MAX, UINT32_MAX, -EFBIG},
        {16384, 4096, 0},   {16384, 4097, -EFBIG},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        uint8_t png[256];
        struct bt_picture_header header;
        size_t len = make_png(png, cases[i].width, cases[i].height, 0);
        assert_int_equal(read(png, len, &header), cases[i].result);
    }
}

// SOI, APP1 with orientation 6, SOF0 of 32×16, SOS with stuffing and a restart, EOI.
static const uint8_t jpeg[] = {
    0xFF, 0xD8, 0xFF, 0xE1, 0x00, 0x22, 'E',  'x',  'i',  'f',  0,    0,    'M',  'M',
    0,    '*',  0,    0,    0,    8,    0,    1,    0x01, 0x12, 0,    3,    0,    0,
    0,    1,    0,    6,    0,    0,    0,    0,    0,    0,    0xFF, 0xFF, 0xC0, 0x00,
    0x11, 8,    0,    16,   0,    32,   3,    1,    0x22, 0,    2,    0x11, 1,    3,
    0x11, 1,    0xFF, 0xDA, 0x00, 0x02, 0x12, 0xFF, 0x00, 0xFF, 0xD0, 0x34, 0xFF, 0xD9};

static void jpeg_is_read_to_its_end(void **state)
{
    (void)state;
    check_whole_and_cut(jpeg, sizeof(jpeg), sizeof(jpeg), 32, 16);
    struct bt_picture_header header;
    assert_int_equal(read(jpeg, sizeof(jpeg), &header), 0);
    assert_int_equal(header.orientation, 6);
    assert_int_equal(header.components, 3);
    assert_false(header.unsupported);
}

static void strange_orientations_mean_upright(void **state)
{
    (void)state;
    for (int value = 0; value < 256; value++) {
        uint8_t copy[sizeof(jpeg)];
        memcpy(copy, jpeg, sizeof(jpeg));
        copy[31] = (uint8_t)value;
        struct bt_picture_header header;
        assert_int_equal(read(copy, sizeof(copy), &header), 0);
        assert_int_equal(header.orientation, value >= 1 && value <= 8 ? value : 1);
    }
}

static void rare_jpegs_are_known_as_such(void **state)
{
    (void)state;
    static const struct {
        uint8_t code, bits;
        bool unsupported;
    } cases[] = {{0xC0, 8, false}, {0xC1, 8, false}, {0xC2, 8, false}, {0xC1, 12, true},
                 {0xC3, 8, true},  {0xC9, 8, true},  {0xCA, 8, true}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        uint8_t copy[sizeof(jpeg)];
        memcpy(copy, jpeg, sizeof(jpeg));
        copy[40] = cases[i].code;
        copy[43] = cases[i].bits;
        struct bt_picture_header header;
        assert_int_equal(read(copy, sizeof(copy), &header), 0);
        assert_int_equal(header.unsupported, cases[i].unsupported);
    }
}

// 10×7, no colour table, two images, trailer.
static const uint8_t gif[] = {'G',  'I',  'F',  '8', '9', 'a', 10, 0, 7,    0,    0,   0, 0,
                              0x2C, 0,    0,    0,   0,   10,  0,  7, 0,    0,    2,   1, 0x55,
                              0,    0x21, 0xF9, 4,   0,   5,   0,  0, 0,    0x2C, 0,   0, 0,
                              0,    10,   0,    7,   0,   0,   2,  1, 0x55, 0,    0x3B};

static void gif_images_are_counted(void **state)
{
    (void)state;
    // After the first image an animation may break off.
    check_whole_and_cut(gif, sizeof(gif), 27, 10, 7);
    struct bt_picture_header header;
    assert_int_equal(read(gif, sizeof(gif), &header), 0);
    assert_int_equal(header.frames, 2);
    assert_int_equal(read(gif, 30, &header), 0);
    assert_int_equal(header.frames, 1);
}

static void webp_sizes_are_found_in_all_three_forms(void **state)
{
    (void)state;
    static const uint8_t lossy[] = {'R', 'I', 'F', 'F',  22,   0,    0,    0,    'W',  'E',
                                    'B', 'P', 'V', 'P',  '8',  ' ',  10,   0,    0,    0,
                                    0,   0,   0,   0x9D, 0x01, 0x2A, 0x20, 0x03, 0x58, 0x02};
    static const uint8_t lossless[] = {'R', 'I', 'F',  'F',  18,   0,    0,    0, 'W',
                                       'E', 'B', 'P',  'V',  'P',  '8',  'L',  5, 0,
                                       0,   0,   0x2F, 0x09, 0x80, 0x01, 0x10, 0};
    static const uint8_t extended[] = {'R', 'I', 'F', 'F', 22,   0,   0,  0,    'W', 'E',
                                       'B', 'P', 'V', 'P', '8',  'X', 10, 0,    0,   0,
                                       0,   0,   0,   0,   0x0F, 0,   0,  0x1F, 0,   0};
    check_whole_and_cut(lossy, sizeof(lossy), sizeof(lossy), 800, 600);
    check_whole_and_cut(lossless, sizeof(lossless), sizeof(lossless), 10, 7);
    check_whole_and_cut(extended, sizeof(extended), sizeof(extended), 16, 32);
    struct bt_picture_header header;
    assert_int_equal(read(lossless, sizeof(lossless), &header), 0);
    assert_false(header.ignore_alpha);
}

static void what_is_drawn_outside_is_only_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        enum bt_picture_kind kind;
    } cases[] = {
        {"\0\0\0\x20"
         "ftypavif....",
         16, BT_PICTURE_HEIF},
        {"\0\0\0\x20"
         "ftypheic....",
         16, BT_PICTURE_HEIF},
        {"<?xml?>\n<!-- a --><svg>", 22, BT_PICTURE_SVG},
        {"\xEF\xBB\xBF<svg:svg>", 12, BT_PICTURE_SVG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bt_picture_header header;
        assert_int_equal(read(cases[i].bytes, cases[i].len, &header), 0);
        assert_int_equal(header.kind, cases[i].kind);
        assert_true(header.outside);
        assert_true(bt_picture_signature((const uint8_t *)cases[i].bytes, cases[i].len));
    }
    // A clip begins in much the same way.
    assert_false(bt_picture_signature((const uint8_t *)"\0\0\0\x20"
                                                       "ftypisom....",
                                      16));
}

static void put16(uint8_t *at, unsigned value, bool big)
{
    at[big ? 1 : 0] = (uint8_t)value;
    at[big ? 0 : 1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value, bool big)
{
    put16(at + (big ? 2 : 0), value & 0xFFFF, big);
    put16(at + (big ? 0 : 2), value >> 16, big);
}

static void bmp_sizes_are_found_in_both_forms(void **state)
{
    (void)state;
    struct bt_picture_header header;
    uint8_t core[26 + 8] = "BM";
    put32(core + 10, 26, false);
    put32(core + 14, 12, false);
    put16(core + 18, 1, false);
    put16(core + 20, 2, false);
    put16(core + 24, 24, false);
    check_whole_and_cut(core, sizeof(core), sizeof(core), 1, 2);
    uint8_t info[54 + 16] = "BM";
    put32(info + 10, 54, false);
    put32(info + 14, 40, false);
    put32(info + 18, 2, false);
    put32(info + 22, 0U - 2, false);  // from above
    put16(info + 28, 32, false);
    check_whole_and_cut(info, sizeof(info), sizeof(info), 2, 2);
    put32(info + 30, 5, false);  // a PNG inside
    assert_int_equal(read(info, sizeof(info), &header), 0);
    assert_true(header.unsupported);
    // Masks: those that FFmpeg knows, or the picture is said to be rare, not damaged.
    uint8_t masks[66 + 16];
    memcpy(masks, info, 54);
    put32(masks + 10, 66, false);
    put32(masks + 30, 3, false);
    put32(masks + 54, 0xFF0000, false);
    put32(masks + 58, 0xFF00, false);
    put32(masks + 62, 0xFF, false);
    assert_int_equal(read(masks, sizeof(masks), &header), 0);
    assert_false(header.unsupported);
    put32(masks + 54, 0x3FF00000, false);
    assert_int_equal(read(masks, sizeof(masks), &header), 0);
    assert_true(header.unsupported);
    put32(info + 30, 0, false);
    put32(info + 22, 0x80000000U, false);
    assert_int_equal(read(info, sizeof(info), &header), -EFBIG);
    put32(info + 18, 0, false);
    assert_int_equal(read(info, sizeof(info), &header), -EBADMSG);
}

static void put_entry(uint8_t *at, unsigned tag, uint32_t value, bool big)
{
    put16(at, tag, big);
    put16(at + 2, 4, big);
    put32(at + 4, 1, big);
    put32(at + 8, value, big);
}

static void tiff_sizes_are_found_in_both_byte_orders(void **state)
{
    (void)state;
    struct bt_picture_header header;
    for (int big = 0; big < 2; big++) {
        uint8_t tiff[8 + 6 + 2 + 5 * 12] = {0};
        memcpy(tiff, big ? "MM\0*" : "II*\0", 4);
        put32(tiff + 4, 14, big);
        put16(tiff + 14, 5, big);
        put_entry(tiff + 16, 256, 1, big);
        put_entry(tiff + 28, 257, 2, big);
        put_entry(tiff + 40, 274, 6, big);
        put_entry(tiff + 52, 273, 8, big);
        put_entry(tiff + 64, 279, 6, big);
        check_whole_and_cut(tiff, sizeof(tiff), sizeof(tiff), 1, 2);
        assert_int_equal(read(tiff, sizeof(tiff), &header), 0);
        assert_int_equal(header.orientation, 6);
        put32(tiff + 64 + 8, sizeof(tiff) - 7, big);  // one byte more than there is
        assert_int_equal(read(tiff, sizeof(tiff), &header), -EBADMSG);
        put32(tiff + 52 + 4, 0x40000000, big);  // so many strips, somewhere else
        assert_int_equal(read(tiff, sizeof(tiff), &header), -EBADMSG);
        put_entry(tiff + 52, 50706, 1, big);
        assert_int_equal(read(tiff, sizeof(tiff), &header), 0);
        assert_true(header.unsupported);
    }
}

static void other_pictures_are_named(void **state)
{
    (void)state;
    struct bt_picture_header header;
    assert_int_equal(read("\xFF\x0A", 2, &header), -ENOTSUP);
    assert_int_equal(read("BM....", 6, &header), -EINVAL);
    assert_int_equal(read("<?xml?><html>", 13, &header), -EINVAL);
    assert_int_equal(read("hello", 5, &header), -EINVAL);
    assert_int_equal(read("", 0, &header), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_is_read_to_its_end),
        cmocka_unit_test(apng_is_counted),
        cmocka_unit_test(absurd_sizes_are_refused),
        cmocka_unit_test(jpeg_is_read_to_its_end),
        cmocka_unit_test(strange_orientations_mean_upright),
        cmocka_unit_test(rare_jpegs_are_known_as_such),
        cmocka_unit_test(gif_images_are_counted),
        cmocka_unit_test(webp_sizes_are_found_in_all_three_forms),
        cmocka_unit_test(bmp_sizes_are_found_in_both_forms),
        cmocka_unit_test(tiff_sizes_are_found_in_both_byte_orders),
        cmocka_unit_test(what_is_drawn_outside_is_only_named),
        cmocka_unit_test(other_pictures_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
