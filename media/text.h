/**
 * Text → pixels (SDL2_ttf with HarfBuzz, Debian's Noto Sans and Noto Serif). Vietnamese first:
 * input in NFC, NFD or mixed gives identical pixels, tone-before-circumflex input is repaired, the
 * baseline is constant whatever marks a line carries, and no mark is clipped.
 *
 * One bt_text belongs to one thread (SDL2_ttf faces are not shared); it caches opened fonts.
 */
#ifndef BT_MEDIA_TEXT_H
#define BT_MEDIA_TEXT_H

#include "media/frame.h"
#include "media/normalise.h"
#include "playlists/publication.h"

struct bt_text;

// Errors: -ENOENT the fonts are not installed (the message names the package).
int bt_text_open(struct bt_text **out, struct bt_error *err) BT_NODISCARD;
void bt_text_destroy(struct bt_text *text);
BT_DEFINE_AUTO(bt_text)

// The widest strip a crawl becomes, and the pixels it holds (64 MiB): minutes of moving text.
#define BT_STRIP_MAX_PX 262144
#define BT_STRIP_MAX_PIXELS (16LL * 1024 * 1024)

/**
 * A text card: lines broken at spaces (and at \n), aligned, on the style's background; exactly
 * width × height. Text that does not fit is set smaller until it does; from half its size on long
 * words are split as well. At 8 px what still does not fit is left out, whole lines from the end.
 * An outline stands outside the letters and moves no line; where the padding is less than it, the
 * padding is as much. A shadow is cut at the card's edges.
 * Errors: -EILSEQ not UTF-8, -EMSGSIZE longer than BT_TEXT_MAX_BYTES, -ENOMEM.
 */
int bt_text_card(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                 int width, int height, struct bt_image **out, struct bt_error *err) BT_NODISCARD;

// How a card comes out, without drawing it.
struct bt_text_fit {
    int size_px;            // the size it is set in
    size_t lines_left_out;  // that find no room even at 8 px
};
int bt_text_measure(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                    int width, int height, struct bt_text_fit *out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * A line as a strip for a crawl, or two that move together: a line break parts them, any further
 * one becomes a space. Cut in images of at most 2048 px side by side (texture limits), each
 * `height` high, the text where the style's valign says, the shorter of two lines where its align
 * says. What is too high for the strip is set smaller. At the end stands room as wide as a line is
 * high, so that strips side by side are a text that repeats.
 * Errors: as above, -EINVAL nothing to draw, -EFBIG too wide.
 */
struct bt_strip {
    struct bt_image **tiles;
    size_t tile_count;
    int width, height;  // of the whole strip
};
int bt_text_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                  int height, struct bt_strip **out, struct bt_error *err) BT_NODISCARD;

// How a strip comes out, without drawing it. All its lines are left out where it would be too wide.
int bt_text_measure_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                          int height, struct bt_text_fit *out, struct bt_error *err) BT_NODISCARD;
void bt_strip_destroy(struct bt_strip *strip);
BT_DEFINE_AUTO(bt_strip)

#endif
