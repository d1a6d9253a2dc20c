/**
 * One face of a font at one size (SDL2_ttf with HarfBuzz): measuring and drawing single lines by
 * their baseline. Inside the room: text.c lays lines out, this puts them down.
 *
 * SDL2_ttf gives a line as a surface that grows upwards when a mark stands above the font's
 * ascent, so the baseline of two surfaces may lie on different rows. bt_font_draw knows where it
 * is and puts every line's baseline where it was told.
 *
 * A font belongs to one thread. Opening and destroying take a process-wide lock, because all faces
 * share FreeType's library.
 */
#ifndef BT_MEDIA_FONT_H
#define BT_MEDIA_FONT_H

#include "media/mask.h"

// Below this nobody reads accents; above it one line would be larger than any canvas needs.
#define BT_FONT_MIN_PX 8
#define BT_FONT_MAX_PX 2048

struct bt_font;

// Errors: -ENOENT no such file or not a font, with the library's words.
int bt_font_open(const char *path, struct bt_font **out, struct bt_error *err) BT_NODISCARD;
void bt_font_destroy(struct bt_font *font);
BT_DEFINE_AUTO(bt_font)

// The largest size whose ascent and descent together are at most size_px (clamped to the limits).
int bt_font_set_size(struct bt_font *font, int size_px, struct bt_error *err) BT_NODISCARD;

// The line box at this size, pixels above and below the baseline: no Vietnamese letter leaves it.
int bt_font_ascent(const struct bt_font *font);
int bt_font_descent(const struct bt_font *font);

// Advance of a line in pixels, ink beside it included; 0 for a text that draws nothing.
int bt_font_width(struct bt_font *font, const char *text, size_t len);

// How far a line reaches above its baseline; more than the ascent only where marks are piled up.
int bt_font_top(struct bt_font *font, const char *text, size_t len);

/**
 * Covers what a line covers: the left edge of its ink or advance at at.x, the baseline between the
 * rows at.y - 1 and at.y. What lies outside the mask is left out.
 * Errors: -ENOMEM, with the library's words.
 */
int bt_font_draw(struct bt_font *font, const char *text, size_t len, struct bt_mask *mask,
                 struct bt_point at, struct bt_error *err) BT_NODISCARD;

#endif
