// Breaking a text into lines of a given width.
#ifndef BT_MEDIA_LINES_H
#define BT_MEDIA_LINES_H

#include "media/font.h"

struct bt_line {
    const char *text;  // borrowed from the text that was broken; no NUL at its end
    size_t len;        // 0: a blank line
};

struct bt_lines {
    struct bt_line *lines;
    size_t count, capacity;
    bool split_words;  // a word was wider than the box and had to be split between letters
};

/**
 * At \n always, else between words where the next one would pass the width (by the font's present
 * size); a word wider than that is split after a sign such as - or /, else between letters
 * (extended grapheme clusters). Spaces at both ends of a line are left out. Replaces what `lines`
 * held.
 */
void bt_lines_break(struct bt_lines *lines, struct bt_font *font, const char *text, int width_px);
void bt_lines_finish(struct bt_lines *lines);

#endif
