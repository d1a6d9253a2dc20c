// SVG, AVIF and HEIC from outside, as `bangtin-media draw` reads them, but without its bounds on
// memory and time: measured and drawn small, or refused with a reason. Byte 0 chooses the reader
// and the size.
#include <assert.h>
#include <sanitizer/lsan_interface.h>

#include "fuzz/fuzz.h"
#include "media/stream.h"
#include "workshop/drawing.h"

// The libraries forget memory of damaged files (entities of SVGs, pictures of AVIF that do not
// end). The program draws one picture and ends.
int __lsan_is_turned_off(void)  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
{
    return 1;
}

typedef int (*draw_fn)(const uint8_t *, size_t, int, int, struct bt_drawing *, struct bt_error *);

static void check(draw_fn draw, const uint8_t *bytes, size_t len, int side)
{
    struct bt_error err = {0};
    struct bt_drawing drawing = {0};
    if (draw(bytes, len, side, side, &drawing, &err) < 0) {
        assert(err.msg[0] != '\0');
    } else {
        assert(drawing.width >= 1 && drawing.height >= 1);
        assert((int64_t)drawing.width * drawing.height <= BT_MEDIA_MAX_PIXELS);
        assert((drawing.pixels != NULL) == (side > 0));
    }
    bt_drawing_finish(&drawing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    draw_fn draw = (data[0] & 1) != 0 ? bt_draw_heif : bt_draw_svg;
    check(draw, data + 1, size - 1, 0);
    check(draw, data + 1, size - 1, 1 + data[0] / 2);
    return 0;
}
