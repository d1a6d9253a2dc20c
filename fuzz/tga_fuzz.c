// The boot picture's file: what is decoded is whole, and comes back the same through a file of our
// own.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "player/tga.h"

// Larger ones would only be slower.
#define MAX_PIXELS 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_raster picture, again;
    if (bt_tga_decode(data, size, &picture, NULL) < 0) {
        return 0;
    }
    if ((int64_t)picture.width * picture.height <= MAX_PIXELS) {
        BT_AUTOBUF file;
        bt_buf_init(&file, BT_TGA_MAX_BYTES);
        int r = bt_tga_encode(&picture, &file, NULL);
        assert(r == 0);
        r = bt_tga_decode(file.data, file.len, &again, NULL);
        assert(r == 0);
        assert(memcmp(again.pixels, picture.pixels, picture.stride * (size_t)picture.height) == 0);
        free(again.pixels);
    }
    free(picture.pixels);
    return 0;
}
