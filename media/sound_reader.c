#include "media/sound_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/input.h"

struct bt_sound_reader {
    struct bt_input *input;
    AVFrame *frame;
    struct bt_sound_convert *convert;
};

int bt_sound_reader_open(const char *path, const atomic_bool *stop, struct bt_sound_reader **out,
                         struct bt_error *err)
{
    BT_AUTO(bt_sound_reader) reader = BT_NEW(struct bt_sound_reader);
    const struct bt_input_options options = {.threads = 1, .stop = stop, .sound = true};
    reader->convert = bt_sound_convert_create();
    reader->frame = av_frame_alloc();
    if (reader->frame == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for sound");
    }
    int r = bt_input_open(path, &options, &reader->input, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(reader);
    return 0;
}

void bt_sound_reader_destroy(struct bt_sound_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    bt_input_destroy(reader->input);
    av_frame_free(&reader->frame);
    bt_sound_convert_destroy(reader->convert);
    free(reader);
}

void bt_sound_reader_seek(struct bt_sound_reader *reader, int64_t stamp_ns)
{
    int64_t stamp =
        av_rescale_q(stamp_ns, (AVRational){1, 1000000000}, reader->input->stream->time_base);
    if (bt_input_seek(reader->input, stamp) == 0) {
        bt_sound_convert_reset(reader->convert);  // what it holds belongs elsewhere
    }
}

int bt_sound_reader_read(struct bt_sound_reader *reader, struct bt_sound_block *out,
                         struct bt_error *err)
{
    int r = bt_input_read(reader->input, reader->frame, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        bt_sound_convert_rest(reader->convert, out);
        return out->frames > 0 ? 1 : 0;
    }
    bt_sound_convert_frame(reader->convert, reader->frame, reader->input->stream->time_base, out);
    av_frame_unref(reader->frame);
    return 1;
}
