// Text from outside: normalising is idempotent, and a card or a strip comes out whole or not at
// all. Byte 0 chooses the size, byte 1 the box; the rest is the text.
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "media/text.h"

static void check_image(const struct bt_image *image)
{
    for (int y = 0; y < image->height; y++) {
        const uint8_t *row = image->pixels + (size_t)y * image->stride;
        for (int x = 0; x < image->width; x++) {
            const uint8_t *p = row + 4 * (size_t)x;
            assert(p[0] <= p[3] && p[1] <= p[3] && p[2] <= p[3]);
        }
    }
}

static void check_normalised(const char *utf8)
{
    BT_AUTOFREE char *once = NULL;
    BT_AUTOFREE char *twice = NULL;
    if (bt_text_normalise(utf8, &once) < 0) {
        assert(once == NULL);
        return;
    }
    assert(bt_utf8_valid(once, strlen(once)));
    int r = bt_text_normalise(once, &twice);
    assert(r == -EMSGSIZE || (r == 0 && strcmp(once, twice) == 0));
}

static void draw(struct bt_text *text, const char *utf8, uint8_t size, uint8_t box)
{
    const struct bt_text_style style = {
        .size_px = size % 48,
        .line_percent = 100 + size,
        .bold = size % 2 != 0,
        .colour = {255, 200, 100, size},
        .background = {10, 20, 30, box},
        .align = box % 3,
        .valign = size % 3,
        .padding_px = box % 20,
        .family = box % 2,
        .italic = size % 5 == 0,
        .outline = {1 + box % BT_OUTLINE_MAX_PX, {0, 0, 40, box % 3 == 0 ? size : 0}},
        .shadow = {box % 64, -(size % 64), size % 33, {1, 2, 3, box % 5 == 0 ? box : 0}},
    };
    BT_AUTO(bt_image) card = NULL;
    if (bt_text_card(text, utf8, &style, 1 + box % 128, 1 + size % 64, &card, NULL) == 0) {
        check_image(card);
    }
    BT_AUTO(bt_strip) strip = NULL;
    if (bt_text_strip(text, utf8, &style, 1 + size % 64, &strip, NULL) == 0) {
        check_image(strip->tiles[strip->tile_count - 1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bt_text *text;
    if (text == NULL && bt_text_open(&text, NULL) < 0) {
        return 0;  // no fonts here
    }
    if (size < 2) {
        return 0;
    }
    BT_AUTOFREE char *utf8 = bt_alloc(size - 1);
    memcpy(utf8, data + 2, size - 2);
    check_normalised(utf8);
    draw(text, utf8, data[0], data[1]);
    return 0;
}
