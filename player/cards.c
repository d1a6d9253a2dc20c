#include "player/cards.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "base/str.h"
#include "render/raster.h"

#define CODE_ALPHABET "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
#define QUIET_MODULES 4  // white around a QR code (ISO/IEC 18004)

// How wide the bold texts are in sizes of their font, at most: a code has nine characters.
#define LINE_EMS 5

// Below this height only the code and the words are shown beside the QR code.
#define ROOMY_PX 240

static const struct bt_colour ground = {16, 42, 67, 255};
static const struct bt_colour paper = {255, 255, 255, 255};
static const struct bt_colour sun = {255, 204, 0, 255};
static const struct bt_colour soft = {190, 205, 220, 255};
static const struct bt_colour red = {176, 0, 0, 255};

// A line or a few of a card, in a rectangle of it.
struct part {
    struct bt_rect rect;
    const char *text;
    struct bt_colour colour, background;
    bool bold;
};

static int draw_part(struct bt_kitchen *kitchen, const struct part *part, struct bt_image *on,
                     struct bt_error *err)
{
    if (part->rect.width < 1 || part->rect.height < 1) {
        return 0;
    }
    // A code or a name is not to be broken where it can stand on one line.
    int one_line_px = part->rect.width / LINE_EMS;
    int size_px = part->rect.height * 3 / 4;
    size_px = part->bold ? BT_MIN(size_px, one_line_px) : size_px;
    const struct bt_text_style style = {
        .bold = part->bold,
        .size_px = BT_CLAMP(size_px, 8, 2048),  // smaller where it must
        .line_percent = 120,
        .colour = part->colour,
        .background = part->background,
        .align = BT_ALIGN_CENTER,
        .valign = BT_VALIGN_MIDDLE,
    };
    BT_AUTO(bt_image) image = NULL;
    int r = bt_kitchen_card(kitchen, part->text, &style, part->rect.width, part->rect.height,
                            &image, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster to = bt_raster_of(on);
    const struct bt_raster_source from = bt_raster_source_of(image, part->rect.x, part->rect.y);
    bt_raster_draw(&to, part->rect, &from);
    return 0;
}

static int new_card(int width, int height, struct bt_colour colour, struct bt_image **out,
                    struct bt_error *err)
{
    struct bt_image *image = bt_image_create(width, height);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a card of %d × %d", width, height);
    }
    const struct bt_raster raster = bt_raster_of(image);
    bt_raster_fill(&raster, (struct bt_rect){0, 0, width, height}, colour);
    image->opaque = true;
    *out = image;
    return 0;
}

static bool looks_like_a_code(const char *code)
{
    return strlen(code) == 9 && code[4] == '-' && strspn(code, CODE_ALPHABET) == 4 &&
           strspn(code + 5, CODE_ALPHABET) == 4;
}

static void draw_modules(const QRcode *code, struct bt_rect box, struct bt_image *on)
{
    const struct bt_raster to = bt_raster_of(on);
    int modules = code->width + 2 * QUIET_MODULES;
    int scale = BT_MIN(box.width, box.height) / modules;
    if (scale < 1) {
        return;
    }
    int x0 = box.x + (box.width - modules * scale) / 2;
    int y0 = box.y + (box.height - modules * scale) / 2;
    bt_raster_fill(&to, (struct bt_rect){x0, y0, modules * scale, modules * scale}, paper);
    for (int i = 0; i < code->width * code->width; i++) {
        if ((code->data[i] & 1) == 0) {
            continue;
        }
        const struct bt_rect module = {x0 + (QUIET_MODULES + i % code->width) * scale,
                                       y0 + (QUIET_MODULES + i / code->width) * scale, scale,
                                       scale};
        bt_raster_fill(&to, module, (struct bt_colour){0, 0, 0, 255});
    }
}

// Without room for whole modules, or for an address that does not fit, the code alone must do.
static void draw_qr(const char *url, struct bt_rect box, struct bt_image *on)
{
    QRcode *code = url[0] != '\0' ? QRcode_encodeString8bit(url, 0, QR_ECLEVEL_M) : NULL;
    if (code != NULL) {
        draw_modules(code, box, on);
        QRcode_free(code);
    }
}

// Where things stand: beside each other, or one above the other on a high canvas.
static void divide(int width, int height, struct bt_rect *out_text, struct bt_rect *out_qr)
{
    int margin = BT_MIN(width, height) / 20;
    int inner_width = width - 2 * margin, inner_height = height - 2 * margin;
    if (width >= height) {
        int side = BT_MIN(inner_width * 2 / 5, inner_height);
        *out_qr = (struct bt_rect){width - margin - side, margin, side, inner_height};
        *out_text = (struct bt_rect){margin, margin, inner_width - side - margin, inner_height};
    } else {
        int side = BT_MIN(inner_width, inner_height * 2 / 5);
        *out_text = (struct bt_rect){margin, margin, inner_width, inner_height - side - margin};
        *out_qr = (struct bt_rect){margin, height - margin - side, inner_width, side};
    }
}

// A band of the text's rectangle, in percent of its height.
static struct bt_rect band(struct bt_rect text, int from, int to)
{
    int y = text.height * from / 100;
    return (struct bt_rect){text.x, text.y + y, text.width, text.height * to / 100 - y};
}

int bt_card_pairing(struct bt_kitchen *kitchen, const struct bt_pairing *pairing, int width,
                    int height, struct bt_image **out, struct bt_error *err)
{
    if (!looks_like_a_code(pairing->code)) {
        return bt_fail(err, -EINVAL, "What the server gave is not a pairing code");
    }
    BT_AUTO(bt_image) card = NULL;
    struct bt_rect text, qr;
    int r = new_card(width, height, ground, &card, err);
    divide(width, height, &text, &qr);
    bool roomy = height >= ROOMY_PX;
    const struct part parts[] = {
        {band(text, 0, roomy ? 16 : 0), "Ghép màn hình / Pair this screen", paper, ground, true},
        {band(text, roomy ? 18 : 2, roomy ? 52 : 56), pairing->code, sun, ground, true},
        {band(text, roomy ? 54 : 58, roomy ? 72 : 98), pairing->words, paper, ground, true},
        {band(text, 74, roomy ? 100 : 74),
         "Chỉ ghép khi bốn chữ này giống trên bảng điều khiển. Mã dùng được 10 phút.\n"
         "Pair only if the console shows the same four words. Valid for 10 minutes.",
         soft, ground, false},
    };
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(parts); i++) {
        r = draw_part(kitchen, &parts[i], card, err);
    }
    if (r < 0) {
        return r;
    }
    draw_qr(pairing->url, qr, card);
    *out = BT_TAKE(card);
    return 0;
}

int bt_card_waiting(struct bt_kitchen *kitchen, enum bt_waiting what, int width, int height,
                    struct bt_image **out, struct bt_error *err)
{
    static const char *const texts[] = {
        [BT_WAITING_SERVER] = "Đang tìm máy chủ…\nLooking for the server…",
        [BT_WAITING_BINDING] = ("Đã ghép, chờ kỹ thuật viên ký cho máy này\n"
                                "Paired, waiting for the technician's signature"),
        [BT_WAITING_CONTENT] = "Đã ghép, đang chờ nội dung\nPaired, waiting for content",
    };
    BT_AUTO(bt_image) card = NULL;
    int r = new_card(width, height, ground, &card, err);
    int margin = BT_MIN(width, height) / 20;
    const struct bt_rect all = {margin, 0, width - 2 * margin, height};
    const struct part parts[] = {
        {band(all, 25, 50), "Bảng tin", paper, ground, true},
        {band(all, 52, 75), texts[what], soft, ground, false},
    };
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(parts); i++) {
        r = draw_part(kitchen, &parts[i], card, err);
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(card);
    return 0;
}

int bt_card_name(struct bt_kitchen *kitchen, const char *screen, const char *unit, int width,
                 int height, struct bt_image **out, struct bt_error *err)
{
    BT_AUTO(bt_image) card = NULL;
    int card_width = BT_MAX(width * 4 / 5, 1), card_height = BT_MAX(height * 2 / 5, 1);
    int r = new_card(card_width, card_height, paper, &card, err);
    int margin = card_height / 16;
    const struct bt_rect inner = {margin, margin, card_width - 2 * margin,
                                  card_height - 2 * margin};
    const struct part parts[] = {
        {band(inner, 0, 60), screen, ground, paper, true},
        {band(inner, 62, 100), unit, ground, paper, false},
    };
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(parts); i++) {
        r = parts[i].text[0] != '\0' ? draw_part(kitchen, &parts[i], card, err) : 0;
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(card);
    return 0;
}

int bt_card_mark(struct bt_kitchen *kitchen, int width, int height, struct bt_image **out,
                 struct bt_error *err)
{
    BT_AUTO(bt_image) card = NULL;
    int card_height = BT_CLAMP(height / 14, BT_MIN(12, height), 64);
    int card_width = BT_MIN(card_height * 7, BT_MAX(width / 2, 1));
    int r = new_card(card_width, card_height, red, &card, err);
    const struct part part = {{0, 0, card_width, card_height}, "BẢN THỬ · DEMO", paper, red, true};
    r = r == 0 ? draw_part(kitchen, &part, card, err) : r;
    if (r == 0) {
        *out = BT_TAKE(card);
    }
    return r;
}
