/**
 * Text → pixels (SDL2_ttf with HarfBuzz, Debian's Noto Sans). Vietnamese first: input in NFC, NFD
 * or mixed gives identical pixels, tone-before-circumflex input is repaired, the baseline is
 * constant whatever marks a line carries, and no mark is clipped.
 *
 * One bt_text belongs to one thread (SDL2_ttf faces are not shared); it caches opened fonts.
 */
#ifndef BT_MEDIA_TEXT_H
#define BT_MEDIA_TEXT_H

#include "media/frame.h"
#include "playlists/publication.h"

struct bt_text;

// Errors: -ENOENT the fonts are not installed (the message names the package).
int bt_text_open(struct bt_text **out, struct bt_error *err) BT_NODISCARD;
void bt_text_destroy(struct bt_text *text);
BT_DEFINE_AUTO(bt_text)

// The longest text of an item, and the widest strip a crawl becomes (pixels).
#define BT_TEXT_MAX_BYTES 8192
#define BT_STRIP_MAX_PX 262144

/**
 * A text card: lines broken at width, aligned, on the style's background; exactly
 * width × height. Text that does not fit is set smaller until it does (never below 8 px, then cut).
 */
int bt_text_card(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                 int width, int height, struct bt_image **out,
                 struct bt_error *err) BT_NODISCARD;

/**
 * One line as a strip for a crawl, cut in images of at most 2048 px side by side (texture
 * limits), each `height` high. *out_images is an array for bt_text_strip_destroy.
 */
struct bt_strip {
    struct bt_image **tiles;
    size_t tile_count;
    int width, height;  // of the whole strip
};
int bt_text_strip(struct bt_text *text, const char *utf8, const struct bt_text_style *style,
                  int height, struct bt_strip **out, struct bt_error *err) BT_NODISCARD;
void bt_strip_destroy(struct bt_strip *strip);
BT_DEFINE_AUTO(bt_strip)

/**
 * Canonical form of outside text: UTF-8 → NFC after moving circumflex, breve and horn before the
 * tone, Ð (U+00D0) → Đ between Vietnamese letters. The caller frees *out.
 * Errors: -EILSEQ not UTF-8, -EMSGSIZE.
 */
int bt_text_normalise(const char *utf8, char **out) BT_NODISCARD;

#endif
