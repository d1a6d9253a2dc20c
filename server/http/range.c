#include "server/http/range.h"

#include <string.h>
#include <strings.h>

#include "base/compiler.h"

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

// Reads digits; numbers too large for a file stay at the largest. False when there are none.
static bool read_number(const char **text, int64_t *out)
{
    const char *c = *text;
    int64_t number = 0;
    for (; *c >= '0' && *c <= '9'; c++) {
        int64_t digit = *c - '0';
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    bool read = c != *text;
    *text = c;
    *out = number;
    return read;
}

// "-500": the last 500 bytes.
static bool read_suffix(const char *text, int64_t size, struct bt_range *out, bool *out_beyond)
{
    int64_t length;
    if (!read_number(&text, &length) || *skip_space(text) != '\0') {
        return false;
    }
    *out_beyond = length == 0 || size == 0;
    *out = (struct bt_range){.offset = size - BT_MIN(length, size), .length = BT_MIN(length, size)};
    return !*out_beyond;
}

bool bt_range_parse(const char *text, int64_t size, struct bt_range *out, bool *out_beyond)
{
    static const char unit[] = "bytes=";
    *out_beyond = false;
    if (strncasecmp(text, unit, sizeof(unit) - 1) != 0) {
        return false;
    }
    text = skip_space(text + sizeof(unit) - 1);
    if (*text == '-') {
        return read_suffix(text + 1, size, out, out_beyond);
    }
    int64_t first, last = INT64_MAX;
    if (!read_number(&text, &first) || *text++ != '-') {
        return false;
    }
    bool has_last = read_number(&text, &last);
    last = has_last ? last : INT64_MAX;
    if (*skip_space(text) != '\0' || last < first) {
        return false;
    }
    *out_beyond = first >= size;
    if (*out_beyond) {
        return false;
    }
    *out = (struct bt_range){.offset = first, .length = BT_MIN(last, size - 1) - first + 1};
    return true;
}

// Takes one tag from the list: W/"x" or "x". False at the end or at nonsense.
static bool next_tag(const char **list, const char **out, size_t *out_len, bool *out_weak)
{
    const char *c = *list + strspn(*list, " \t,");
    *out_weak = strncmp(c, "W/", 2) == 0;
    c += *out_weak ? 2 : 0;
    const char *end = *c == '"' ? strchr(c + 1, '"') : NULL;
    if (end == NULL) {
        return false;
    }
    *out = c + 1;
    *out_len = (size_t)(end - *out);
    *list = end + 1;
    return true;
}

bool bt_etag_listed(const char *list, const char *etag, bool weak)
{
    if (strcmp(skip_space(list), "*") == 0) {
        return true;
    }
    const char *tag;
    size_t len;
    bool is_weak;
    while (next_tag(&list, &tag, &len, &is_weak)) {
        if (len == strlen(etag) && memcmp(tag, etag, len) == 0 && (weak || !is_weak)) {
            return true;
        }
    }
    return false;
}
