// Pictures from outside, read and fitted into a box as for the screen: exactly the box, or a
// refusal that says why. Byte 0 chooses the box and the fit; the rest is the file.
#include <assert.h>

#include "fuzz/fuzz.h"
#include "fuzz/input_file.h"
#include "media/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    const struct bt_item item = {.fit = data[0] % 3, .background = {10, 20, 30, 255}};
    int width = 1 + data[0] % 96, height = 1 + data[0] / 4;
    const char *path = bt_fuzz_file(data + 1, size - 1);
    struct bt_error err = {0};
    BT_AUTO(bt_image) image = NULL;
    if (bt_picture_load(path, &item, width, height, &image, &err) < 0) {
        assert(image == NULL && err.msg[0] != '\0');
        return 0;
    }
    assert(image->width == width && image->height == height);
    return 0;
}
