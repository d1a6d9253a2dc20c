#include "media/check.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/test_media.h"

static void assert_verdict(const char *path, const char *expected)
{
    struct bt_media_report report;
    bt_media_check(path, &report);
    BT_AUTOBUF line;
    bt_buf_init(&line, 65536);
    assert_int_equal(bt_media_check_write_json(path, &report, &line), 0);
    BT_AUTOJSON *json = NULL;
    assert_int_equal(bt_json_parse(line.data, line.len - 1, &json, NULL), 0);
    assert_int_equal(line.data[line.len - 1], '\n');
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItem(json, "verdict"));
    if (!bt_str_equal(verdict, expected)) {
        fail_msg("%s: %s, not %s", path, verdict, expected);
    }
    assert_int_equal(report.verdict == BT_VERDICT_PLAYS, report.code_count == 0);
}

#define PICTURE "-f lavfi -i testsrc2=size=320x180:rate=25 -t 1 "
#define LONGER "-f lavfi -i testsrc2=size=320x180:rate=25 -t 4 -g 25 "
#define HOUSE "-c:v libx264 -level 4.1 -pix_fmt yuv420p "

static void each_made_file_gets_its_verdict(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arguments, *verdict;
    } cases[] = {
        {"house.mp4", PICTURE HOUSE, "plays"},
        {"house.mkv", PICTURE HOUSE, "plays"},
        {"house.ts", PICTURE HOUSE, "plays"},
        {"house.png", PICTURE "-frames:v 1", "plays"},
        {"house.jpg", PICTURE "-frames:v 1", "plays"},
        {"house.webp", PICTURE "-frames:v 1 -c:v libwebp", "plays"},
        {"moving.gif", "-f lavfi -i testsrc2=size=320x180:rate=25 -t 1", "plays"},
        {"moving.apng", "-f lavfi -i testsrc2=size=320x180:rate=25 -t 1 -plays 0", "plays"},
        {"moving.webp", PICTURE "-c:v libwebp_anim", "plays"},
        {"hevc-check.mp4", PICTURE "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p",
         "plays-with-notice:not-h264"},
        {"audio.mp4", PICTURE "-f lavfi -i sine -shortest -map 0 -map 1 -t 1 " HOUSE,
         "plays-with-notice:has-audio"},
        {"ten.mp4", PICTURE "-c:v libx264 -level 4.1 -pix_fmt yuv420p10",
         "plays-with-notice:deep-colour"},
        {"444.mp4", PICTURE "-c:v libx264 -level 4.1 -pix_fmt yuv444p",
         "plays-with-notice:not-420"},
        {"15fps.mp4", "-f lavfi -i testsrc2=size=320x180:rate=15 -t 1 " HOUSE,
         "plays-with-notice:odd-rate"},
        {"wide.mp4", "-f lavfi -i testsrc2=size=2048x64:rate=25 -t 1 " HOUSE,
         "plays-with-notice:above-1080p"},
        {"interlaced.mp4", PICTURE HOUSE "-flags +ildct+ilme", "plays-with-notice:interlaced"},
        {"varies.mp4", PICTURE "-vf 'setpts=N*(N+5)/250/TB' -fps_mode passthrough " HOUSE,
         "plays-with-notice:variable-rate"},
        {"hdr.mp4", PICTURE HOUSE "-vf setparams=color_trc=smpte2084 -color_trc smpte2084",
         "plays-with-notice:hdr"},
        {"huge.jpg", "-f lavfi -i color=red:size=4000x3000 -frames:v 1",
         "plays-with-notice:large-picture"},
        {"sound.mp4", "-f lavfi -i sine -t 1", "refused:no-picture"},
        {"screen.avi", PICTURE "-c:v zmbv", "refused:unsupported-codec"},
        {"lossless.avi", PICTURE "-c:v huffyuv -pix_fmt yuv422p", "plays-with-notice:not-h264"},
        {"archive.mkv", PICTURE "-c:v ffv1", "plays-with-notice:not-h264"},
        {"camera.dv", "-f lavfi -i testsrc2=size=720x576:rate=25 -t 0.2 -target pal-dv -an",
         "plays-with-notice:not-h264"},
        {"edit.mov", PICTURE "-c:v prores_ks", "plays-with-notice:not-h264"},
        {"old.mpg", PICTURE "-c:v mpeg2video", "plays-with-notice:not-h264"},
        {"old.wmv", PICTURE "-c:v wmv2", "plays-with-notice:not-h264"},
        {"house.bmp", PICTURE "-frames:v 1", "plays"},
        {"house.tif", PICTURE "-frames:v 1", "plays"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *path = bt_test_media(cases[i].name, cases[i].arguments);
        if (path == NULL) {
            print_message("%s cannot be made here\n", cases[i].name);
            continue;
        }
        assert_verdict(path, cases[i].verdict);
    }
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    assert_verdict("/nowhere/at/all.mp4", "refused:unreadable");
    assert_verdict("/tmp", "refused:unreadable");
    assert_verdict("/dev/null", "refused:unreadable");
}

// Ten minutes of a good clip have 600 MB. Here an empty box at the end makes them, as a hole.
static void a_clip_may_be_larger_than_any_picture(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("house.mp4", PICTURE HOUSE);
    if (path == NULL) {
        skip();
    }
    BT_AUTOFREE char *large = bt_strf("%s.large.mp4", path);
    BT_AUTOFREE char *command =
        bt_strf("cp '%s' '%s' && printf '\\030\\000\\000\\000free' >> '%s' && "
                "truncate -s +402653176 '%s'",
                path, large, large, large);
    assert_int_equal(system(command), 0);
    assert_verdict(large, "plays");
    unlink(large);
}

static void a_cut_clip_is_refused(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("faststart.mp4", PICTURE HOUSE "-movflags +faststart");
    if (path == NULL) {
        skip();
    }
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    BT_AUTOFREE char *cut = bt_strf("%s.cut.mp4", path);
    BT_AUTOFREE char *command =
        bt_strf("head -c %lld '%s' > '%s'", (long long)info.st_size * 6 / 10, path, cut);
    assert_int_equal(system(command), 0);
    assert_verdict(cut, "refused:cut-off");
}

// What its frames say: all made clips have 25 a second.
static void assert_length(const char *path)
{
    struct bt_media_report report;
    bt_media_check(path, &report);
    int64_t expected_ms = bt_test_count_frames(path) * (int64_t)40;
    assert_true(expected_ms > 0);
    if (llabs(report.duration_ms - expected_ms) > 80) {
        fail_msg("%s: %lld ms, not %lld", path, (long long)report.duration_ms,
                 (long long)expected_ms);
    }
}

static void a_clip_is_as_long_as_what_is_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *name, *arguments;
        int keep_percent;  // of the file
    } cases[] = {
        {"said.mp4", LONGER HOUSE, 100},
        {"unsaid.mkv", LONGER HOUSE "-f matroska -live 1", 100},
        {"unsaid.264", LONGER HOUSE "-f h264", 100},
        {"late.ts", LONGER HOUSE "-output_ts_offset 20000", 100},
        {"half.mkv", LONGER HOUSE, 50},
        {"half.ts", LONGER HOUSE, 50},
        {"half.avi", LONGER "-c:v mpeg4 -bf 2", 50},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOFREE char *path = bt_test_media(cases[i].name, cases[i].arguments);
        if (path == NULL) {
            continue;
        }
        struct stat info;
        assert_int_equal(stat(path, &info), 0);
        BT_AUTOFREE char *part = bt_strf("%s.part", path);
        BT_AUTOFREE char *command =
            bt_strf("head -c %lld '%s' > '%s'",
                    (long long)info.st_size * cases[i].keep_percent / 100, path, part);
        assert_int_equal(system(command), 0);
        assert_length(part);
    }
}

// It says 143165576 ms.
static void a_real_clip_that_lies_is_measured(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_real_media("video/androidx_mp4_sample_fragmented.mp4");
    if (path == NULL) {
        skip();
    }
    struct bt_media_report report;
    bt_media_check(path, &report);
    assert_in_range(report.duration_ms, 900, 1200);
}

static const char *const real_verdicts[][2] = {
    {"video/androidx_ts_sample_h264.ts", "plays"},
    {"video/androidx_ts_sample_h265.ts", "plays-with-notice:not-h264"},
    {"video/androidx_mp4_h265_bframes.mp4", "plays-with-notice:not-h264"},
    {"video/androidx_mp4_bbb_800x640_768kbps_30fps_avc_pyramid_3b.mp4", "plays"},
    {"video/androidx_mkv_sample_with_srt.mkv", "plays-with-notice:above-level"},
    {"video/androidx_mp4_sample_audio_only.mp4", "refused:no-picture"},
    {"video/androidx_mp4_sample_vvc.mp4", "refused:unsupported-codec"},
    {"video/androidx_vp9_invalid-bitstream.webm", "refused:damaged"},
    {"video/broken/gitlfs_pointer.mp4", "refused:not-media"},
    {"video/broken/init_segment_only.mp4", "refused:damaged"},
    {"video/broken/truncated_sample_qt.mp4", "refused:cut-off"},
    {"video/broken/zero_bytes.webm", "refused:empty"},
    {"video/broken/libwebm_invalid_vp9_bug_1416.webm", "refused:too-large"},
    {"video/oddname/-video-with-dash-.mp4", "plays-with-notice:not-420"},
    {"image/androidx_jpeg_london.jpg", "plays"},
    {"image/androidx_png_media3test.png", "plays"},
    {"image/serenity/webp_extended-lossy.webp", "plays"},
    {"image/pillow/hopper.gif", "plays"},
    {"image/pillow/iss634.webp", "plays"},
    {"image/serenity/download-animation.gif", "plays"},
    {"image/pillow/apng_blend_op_over.png", "plays"},
    {"image/pillow/pil_sample_cmyk.jpg", "plays-with-notice:cmyk"},
    {"image/serenity/jpg_ycck-1111.jpg", "plays-with-notice:cmyk"},
    {"image/pillow/truncated_jpeg.jpg", "refused:damaged"},
    {"image/pillow/truncated_image.png", "refused:damaged"},
    {"image/pngsuite/xcsn0g01.png", "refused:damaged"},
    {"image/pngsuite/basn6a16.png", "plays"},
    {"image/pillow/avif_hopper.avif", "plays"},
    {"image/androidx_heif_sample_MP.heic", "plays"},
    {"image/svg/openclipart_network.svg", "plays"},
    {"image/svg/resvg_structure_svg_zero-size.svg", "refused:damaged"},
    {"image/jxl/bicycles.jxl", "refused:unsupported-picture"},
    {"image/pillow/hopper.tif", "plays"},
    {"image/pillow/bmp_g_pal8topdown.bmp", "plays"},
    {"image/pillow/bmp_b_badwidth.bmp", "refused:too-large"},
    {"image/serenity/bmp_rgba32-1.bmp", "plays"},
    {"image/pillow/decompression_bomb.gif", "refused:damaged"},
};

static void real_files_get_their_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(real_verdicts); i++) {
        BT_AUTOFREE char *path = bt_test_real_media(real_verdicts[i][0]);
        if (path != NULL) {
            assert_verdict(path, real_verdicts[i][1]);
        }
    }
}

static int check_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    if (type == FTW_F) {
        struct bt_media_report report;
        bt_media_check(path, &report);
        assert_true(report.verdict != BT_VERDICT_REFUSED || report.detail.msg[0] != '\0');
        assert_true(report.verdict == BT_VERDICT_REFUSED || report.width > 0);
    }
    return 0;
}

static void no_real_file_brings_it_down(void **state)
{
    (void)state;
    static const char *const dirs[] = {"video", "image"};
    for (size_t i = 0; i < BT_ARRAY_LEN(dirs); i++) {
        BT_AUTOFREE char *dir = bt_test_real_media(dirs[i]);
        if (dir != NULL) {
            assert_int_equal(nftw(dir, check_one, 16, FTW_PHYS), 0);
        }
    }
}

static void every_code_has_a_word_and_advice(void **state)
{
    (void)state;
    for (int i = 0; i < BT_MEDIA_CODE_COUNT; i++) {
        const char *word = bt_media_code_word((enum bt_media_code)i);
        assert_non_null(word);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(word));
        assert_non_null(bt_media_advice_vi((enum bt_media_code)i));
        assert_non_null(bt_media_advice_en((enum bt_media_code)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_made_file_gets_its_verdict),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(a_clip_may_be_larger_than_any_picture),
        cmocka_unit_test(a_cut_clip_is_refused),
        cmocka_unit_test(a_clip_is_as_long_as_what_is_in_it),
        cmocka_unit_test(a_real_clip_that_lies_is_measured),
        cmocka_unit_test(real_files_get_their_verdicts),
        cmocka_unit_test(no_real_file_brings_it_down),
        cmocka_unit_test(every_code_has_a_word_and_advice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
