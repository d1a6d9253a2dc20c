#include "base/json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

// Whole numbers up to here survive the trip through cJSON's double.
#define MAX_EXACT 9007199254740992.0

/*
 * The strict checker. cJSON 1.7.15 accepts dozens of documents that RFC 8259 forbids, so the
 * text is walked once before cJSON sees it. Duplicate keys and numbers beyond a double are looked
 * for afterwards in the tree.
 */
struct checker {
    const char *text;
    size_t len, at;
    int depth;
    size_t values;
    const char *problem;  // static text, NULL while all is well
};

static bool problem(struct checker *c, const char *what)
{
    if (c->problem == NULL) {
        c->problem = what;
    }
    return false;
}

static int peek(const struct checker *c)
{
    return c->at < c->len ? (unsigned char)c->text[c->at] : -1;
}

static bool accept(struct checker *c, char wanted)
{
    if (peek(c) != wanted) {
        return false;
    }
    c->at++;
    return true;
}

static void skip_space(struct checker *c)
{
    while (peek(c) == ' ' || peek(c) == '\t' || peek(c) == '\n' || peek(c) == '\r') {
        c->at++;
    }
}

static size_t skip_digits(struct checker *c)
{
    size_t start = c->at;
    while (peek(c) >= '0' && peek(c) <= '9') {
        c->at++;
    }
    return c->at - start;
}

static bool check_number(struct checker *c)
{
    accept(c, '-');
    if (!accept(c, '0') && skip_digits(c) == 0) {
        return problem(c, "not a JSON value");
    }
    if (accept(c, '.') && skip_digits(c) == 0) {
        return problem(c, "a digit must follow the point");
    }
    if (accept(c, 'e') || accept(c, 'E')) {
        if (!accept(c, '+')) {
            accept(c, '-');
        }
        if (skip_digits(c) == 0) {
            return problem(c, "a digit must follow the exponent");
        }
    }
    return true;
}

static bool read_hex4(struct checker *c, unsigned *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        int digit = peek(c);
        if (digit >= '0' && digit <= '9') {
            *out = *out * 16 + (unsigned)(digit - '0');
        } else if ((digit | 32) >= 'a' && (digit | 32) <= 'f') {
            *out = *out * 16 + (unsigned)((digit | 32) - 'a' + 10);
        } else {
            return problem(c, "\\u needs four hex digits");
        }
        c->at++;
    }
    return true;
}

static bool check_unicode_escape(struct checker *c)
{
    unsigned code;
    if (!read_hex4(c, &code)) {
        return false;
    }
    if (code == 0) {
        return problem(c, "\\u0000 is not allowed");
    }
    if (code >= 0xDC00 && code <= 0xDFFF) {
        return problem(c, "lone surrogate");
    }
    if (code >= 0xD800 && code <= 0xDBFF) {
        unsigned low;
        if (!accept(c, '\\') || !accept(c, 'u') || !read_hex4(c, &low) || low < 0xDC00 ||
            low > 0xDFFF) {
            return problem(c, "lone surrogate");
        }
    }
    return true;
}

static bool check_escape(struct checker *c)
{
    int kind = peek(c);
    c->at++;
    if (kind == 'u') {
        return check_unicode_escape(c);
    }
    return (kind > 0 && strchr("\"\\/bfnrt", kind) != NULL) || problem(c, "unknown escape");
}

static bool check_string(struct checker *c)
{
    if (!accept(c, '"')) {
        return problem(c, "a string was expected");
    }
    while (!accept(c, '"')) {
        int byte = peek(c);
        if (byte < 0x20) {
            return problem(c, byte < 0 ? "string without an end" : "control character in a string");
        }
        c->at++;
        if (byte == '\\' && !check_escape(c)) {
            return false;
        }
    }
    return true;
}

static bool check_word(struct checker *c, const char *word)
{
    size_t len = strlen(word);
    if (c->len - c->at < len || memcmp(c->text + c->at, word, len) != 0) {
        return problem(c, "not a JSON value");
    }
    c->at += len;
    return true;
}

static bool check_value(struct checker *c);

static bool check_members(struct checker *c, char end, bool keys)
{
    if (++c->depth > BT_JSON_MAX_DEPTH) {
        return problem(c, "nested too deeply");
    }
    c->at++;
    skip_space(c);
    if (!accept(c, end)) {
        do {
            skip_space(c);
            if (keys) {
                if (!check_string(c)) {
                    return false;
                }
                skip_space(c);
                if (!accept(c, ':')) {
                    return problem(c, "':' was expected");
                }
            }
            if (!check_value(c)) {
                return false;
            }
            skip_space(c);
        } while (accept(c, ','));
        if (!accept(c, end)) {
            return problem(c, keys ? "',' or '}' was expected" : "',' or ']' was expected");
        }
    }
    c->depth--;
    return true;
}

static bool check_value(struct checker *c)
{
    if (++c->values > BT_JSON_MAX_VALUES) {
        return problem(c, "too many values");
    }
    skip_space(c);
    switch (peek(c)) {
    case '{':
        return check_members(c, '}', true);
    case '[':
        return check_members(c, ']', false);
    case '"':
        return check_string(c);
    case 't':
        return check_word(c, "true");
    case 'f':
        return check_word(c, "false");
    case 'n':
        return check_word(c, "null");
    default:
        return check_number(c);
    }
}

static int fail_at(const struct checker *c, struct bt_error *err)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < c->at && i < c->len; i++) {
        if (c->text[i] == '\n') {
            line++;
            column = 1;
        } else {
            column += ((unsigned char)c->text[i] & 0xC0) != 0x80;
        }
    }
    return bt_fail(err, -EINVAL, "line %d, column %d: %s", line, column, c->problem);
}

static int compare_keys(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

// Duplicate keys: sorted per object, so that an object with many keys stays cheap.
static int check_duplicates(const cJSON *value, struct bt_error *err)
{
    size_t count = 0;
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        int r = check_duplicates(member, err);
        if (r < 0) {
            return r;
        }
        count++;
    }
    if (!cJSON_IsObject(value) || count < 2) {
        return 0;
    }
    BT_AUTOFREE const char **keys = BT_NEW_ARRAY(const char *, count);
    size_t i = 0;
    for (const cJSON *member = value->child; member != NULL; member = member->next) {
        keys[i++] = member->string;
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (i = 1; i < count; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            return bt_fail(err, -EINVAL, "the key '%.64s' appears twice in one object", keys[i]);
        }
    }
    return 0;
}

// strtod makes infinity of what a double cannot hold, and cJSON would keep it.
static int check_numbers(const cJSON *value, struct bt_error *err)
{
    if (cJSON_IsNumber(value) && !isfinite(value->valuedouble)) {
        return bt_fail(err, -EINVAL, "a number is too large");
    }
    int r = 0;
    for (const cJSON *member = value->child; member != NULL && r == 0; member = member->next) {
        r = check_numbers(member, err);
    }
    return r;
}

int bt_json_parse(const char *text, size_t len, cJSON **out, struct bt_error *err)
{
    struct checker c = {.text = text, .len = len};
    if (!bt_utf8_valid(text, len)) {
        return bt_fail(err, -EINVAL, "not valid UTF-8");
    }
    bool valid = check_value(&c);
    if (valid) {
        skip_space(&c);
        valid = c.at == len || problem(&c, "text after the end of the document");
    }
    if (!valid) {
        return fail_at(&c, err);
    }
    BT_AUTOJSON *json = cJSON_ParseWithLength(text, len);
    if (json == NULL) {
        return bt_fail(err, -EINVAL, "not readable as JSON");
    }
    int r = check_duplicates(json, err);
    if (r == 0) {
        r = check_numbers(json, err);
    }
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(json);
    return 0;
}

int bt_json_whole(const cJSON *value, int64_t min, int64_t max, int64_t *out)
{
    if (!cJSON_IsNumber(value)) {
        return -EINVAL;
    }
    double number = value->valuedouble;
    if (!(fabs(number) <= MAX_EXACT) || floor(number) != number) {
        return -EINVAL;
    }
    int64_t whole = (int64_t)number;
    if (whole < min || whole > max) {
        return -EINVAL;
    }
    *out = whole;
    return 0;
}

static int check_text(const struct bt_json_field *field, const cJSON *value, bool lines,
                      struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", field->key);
    }
    size_t len = strlen(value->valuestring);
    if ((int64_t)len < field->min || (int64_t)len > field->max) {
        return bt_fail(err, -EINVAL, "'%s' has %zu bytes, outside %lld..%lld", field->key, len,
                       (long long)field->min, (long long)field->max);
    }
    for (const char *c = value->valuestring; *c != '\0'; c++) {
        if (((unsigned char)*c < 0x20 && !(lines && *c == '\n')) || *c == 0x7F) {
            return bt_fail(err, -EINVAL, "'%s' contains a control character", field->key);
        }
    }
    return 0;
}

static int read_string(const struct bt_json_field *field, const cJSON *value, void *member,
                       struct bt_error *err)
{
    assert(field->max < (int64_t)field->size);
    int r = check_text(field, value, false, err);
    if (r == 0) {
        memcpy(member, value->valuestring, strlen(value->valuestring) + 1);
    }
    return r;
}

static int read_text(const struct bt_json_field *field, const cJSON *value, void *member,
                     struct bt_error *err)
{
    int r = check_text(field, value, true, err);
    if (r == 0) {
        char **text = member;
        free(*text);
        *text = bt_strdup(value->valuestring);
    }
    return r;
}

static int read_int(const struct bt_json_field *field, const cJSON *value, void *member,
                    struct bt_error *err)
{
    int64_t number;
    if (!cJSON_IsNumber(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a number", field->key);
    }
    if (bt_json_whole(value, field->min, field->max, &number) < 0) {
        return bt_fail(err, -EINVAL, "'%s' is %.15g, not a whole number in %lld..%lld", field->key,
                       value->valuedouble, (long long)field->min, (long long)field->max);
    }
    memcpy(member, &number, sizeof(number));
    return 0;
}

static int read_bool(const struct bt_json_field *field, const cJSON *value, void *member,
                     struct bt_error *err)
{
    if (!cJSON_IsBool(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be true or false", field->key);
    }
    *(bool *)member = cJSON_IsTrue(value);
    return 0;
}

static int read_enum(const struct bt_json_field *field, const cJSON *value, void *member,
                     struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", field->key);
    }
    for (int i = 0; field->words[i] != NULL; i++) {
        if (strcmp(field->words[i], value->valuestring) == 0) {
            memcpy(member, &i, sizeof(i));
            return 0;
        }
    }
    BT_AUTOBUF known;
    bt_buf_init(&known, BT_ERROR_MAX_BYTES);
    for (int i = 0; field->words[i] != NULL; i++) {
        if (bt_buf_appendf(&known, "%s'%s'", i == 0 ? "" : ", ", field->words[i]) < 0) {
            break;
        }
    }
    return bt_fail(err, -EINVAL, "'%s' is '%.64s', not one of %s", field->key, value->valuestring,
                   bt_buf_text(&known));
}

static int read_field(const struct bt_json_field *field, const cJSON *value, void *member,
                      void *context, struct bt_error *err)
{
    switch (field->kind) {
    case BT_JSON_STRING:
        return read_string(field, value, member, err);
    case BT_JSON_TEXT:
        return read_text(field, value, member, err);
    case BT_JSON_INT:
        assert(field->size == sizeof(int64_t));
        return read_int(field, value, member, err);
    case BT_JSON_BOOL:
        return read_bool(field, value, member, err);
    case BT_JSON_ENUM:
        assert(field->size == sizeof(int));
        return read_enum(field, value, member, err);
    case BT_JSON_CUSTOM:
        break;
    }
    return field->read(value, member, context, err);
}

static bool is_key(const cJSON *member, const char *key)
{
    return member->string[0] == key[0] && strcmp(member->string, key) == 0;
}

// Tables and documents mostly have one order: the search begins behind what was found last.
static const cJSON *find_member(const cJSON *object, const char *key, const cJSON *last)
{
    const cJSON *start = last != NULL ? last->next : NULL;
    for (const cJSON *member = start; member != NULL; member = member->next) {
        if (is_key(member, key)) {
            return member;
        }
    }
    for (const cJSON *member = object->child; member != start; member = member->next) {
        if (is_key(member, key)) {
            return member;
        }
    }
    return NULL;
}

int bt_json_read(const cJSON *object, const struct bt_json_field *fields, size_t count,
                 void *target, void *context, struct bt_error *err)
{
    const cJSON *last = NULL;
    if (!cJSON_IsObject(object)) {
        return bt_fail(err, -EINVAL, "an object { } was expected");
    }
    for (size_t i = 0; i < count; i++) {
        const struct bt_json_field *field = &fields[i];
        const cJSON *value = find_member(object, field->key, last);
        last = value != NULL ? value : last;
        if (value == NULL && field->optional) {
            continue;
        }
        if (value == NULL) {
            return bt_fail(err, -EINVAL, "'%s' is missing", field->key);
        }
        int r = read_field(field, value, (char *)target + field->offset, context, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

const char *bt_json_unknown_key(const cJSON *object, const struct bt_json_field *fields,
                                size_t count)
{
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        bool known = false;
        for (size_t i = 0; i < count && !known; i++) {
            known = strcmp(fields[i].key, member->string) == 0;
        }
        if (!known) {
            return member->string;
        }
    }
    return NULL;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

int bt_json_append_string(struct bt_buf *buf, const char *text)
{
    int r = bt_buf_append(buf, "\"", 1);
    for (const char *c = text; *c != '\0' && r == 0;) {
        size_t plain = 0;
        while (is_plain(c[plain])) {
            plain++;
        }
        r = bt_buf_append(buf, c, plain);
        c += plain;
        if (r == 0 && *c != '\0') {
            bool control = (unsigned char)*c < 0x20;
            r = control ? bt_buf_appendf(buf, "\\u%04x", (unsigned)*c)
                        : bt_buf_appendf(buf, "\\%c", *c);
            c++;
        }
    }
    return r == 0 ? bt_buf_append(buf, "\"", 1) : r;
}

int bt_json_read_sha256(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_sha256 *hash = target;
    const char *text = cJSON_GetStringValue(value);
    return text == NULL || strlen(text) != BT_SHA256_HEX_BYTES - 1 ||
                   bt_unhex(text, hash->bytes, BT_SHA256_BYTES) < 0
               ? bt_fail(err, -EINVAL, "'%s' is not a SHA-256 in hex", value->string)
               : 0;
}
