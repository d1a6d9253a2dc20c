#include "cli/style_words.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

// Enough for every part once in both languages.
#define WORDS_MAX_BYTES 2048

// Vietnamese and English, each the parts with commas between them.
struct sentence {
    struct bt_buf vi, en;
    bool cut;  // it does not fit
};

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static bool is_text(const cJSON *object, const char *key, const char *text)
{
    return bt_str_equal(cJSON_GetStringValue(member(object, key)), text);
}

static void add(struct sentence *sentence, const char *vi, const char *en)
{
    const char *comma = sentence->vi.len > 0 ? ", " : "";
    sentence->cut = bt_buf_appendf(&sentence->vi, "%s%s", comma, vi) < 0 ||
                    bt_buf_appendf(&sentence->en, "%s%s", comma, en) < 0 || sentence->cut;
}

static void add_font(struct sentence *sentence, const cJSON *style)
{
    if (is_text(style, "font", "Noto Serif")) {
        add(sentence, "có chân", "serif");
    }
    if (cJSON_IsTrue(member(style, "bold"))) {
        add(sentence, "đậm", "bold");
    }
    if (cJSON_IsTrue(member(style, "italic"))) {
        add(sentence, "nghiêng", "italic");
    }
    const cJSON *size = member(style, "size");
    if (cJSON_IsNumber(size)) {
        BT_AUTOFREE char *vi = bt_strf("cỡ %.15g px", size->valuedouble);
        BT_AUTOFREE char *en = bt_strf("size %.15g px", size->valuedouble);
        add(sentence, vi, en);
    }
}

static void add_colours(struct sentence *sentence, const cJSON *style)
{
    const char *colour = cJSON_GetStringValue(member(style, "colour"));
    const char *background = cJSON_GetStringValue(member(style, "background"));
    if (colour != NULL) {
        BT_AUTOFREE char *vi = bt_strf("màu %s", colour);
        BT_AUTOFREE char *en = bt_strf("colour %s", colour);
        add(sentence, vi, en);
    }
    if (background != NULL) {
        BT_AUTOFREE char *vi = bt_strf("nền %s", background);
        BT_AUTOFREE char *en = bt_strf("background %s", background);
        add(sentence, vi, en);
    }
}

static void add_outline(struct sentence *sentence, const cJSON *outline)
{
    const cJSON *px = member(outline, "px");
    const char *colour = cJSON_GetStringValue(member(outline, "colour"));
    if (cJSON_IsNumber(px) && colour != NULL) {
        BT_AUTOFREE char *vi = bt_strf("viền %.15g px %s", px->valuedouble, colour);
        BT_AUTOFREE char *en = bt_strf("outline %.15g px %s", px->valuedouble, colour);
        add(sentence, vi, en);
    }
}

static void add_shadow(struct sentence *sentence, const cJSON *shadow)
{
    const cJSON *x = member(shadow, "x"), *y = member(shadow, "y");
    const cJSON *blur = member(shadow, "blur_px");
    const char *colour = cJSON_GetStringValue(member(shadow, "colour"));
    if (!cJSON_IsNumber(x) || !cJSON_IsNumber(y) || colour == NULL) {
        return;
    }
    double blur_px = cJSON_IsNumber(blur) ? blur->valuedouble : 0;
    BT_AUTOFREE char *vi = bt_strf("bóng (%.15g, %.15g) mờ %.15g px %s", x->valuedouble,
                                   y->valuedouble, blur_px, colour);
    BT_AUTOFREE char *en = bt_strf("shadow (%.15g, %.15g) blurred %.15g px %s", x->valuedouble,
                                   y->valuedouble, blur_px, colour);
    add(sentence, vi, en);
}

// Where the lines stand.
static void add_places(struct sentence *sentence, const cJSON *style)
{
    static const struct {
        const char *key, *value, *vi, *en;
    } places[] = {
        {"align", "left", "sát trái", "left"},
        {"align", "center", "giữa", "centred"},
        {"align", "right", "sát phải", "right"},
        {"valign", "top", "trên", "top"},
        {"valign", "middle", "giữa chiều cao", "middle"},
        {"valign", "bottom", "dưới", "bottom"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(places); i++) {
        if (is_text(style, places[i].key, places[i].value)) {
            add(sentence, places[i].vi, places[i].en);
        }
    }
}

char *bt_style_words_of(const cJSON *style)
{
    struct sentence sentence = {.cut = false};
    bt_buf_init(&sentence.vi, WORDS_MAX_BYTES);
    bt_buf_init(&sentence.en, WORDS_MAX_BYTES);
    add_font(&sentence, style);
    add_colours(&sentence, style);
    add_outline(&sentence, member(style, "outline"));
    add_shadow(&sentence, member(style, "shadow"));
    add_places(&sentence, style);
    bool said = sentence.vi.len > 0 && !sentence.cut;
    char *words = !said ? NULL
                        : bt_strf("Kiểu chữ: %s / style: %s", bt_buf_text(&sentence.vi),
                                  bt_buf_text(&sentence.en));
    bt_buf_finish(&sentence.vi);
    bt_buf_finish(&sentence.en);
    return words;
}
