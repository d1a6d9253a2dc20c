#include "player/prepare.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "media/test_media.h"
#include "player/test_house.h"

// The first slot of the house's track, made ready.
static int prepare_first(struct bt_test_house *house, const char *items, struct bt_prepared **out,
                         struct bt_error *err)
{
    struct bt_slot slot;
    int64_t offset_ns, now_ns = bt_test_house_open(house, items);
    bt_running_order_next(house->order, 0, now_ns, &slot, &offset_ns);
    const struct bt_show *show = bt_running_order_show(house->order);
    return bt_prepare(house->kitchen, show, &slot, bt_show_track(show, 0), offset_ns, 0, out, err);
}

static struct bt_prepared *expect_first(struct bt_test_house *house, const char *items)
{
    struct bt_prepared *prepared = NULL;
    struct bt_error err;
    if (prepare_first(house, items, &prepared, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return prepared;
}

static void a_still_has_the_size_of_its_zone(void **state)
{
    struct bt_test_house house;
    bt_test_house_init(&house, *state);
    bt_test_house_add_still(&house, "trang", 255);
    BT_AUTO(bt_prepared)
    prepared = expect_first(&house, "{'id':'anh','type':'image','asset':'trang','seconds':10,"
                                    "'transition':{'type':'crossfade','ms':500}}");
    assert_int_equal(prepared->image->width, 64);
    assert_int_equal(prepared->image->height, 36);
    assert_int_equal(prepared->image->pixels[0], 255);
    assert_int_equal(prepared->rest_ns, 10 * BT_NS_PER_S);
    assert_int_equal(prepared->fade_ns, 500 * BT_NS_PER_MS);
    assert_false(prepared->own_length);
    assert_string_equal(prepared->play.item, "anh");
    assert_string_equal(prepared->play.kind, "image");
    assert_string_equal(prepared->play.zone, "z");
    assert_string_equal(prepared->play.priority, "normal");
    assert_int_equal(prepared->play.planned_ms, 10000);
    assert_int_equal(strlen(prepared->play.asset), 64);
    bt_test_house_finish(&house);
}

static void a_card_of_a_set_knows_its_number(void **state)
{
    struct bt_test_house house;
    bt_test_house_init(&house, *state);
    BT_AUTO(bt_prepared)
    prepared = expect_first(&house, "{'id':'bo','type':'set','seconds':3,"
                                    "'cards':[{'asset':'den'},{'asset':'den','seconds':4}]}");
    assert_int_equal(prepared->play.card, 1);
    assert_int_equal(prepared->play.cards, 2);
    assert_int_equal(prepared->play.planned_ms, 3000);
    bt_test_house_finish(&house);
}

static void a_crawl_repeats_beyond_its_zone(void **state)
{
    struct bt_test_house house;
    bt_test_house_init(&house, *state);
    BT_AUTO(bt_prepared)
    prepared = expect_first(&house, "{'id':'chu','type':'crawl','text':'A','speed':3,"
                                    "'style':{'size':12}}");
    assert_int_equal(prepared->speed_px, 3);
    assert_true(prepared->loop.width >= 64 + prepared->strip->width);
    assert_int_equal(prepared->loop.width % prepared->strip->width, 0);
    assert_int_equal(prepared->rest_ns, INT64_MAX);
    assert_int_equal(prepared->play.planned_ms, 0);
    bt_test_house_finish(&house);
}

static void a_missing_asset_names_its_item(void **state)
{
    struct bt_test_house house;
    struct bt_prepared *prepared = NULL;
    struct bt_error err;
    bt_test_house_init(&house, *state);
    bt_test_house_add_missing(&house, "mat");
    int r = prepare_first(&house, "{'id':'thieu','type':'image','asset':'mat','seconds':1}",
                          &prepared, &err);
    assert_int_equal(r, -ENOENT);
    assert_non_null(strstr(err.msg, "'thieu'"));
    assert_null(prepared);
    bt_test_house_finish(&house);
}

static void what_is_no_picture_is_refused(void **state)
{
    struct bt_test_house house;
    struct bt_prepared *prepared = NULL;
    struct bt_error err;
    bt_test_house_init(&house, *state);
    BT_AUTOFREE char *path = bt_strf("%s/chu.png", house.dir->path);
    bt_test_write(path, "không phải ảnh", 18);
    bt_test_house_add(&house, "chu", path, "image/png", 0);
    bt_test_house_add(&house, "phim", path, "video/mp4", 1000);
    assert_true(prepare_first(&house,
                              "{'id':'hong','type':'image','asset':'chu','seconds':1},"
                              "{'id':'vo','type':'video','asset':'phim'}",
                              &prepared, &err) < 0);
    assert_non_null(strstr(err.msg, "'hong'"));
    bt_test_house_finish(&house);
}

static void a_clip_is_open_and_has_its_first_frame(void **state)
{
    BT_AUTOFREE char *path =
        bt_test_media("player-clip.mp4", "-f lavfi -i testsrc2=size=64x36:rate=25:duration=1 "
                                         "-c:v libx264 -pix_fmt yuv420p");
    if (path == NULL) {
        skip();
    }
    struct bt_test_house house;
    bt_test_house_init(&house, *state);
    bt_test_house_add(&house, "phim", path, "video/mp4", 1000);
    BT_AUTO(bt_prepared)
    prepared = expect_first(&house, "{'id':'phim','type':'video','asset':'phim'}");
    const struct bt_frame *frame = NULL;
    assert_int_equal(bt_stream_peek(prepared->stream, &frame), BT_STREAM_FRAME);
    assert_int_equal(frame->pts_ns, 0);
    assert_true(prepared->own_length);
    assert_int_equal(prepared->play.frames_expected, 25);
    bt_test_house_finish(&house);
}

static void the_safe_card_bears_the_units_name(void **state)
{
    struct bt_test_house house;
    bt_test_house_init(&house, *state);
    (void)bt_test_house_open(&house, "{'id':'a','type':'colour','colour':'#ff0000'}");
    const struct bt_show *show = bt_running_order_show(house.order);
    BT_AUTO(bt_prepared) prepared = NULL;
    assert_int_equal(
        bt_prepare_safe_card(house.kitchen, show, bt_show_track(show, 0), 5, 10, &prepared, NULL),
        0);
    assert_int_equal(prepared->end_ns, 10);
    assert_string_equal(prepared->play.kind, "safe-card");
    bool drawn = false;
    const struct bt_image *image = prepared->image;
    for (size_t i = 0; i < image->stride * (size_t)image->height; i++) {
        drawn = drawn || image->pixels[i] != image->pixels[i % 4];
    }
    assert_true(drawn);
    bt_test_house_finish(&house);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(a_still_has_the_size_of_its_zone),
        BT_TEST_IN_DIR(a_card_of_a_set_knows_its_number),
        BT_TEST_IN_DIR(a_crawl_repeats_beyond_its_zone),
        BT_TEST_IN_DIR(a_missing_asset_names_its_item),
        BT_TEST_IN_DIR(what_is_no_picture_is_refused),
        BT_TEST_IN_DIR(a_clip_is_open_and_has_its_first_frame),
        BT_TEST_IN_DIR(the_safe_card_bears_the_units_name),
    };
    return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}
