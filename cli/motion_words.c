#include "cli/motion_words.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct words {
    const char *key, *vi, *en;
};

static const struct words transitions[] = {
    {"crossfade", "hòa dần", "crossfade"},
    {"fade", "mờ qua màu", "fade through"},
    {"slide", "trượt vào", "slide"},
    {"push", "đẩy", "push"},
    {"wipe", "quét", "wipe"},
};

static const struct words directions[] = {
    {"left", "sang trái", "to the left"},
    {"right", "sang phải", "to the right"},
    {"up", "lên trên", "upwards"},
    {"down", "xuống dưới", "downwards"},
};

static const struct words *find(const struct words *words, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (bt_str_equal(words[i].key, key)) {
            return &words[i];
        }
    }
    return NULL;
}

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(member(object, key));
    return text != NULL ? text : "";
}

// Numbers as they are written in Vietnamese.
static char *with_commas(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '.' ? ',' : *c;
    }
    return text;
}

static char *number_in_vietnamese(double number)
{
    return with_commas(bt_strf("%.15g", number));
}

// Where it goes, or through which colour; "" of a crossfade.
static struct words manner_of(const cJSON *transition, const char *type)
{
    if (strcmp(type, "crossfade") == 0) {
        return (struct words){"", "", ""};
    }
    if (strcmp(type, "fade") == 0) {
        const char *colour =
            member(transition, "colour") != NULL ? text_of(transition, "colour") : "#000000";
        return (struct words){"", colour, colour};
    }
    const char *key =
        member(transition, "towards") != NULL ? text_of(transition, "towards") : "left";
    const struct words *found = find(directions, BT_ARRAY_LEN(directions), key);
    return found != NULL ? *found : (struct words){0};
}

char *bt_transition_words_of(const cJSON *transition)
{
    const char *type = text_of(transition, "type");
    if (strcmp(type, "cut") == 0) {
        return bt_strdup("Chuyển cảnh: cắt ngay / cut");
    }
    const struct words *what = find(transitions, BT_ARRAY_LEN(transitions), type);
    const cJSON *ms = member(transition, "ms");
    if (what == NULL || !cJSON_IsNumber(ms)) {
        return NULL;
    }
    struct words manner = manner_of(transition, type);
    if (manner.vi == NULL) {
        return NULL;
    }
    const char *space = manner.vi[0] != '\0' ? " " : "";
    BT_AUTOFREE char *seconds = number_in_vietnamese(ms->valuedouble / 1000);
    return bt_strf("Chuyển cảnh: %s%s%s, %s giây / %s%s%s, %.15g s", what->vi, space, manner.vi,
                   seconds, what->en, space, manner.en, ms->valuedouble / 1000);
}

static bool is_sight(const cJSON *sight)
{
    return cJSON_IsNumber(member(sight, "x")) && cJSON_IsNumber(member(sight, "y")) &&
           cJSON_IsNumber(member(sight, "zoom"));
}

static double number_of(const cJSON *sight, const char *key)
{
    return cJSON_GetNumberValue(member(sight, key));
}

char *bt_motion_words_of(const cJSON *motion)
{
    const cJSON *from = member(motion, "from"), *to = member(motion, "to");
    if (!is_sight(from) || !is_sight(to)) {
        return NULL;
    }
    BT_AUTOFREE char *zoom =
        bt_strf("%.15g → %.15g", number_of(from, "zoom"), number_of(to, "zoom"));
    BT_AUTOFREE char *zoom_vi = with_commas(bt_strdup(zoom));
    BT_AUTOFREE char *way =
        bt_strf("(%.4g %%, %.4g %%) → (%.4g %%, %.4g %%)", number_of(from, "x") * 100,
                number_of(from, "y") * 100, number_of(to, "x") * 100, number_of(to, "y") * 100);
    BT_AUTOFREE char *way_vi = with_commas(bt_strdup(way));
    return bt_strf("Ảnh chuyển động: phóng %s, tâm %s / zoom %s, centre %s", zoom_vi, way_vi, zoom,
                   way);
}
