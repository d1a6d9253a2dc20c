// Clips from outside: whatever the bytes, opening, reading, seeking and hearing one ends soon,
// frames are within bounds, and whoever is refused is told why. Byte 0 chooses what is read; the
// rest is the file.
#include <assert.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "fuzz/input_file.h"
#include "media/input.h"
#include "media/stream.h"

#define MAX_FRAMES 12
#define WORK_NS (2 * BT_NS_PER_S)

static void check_frame(const AVFrame *frame, bool sound)
{
    if (sound) {
        assert(frame->nb_samples >= 0);
        return;
    }
    assert(frame->width >= 1 && frame->width <= BT_MEDIA_MAX_SIDE_PX);
    assert(frame->height >= 1 && frame->height <= BT_MEDIA_MAX_SIDE_PX);
}

static void read_frames(struct bt_input *input, bool sound)
{
    AVFrame *frame = av_frame_alloc();
    for (int i = 0; i < MAX_FRAMES && bt_input_read(input, frame, NULL) > 0; i++) {
        check_frame(frame, sound);
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
}

static void play(const char *path, const struct bt_input_options *options, int64_t seek_to)
{
    struct bt_error err = {0};
    BT_AUTO(bt_input) input = NULL;
    if (bt_input_open(path, options, &input, &err) < 0) {
        assert(input == NULL && err.msg[0] != '\0');
        return;
    }
    int degrees = bt_input_rotation(input);
    assert(degrees >= 0 && degrees < 360 && degrees % 90 == 0);
    assert(bt_input_frame_ns(input) >= 0 && bt_input_duration_ns(input) >= 0);
    read_frames(input, options->sound);
    if (bt_input_seek(input, seek_to) == 0) {
        read_frames(input, options->sound);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const char *path = bt_fuzz_file(data + 1, size - 1);
    const struct bt_input_options options = {
        .threads = 1,
        .work_until_ns = bt_clock_worked_ns() + WORK_NS,
        .thorough = (data[0] & 1) != 0,
        .sound = (data[0] & 2) != 0,
    };
    play(path, &options, (int64_t)(data[0] >> 2) * 1000);
    return 0;
}
