// What the program says that draws for players: a picture within bounds, or a sentence why not. The
// first byte says whether it was to measure or to draw.
#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "fuzz/fuzz.h"
#include "media/outside.h"
#include "media/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    BT_AUTOCLOSE int fd = memfd_create("answer", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t wrote = write(fd, data + 1, size - 1);
    assert(wrote == (ssize_t)(size - 1));
    lseek(fd, 0, SEEK_SET);
    AVFrame *frame = (data[0] & 1) != 0 ? av_frame_alloc() : NULL;
    struct bt_outside_answer answer;
    struct bt_error err = {0};
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + 60 * BT_NS_PER_S;
    int r = bt_outside_hear(fd, until_ns, &answer, frame, &err);
    if (r == 0) {
        assert(answer.width >= 1 && answer.height >= 1);
        assert((int64_t)answer.width * answer.height <= BT_MEDIA_MAX_PIXELS);
        assert(frame == NULL || (frame->width == answer.width && frame->height == answer.height));
    }
    av_frame_free(&frame);
    return 0;
}
