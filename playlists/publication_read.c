#include "playlists/publication_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"

void bt_reading_finish(struct bt_reading *reading)
{
    free(reading->assets.sorted);
    free(reading->campaigns.sorted);
    free(reading->playlists.sorted);
}

const char *bt_quote(const char *text, char out[BT_QUOTE_BYTES])
{
    bt_copy_cut(out, BT_QUOTE_BYTES, text);
    for (char *at = out; *at != '\0'; at++) {
        if ((uint8_t)*at < 0x20 || *at == 0x7F) {
            *at = '?';
        }
    }
    return out;
}

size_t bt_reading_enter(struct bt_reading *reading, const char *key)
{
    size_t mark = reading->path_len;
    char *end = reading->path + mark;
    // Keys are our own and nesting is shallow; a cut path would still be a path.
    bt_copy_cut(end, sizeof(reading->path) - mark, mark > 0 ? "." : "");
    bt_copy_cut(end + strlen(end), sizeof(reading->path) - mark - strlen(end), key);
    reading->path_len = strlen(reading->path);
    return mark;
}

size_t bt_reading_enter_index(struct bt_reading *reading, size_t index)
{
    size_t mark = reading->path_len;
    if (bt_format(reading->path + mark, sizeof(reading->path) - mark, "[%zu]", index) == 0) {
        reading->path_len = strlen(reading->path);
    }
    return mark;
}

void bt_reading_leave(struct bt_reading *reading, size_t mark)
{
    reading->path[mark] = '\0';
    reading->path_len = mark;
}

int bt_read_object(struct bt_reading *reading, const cJSON *object,
                   const struct bt_json_field *fields, size_t count, void *target,
                   struct bt_error *err)
{
    // First, since a misspelt key is why another one is missing.
    const char *key = NULL;
    if (reading->unknown == BT_UNKNOWN_REFUSE && cJSON_IsObject(object)) {
        key = bt_json_unknown_key(object, fields, count);
    }
    if (key != NULL) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "the key '%s' is not known here", bt_quote(key, quote));
    }
    return bt_json_read(object, fields, count, target, reading, err);
}

int bt_read_part(struct bt_reading *reading, const cJSON *value, const struct bt_json_field *fields,
                 size_t count, void *target, struct bt_error *err)
{
    size_t mark = bt_reading_enter(reading, value->string);
    int r = bt_read_object(reading, value, fields, count, target, err);
    if (r == 0) {
        bt_reading_leave(reading, mark);
    }
    return r;
}

int bt_read_list(struct bt_reading *reading, const cJSON *value, const struct bt_list *list,
                 void *array, size_t *count, struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list [ ]", value->string);
    }
    size_t length = (size_t)cJSON_GetArraySize(value);
    if (length < 1 || length > list->max) {
        return bt_fail(err, -EINVAL, "'%s' has %zu entries, outside 1..%zu", value->string, length,
                       list->max);
    }
    char *elements = bt_alloc_array(length, list->size);
    memcpy(array, &elements, sizeof(elements));
    *count = length;
    size_t list_mark = bt_reading_enter(reading, value->string), i = 0;
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next, i++) {
        size_t mark = bt_reading_enter_index(reading, i);
        int r = list->read(reading, entry, elements + i * list->size, err);
        if (r < 0) {
            return r;
        }
        bt_reading_leave(reading, mark);
    }
    bt_reading_leave(reading, list_mark);
    return 0;
}

// Equal names by place, so that the message about them is the same each time.
static int compare_names(const void *a, const void *b)
{
    const struct bt_name *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

int bt_names_build(struct bt_names *names, const char *where, const void *table, size_t count,
                   size_t size, size_t name_offset, struct bt_error *err)
{
    names->sorted = BT_NEW_ARRAY(struct bt_name, count);
    names->count = count;
    for (size_t i = 0; i < count; i++) {
        names->sorted[i].name = (const char *)table + i * size + name_offset;
        names->sorted[i].index = i;
    }
    qsort(names->sorted, count, sizeof(*names->sorted), compare_names);
    for (size_t i = 1; i < count; i++) {
        const struct bt_name *first = &names->sorted[i - 1], *second = &names->sorted[i];
        if (strcmp(first->name, second->name) == 0) {
            return bt_fail(err, -EINVAL, "%s[%zu] and %s[%zu] are both called '%s'", where,
                           first->index, where, second->index, first->name);
        }
    }
    return 0;
}

int bt_names_find(const struct bt_names *names, const char *name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(names->sorted[middle].name, name);
        if (order == 0) {
            return (int)names->sorted[middle].index;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

static int want_string(const cJSON *value, size_t min, size_t max, struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    size_t len = strlen(value->valuestring);
    if (len < min || len > max) {
        return bt_fail(err, -EINVAL, "'%s' has %zu bytes, outside %zu..%zu", value->string, len,
                       min, max);
    }
    return 0;
}

// ASCII only: two authorities name the same zone, and "chính" has two spellings in Unicode.
bool bt_is_name(const char *text)
{
    static const char alphabet[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = strlen(text);
    return len >= 1 && len < BT_ID_BYTES && strspn(text, alphabet) == len &&
           strchr("-_.", text[0]) == NULL;
}

int bt_read_name(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = want_string(value, 1, BT_ID_BYTES - 1, err);
    if (r < 0) {
        return r;
    }
    const char *name = value->valuestring;
    if (!bt_is_name(name)) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL,
                       "'%s' is '%s'; names are made of a-z A-Z 0-9 - _ . and start with a "
                       "letter or digit",
                       value->string, bt_quote(name, quote));
    }
    memcpy(target, name, strlen(name) + 1);
    return 0;
}

// Control characters, and those that turn the order of a text around without being seen.
static bool is_unseen(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0x2028 || code == 0x2029 || code == 0xFEFF;
}

// The code point at *text, which is valid UTF-8, and moves past it.
static uint32_t next_code(const char **text)
{
    uint32_t code = (uint8_t) * (*text)++;
    if (code >= 0xC0) {
        code &= code >= 0xF0 ? 0x07 : code >= 0xE0 ? 0x0F : 0x1F;
        while (((uint8_t) * *text & 0xC0) == 0x80) {
            code = code << 6 | ((uint8_t) * (*text)++ & 0x3F);
        }
    }
    return code;
}

static int check_seen(const cJSON *value, bool lines, struct bt_error *err)
{
    for (const char *at = value->valuestring; *at != '\0';) {
        uint32_t code = next_code(&at);
        if (is_unseen(code) && !(lines && code == '\n')) {
            return bt_fail(err, -EINVAL, "'%s' contains the unseen character U+%04X", value->string,
                           code);
        }
    }
    return 0;
}

int bt_read_title(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = want_string(value, 1, BT_TITLE_BYTES - 1, err);
    r = r == 0 ? check_seen(value, false, err) : r;
    if (r == 0) {
        memcpy(target, value->valuestring, strlen(value->valuestring) + 1);
    }
    return r;
}

int bt_read_text(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = want_string(value, 1, BT_ITEM_TEXT_MAX_BYTES, err);
    r = r == 0 ? check_seen(value, true, err) : r;
    if (r == 0) {
        char **text = target;
        free(*text);
        *text = bt_strdup(value->valuestring);
    }
    return r;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_colour(const char *text, struct bt_colour *out)
{
    size_t len = strlen(text);
    uint8_t parts[4] = {0, 0, 0, 255};
    if (text[0] != '#' || (len != 7 && len != 9)) {
        return -EINVAL;
    }
    for (size_t i = 0; 1 + 2 * i < len; i++) {
        int high = hex_value(text[1 + 2 * i]), low = hex_value(text[2 + 2 * i]);
        if (high < 0 || low < 0) {
            return -EINVAL;
        }
        parts[i] = (uint8_t)(high * 16 + low);
    }
    *out = (struct bt_colour){parts[0], parts[1], parts[2], parts[3]};
    return 0;
}

int bt_read_colour(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    if (parse_colour(value->valuestring, target) < 0) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "'%s' is '%s', not a colour like #da251d or #da251d80",
                       value->string, bt_quote(value->valuestring, quote));
    }
    return 0;
}

int bt_read_time(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    if (bt_rfc3339_parse(value->valuestring, target) < 0) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL,
                       "'%s' is '%s', not a time with offset like 2026-11-21T09:30:00+07:00",
                       value->string, bt_quote(value->valuestring, quote));
    }
    return 0;
}

// "0.1", "86400": thousandths as people write them.
static void format_milli(int64_t milli, char out[32])
{
    snprintf(out, 32, "%.15g", (double)milli / 1000);
}

int bt_read_milli(const cJSON *value, int64_t min, int64_t max, int64_t *out, struct bt_error *err)
{
    if (!cJSON_IsNumber(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a number", value->string);
    }
    double milli = value->valuedouble * 1000;
    if (!(milli >= (double)min && milli <= (double)max)) {
        char low[32], high[32];
        format_milli(min, low);
        format_milli(max, high);
        return bt_fail(err, -EINVAL, "'%s' is %.15g, outside %s..%s", value->string,
                       value->valuedouble, low, high);
    }
    // A decimal such as 15.04 times 1000 is a whole number only up to the double's last digits.
    if (fabs(milli - round(milli)) > 1e-4) {
        return bt_fail(err, -EINVAL, "'%s' is %.15g, finer than a thousandth", value->string,
                       value->valuedouble);
    }
    *out = (int64_t)round(milli);
    return 0;
}

int bt_read_seconds(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_milli(value, BT_ITEM_MIN_MS, BT_ITEM_MAX_MS, target, err);
}

static int read_ref(const cJSON *value, const struct bt_names *names, const char *what, int *out,
                    struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    int index = bt_names_find(names, value->valuestring);
    if (index < 0) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "'%s' is '%s', but no such %s is described", value->string,
                       bt_quote(value->valuestring, quote), what);
    }
    *out = index;
    return 0;
}

int bt_read_asset_ref(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const struct bt_reading *reading = context;
    return read_ref(value, &reading->assets, "asset", target, err);
}

int bt_read_campaign_ref(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const struct bt_reading *reading = context;
    return read_ref(value, &reading->campaigns, "campaign", target, err);
}

int bt_read_playlist_ref(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const struct bt_reading *reading = context;
    return read_ref(value, &reading->playlists, "playlist", target, err);
}

int bt_check_span(int64_t from_ms, int64_t until_ms, struct bt_error *err)
{
    return from_ms < until_ms ? 0 : bt_fail(err, -EINVAL, "'until' is not after 'from'");
}
