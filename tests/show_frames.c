// What our reader and converter make of a clip: the first, the middle and the last frame, upright,
// as they would be on a canvas of their own size. For tests beside another program's opinion.
// usage: show_frames FILE OUT    writes OUT.0, OUT.1, OUT.2 (BGRA) and says "width height frames
// number-of-the-middle-one"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/convert.h"
#include "media/stream.h"

struct task {
    const char *out;
    int width, height, rotation;
    struct bt_converter *converter;
};

static int write_frame(const struct task *task, const struct bt_frame *frame, int number)
{
    struct bt_error err = {0};
    BT_AUTO(bt_image) image = bt_image_create(task->width, task->height);
    BT_AUTOFREE char *path = bt_strf("%s.%d", task->out, number);
    const struct bt_crop whole = {0};
    FILE *file = image != NULL ? fopen(path, "we") : NULL;
    if (file == NULL || bt_convert(task->converter, frame, &whole, task->rotation, image->pixels,
                                   image->stride, task->width, task->height, &err) < 0) {
        fprintf(stderr, "%s: %s\n", path, err.msg);
        return -1;
    }
    for (int y = 0; y < task->height; y++) {
        fwrite(image->pixels + (size_t)y * image->stride, 4, (size_t)task->width, file);
    }
    return fclose(file);
}

// Every frame of the clip, in order; -1 on failure, else how many.
static int64_t each_frame(const char *path, struct task *task, int64_t middle)
{
    struct bt_error err = {0};
    BT_AUTO(bt_stream) stream = NULL;
    if (bt_stream_open(path, &(struct bt_stream_options){0}, &stream, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    const struct bt_stream_info *info = bt_stream_info(stream);
    bool sideways = info->rotation % 180 != 0;
    task->rotation = info->rotation;
    task->width = sideways ? info->height : info->width;
    task->height = sideways ? info->width : info->height;
    BT_AUTO(bt_frame) last = NULL;
    int64_t count = 0;
    for (;;) {
        int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + 60 * BT_NS_PER_S;
        const struct bt_frame *next;
        if (bt_stream_preroll(stream, 0, until_ns, &err) < 0 ||
            bt_stream_peek(stream, &next) != BT_STREAM_FRAME) {
            break;
        }
        bt_frame_destroy(last);
        last = bt_stream_pop(stream);
        bool wanted = middle >= 0 && (count == 0 || count == middle);
        if (wanted && write_frame(task, last, count == 0 ? 0 : 1) < 0) {
            return -1;
        }
        count++;
    }
    return last == NULL || middle < 0 || write_frame(task, last, 2) == 0 ? count : -1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: show_frames FILE OUT\n", stderr);
        return EXIT_FAILURE;
    }
    BT_AUTO(bt_converter) converter = bt_converter_create(BT_QUALITY_FAST);
    struct task task = {.out = argv[2], .converter = converter};
    int64_t frames = each_frame(argv[1], &task, -1);
    int64_t middle = BT_MAX(frames / 2, 1);
    if (frames < 1 || each_frame(argv[1], &task, middle) != frames) {
        return EXIT_FAILURE;
    }
    printf("%d %d %lld %lld\n", task.width, task.height, (long long)frames, (long long)middle);
    return EXIT_SUCCESS;
}
