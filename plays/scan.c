#include "plays/scan.h"

#include <string.h>

#include "base/str.h"

// Longer numbers are for the careful reader: these survive the trip through a double.
#define MAX_DIGITS 15

struct scanner {
    const char *at, *end;
    const struct bt_scan_part *parts;
    size_t part_count;
    size_t part, field;  // where the next key is looked for first
    uint64_t seen;       // fields, counted through all parts
    char *target;
};

static bool take(struct scanner *s, char byte)
{
    bool there = s->at < s->end && *s->at == byte;
    s->at += there;
    return there;
}

// A string without escapes and control characters; *out_len is its length.
static const char *take_string(struct scanner *s, size_t *out_len)
{
    bool ascii = true;
    if (!take(s, '"')) {
        return NULL;
    }
    const char *begin = s->at;
    for (; s->at < s->end && *s->at != '"'; s->at++) {
        unsigned char byte = (unsigned char)*s->at;
        if (byte < 0x20 || byte == '\\' || byte == 0x7F) {
            return NULL;
        }
        ascii = ascii && byte < 0x80;
    }
    *out_len = (size_t)(s->at - begin);
    return take(s, '"') && (ascii || bt_utf8_valid(begin, *out_len)) ? begin : NULL;
}

static bool take_number(struct scanner *s, int64_t *out)
{
    bool negative = take(s, '-');
    const char *begin = s->at;
    int64_t number = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - begin <= MAX_DIGITS;
         s->at++) {
        number = number * 10 + (*s->at - '0');
    }
    ptrdiff_t digits = s->at - begin;
    if (digits == 0 || digits > MAX_DIGITS || (begin[0] == '0' && (digits > 1 || negative))) {
        return false;
    }
    *out = negative ? -number : number;
    return true;
}

static bool take_word(struct scanner *s, const char *word)
{
    size_t len = strlen(word);
    bool there = (size_t)(s->end - s->at) >= len && memcmp(s->at, word, len) == 0;
    s->at += there ? len : 0;
    return there;
}

static bool is_key(const struct bt_json_field *field, const char *key, size_t len)
{
    return field->key[0] == key[0] && strncmp(field->key, key, len) == 0 && field->key[len] == '\0';
}

static void step(struct scanner *s)
{
    s->field++;
    while (s->part < s->part_count && s->field >= s->parts[s->part].count) {
        s->part++;
        s->field = 0;
    }
    s->part = s->part == s->part_count ? 0 : s->part;
}

static size_t number_of(const struct scanner *s)
{
    size_t number = s->field;
    for (size_t i = 0; i < s->part; i++) {
        number += s->parts[i].count;
    }
    return number;
}

// The key's field, which was not there before; looked for from where the last one was found.
static const struct bt_json_field *find(struct scanner *s, const char *key, size_t len)
{
    size_t first_part = s->part, first_field = s->field;
    do {
        const struct bt_json_field *field = &s->parts[s->part].fields[s->field];
        if (is_key(field, key, len)) {
            uint64_t bit = UINT64_C(1) << number_of(s);
            bool again = (s->seen & bit) != 0;
            s->seen |= bit;
            step(s);
            return again ? NULL : field;
        }
        step(s);
    } while (s->part != first_part || s->field != first_field);
    return NULL;
}

static bool store_string(struct scanner *s, const struct bt_json_field *field, char *member)
{
    size_t len;
    const char *text = take_string(s, &len);
    if (text == NULL || (int64_t)len < field->min || (int64_t)len > field->max) {
        return false;
    }
    memcpy(member, text, len);
    member[len] = '\0';
    return true;
}

static bool store_int(struct scanner *s, const struct bt_json_field *field, char *member)
{
    int64_t number;
    bool fits = take_number(s, &number) && number >= field->min && number <= field->max;
    if (fits) {
        memcpy(member, &number, sizeof(number));
    }
    return fits;
}

static bool store_word(struct scanner *s, const struct bt_json_field *field, char *member)
{
    size_t len;
    const char *text = take_string(s, &len);
    for (int i = 0; text != NULL && field->words[i] != NULL; i++) {
        if (strncmp(field->words[i], text, len) == 0 && field->words[i][len] == '\0') {
            memcpy(member, &i, sizeof(i));
            return true;
        }
    }
    return false;
}

static bool store_bool(struct scanner *s, char *member)
{
    bool value = take_word(s, "true");
    if (!value && !take_word(s, "false")) {
        return false;
    }
    memcpy(member, &value, sizeof(value));
    return true;
}

static bool store(struct scanner *s, const struct bt_json_field *field)
{
    char *member = s->target + field->offset;
    switch (field->kind) {
    case BT_JSON_STRING:
        return store_string(s, field, member);
    case BT_JSON_INT:
        return store_int(s, field, member);
    case BT_JSON_ENUM:
        return store_word(s, field, member);
    case BT_JSON_BOOL:
        return store_bool(s, member);
    case BT_JSON_TEXT:
    case BT_JSON_CUSTOM:
    default:
        return false;
    }
}

static bool all_there(const struct scanner *s)
{
    uint64_t bit = 1;
    for (size_t i = 0; i < s->part_count; i++) {
        for (size_t j = 0; j < s->parts[i].count; j++, bit <<= 1) {
            if (!s->parts[i].fields[j].optional && (s->seen & bit) == 0) {
                return false;
            }
        }
    }
    return true;
}

bool bt_scan_object(const char *text, size_t len, const struct bt_scan_part *parts, size_t count,
                    void *target)
{
    struct scanner s = {
        .at = text, .end = text + len, .parts = parts, .part_count = count, .target = target};
    if (!take(&s, '{')) {
        return false;
    }
    do {
        size_t key_len;
        const char *key = take_string(&s, &key_len);
        const struct bt_json_field *field = key != NULL ? find(&s, key, key_len) : NULL;
        if (field == NULL || !take(&s, ':') || !store(&s, field)) {
            return false;
        }
    } while (take(&s, ','));
    return take(&s, '}') && s.at == s.end && all_there(&s);
}
