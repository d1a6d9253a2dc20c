// Hardware decoders that fail in every way we can think of: what is seen is what software shows.
#include "media/decoding.h"

#include <errno.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_drm.h>
#include <pthread.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/av.h"
#include "media/kept.h"
#include "media/stream.h"
#include "media/test_media.h"

// Far more than any of these takes: a bound for a test that hangs, not a measurement.
#define PATIENCE_NS (180 * BT_NS_PER_S)
// Given to those that never answer; whoever does answer is given the other.
#define SHORT_PATIENCE_NS (20 * BT_NS_PER_MS)

#define PICTURE "-f lavfi -i testsrc2=size=160x90:rate=25 -t 6 -pix_fmt yuv420p -g 40 "
#define DRM_FOURCC(a, b, c, d)                                                                     \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define MAX_FRAMES 256

// What is to go wrong, and when: counted in calls since the decoder was opened, 0: never.
struct plan {
    const char *name;
    bool open_fails, open_hangs;
    int send_fails, receive_fails, send_hangs, receive_hangs;
    int swallows;  // frames are given no more
    int loses_stamps;
    bool never_ends;  // after the last packet neither frames nor the end
    bool blamed;      // it is remembered
    bool untold;      // but no news: it is as if there were none
};

// A decoder for tests: software that misbehaves. One at a time, with one clip.
struct saboteur {
    struct bt_decoder base;
    struct bt_decoder *inside;
    int sent, received;
};

static const struct plan *_Atomic plan;  // of the decoder that is opened next

// Who hangs does so until all tests are over.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
// Protected by lock.
static int opened, living;
static bool over;

static void count(int *what, int by)
{
    pthread_mutex_lock(&lock);
    *what += by;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int count_opened_anew(void)
{
    pthread_mutex_lock(&lock);
    int before = opened;
    opened = 0;
    pthread_mutex_unlock(&lock);
    return before;
}

static void hang(void)
{
    pthread_mutex_lock(&lock);
    while (!over) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void end_all_hanging(void)
{
    pthread_mutex_lock(&lock);
    over = true;
    pthread_cond_broadcast(&changed);
    while (living > 0) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static bool is_due(int when, int count)
{
    return when > 0 && count >= when;
}

static bool saboteur_takes(const AVCodecParameters *parameters)
{
    return parameters->codec_id == AV_CODEC_ID_H264;
}

static int saboteur_open(const struct bt_decoder_impl *impl, const struct bt_decoder_setup *setup,
                         struct bt_decoder **out, struct bt_error *err)
{
    count(&opened, 1);
    if (plan->open_fails) {
        return bt_fail(err, -ENODEV, "It is broken");
    }
    count(&living, 1);
    if (plan->open_hangs) {
        hang();
    }
    struct saboteur *saboteur = BT_NEW(struct saboteur);
    saboteur->base.impl = impl;
    int r = bt_decoder_open(&bt_decoder_software, setup, &saboteur->inside, err);
    assert_int_equal(r, 0);
    *out = &saboteur->base;
    return 0;
}

static int saboteur_send(struct bt_decoder *decoder, const AVPacket *packet)
{
    struct saboteur *saboteur = (struct saboteur *)decoder;
    saboteur->sent++;
    if (is_due(plan->send_hangs, saboteur->sent)) {
        hang();
    }
    return is_due(plan->send_fails, saboteur->sent)
               ? AVERROR(EIO)
               : bt_decoder_software.send(saboteur->inside, packet);
}

static int saboteur_receive(struct bt_decoder *decoder, AVFrame *frame)
{
    struct saboteur *saboteur = (struct saboteur *)decoder;
    if (is_due(plan->receive_hangs, saboteur->received)) {
        hang();
    }
    if (is_due(plan->receive_fails, saboteur->received)) {
        return AVERROR(EIO);
    }
    int r = bt_decoder_software.receive(saboteur->inside, frame);
    while (r == 0 && is_due(plan->swallows, saboteur->received)) {
        av_frame_unref(frame);
        r = bt_decoder_software.receive(saboteur->inside, frame);
    }
    if (r == AVERROR_EOF && (plan->never_ends || plan->swallows > 0)) {
        return AVERROR(EAGAIN);
    }
    saboteur->received += r == 0;
    if (r == 0 && is_due(plan->loses_stamps, saboteur->received)) {
        frame->best_effort_timestamp = frame->pts = AV_NOPTS_VALUE;
    }
    return r;
}

static void saboteur_flush(struct bt_decoder *decoder)
{
    bt_decoder_software.flush(((struct saboteur *)decoder)->inside);
}

static void saboteur_destroy(struct bt_decoder *decoder)
{
    bt_decoder_destroy(((struct saboteur *)decoder)->inside);
    free(decoder);
    count(&living, -1);
}

static const struct bt_decoder_impl saboteur_impl = {
    .name = "saboteur",
    .hardware = true,
    .takes = saboteur_takes,
    .open = saboteur_open,
    .send = saboteur_send,
    .receive = saboteur_receive,
    .flush = saboteur_flush,
    .destroy = saboteur_destroy,
};
static const struct bt_decoder_impl *const hardware[] = {&saboteur_impl};

static const struct plan plans[] = {
    {.name = "works"},
    {.name = "fails when opened", .open_fails = true, .blamed = true, .untold = true},
    {.name = "hangs when opened", .open_hangs = true, .blamed = true},
    {.name = "takes no packet", .send_fails = 1, .blamed = true},
    {.name = "takes no second packet", .send_fails = 2, .blamed = true},
    {.name = "takes no packet in the middle", .send_fails = 77, .blamed = true},
    {.name = "does not take the news of the end", .send_fails = 151, .blamed = true},
    {.name = "fails after the first frame", .receive_fails = 1, .blamed = true},
    {.name = "fails at frame 100", .receive_fails = 100, .blamed = true},
    {.name = "fails after the last key frame", .receive_fails = 121, .blamed = true},
    {.name = "fails at the last frame", .receive_fails = 149, .blamed = true},
    {.name = "hangs with the first packet", .send_hangs = 1, .blamed = true},
    {.name = "hangs with a packet", .send_hangs = 60, .blamed = true},
    {.name = "hangs at frame 100", .receive_hangs = 100, .blamed = true},
    {.name = "stops giving frames", .swallows = 50, .blamed = true},
    {.name = "stops just before the end", .swallows = 148, .blamed = true},
    {.name = "does not end", .never_ends = true, .blamed = true},
    {.name = "forgets the times", .loses_stamps = 90, .blamed = true},
};

static bool hangs(const struct plan *candidate)
{
    return candidate->open_hangs || candidate->send_hangs > 0 || candidate->receive_hangs > 0;
}

static struct bt_decoders *create_decoders(void)
{
    const struct bt_decoders_options options = {
        .hardware = hardware,
        .hardware_count = BT_ARRAY_LEN(hardware),
        .patience_ns = hangs(plan) ? SHORT_PATIENCE_NS : PATIENCE_NS,
    };
    return bt_decoders_create(&options);
}

// Which frame it was, where it stood in time, and what it showed.
struct seen {
    int64_t number, pts_ns;
    uint64_t content;
};

static uint64_t content_of(const AVFrame *av)
{
    uint64_t hash = 1469598103934665603U;
    for (int y = 0; y < av->height; y++) {
        for (int x = 0; x < av->width; x++) {
            hash = (hash ^ av->data[0][y * av->linesize[0] + x]) * 1099511628211U;
        }
    }
    return hash;
}

static size_t watch_all(const char *path, struct bt_decoders *decoders, int64_t start_ns,
                        struct seen *seen)
{
    const struct bt_stream_options options = {.decoders = decoders, .start_ns = start_ns};
    struct bt_error err = {0};
    BT_AUTO(bt_stream) stream = NULL;
    if (bt_stream_open(path, &options, &stream, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    for (size_t count = 0;; count++) {
        const struct bt_frame *next;
        int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS;
        (void)!bt_stream_preroll(stream, 0, until_ns, NULL);
        if (bt_stream_peek(stream, &next) != BT_STREAM_FRAME) {
            assert_int_equal(bt_stream_peek(stream, &next), BT_STREAM_ENDED);
            return count;
        }
        BT_AUTO(bt_frame) frame = bt_stream_pop(stream);
        assert_true(count < MAX_FRAMES);
        seen[count] = (struct seen){frame->number, frame->pts_ns, content_of(frame->av)};
    }
}

static void assert_same(const char *what, const struct seen *expected, size_t expected_count,
                        const struct seen *seen, size_t count)
{
    for (size_t i = 0; i < BT_MIN(expected_count, count); i++) {
        if (memcmp(&expected[i], &seen[i], sizeof(seen[i])) != 0) {
            fail_msg("%s: frame %zu is number %lld at %lld", what, i, (long long)seen[i].number,
                     (long long)seen[i].pts_ns);
        }
    }
    if (expected_count != count) {
        fail_msg("%s: %zu frames of %zu", what, count, expected_count);
    }
}

static void compare_with_software(const char *path, int64_t start_ns, const char *what)
{
    static struct seen expected[MAX_FRAMES], seen[MAX_FRAMES];
    size_t expected_count = watch_all(path, NULL, start_ns, expected);
    assert_true(expected_count > 0);
    BT_AUTO(bt_decoders) decoders = create_decoders();
    size_t count = watch_all(path, decoders, start_ns, seen);
    assert_same(what, expected, expected_count, seen, count);
}

static const struct {
    const char *name, *arguments;
} clips[] = {
    {"decoding.mp4", PICTURE "-c:v libx264 -bf 3"},
    {"decoding.mkv", PICTURE "-c:v libx264 -bf 3 -x264-params open-gop=1"},
    {"decoding.ts", PICTURE "-c:v libx264 -bf 2 -x264-params open-gop=1"},
};

static char *need_clip(size_t which)
{
    char *path = bt_test_media(clips[which].name, clips[which].arguments);
    if (path == NULL) {
        skip();
    }
    return path;
}

static void nobody_sees_a_decoder_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(clips); i++) {
        BT_AUTOFREE char *path = need_clip(i);
        for (size_t j = 0; j < BT_ARRAY_LEN(plans); j++) {
            plan = &plans[j];
            BT_AUTOFREE char *what = bt_strf("%s, %s", clips[i].name, plan->name);
            compare_with_software(path, 0, what);
        }
    }
}

static void nobody_sees_it_inside_a_clip(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = need_clip(0);
    static const struct plan failing = {.name = "fails soon", .receive_fails = 20};
    static const struct plan hanging = {.name = "hangs soon", .receive_hangs = 20};
    plan = &failing;
    compare_with_software(path, 3300 * BT_NS_PER_MS, "inside, fails");
    plan = &hanging;
    compare_with_software(path, 3300 * BT_NS_PER_MS, "inside, hangs");
}

static void what_failed_is_not_tried_again(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = need_clip(0);
    static struct seen seen[MAX_FRAMES];
    for (size_t i = 0; i < BT_ARRAY_LEN(plans); i++) {
        plan = &plans[i];
        BT_AUTO(bt_decoders) decoders = create_decoders();
        (void)count_opened_anew();
        (void)watch_all(path, decoders, 0, seen);
        (void)watch_all(path, decoders, 0, seen);
        struct bt_decoder_failures failures;
        bt_decoders_failures(decoders, &failures);
        int times = count_opened_anew();
        bool told = plan->blamed && !plan->untold;
        if ((plan->blamed ? times > 1 : times != 2) || failures.count != told) {
            fail_msg("%s: opened %d times, %zu failures", plan->name, times, failures.count);
        }
        assert_int_equal(failures.last.msg[0] != '\0', told);
    }
}

static void the_choice_decides_what_is_tried(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = need_clip(0);
    static struct seen seen[MAX_FRAMES];
    static const struct {
        const char *choice;
        int opened;
    } choices[] = {{NULL, 1}, {"auto", 1}, {"saboteur", 1}, {"software", 0}, {"vaapi", 0}};
    plan = &plans[0];
    for (size_t i = 0; i < BT_ARRAY_LEN(choices); i++) {
        const struct bt_decoders_options options = {.choice = choices[i].choice,
                                                    .hardware = hardware,
                                                    .hardware_count = BT_ARRAY_LEN(hardware),
                                                    .patience_ns = PATIENCE_NS};
        BT_AUTO(bt_decoders) decoders = bt_decoders_create(&options);
        (void)count_opened_anew();
        (void)watch_all(path, decoders, 0, seen);
        assert_int_equal(count_opened_anew(), choices[i].opened);
    }
}

static void clips_that_do_not_say_when_go_to_software(void **state)
{
    (void)state;
    static const struct plan fine = {.name = "fine"};
    BT_AUTOFREE char *path = bt_test_media("untimed.h264", PICTURE "-c:v libx264 -bf 3");
    if (path == NULL) {
        skip();
    }
    plan = &fine;
    static struct seen expected[MAX_FRAMES], seen[MAX_FRAMES];
    size_t expected_count = watch_all(path, NULL, 0, expected);
    BT_AUTO(bt_decoders) decoders = create_decoders();
    size_t count = watch_all(path, decoders, 0, seen);
    assert_same("untimed", expected, expected_count, seen, count);
    struct bt_decoder_failures failures;
    bt_decoders_failures(decoders, &failures);
    assert_int_equal(failures.count, 0);
}

static void break_clip(const char *from, const char *to)
{
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, 16 * 1024 * 1024);
    assert_int_equal(bt_file_read(from, &bytes, NULL), 0);
    for (size_t i = bytes.len / 2; i < bytes.len / 2 + 4000; i++) {
        bytes.data[i] = (uint8_t)(bytes.data[i] * 5 + 3);
    }
    assert_int_equal(bt_file_replace(to, bytes.data, bytes.len, NULL), 0);
}

// The test's decoder gives the errors that software gives.
static void a_damaged_clip_is_not_the_devices_fault(void **state)
{
    (void)state;
    static const struct plan fine = {.name = "fine"};
    BT_AUTOFREE char *path = need_clip(0);
    BT_AUTOFREE char *broken = bt_strf("%s.broken", path);
    break_clip(path, broken);
    plan = &fine;
    static struct seen seen[MAX_FRAMES];
    BT_AUTO(bt_decoders) decoders = create_decoders();
    assert_true(watch_all(broken, decoders, 0, seen) > 100);
    struct bt_decoder_failures failures;
    bt_decoders_failures(decoders, &failures);
    assert_int_equal(failures.count, 0);
    unlink(broken);
}

// Ends within the patience, not when the device does.
static void a_clip_can_be_closed_while_its_decoder_hangs(void **state)
{
    (void)state;
    BT_AUTOFREE char *path = need_clip(0);
    static const struct plan hanging = {.name = "hangs", .receive_hangs = 2};
    plan = &hanging;
    BT_AUTO(bt_decoders) decoders = create_decoders();
    const struct bt_stream_options options = {.decoders = decoders};
    struct bt_stream *stream = NULL;
    assert_int_equal(bt_stream_open(path, &options, &stream, NULL), 0);
    bt_stream_close(stream);
    bt_stream_destroy(stream);
}

static AVPacket *packet_of(int size, int64_t pts, bool key)
{
    AVPacket *packet = av_packet_alloc();
    assert_non_null(packet);
    assert_int_equal(av_new_packet(packet, size), 0);
    packet->pts = pts;
    packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    return packet;
}

static void keep(struct bt_kept *kept, int size, int64_t pts, bool key)
{
    BT_AUTOPACKET *packet = packet_of(size, pts, key);
    bt_kept_add(kept, packet);
}

static void packets_are_kept_from_the_last_key_frame(void **state)
{
    (void)state;
    struct bt_kept kept = {0};
    for (int64_t i = 0; i < 30; i++) {
        keep(&kept, 100, i, i % 10 == 0);
    }
    assert_int_equal(kept.count, 30);
    bt_kept_given(&kept, 9);
    assert_int_equal(kept.count, 30);
    bt_kept_given(&kept, 10);
    assert_int_equal(kept.count, 20);
    assert_int_equal(kept.packets[0]->pts, 10);
    bt_kept_given(&kept, 29);
    assert_int_equal(kept.count, 10);
    assert_int_equal(kept.bytes, 1000);
    bt_kept_finish(&kept);
}

static void what_is_kept_is_bounded(void **state)
{
    (void)state;
    struct bt_kept kept = {0};
    const int large = 1024 * 1024;
    for (int64_t i = 0; i < 40; i++) {
        keep(&kept, large, i, i == 0);
    }
    assert_true(kept.gave_up);
    assert_int_equal(kept.count, 0);
    keep(&kept, large, 40, true);
    keep(&kept, large, 41, false);
    assert_int_equal(kept.count, 2);
    for (int64_t i = 0; i < 5000; i++) {
        keep(&kept, 1, 42 + i, false);
    }
    assert_int_equal(kept.count, 0);
    bt_kept_finish(&kept);
}

// Memory of a file stands for a device's: mapped and read in the same way.
static void put_nv12(int fd, int width, int height)
{
    size_t size = (size_t)width * (size_t)height * 3 / 2;
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    uint8_t *pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(pixels, MAP_FAILED);
    for (size_t i = 0; i < size; i++) {
        pixels[i] = (uint8_t)(i * 7 + i / 100);
    }
    munmap(pixels, size);
}

static AVBufferRef *drm_frames(int width, int height)
{
    AVBufferRef *device = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_DRM);
    if (device == NULL) {
        skip();
        return NULL;
    }
    ((AVDRMDeviceContext *)((AVHWDeviceContext *)(void *)device->data)->hwctx)->fd = -1;
    assert_int_equal(av_hwdevice_ctx_init(device), 0);
    AVBufferRef *frames = av_hwframe_ctx_alloc(device);
    assert_non_null(frames);
    AVHWFramesContext *context = (AVHWFramesContext *)(void *)frames->data;
    context->format = AV_PIX_FMT_DRM_PRIME;
    context->sw_format = AV_PIX_FMT_NV12;
    context->width = width;
    context->height = height;
    assert_int_equal(av_hwframe_ctx_init(frames), 0);
    av_buffer_unref(&device);
    return frames;
}

static void frames_of_a_device_are_fetched_as_nv12(void **state)
{
    (void)state;
    enum { WIDTH = 64, HEIGHT = 36 };
    int fd = memfd_create("frame", MFD_CLOEXEC);
    assert_true(fd >= 0);
    put_nv12(fd, WIDTH, HEIGHT);
    AVDRMFrameDescriptor descriptor = {
        .nb_objects = 1,
        .objects = {{.fd = fd, .size = WIDTH * HEIGHT * 3 / 2}},
        .nb_layers = 1,
        .layers = {{.format = DRM_FOURCC('N', 'V', '1', '2'),
                    .nb_planes = 2,
                    .planes = {{0, 0, WIDTH}, {0, WIDTH * HEIGHT, WIDTH}}}},
    };
    AVBufferRef *frames = drm_frames(WIDTH, HEIGHT);
    BT_AUTOFRAME *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_DRM_PRIME;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    frame->pts = 4711;
    frame->colorspace = AVCOL_SPC_BT709;
    frame->data[0] = (uint8_t *)&descriptor;
    frame->buf[0] = av_buffer_alloc(1);
    frame->hw_frames_ctx = frames;
    struct bt_error err = {0};
    if (bt_decoder_fetch(frame, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    close(fd);
    assert_int_equal(frame->format, AV_PIX_FMT_NV12);
    assert_int_equal(frame->pts, 4711);
    assert_int_equal(frame->colorspace, AVCOL_SPC_BT709);
    for (int i = 0; i < WIDTH * HEIGHT * 3 / 2; i++) {
        int plane = i >= WIDTH * HEIGHT, at = plane ? i - WIDTH * HEIGHT : i;
        uint8_t got = frame->data[plane][at / WIDTH * frame->linesize[plane] + at % WIDTH];
        assert_int_equal(got, (uint8_t)(i * 7 + i / 100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_sees_a_decoder_fail),
        cmocka_unit_test(nobody_sees_it_inside_a_clip),
        cmocka_unit_test(what_failed_is_not_tried_again),
        cmocka_unit_test(the_choice_decides_what_is_tried),
        cmocka_unit_test(clips_that_do_not_say_when_go_to_software),
        cmocka_unit_test(a_damaged_clip_is_not_the_devices_fault),
        cmocka_unit_test(a_clip_can_be_closed_while_its_decoder_hangs),
        cmocka_unit_test(packets_are_kept_from_the_last_key_frame),
        cmocka_unit_test(what_is_kept_is_bounded),
        cmocka_unit_test(frames_of_a_device_are_fetched_as_nv12),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    end_all_hanging();
    return failed;
}
