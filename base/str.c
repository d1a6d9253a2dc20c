#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int bt_format(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int needed = vsnprintf(out, size, format, args);
    va_end(args);
    if (needed < 0 || (size_t)needed >= size) {
        if (size > 0) {
            out[0] = '\0';
        }
        return -EMSGSIZE;
    }
    return 0;
}

void bt_copy_cut(char *out, size_t size, const char *text)
{
    assert(size > 0);
    size_t len = strnlen(text, size - 1);
    memmove(out, text, len);
    out[len] = '\0';
    if (len > 0 && (unsigned char)out[len - 1] >= 0x80) {  // else its last character is whole
        bt_utf8_trim_partial(out);
    }
}

char *bt_strf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    return len < 0 ? bt_strdup("") : text;
}

int bt_parse_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9') {
        return -EINVAL;
    }
    errno = 0;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        return -EINVAL;
    }
    *out = value;
    return 0;
}

bool bt_str_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool bt_str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool bt_str_ends(const char *text, const char *suffix)
{
    size_t len = strlen(text), tail = strlen(suffix);
    return len >= tail && strcmp(text + len - tail, suffix) == 0;
}

// Bytes that follow a lead byte, and the smallest code point they may encode; -1 is no lead byte.
static int utf8_following(uint8_t lead, uint32_t *smallest)
{
    if (lead < 0x80) {
        *smallest = 1;  // NUL never stands inside a text
        return 0;
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        *smallest = 0x80;
        return 1;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        *smallest = 0x800;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        *smallest = 0x10000;
        return 3;
    }
    return -1;
}

// The bytes of the valid character that text begins with, 0 when there is none.
static size_t utf8_character_bytes(const char *text, size_t len)
{
    uint32_t smallest;
    int following = len == 0 ? -1 : utf8_following((uint8_t)text[0], &smallest);
    if (following < 0 || len - 1 < (size_t)following) {
        return 0;
    }
    uint32_t code = following == 0 ? (uint8_t)text[0] : (uint8_t)text[0] & (0x3Fu >> following);
    for (int i = 1; i <= following; i++) {
        if (((uint8_t)text[i] & 0xC0) != 0x80) {
            return 0;
        }
        code = code << 6 | ((uint8_t)text[i] & 0x3Fu);
    }
    bool allowed = code >= smallest && code <= 0x10FFFF && !(code >= 0xD800 && code <= 0xDFFF);
    return allowed ? (size_t)following + 1 : 0;
}

// Whether the next eight bytes are ASCII without a NUL, as most texts of ours are nearly
// everywhere.
static bool eight_plain_bytes(const char *text)
{
    uint64_t eight;
    memcpy(&eight, text, sizeof(eight));
    // A byte below 1 borrows from the highest bit, which no byte of ASCII has.
    return ((eight | (eight - 0x0101010101010101U)) & 0x8080808080808080U) == 0;
}

bool bt_utf8_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        if (len - i >= 8 && eight_plain_bytes(text + i)) {
            i += 8;
            continue;
        }
        size_t bytes = utf8_character_bytes(text + i, len - i);
        if (bytes == 0) {
            return false;
        }
        i += bytes;
    }
    return true;
}

void bt_utf8_drop_invalid(char *text)
{
    size_t len = strlen(text), kept = 0;
    for (size_t i = 0; i < len;) {
        size_t bytes = utf8_character_bytes(text + i, len - i);
        memmove(text + kept, text + i, bytes);
        kept += bytes;
        i += bytes == 0 ? 1 : bytes;
    }
    text[kept] = '\0';
}

void bt_utf8_trim_partial(char *text)
{
    size_t len = strlen(text), start = len;
    while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return;
    }
    uint32_t smallest;
    int following = utf8_following((uint8_t)text[start - 1], &smallest);
    if (following > 0 && len - start < (size_t)following) {
        text[start - 1] = '\0';
    }
}

void bt_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int bt_unhex(const char *text, uint8_t *out, size_t len)
{
    if (strlen(text) != 2 * len) {
        return -EINVAL;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return -EINVAL;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
