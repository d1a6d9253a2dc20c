#include "media/font.h"

#include <SDL_ttf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// What a size asked for became.
struct box {
    int points;           // 0: not known yet
    int ascent, descent;  // of the line box
};

struct bt_font {
    TTF_Font *face;
    int size_px;                           // what set_size was last asked for; 0: nothing yet
    int height_at_thousand;                // the face's own word at 1,000 points
    struct box boxes[BT_FONT_MAX_PX + 1];  // by size_px
};

// Vietnamese letters with the most above and below them. Hinting may draw them a row higher than
// the face says, at small sizes.
static const char tallest[] = "ẪẮỔỂỬỶỖ ỆỊỴỰựgyj";

// Guards what faces share: FreeType's library inside SDL2_ttf and its count of users.
static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;  // allow: SDL2_ttf is global

static int fail_ttf(struct bt_error *err, int code, const char *what)
{
    return bt_fail(err, code, "%s: %s", what, TTF_GetError());
}

static TTF_Font *open_face(const char *path, struct bt_error *err)
{
    if (TTF_Init() < 0) {
        fail_ttf(err, -ENOMEM, "Cannot start SDL2_ttf");
        return NULL;
    }
    TTF_Font *face = TTF_OpenFont(path, 1000);
    if (face == NULL) {
        bt_fail(err, -ENOENT, "Cannot open font '%s': %s", path, TTF_GetError());
        TTF_Quit();
    }
    return face;
}

int bt_font_open(const char *path, struct bt_font **out, struct bt_error *err)
{
    pthread_mutex_lock(&library_lock);
    TTF_Font *face = open_face(path, err);
    pthread_mutex_unlock(&library_lock);
    if (face == NULL) {
        return -ENOENT;
    }
    BT_AUTO(bt_font) font = BT_NEW(struct bt_font);
    font->face = face;
    font->height_at_thousand = TTF_FontHeight(face);
    if (font->height_at_thousand <= 0) {
        return bt_fail(err, -EINVAL, "Font '%s' has no height", path);
    }
    *out = BT_TAKE(font);
    return 0;
}

void bt_font_destroy(struct bt_font *font)
{
    if (font == NULL) {
        return;
    }
    pthread_mutex_lock(&library_lock);
    TTF_CloseFont(font->face);
    TTF_Quit();
    pthread_mutex_unlock(&library_lock);
    free(font);
}

static void measure(struct bt_font *font, const char *text, size_t len, int *width, int *height)
{
    BT_AUTOFREE char *line = bt_strndup(text, len);
    if (TTF_SizeUTF8(font->face, line, width, height) < 0) {
        *width = *height = 0;
    }
}

int bt_font_width(struct bt_font *font, const char *text, size_t len)
{
    int width, height;
    measure(font, text, len, &width, &height);
    return width;
}

// White on nothing: alpha is what a pixel is covered.
static SDL_Surface *render(struct bt_font *font, const char *line)
{
    return TTF_RenderUTF8_Blended(font->face, line, (SDL_Color){255, 255, 255, 255});
}

static uint32_t coverage(const SDL_Surface *surface, int x, int y)
{
    const uint8_t *row = (const uint8_t *)surface->pixels + (ptrdiff_t)y * surface->pitch;
    return ((const uint32_t *)(const void *)row)[x] >> 24;
}

// The lowest row with ink in the first column that has any: an H's foot stands on the baseline.
static int foot_of_first_letter(const SDL_Surface *surface)
{
    for (int x = 0; x < surface->w; x++) {
        for (int y = surface->h - 1; y >= 0; y--) {
            if (coverage(surface, x, y) >= 64) {
                return y + 1;
            }
        }
    }
    return 0;
}

/*
 * SDL2_ttf says how high the surface of a line is, not where the baseline lies in it. Where the
 * line stays in the face's own box that is plain; else it is found with a letter in front whose
 * foot is known to stand on it.
 */
static void measure_vertical(struct bt_font *font, const char *text, size_t len, int *above,
                             int *below)
{
    static const char sentinel[] = "H    ";
    int width, height;
    measure(font, text, len, &width, &height);
    *above = TTF_FontAscent(font->face);
    *below = -TTF_FontDescent(font->face);
    if (height <= TTF_FontHeight(font->face)) {
        return;
    }
    BT_AUTOFREE char *line = bt_alloc(sizeof(sentinel) + len);
    memcpy(line, sentinel, sizeof(sentinel) - 1);
    memcpy(line + sizeof(sentinel) - 1, text, len);
    SDL_Surface *surface = render(font, line);
    if (surface != NULL) {
        *above = BT_MAX(*above, foot_of_first_letter(surface));
        *below = BT_MAX(*below, surface->h - *above);
        SDL_FreeSurface(surface);
    }
}

int bt_font_top(struct bt_font *font, const char *text, size_t len)
{
    int above, below;
    measure_vertical(font, text, len, &above, &below);
    return above;
}

static int set_points(struct bt_font *font, int points, struct bt_error *err)
{
    if (TTF_SetFontSize(font->face, points) < 0) {
        return fail_ttf(err, -EINVAL, "Cannot set the size of a font");
    }
    return 0;
}

// Finds the points for a size. The box grows in proportion, but for rounding: from above in steps.
static int find_box(struct bt_font *font, int size_px, struct bt_error *err)
{
    struct box box = {.points = size_px * 1000 / font->height_at_thousand + 3};
    do {
        box.points--;
        int r = set_points(font, box.points, err);
        if (r < 0) {
            return r;
        }
        measure_vertical(font, tallest, sizeof(tallest) - 1, &box.ascent, &box.descent);
    } while (box.points > 1 && box.ascent + box.descent > size_px);
    font->boxes[size_px] = box;
    return 0;
}

int bt_font_set_size(struct bt_font *font, int size_px, struct bt_error *err)
{
    size_px = BT_CLAMP(size_px, BT_FONT_MIN_PX, BT_FONT_MAX_PX);
    if (size_px == font->size_px) {
        return 0;
    }
    font->size_px = 0;
    int points = font->boxes[size_px].points;
    int r = points > 0 ? set_points(font, points, err) : find_box(font, size_px, err);
    if (r == 0) {
        font->size_px = size_px;
    }
    return r;
}

int bt_font_ascent(const struct bt_font *font)
{
    return font->boxes[font->size_px].ascent;
}

int bt_font_descent(const struct bt_font *font)
{
    return font->boxes[font->size_px].descent;
}

static void join(const SDL_Surface *surface, struct bt_mask *mask, int left, int top)
{
    int from_x = BT_MAX(0, -left), until_x = BT_MIN(surface->w, mask->width - left);
    int from_y = BT_MAX(0, -top), until_y = BT_MIN(surface->h, mask->height - top);
    for (int y = from_y; y < until_y; y++) {
        uint8_t *row = mask->cover + (size_t)(top + y) * (size_t)mask->width;
        for (int x = from_x; x < until_x; x++) {
            row[left + x] = (uint8_t)BT_MAX(row[left + x], coverage(surface, x, y));
        }
    }
}

int bt_font_draw(struct bt_font *font, const char *text, size_t len, struct bt_mask *mask,
                 struct bt_point at, struct bt_error *err)
{
    if (bt_font_width(font, text, len) == 0) {
        return 0;  // SDL2_ttf calls that an error
    }
    int top = at.y - bt_font_top(font, text, len);
    BT_AUTOFREE char *line = bt_strndup(text, len);
    SDL_Surface *surface = render(font, line);
    if (surface == NULL) {
        return fail_ttf(err, -ENOMEM, "Cannot draw a line of text");
    }
    join(surface, mask, at.x, top);
    SDL_FreeSurface(surface);
    return 0;
}
