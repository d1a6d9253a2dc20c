#include "media/stream.h"

#include <errno.h>
#include <libavutil/frame.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/test_media.h"

// Far more than any of these takes: a bound for a test that hangs, not a measurement.
#define PATIENCE_NS (180 * BT_NS_PER_S)

#define TEST_PICTURE "-f lavfi -i testsrc2=size=320x180:rate=25"

static int64_t patience(void)
{
    return bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
}

static struct bt_stream *open_stream(const char *path, struct bt_stream_options options)
{
    struct bt_stream *stream = NULL;
    struct bt_error err = {0};
    if (bt_stream_open(path, &options, &stream, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return stream;
}

// The next frame, or NULL at the end; every frame must come after the one before.
static struct bt_frame *take(struct bt_stream *stream, int64_t *last_ns)
{
    const struct bt_frame *next = NULL;
    (void)!bt_stream_preroll(stream, patience(), patience(), NULL);
    if (bt_stream_peek(stream, &next) != BT_STREAM_FRAME) {
        return NULL;
    }
    struct bt_frame *frame = bt_stream_pop(stream);
    assert_ptr_equal(frame, next);
    assert_true(frame->pts_ns > *last_ns);
    assert_true(frame->duration_ns > 0);
    *last_ns = frame->pts_ns;
    return frame;
}

static int play_to_the_end(struct bt_stream *stream)
{
    int64_t last_ns = -1;
    int count = 0;
    for (struct bt_frame *frame; (frame = take(stream, &last_ns)) != NULL; count++) {
        assert_int_equal(frame->number, count);
        if (count == 0) {
            assert_int_equal(frame->pts_ns, 0);
        }
        bt_frame_destroy(frame);
    }
    return count;
}

static const struct diet {
    const char *name, *arguments;
    int frames;
} daily_diet[] = {
    {"h264.mp4", TEST_PICTURE " -t 2 -c:v libx264 -bf 3 -pix_fmt yuv420p", 50},
    {"h264.mkv", TEST_PICTURE " -t 2 -c:v libx264 -bf 3 -pix_fmt yuv420p", 50},
    {"h264.ts", TEST_PICTURE " -t 2 -c:v libx264 -bf 3 -pix_fmt yuv420p", 50},
    {"hevc.mp4", TEST_PICTURE " -t 1 -c:v libx265 -x265-params log-level=none", 25},
    {"hevc.mkv", TEST_PICTURE " -t 1 -c:v libx265 -x265-params log-level=none", 25},
    {"hevc.ts", TEST_PICTURE " -t 1 -c:v libx265 -x265-params log-level=none", 25},
    {"cover.mp4",
     TEST_PICTURE " -f lavfi -i color=red:size=640x640:rate=25:duration=0.04 -f lavfi -i sine "
                  "-map 0 -map 1 -map 2 -t 1 -c:v:0 libx264 -pix_fmt yuv420p -c:v:1 mjpeg "
                  "-disposition:v:1 attached_pic",
     25},
    {"moving.gif", TEST_PICTURE " -t 1", 25},
    {"moving.apng", TEST_PICTURE " -t 1 -plays 0", 25},
    {"moving.webp", TEST_PICTURE " -t 1 -c:v libwebp_anim -lossless 1", 25},
};

static void every_frame_of_the_daily_diet_comes_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(daily_diet); i++) {
        BT_AUTOFREE char *path = bt_test_media(daily_diet[i].name, daily_diet[i].arguments);
        if (path == NULL) {
            print_message("%s cannot be made here\n", daily_diet[i].name);
            continue;
        }
        BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){0});
        const struct bt_stream_info *info = bt_stream_info(stream);
        assert_int_equal(info->width, 320);
        assert_int_equal(info->height, 180);
        assert_in_range(info->frame_ns, 39900000, 40100000);
        int count = play_to_the_end(stream);
        if (count != daily_diet[i].frames) {
            fail_msg("%s gave %d frames of %d", daily_diet[i].name, count, daily_diet[i].frames);
        }
        const struct bt_frame *none;
        assert_int_equal(bt_stream_peek(stream, &none), BT_STREAM_ENDED);
        assert_int_equal(bt_stream_damaged(stream), 0);
        int64_t exact_ns = daily_diet[i].frames * 40 * BT_NS_PER_MS;
        assert_in_range(bt_stream_end_ns(stream), exact_ns - 2000000, exact_ns + 2000000);
    }
}

static void real_clips_give_as_many_frames_as_ffprobe_counts(void **state)
{
    (void)state;
    static const char *const names[] = {
        "video/androidx_mp4_bbb_800x640_768kbps_30fps_avc_pyramid_3b.mp4",
        "video/androidx_mp4_sample_fragmented.mp4",
        "video/androidx_mp4_h265_bframes.mp4",
        "video/androidx_ts_sample_h264.ts",
        "video/androidx_ts_sample_h265.ts",
        "video/androidx_mkv_sample_with_srt.mkv",
        "video/androidx_mp4_testvid_1022ms.mp4",
        "video/torchcodec_h264_10bits.mp4",
        "video/torchcodec_h265_10bits.mp4",
        "video/oddname/-video-with-dash-.mp4",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        BT_AUTOFREE char *path = bt_test_real_media(names[i]);
        int expected = path != NULL ? bt_test_count_frames(path) : -1;
        if (expected < 0) {
            continue;
        }
        BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){0});
        int count = play_to_the_end(stream);
        if (count != expected) {
            fail_msg("%s gave %d frames of %d", names[i], count, expected);
        }
    }
}

// The barcode is the frame's content: what a start inside must show is what playing shows then.
static uint64_t content_of(const struct bt_frame *frame)
{
    uint64_t hash = 1469598103934665603U;
    for (int y = 0; y < frame->av->height; y++) {
        const uint8_t *row = frame->av->data[0] + (ptrdiff_t)y * frame->av->linesize[0];
        for (int x = 0; x < frame->av->width; x++) {
            hash = (hash ^ row[x]) * 1099511628211U;
        }
    }
    return hash;
}

static uint64_t content_at(const char *path, int64_t at_ns)
{
    BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){0});
    uint64_t content = 0;
    int64_t last_ns = -1;
    for (struct bt_frame *frame; (frame = take(stream, &last_ns)) != NULL;) {
        if (frame->pts_ns <= at_ns) {
            content = content_of(frame);
        }
        bt_frame_destroy(frame);
    }
    return content;
}

static void a_start_inside_gives_the_frame_on_screen_then(void **state)
{
    (void)state;
    static const char *const names[] = {"long.mp4", "long.mkv", "long.ts"};
    static const int starts_ms[] = {10, 999, 1000, 2350, 3999, 4960, 7000};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        BT_AUTOFREE char *path =
            bt_test_media(names[i], TEST_PICTURE " -t 5 -c:v libx264 -bf 2 -g 60 -pix_fmt yuv420p");
        if (path == NULL) {
            skip();
        }
        for (size_t k = 0; k < BT_ARRAY_LEN(starts_ms); k++) {
            int64_t start_ns = starts_ms[k] * BT_NS_PER_MS;
            BT_AUTO(bt_stream)
            stream = open_stream(path, (struct bt_stream_options){.start_ns = start_ns});
            int64_t last_ns = -1;
            BT_AUTO(bt_frame) frame = take(stream, &last_ns);
            assert_non_null(frame);
            assert_true(frame->pts_ns <= start_ns);
            assert_true(frame->pts_ns + frame->duration_ns >
                        BT_MIN(start_ns, 4999 * BT_NS_PER_MS) - BT_NS_PER_MS);
            assert_int_equal(frame->number, (frame->pts_ns + 20000000) / 40000000);
            assert_true(content_of(frame) == content_at(path, start_ns));
        }
    }
}

static void animations_go_round_without_a_seam(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("moving.gif", TEST_PICTURE " -t 1");
    if (path == NULL) {
        skip();
    }
    BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){.loop = true});
    int64_t last_ns = -1;
    for (int i = 0; i < 80; i++) {
        BT_AUTO(bt_frame) frame = take(stream, &last_ns);
        assert_non_null(frame);
        assert_int_equal(frame->number, i);
        assert_int_equal(frame->pts_ns, i * 40 * BT_NS_PER_MS);
    }
    assert_int_equal(bt_stream_end_ns(stream), -1);
}

static void an_animation_resumes_in_a_later_round(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media("moving.gif", TEST_PICTURE " -t 1");
    if (path == NULL) {
        skip();
    }
    int64_t start_ns = 3600 * BT_NS_PER_S + 500 * BT_NS_PER_MS;
    BT_AUTO(bt_stream)
    stream = open_stream(path, (struct bt_stream_options){.loop = true, .start_ns = start_ns});
    int64_t last_ns = -1;
    BT_AUTO(bt_frame) frame = take(stream, &last_ns);
    assert_non_null(frame);
    assert_int_equal(frame->pts_ns, 3600 * BT_NS_PER_S + 480 * BT_NS_PER_MS);
}

static void the_queue_is_bounded_and_closing_ends_a_full_one(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(daily_diet[0].name, daily_diet[0].arguments);
    if (path == NULL) {
        skip();
    }
    BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){.queue_frames = 2});
    assert_int_equal(bt_stream_preroll(stream, patience(), patience(), NULL), 0);
    assert_int_equal(bt_stream_end_ns(stream), -1);
    bt_stream_close(stream);
    bt_stream_close(stream);
}

// Holds the decode thread up after each frame until the test lets it go on.
static void hdr_is_not_made_larger_than_it_is_shown(void **state)
{
    (void)state;
    static const struct {
        enum bt_fit fit;
        int width, height, expected;
    } places[] = {
        {BT_FIT_CONTAIN, 0, 0, 320},    {BT_FIT_CONTAIN, 320, 180, 320},
        {BT_FIT_CONTAIN, 200, 90, 160}, {BT_FIT_CONTAIN, 161, 500, 320},
        {BT_FIT_CONTAIN, 80, 45, 80},   {BT_FIT_COVER, 80, 80, 160},
        {BT_FIT_STRETCH, 80, 180, 320}, {BT_FIT_CONTAIN, 1, 1, 80},
    };
    BT_AUTOFREE char *path =
        bt_test_media("pq.mkv", TEST_PICTURE " -t 0.2 -vf setparams=color_trc=smpte2084 "
                                             "-c:v libx264 -pix_fmt yuv420p -color_trc smpte2084");
    for (size_t i = 0; path != NULL && i < BT_ARRAY_LEN(places); i++) {
        int64_t last_ns = -1;
        BT_AUTO(bt_stream)
        stream = open_stream(path, (struct bt_stream_options){.place = {.fit = places[i].fit},
                                                              .width = places[i].width,
                                                              .height = places[i].height});
        BT_AUTO(bt_frame) frame = take(stream, &last_ns);
        assert_non_null(frame);
        assert_int_equal(frame->av->width, places[i].expected);
        assert_int_equal(frame->av->height, places[i].expected * 9 / 16);
    }
}

static void wait_for_permission(void *semaphore)
{
    while (sem_wait(semaphore) < 0) {
    }
}

static void a_clip_that_is_due_does_not_wait_for_a_full_queue(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(daily_diet[0].name, daily_diet[0].arguments);
    if (path == NULL) {
        skip();
    }
    sem_t permission;
    sem_init(&permission, 0, 0);
    struct bt_stream *stream =
        open_stream(path, (struct bt_stream_options){.queue_frames = 2,
                                                     .waker = {wait_for_permission, &permission}});
    const struct bt_frame *frame;
    assert_int_equal(bt_stream_preroll(stream, 0, patience(), NULL), 0);
    assert_int_equal(bt_stream_peek(stream, &frame), BT_STREAM_FRAME);
    bt_stream_close(stream);
    // As often as it may still wake: for what the queue holds and for the end.
    for (int i = 0; i < 4; i++) {
        sem_post(&permission);
    }
    bt_stream_destroy(stream);
    sem_destroy(&permission);
}

static void streams_can_be_thrown_away_at_any_moment(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(daily_diet[0].name, daily_diet[0].arguments);
    if (path == NULL) {
        skip();
    }
    for (int i = 0; i < 20; i++) {
        struct bt_stream *stream = open_stream(
            path, (struct bt_stream_options){.start_ns = i * 100 * BT_NS_PER_MS, .loop = i % 2});
        int64_t last_ns = -1;
        for (int k = 0; k < i % 5; k++) {
            bt_frame_destroy(take(stream, &last_ns));
        }
        bt_stream_destroy(stream);
    }
    bt_stream_destroy(NULL);
    bt_stream_close(NULL);
}

static void count_wake(void *context)
{
    atomic_int *wakes = context;
    atomic_fetch_add(wakes, 1);
}

static void each_frame_and_the_end_wake_the_reader(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_media(daily_diet[0].name, daily_diet[0].arguments);
    if (path == NULL) {
        skip();
    }
    atomic_int wakes = 0;
    struct bt_stream *stream =
        open_stream(path, (struct bt_stream_options){.waker = {count_wake, &wakes}});
    assert_int_equal(play_to_the_end(stream), 50);
    bt_stream_destroy(stream);  // joins: the last wake has happened
    assert_int_equal(atomic_load(&wakes), 51);
}

static int open_fails(const char *path)
{
    struct bt_stream *stream = NULL;
    struct bt_error err = {0};
    struct bt_stream_options options = {0};
    int r = bt_stream_open(path, &options, &stream, &err);
    assert_null(stream);
    assert_true(r == 0 || err.msg[0] != '\0');
    return r;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void what_is_no_clip_is_refused(void **state)
{
    (void)state;
    char dir[] = "/tmp/bt-stream-XXXXXX";
    assert_non_null(mkdtemp(dir));
    BT_AUTOFREE char *path = bt_strf("%s/file.mp4", dir);
    assert_int_equal(open_fails(path), -ENOENT);
    assert_int_equal(open_fails(dir), -EINVAL);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(open_fails(path), -EINVAL);
    unlink(path);
    write_text(path, "");
    assert_int_equal(open_fails(path), -EINVAL);
    write_text(path, "Not a clip at all.\n");
    assert_true(open_fails(path) < 0);
    // Lists that name other files or addresses are never followed.
    write_text(path, "ffconcat version 1.0\nfile '/etc/passwd'\n");
    assert_true(open_fails(path) < 0);
    write_text(path, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n");
    assert_true(open_fails(path) < 0);
    unlink(path);
    rmdir(dir);
}

static void a_clip_that_gives_nothing_fails(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = bt_test_real_media("video/androidx_vp9_invalid-bitstream.webm");
    if (path == NULL) {
        skip();
    }
    BT_AUTO(bt_stream) stream = open_stream(path, (struct bt_stream_options){0});
    struct bt_error err = {0};
    assert_int_equal(bt_stream_preroll(stream, patience(), patience(), &err), -EINVAL);
    const struct bt_frame *none;
    assert_int_equal(bt_stream_peek(stream, &none), BT_STREAM_FAILED);
    bt_stream_error(stream, &err);
    assert_non_null(strstr(err.msg, "gives no picture"));
    assert_true(bt_stream_damaged(stream) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_of_the_daily_diet_comes_in_order),
        cmocka_unit_test(real_clips_give_as_many_frames_as_ffprobe_counts),
        cmocka_unit_test(a_start_inside_gives_the_frame_on_screen_then),
        cmocka_unit_test(animations_go_round_without_a_seam),
        cmocka_unit_test(an_animation_resumes_in_a_later_round),
        cmocka_unit_test(the_queue_is_bounded_and_closing_ends_a_full_one),
        cmocka_unit_test(hdr_is_not_made_larger_than_it_is_shown),
        cmocka_unit_test(a_clip_that_is_due_does_not_wait_for_a_full_queue),
        cmocka_unit_test(streams_can_be_thrown_away_at_any_moment),
        cmocka_unit_test(each_frame_and_the_end_wake_the_reader),
        cmocka_unit_test(what_is_no_clip_is_refused),
        cmocka_unit_test(a_clip_that_gives_nothing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
