#include "live/m3u8.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bt_m3u8 *parse(const char *text)
{
    struct bt_m3u8 *playlist = NULL;
    struct bt_error err = {0};
    if (bt_m3u8_parse(text, strlen(text), &playlist, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return playlist;
}

static int refusal(const char *text)
{
    struct bt_m3u8 *playlist = NULL;
    struct bt_error err = {0};
    int r = bt_m3u8_parse(text, strlen(text), &playlist, &err);
    assert_true(r < 0 && err.msg[0] != '\0');
    assert_null(playlist);
    return r;
}

static void segments_are_numbered_from_the_sequence(void **state)
{
    (void)state;
    BT_AUTO(bt_m3u8)
    playlist =
        parse("#EXTM3U\r\n#EXT-X-VERSION:3\r\n#EXT-X-TARGETDURATION:4\r\n"
              "#EXT-X-MEDIA-SEQUENCE:700\r\n\r\n#EXTINF:4.000,\r\na.ts\r\n"
              "#EXT-X-DISCONTINUITY\r\n#EXTINF:3.9,\r\nhttps://b.vn/b.ts?x=1\r\n# words\r\n");
    assert_int_equal(playlist->target_ms, 4000);
    assert_int_equal(playlist->segment_count, 2);
    assert_string_equal(playlist->segments[0].uri, "a.ts");
    assert_int_equal(playlist->segments[0].sequence, 700);
    assert_false(playlist->segments[0].discontinuity);
    assert_null(playlist->segments[0].map);
    assert_string_equal(playlist->segments[1].uri, "https://b.vn/b.ts?x=1");
    assert_int_equal(playlist->segments[1].sequence, 701);
    assert_true(playlist->segments[1].discontinuity);
    assert_false(playlist->ended);
}

static void maps_and_ends_are_known(void **state)
{
    (void)state;
    BT_AUTO(bt_m3u8)
    playlist = parse("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:X=\"a,URI=b\",URI=\"init.mp4\"\n"
                     "#EXTINF:2,\n1.m4s\n#EXTINF:2,\n2.m4s\n#EXT-X-ENDLIST");
    assert_string_equal(playlist->segments[0].map, "init.mp4");
    assert_string_equal(playlist->segments[1].map, "init.mp4");
    assert_true(playlist->ended);
}

static void the_richest_variant_that_fits_is_picked(void **state)
{
    (void)state;
    BT_AUTO(bt_m3u8)
    playlist = parse("#EXTM3U\n"
                     "#EXT-X-STREAM-INF:BANDWIDTH=8000000,RESOLUTION=3840x2160\n2160.m3u8\n"
                     "#EXT-X-STREAM-INF:CODECS=\"a,BANDWIDTH=9\",BANDWIDTH=800000,"
                     "RESOLUTION=640x360\n360.m3u8\n"
                     "#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1920x1080\n1080.m3u8\n");
    assert_string_equal(bt_m3u8_pick(playlist, 1080)->uri, "1080.m3u8");
    assert_string_equal(bt_m3u8_pick(playlist, 4320)->uri, "2160.m3u8");
    assert_string_equal(bt_m3u8_pick(playlist, 100)->uri, "360.m3u8");
}

static void what_would_need_other_files_is_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"file:///etc/passwd\"\n"
                             "#EXTINF:4,\na.ts\n"),
                     -ENOTSUP);
    assert_int_equal(refusal("#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:10@0\na.ts\n"), -ENOTSUP);
    assert_int_equal(refusal("#EXTM3U\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"10@0\"\n"), -ENOTSUP);
    assert_int_equal(refusal("#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES\n"), -ENOTSUP);
}

static void what_is_no_playlist_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "#EXTM3",
        "<html>",
        "#EXTM3U\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:x\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:61\n",
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n#EXTINF:1,\na\n",
        "#EXTM3U\n#EXT-X-MAP:URI=init\n#EXTINF:1,\na\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(refusal(bad[i]), -EINVAL);
    }
    struct bt_m3u8 *playlist = NULL;
    assert_int_equal(bt_m3u8_parse("#EXTM3U\n#EXTINF:1,\na\0b", 22, &playlist, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_numbered_from_the_sequence),
        cmocka_unit_test(maps_and_ends_are_known),
        cmocka_unit_test(the_richest_variant_that_fits_is_picked),
        cmocka_unit_test(what_would_need_other_files_is_refused),
        cmocka_unit_test(what_is_no_playlist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
