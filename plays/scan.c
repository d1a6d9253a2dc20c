#include "plays/scan.h"

#include <endian.h>
#include <string.h>

#include "base/str.h"

// Longer numbers are for the careful reader: these survive the trip through a double.
#define MAX_DIGITS 15

struct scanner {
    const char *at, *end;
    const struct bt_scan_part *parts;
    size_t part_count;
    size_t part, field;  // where the next key is looked for first
    size_t number;       // of that field, counted through all parts
    uint64_t seen;       // likewise: those that were there
    char *target;
};

static bool take(struct scanner *s, char byte)
{
    bool there = s->at < s->end && *s->at == byte;
    s->at += there;
    return there;
}

// Every byte of a word, for the tricks below: eight bytes of text are looked at together.
#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH_BITS EACH(0x80)

// The high bits of bytes that are zero; of the first one surely, of those behind it perhaps.
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EACH(1)) & ~word & HIGH_BITS;
}

// Likewise of bytes that end a plain string: quotes, escapes, control characters, DEL.
static uint64_t ending_bytes(uint64_t word)
{
    return zero_bytes(word ^ EACH('"')) | zero_bytes(word ^ EACH('\\')) |
           zero_bytes(word ^ EACH(0x7F)) | ((word - EACH(0x20)) & ~word & HIGH_BITS);
}

static bool ends(unsigned char byte)
{
    return byte == '"' || byte == '\\' || byte < 0x20 || byte == 0x7F;
}

// Where the plain text that begins at `at` ends. *high: it may have bytes beyond ASCII.
static const char *skip_plain(const char *at, const char *end, bool *high)
{
    while (end - at >= (ptrdiff_t)sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = le64toh(word);
        uint64_t ending = ending_bytes(word);
        *high = *high || (word & HIGH_BITS) != 0;
        if (ending != 0) {
            return at + __builtin_ctzll(ending) / 8;
        }
        at += sizeof(word);
    }
    while (at < end && !ends((unsigned char)*at)) {
        *high = *high || (unsigned char)*at >= 0x80;
        at++;
    }
    return at;
}

// A string without escapes and control characters; *out_len is its length.
static const char *take_string(struct scanner *s, size_t *out_len)
{
    bool high = false;
    if (!take(s, '"')) {
        return NULL;
    }
    const char *begin = s->at;
    s->at = skip_plain(begin, s->end, &high);
    *out_len = (size_t)(s->at - begin);
    return take(s, '"') && (!high || bt_utf8_valid(begin, *out_len)) ? begin : NULL;
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

// The key in its quotes, and the colon behind it.
static bool take_key(struct scanner *s, const char *key)
{
    const char *at = s->at;
    if (at == s->end || *at++ != '"') {
        return false;
    }
    while (at < s->end && *key != '\0' && *at == *key) {
        at++;
        key++;
    }
    if (*key != '\0' || s->end - at < 2 || at[0] != '"' || at[1] != ':') {
        return false;
    }
    s->at = at + 2;
    return true;
}

static void step(struct scanner *s)
{
    s->number++;
    s->field++;
    while (s->part < s->part_count && s->field >= s->parts[s->part].count) {
        s->part++;
        s->field = 0;
    }
    if (s->part == s->part_count) {
        s->part = 0;
        s->number = 0;
    }
}

// The field of the next key, which was not there before; looked for from where the last one was
// found.
static const struct bt_json_field *take_field(struct scanner *s)
{
    size_t first = s->number;
    do {
        const struct bt_json_field *field = &s->parts[s->part].fields[s->field];
        if (take_key(s, field->key)) {
            uint64_t bit = UINT64_C(1) << s->number;
            bool again = (s->seen & bit) != 0;
            s->seen |= bit;
            step(s);
            return again ? NULL : field;
        }
        step(s);
    } while (s->number != first);
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
    uint64_t missing = ~s->seen;
    for (size_t i = 0; i < s->part_count; i++) {
        size_t count = s->parts[i].count;
        uint64_t here = count < 64 ? missing & ((UINT64_C(1) << count) - 1) : missing;
        for (; here != 0; here &= here - 1) {
            if (!s->parts[i].fields[__builtin_ctzll(here)].optional) {
                return false;
            }
        }
        missing = count < 64 ? missing >> count : 0;
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
        const struct bt_json_field *field = take_field(&s);
        if (field == NULL || !store(&s, field)) {
            return false;
        }
    } while (take(&s, ','));
    return take(&s, '}') && s.at == s.end && all_there(&s);
}
