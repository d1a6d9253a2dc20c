// Pictures that are drawn outside of the player, through the program that draws them.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/check.h"
#include "media/picture.h"
#include "media/test_media.h"

static const struct bt_item stretched = {.fit = BT_FIT_STRETCH};

static char *write_svg(const char *text)
{
    char *path = bt_strf("/tmp/bt-drawing-%d.svg", (int)getpid());
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
    return path;
}

static int load_svg(const char *text, const struct bt_item *item, int width, int height,
                    struct bt_image **out)
{
    struct bt_error err = {0};
    BT_AUTOFREE char *path = write_svg(text);
    int r = bt_picture_load(path, item, width, height, out, &err);
    assert_true(r == 0 || err.msg[0] != '\0');
    unlink(path);
    return r;
}

static void assert_pixel(const struct bt_image *image, int x, int y, uint32_t argb, int tolerance)
{
    const uint8_t *at = image->pixels + (size_t)y * image->stride + (size_t)x * 4;
    for (int i = 0; i < 4; i++) {
        int wanted = (int)(argb >> (8 * i) & 0xFF);
        if (abs(at[i] - wanted) > tolerance) {
            fail_msg("%d,%d: %02x%02x%02x%02x is not %08x", x, y, at[3], at[2], at[1], at[0], argb);
        }
    }
}

#define SVG "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' "
#define HALVES                                                                                     \
    SVG "viewBox='0 0 60 40'><rect width='30' height='40' fill='#c81e3c'/>"                        \
        "<rect x='30' width='30' height='40' fill='#145adc' fill-opacity='0.5'/></svg>"

static void an_svg_is_drawn_at_the_size_it_is_shown(void **state)
{
    (void)state;
    BT_AUTO(bt_image) large = NULL;
    assert_int_equal(load_svg(HALVES, &stretched, 1200, 800, &large), 0);
    assert_pixel(large, 599, 400, 0xFFC81E3C, 0);  // no blur: drawn, not scaled
    assert_pixel(large, 600, 400, 0x800A2D6E, 1);
    struct bt_item inside = {.fit = BT_FIT_CONTAIN, .background = {0, 255, 0, 255}};
    BT_AUTO(bt_image) wide = NULL;
    assert_int_equal(load_svg(HALVES, &inside, 200, 40, &wide), 0);
    assert_pixel(wide, 69, 20, 0xFF00FF00, 0);
    assert_pixel(wide, 70, 20, 0xFFC81E3C, 0);
    struct bt_item over = {.fit = BT_FIT_COVER, .focus_x = 0, .focus_y = 500};
    BT_AUTO(bt_image) narrow = NULL;
    assert_int_equal(load_svg(HALVES, &over, 30, 200, &narrow), 0);
    assert_pixel(narrow, 29, 199, 0xFFC81E3C, 0);
}

static void an_svg_reads_no_other_file(void **state)
{
    (void)state;
    BT_AUTOFREE char *red =
        bt_test_media("outside-red.png", "-f lavfi -i color=red:size=8x8,format=rgb24 -frames:v 1");
    if (red == NULL) {
        skip();
    }
    static const char *const schemes[] = {"", "file://"};
    for (size_t i = 0; i < BT_ARRAY_LEN(schemes); i++) {
        BT_AUTOFREE char *text = bt_strf(SVG "width='8' height='8'><image width='8' height='8' "
                                             "xlink:href='%s%s'/></svg>",
                                         schemes[i], red);
        BT_AUTO(bt_image) image = NULL;
        assert_int_equal(load_svg(text, &stretched, 8, 8, &image), 0);
        assert_pixel(image, 4, 4, 0, 0);
    }
}

static void hostile_svgs_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
    } cases[] = {
        {SVG "width='10' height='10'><rect", -EBADMSG},
        {SVG "width='0' height='10'></svg>", -EBADMSG},
        {"<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;'>"
         "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;'>"
         "<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;&e;'>"
         "<!ENTITY g '&f;&f;&f;&f;&f;&f;&f;&f;&f;'><!ENTITY h '&g;&g;&g;&g;&g;&g;&g;&g;&g;'>]>" SVG
         "width='10' height='10'><text>&h;&h;&h;&h;&h;</text></svg>",
         -EBADMSG},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_image *image = NULL;
        assert_int_equal(load_svg(cases[i].text, &stretched, 8, 8, &image), cases[i].result);
        assert_null(image);
    }
}

// Work without an end is ended, and the picture refused.
static void an_svg_that_takes_too_long_is_refused(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    bt_buf_init(&text, 1 << 20);
    assert_int_equal(bt_buf_appendf(&text, SVG "width='4000' height='4000'><filter id='f' x='0' "
                                               "y='0' width='1' height='1'>"),
                     0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(bt_buf_appendf(&text, "<feTurbulence numOctaves='9'/>"), 0);
    }
    assert_int_equal(
        bt_buf_appendf(&text, "</filter><rect width='4000' height='4000' filter='url(#f)'/></svg>"),
        0);
    struct bt_image *image = NULL;
    int r = load_svg(bt_buf_text(&text), &stretched, 4000, 4000, &image);
    assert_true(r == -EBADMSG || r == -ETIMEDOUT);
    assert_null(image);
}

static struct bt_image *load(const char *path, int width, int height)
{
    struct bt_error err = {0};
    struct bt_image *image = NULL;
    if (bt_picture_load(path, &stretched, width, height, &image, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return image;
}

static void an_avif_has_its_colours(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(
        "halves.avif", "-f lavfi -i color=0xC81E3C:size=60x80,format=rgb24 -f lavfi -i "
                       "color=0x145ADC:size=60x80,format=rgb24 -filter_complex hstack -frames:v 1 "
                       "-c:v libaom-av1 -still-picture 1 -crf 5 -pix_fmt yuv444p");
    if (path == NULL) {
        skip();
    }
    BT_AUTO(bt_image) image = load(path, 120, 80);
    assert_true(image->opaque);
    assert_pixel(image, 30, 40, 0xFFC81E3C, 6);
    assert_pixel(image, 90, 40, 0xFF145ADC, 6);
}

static int64_t difference(const struct bt_image *a, const struct bt_image *b)
{
    int64_t sum = 0;
    for (int y = 0; y < a->height; y++) {
        for (int x = 0; x < a->width * 4; x++) {
            sum += abs(a->pixels[(size_t)y * a->stride + (size_t)x] -
                       b->pixels[(size_t)y * b->stride + (size_t)x]);
        }
    }
    return sum / ((int64_t)a->width * a->height * 3);
}

// Two files of one picture, or a file and what another program made of it.
static void real_pictures_look_like_their_twins(void **state)
{
    (void)state;
    static const struct {
        const char *name, *twin;
        int width, height, most;
    } cases[] = {
        {"image/link-u/kimono.avif", "image/link-u/kimono.jpg", 361, 512, 4},
        {"image/svg/resvg_structure_svg_nested-svg-with-viewBox.svg",
         "image/svg/resvg_structure_svg_nested-svg-with-viewBox.ref.png", 200, 200, 2},
        {"image/svg/resvg_structure_svg_elements-via-ENTITY-reference-1.svg",
         "image/svg/resvg_structure_svg_elements-via-ENTITY-reference-1.ref.png", 200, 200, 2},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *path = bt_test_real_media(cases[i].name);
        BT_AUTOFREE char *twin = bt_test_real_media(cases[i].twin);
        if (path == NULL || twin == NULL) {
            skip();
        }
        BT_AUTO(bt_image) image = load(path, cases[i].width, cases[i].height);
        BT_AUTO(bt_image) other = load(twin, cases[i].width, cases[i].height);
        int64_t off = difference(image, other);
        if (off > cases[i].most) {
            fail_msg("%s is %lld levels from its twin", cases[i].name, (long long)off);
        }
    }
}

static void turned_pictures_stand_upright(void **state)
{
    (void)state;
    BT_AUTOFREE char *turned = bt_test_real_media("image/link-u/kimono.rotate90.avif");
    BT_AUTOFREE char *heic = bt_test_real_media("image/androidx_heif_sample_MP.heic");
    if (turned == NULL || heic == NULL) {
        skip();
    }
    struct bt_media_report report;
    bt_media_check(turned, &report);
    assert_int_equal(report.verdict, BT_VERDICT_PLAYS);
    assert_int_equal(report.width, 1024);
    assert_int_equal(report.height, 722);
    bt_media_check(heic, &report);
    assert_int_equal(report.verdict, BT_VERDICT_PLAYS);
    assert_string_equal(report.container, "HEIF");
    assert_int_equal(report.height, 1920);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_svg_is_drawn_at_the_size_it_is_shown),
        cmocka_unit_test(an_svg_reads_no_other_file),
        cmocka_unit_test(hostile_svgs_are_refused),
        cmocka_unit_test(an_svg_that_takes_too_long_is_refused),
        cmocka_unit_test(an_avif_has_its_colours),
        cmocka_unit_test(real_pictures_look_like_their_twins),
        cmocka_unit_test(turned_pictures_stand_upright),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
