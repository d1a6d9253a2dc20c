// The "style" of items that are written.
#include "playlists/publication_read.h"
#include "playlists/publication_words.h"

const struct bt_text_style bt_style_defaults = {
    .family = BT_FAMILY_SANS,
    .size_px = 48,
    .line_percent = 140,
    .colour = {255, 255, 255, 255},
    .background = {0, 0, 0, 255},
    .align = BT_ALIGN_CENTER,
    .valign = BT_VALIGN_MIDDLE,
};

static const struct bt_json_field outline_fields[] = {
    BT_JSON_FIELD(struct bt_outline, px, "px", BT_JSON_INT, .min = 1, .max = BT_OUTLINE_MAX_PX),
    BT_LEAF(struct bt_outline, colour, "colour", bt_read_colour),
};

static int read_outline(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, outline_fields, BT_ARRAY_LEN(outline_fields), target, err);
}

static const struct bt_json_field shadow_fields[] = {
    BT_JSON_FIELD(struct bt_shadow, x, "x", BT_JSON_INT, .min = -BT_SHADOW_MAX_PX,
                  .max = BT_SHADOW_MAX_PX),
    BT_JSON_FIELD(struct bt_shadow, y, "y", BT_JSON_INT, .min = -BT_SHADOW_MAX_PX,
                  .max = BT_SHADOW_MAX_PX),
    BT_JSON_FIELD(struct bt_shadow, blur_px, "blur_px", BT_JSON_INT, .min = 0,
                  .max = BT_BLUR_MAX_PX, .optional = true),
    BT_LEAF(struct bt_shadow, colour, "colour", bt_read_colour),
};

static int read_shadow(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, shadow_fields, BT_ARRAY_LEN(shadow_fields), target, err);
}

#define STYLE(member, key, kind, ...)                                                              \
    BT_JSON_FIELD(struct bt_text_style, member, key, kind, .optional = true, __VA_ARGS__)

static const struct bt_json_field style_fields[] = {
    STYLE(family, "font", BT_JSON_ENUM, .words = bt_family_words),
    STYLE(bold, "bold", BT_JSON_BOOL),
    STYLE(italic, "italic", BT_JSON_BOOL),
    STYLE(size_px, "size", BT_JSON_INT, .min = 8, .max = 2048),
    STYLE(line_percent, "line_percent", BT_JSON_INT, .min = 100, .max = 300),
    BT_LEAF(struct bt_text_style, colour, "colour", bt_read_colour, .optional = true),
    BT_LEAF(struct bt_text_style, background, "background", bt_read_colour, .optional = true),
    STYLE(align, "align", BT_JSON_ENUM, .words = bt_align_words),
    STYLE(valign, "valign", BT_JSON_ENUM, .words = bt_valign_words),
    STYLE(padding_px, "padding", BT_JSON_INT, .min = 0, .max = 4096),
    BT_LEAF(struct bt_text_style, outline, "outline", read_outline, .optional = true),
    BT_LEAF(struct bt_text_style, shadow, "shadow", read_shadow, .optional = true),
};

int bt_read_style(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, style_fields, BT_ARRAY_LEN(style_fields), target, err);
}
