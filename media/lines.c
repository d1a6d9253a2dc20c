#include "media/lines.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

struct breaker {
    struct bt_lines *lines;
    struct bt_font *font;
    int width_px, space_px;
    const char *start;  // of the line being filled; NULL: none
    const char *end;
    int used_px;
};

static void add_line(struct bt_lines *lines, const char *text, size_t len)
{
    BT_GROW(lines->lines, lines->capacity, lines->count + 1);
    lines->lines[lines->count++] = (struct bt_line){text, len};
}

static void flush(struct breaker *breaker)
{
    if (breaker->start != NULL) {
        add_line(breaker->lines, breaker->start, (size_t)(breaker->end - breaker->start));
        breaker->start = NULL;
    }
}

// Bytes of the first letter with everything that belongs to it.
static size_t grapheme_len(const char *text, size_t len)
{
    int32_t state = 0, code, next;
    size_t used = (size_t)utf8proc_iterate((const uint8_t *)text, (utf8proc_ssize_t)len, &code);
    while (used < len) {
        size_t step = (size_t)utf8proc_iterate((const uint8_t *)text + used,
                                               (utf8proc_ssize_t)(len - used), &next);
        if (utf8proc_grapheme_break_stateful(code, next, &state)) {
            break;
        }
        used += step;
        code = next;
    }
    return used;
}

// Ends the line at `at`; what follows of the word begins the next one.
static void split_at(struct breaker *breaker, const char *at)
{
    const char *end = breaker->end;
    breaker->end = at;
    flush(breaker);
    breaker->start = at;
    breaker->end = end;
    breaker->used_px = bt_font_width(breaker->font, at, (size_t)(end - at));
}

/**
 * Fills lines with as many letters as fit, at least one each; the rest is the line being filled.
 * An address or a compound ends its line after a sign that joins its parts, if it has one.
 */
static void split_word(struct breaker *breaker, const char *word, size_t len)
{
    const char *joint = NULL;
    breaker->start = breaker->end = word;
    breaker->used_px = 0;
    while (len > 0) {
        size_t step = grapheme_len(breaker->end, len);
        int letter_px = bt_font_width(breaker->font, breaker->end, step);
        if (breaker->used_px + letter_px > breaker->width_px && breaker->end > breaker->start) {
            breaker->lines->split_words |= joint == NULL;
            split_at(breaker, joint != NULL ? joint : breaker->end);
            joint = NULL;
        }
        breaker->used_px += letter_px;
        breaker->end += step;
        len -= step;
        joint = strchr("-/._?&=@", breaker->end[-1]) != NULL ? breaker->end : joint;
    }
}

static void add_word(struct breaker *breaker, const char *word, size_t len)
{
    int word_px = bt_font_width(breaker->font, word, len);
    if (breaker->start != NULL) {
        int gap_px = (int)(word - breaker->end) * breaker->space_px;
        if (breaker->used_px + gap_px + word_px <= breaker->width_px) {
            breaker->end = word + len;
            breaker->used_px += gap_px + word_px;
            return;
        }
        flush(breaker);
    }
    if (word_px > breaker->width_px) {
        split_word(breaker, word, len);
        return;
    }
    breaker->start = word;
    breaker->end = word + len;
    breaker->used_px = word_px;
}

static void break_paragraph(struct breaker *breaker, const char *text, size_t len)
{
    const char *end = text + len;
    size_t before = breaker->lines->count;
    while (text < end) {
        text += strspn(text, " ");
        size_t word = strcspn(text, " \n");
        if (word > 0) {
            add_word(breaker, text, word);
        }
        text += word;
    }
    flush(breaker);
    if (breaker->lines->count == before) {
        add_line(breaker->lines, end, 0);
    }
}

void bt_lines_break(struct bt_lines *lines, struct bt_font *font, const char *text, int width_px)
{
    lines->count = 0;
    lines->split_words = false;
    struct breaker breaker = {
        .lines = lines,
        .font = font,
        .width_px = width_px,
        .space_px = bt_font_width(font, " ", 1),
    };
    for (;;) {
        size_t len = strcspn(text, "\n");
        break_paragraph(&breaker, text, len);
        if (text[len] == '\0') {
            return;
        }
        text += len + 1;
    }
}

void bt_lines_finish(struct bt_lines *lines)
{
    free(lines->lines);
    *lines = (struct bt_lines){0};
}
