// Headers of pictures from outside: whatever the bytes, a picture that is let through to a decoder
// has sane dimensions, and every cut of it is read without a step outside.
#include <assert.h>

#include "fuzz/fuzz.h"
#include "media/header.h"
#include "media/stream.h"

static void check(const struct bt_picture_header *header)
{
    if (header->outside) {
        assert(header->width == 0 && header->height == 0);
        return;
    }
    assert(header->width >= 1 && header->width <= BT_MEDIA_MAX_SIDE_PX);
    assert(header->height >= 1 && header->height <= BT_MEDIA_MAX_SIDE_PX);
    assert((int64_t)header->width * header->height <= BT_MEDIA_MAX_PIXELS);
    assert(header->frames >= 1);
    assert(bt_orientation(header->orientation) != NULL);
    assert(bt_picture_kind_word(header->kind) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_picture_header header;
    struct bt_error err = {0};
    int r = bt_picture_header_read(data, size, &header, &err);
    if (r == 0) {
        check(&header);
    } else {
        assert(err.msg[0] != '\0');
    }
    return 0;
}
