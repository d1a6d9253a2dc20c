#include "player/pattern.h"

#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "render/raster.h"
#include "render/region.h"

// Smaller numbers nobody reads.
#define READABLE_PX 10
#define NUMBERED_PX 24

static const struct bt_colour black = {0, 0, 0, 255};
static const struct bt_colour white = {255, 255, 255, 255};
static const struct bt_colour clear = {0, 0, 0, 0};
static const struct bt_colour dark = {28, 28, 36, 255};
static const struct bt_colour line = {84, 84, 96, 255};
static const struct bt_colour faint = {150, 150, 165, 255};
static const struct bt_colour yellow = {255, 210, 0, 255};
static const struct bt_colour cyan = {0, 220, 220, 255};

struct drawing {
    const struct bt_pattern *pattern;
    struct bt_text *text;
    struct bt_raster to;
    struct bt_error *err;
};

static void fill(const struct drawing *drawing, struct bt_rect rect, struct bt_colour colour)
{
    const struct bt_rect all = {0, 0, drawing->to.width, drawing->to.height};
    rect = bt_rect_intersect(rect, all);
    if (!bt_rect_empty(rect)) {
        bt_raster_fill(&drawing->to, rect, colour);
    }
}

static void frame(const struct drawing *drawing, struct bt_rect rect, struct bt_colour colour)
{
    fill(drawing, (struct bt_rect){rect.x, rect.y, rect.width, 1}, colour);
    fill(drawing, (struct bt_rect){rect.x, rect.y + rect.height - 1, rect.width, 1}, colour);
    fill(drawing, (struct bt_rect){rect.x, rect.y, 1, rect.height}, colour);
    fill(drawing, (struct bt_rect){rect.x + rect.width - 1, rect.y, 1, rect.height}, colour);
}

static int write(const struct drawing *drawing, struct bt_rect rect, const char *words,
                 struct bt_colour colour, struct bt_colour background)
{
    const struct bt_rect all = {0, 0, drawing->to.width, drawing->to.height};
    if (rect.height < READABLE_PX || rect.width < READABLE_PX || !bt_rect_contains(all, rect)) {
        return 0;
    }
    const struct bt_text_style style = {.bold = true,
                                        .size_px = BT_MIN(rect.height, 400),
                                        .line_percent = 100,
                                        .colour = colour,
                                        .background = background,
                                        .align = BT_ALIGN_CENTER,
                                        .valign = BT_VALIGN_MIDDLE};
    BT_AUTO(bt_image) image = NULL;
    int r =
        bt_text_card(drawing->text, words, &style, rect.width, rect.height, &image, drawing->err);
    if (r == 0) {
        const struct bt_raster_source from = bt_raster_source_of(image, rect.x, rect.y);
        bt_raster_draw(&drawing->to, rect, &from);
    }
    return r;
}

// Modules in two greys, each with a line at its left and top, and column.row.
static int draw_modules(const struct drawing *drawing)
{
    const struct bt_pattern *pattern = drawing->pattern;
    int width = pattern->module_width, height = pattern->module_height;
    for (int y = 0, row = 1; height > 0 && y < pattern->height; y += height, row++) {
        for (int x = 0, column = 1; width > 0 && x < pattern->width; x += width, column++) {
            fill(drawing, (struct bt_rect){x, y, width, height},
                 (row + column) % 2 == 0 ? black : dark);
            fill(drawing, (struct bt_rect){x, y, width, 1}, line);
            fill(drawing, (struct bt_rect){x, y, 1, height}, line);
            BT_AUTOFREE char *words = bt_strf("%d.%d", column, row);
            int size = BT_CLAMP(height / 3, READABLE_PX, 40);
            bool numbered = width >= NUMBERED_PX && height >= NUMBERED_PX;
            int r = !numbered ? 0
                              : write(drawing, (struct bt_rect){x + 2, y + 2, width - 3, size},
                                      words, faint, clear);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

// Red, green, blue, yellow: who sees only one corner knows which it is.
static void draw_corners(const struct drawing *drawing)
{
    static const struct bt_colour colours[] = {
        {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 0, 255}};
    int width = drawing->to.width, height = drawing->to.height;
    int arm = BT_MAX(4, BT_MIN(width, height) / 8), thick = BT_MAX(1, arm / 8);
    for (int i = 0; i < 4; i++) {
        bool right = i % 2 == 1, bottom = i / 2 == 1;
        fill(drawing,
             (struct bt_rect){right ? width - arm : 0, bottom ? height - thick : 0, arm, thick},
             colours[i]);
        fill(drawing,
             (struct bt_rect){right ? width - thick : 0, bottom ? height - arm : 0, thick, arm},
             colours[i]);
    }
}

static void draw_row(const struct drawing *drawing, struct bt_rect row,
                     const struct bt_colour *colours, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int left = row.x + (int)((size_t)row.width * i / count);
        int right = row.x + (int)((size_t)row.width * (i + 1) / count);
        fill(drawing, (struct bt_rect){left, row.y, right - left, row.height}, colours[i]);
    }
}

static void draw_bars(const struct drawing *drawing, struct bt_rect row)
{
    static const struct bt_colour bars[] = {
        {255, 255, 255, 255}, {255, 255, 0, 255}, {0, 255, 255, 255}, {0, 255, 0, 255},
        {255, 0, 255, 255},   {255, 0, 0, 255},   {0, 0, 255, 255},   {0, 0, 0, 255}};
    draw_row(drawing, row, bars, BT_ARRAY_LEN(bars));
}

static void draw_greys(const struct drawing *drawing, struct bt_rect row)
{
    static const uint8_t levels[] = {0,   17,  34,  51,  68,  85,  102, 119,
                                     136, 153, 170, 187, 204, 221, 238, 255};
    struct bt_colour greys[BT_ARRAY_LEN(levels)];
    for (size_t i = 0; i < BT_ARRAY_LEN(levels); i++) {
        greys[i] = (struct bt_colour){levels[i], levels[i], levels[i], 255};
    }
    draw_row(drawing, row, greys, BT_ARRAY_LEN(greys));
}

// What a sender that expects limited range swallows, and what a dimmed wall loses first.
static int draw_darks(const struct drawing *drawing, struct bt_rect row)
{
    static const uint8_t levels[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32};
    struct bt_colour greys[BT_ARRAY_LEN(levels)];
    int width = row.width / (int)BT_ARRAY_LEN(levels), r = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(levels); i++) {
        greys[i] = (struct bt_colour){levels[i], levels[i], levels[i], 255};
    }
    draw_row(drawing, row, greys, BT_ARRAY_LEN(greys));
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(levels); i++) {
        BT_AUTOFREE char *words = bt_strf("%d", levels[i]);
        int x = row.x + (int)((size_t)row.width * i / BT_ARRAY_LEN(levels));
        r = write(drawing, (struct bt_rect){x, row.y, width, BT_MIN(row.height, 24)}, words, line,
                  clear);
    }
    return r;
}

// Everything that is looked at closely, in the lower half of one piece.
static int draw_panel(const struct drawing *drawing, struct bt_rect piece)
{
    static const char words[] = "Bảng tin ĐIỆN TỬ: ắ ằ ẵ ặ ễ ỗ ợ ữ ỵ 0123456789";
    int row = piece.height / 10, edge = BT_MAX(2, piece.height / 40);
    struct bt_rect at = {piece.x + edge, piece.y + piece.height / 2, piece.width - 2 * edge, row};
    draw_bars(drawing, at);
    at.y += row;
    draw_greys(drawing, at);
    at.y += row;
    int r = draw_darks(drawing, at);
    at.y += row;
    at.height = piece.y + piece.height - edge - at.y;
    fill(drawing, at, black);
    return r < 0 ? r : write(drawing, at, words, white, clear);
}

// Below the slice's own words, in each: a window may have one that is hard to see.
static int draw_window(const struct drawing *drawing, const struct bt_slice *slice,
                       struct bt_rect at)
{
    const struct bt_output_plan *plan = drawing->pattern->plan;
    if (plan->window_count == 0) {
        return 0;
    }
    const struct bt_output_window *window = &plan->windows[slice->window];
    BT_AUTOFREE char *words = bt_strf("cửa sổ %d · %s · %d × %d", slice->window + 1, window->name,
                                      window->width, window->height);
    at.y += at.height;
    at.height = at.height * 2 / 3;
    return write(drawing, at, words, black, yellow);
}

static int draw_slice(const struct drawing *drawing, size_t index)
{
    const struct bt_slice *slice = &drawing->pattern->plan->slices[index];
    const struct bt_rect *from = &slice->from;
    frame(drawing, *from, cyan);
    BT_AUTOFREE char *words =
        bt_strf("%zu · %d × %d · %d,%d > %d,%d · %d°", index + 1, from->width, from->height,
                from->x, from->y, slice->x, slice->y, slice->rotation);
    int height = BT_MIN(from->height * 3 / 10, 120), edge = BT_MIN(from->width, from->height) / 12;
    const struct bt_rect at = {from->x + edge, from->y + from->height / 6, from->width - 2 * edge,
                               height};
    int r = write(drawing, at, words, black, cyan);
    return r < 0 ? r : draw_window(drawing, slice, at);
}

static int draw_size(const struct drawing *drawing)
{
    int width = drawing->to.width, height = drawing->to.height;
    BT_AUTOFREE char *words = bt_strf("%d × %d", width, height);
    const struct bt_rect at = {width / 8, height / 6, width * 3 / 4, BT_MIN(height / 5, 160)};
    return write(drawing, at, words, white, clear);
}

int bt_pattern_draw(const struct bt_pattern *pattern, struct bt_text *text, struct bt_image **out,
                    struct bt_error *err)
{
    BT_AUTO(bt_image) image = bt_image_create(pattern->width, pattern->height);
    if (image == NULL) {
        return bt_fail(err, -ENOMEM, "There is no memory for a picture of %d × %d", pattern->width,
                       pattern->height);
    }
    const struct drawing drawing = {pattern, text, bt_raster_of(image), err};
    struct bt_rect panel = {0, 0, pattern->width, pattern->height};
    fill(&drawing, panel, black);
    int r = draw_modules(&drawing);
    size_t slices = pattern->plan != NULL ? pattern->plan->slice_count : 0;
    if (slices > 0) {
        panel = pattern->plan->slices[0].from;
    }
    r = r < 0 ? r : draw_panel(&drawing, panel);
    for (size_t i = 0; r == 0 && i < slices; i++) {
        r = draw_slice(&drawing, i);
    }
    r = r < 0 || slices > 0 ? r : draw_size(&drawing);
    frame(&drawing, (struct bt_rect){0, 0, pattern->width, pattern->height}, white);
    draw_corners(&drawing);
    image->opaque = true;
    *out = r < 0 ? NULL : BT_TAKE(image);
    return r;
}

void bt_pattern_scene(const struct bt_pattern *pattern, const struct bt_image *image, int64_t step,
                      struct bt_scene *out)
{
    const struct bt_rect all = {0, 0, pattern->width, pattern->height};
    const struct bt_rect lines[] = {{(int)(step % pattern->width), 0, 1, pattern->height},
                                    {0, (int)(step % pattern->height), pattern->width, 1}};
    *out = (struct bt_scene){.background = black, .zone_count = 3};
    out->zones[0] = (struct bt_zone_view){
        .rect = all, .to = {.kind = BT_VISUAL_IMAGE, .serial = 2, .image = image}, .mix = 1000};
    for (size_t i = 0; i < BT_ARRAY_LEN(lines); i++) {
        out->zones[i + 1] = (struct bt_zone_view){
            .rect = lines[i],
            .to = {.kind = BT_VISUAL_COLOUR, .serial = 3, .background = white},
            .mix = 1000,
        };
    }
}
