#include "server/reports/ascii.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

// Where Unicode keeps the letters; within a span upper and lower case take turns, or all are one.
static const struct {
    uint32_t first, last;
    char upper;  // of the even ones
    char lower;  // of the odd ones
} spans[] = {
    {0xc0, 0xc3, 'A', 'A'},     {0xc8, 0xca, 'E', 'E'},     {0xcc, 0xcd, 'I', 'I'},
    {0xd2, 0xd5, 'O', 'O'},     {0xd9, 0xda, 'U', 'U'},     {0xdd, 0xdd, 'Y', 'Y'},
    {0xe0, 0xe3, 'a', 'a'},     {0xe8, 0xea, 'e', 'e'},     {0xec, 0xed, 'i', 'i'},
    {0xf2, 0xf5, 'o', 'o'},     {0xf9, 0xfa, 'u', 'u'},     {0xfd, 0xfd, 'y', 'y'},
    {0x102, 0x103, 'A', 'a'},   {0x110, 0x111, 'D', 'd'},   {0x128, 0x129, 'I', 'i'},
    {0x168, 0x169, 'U', 'u'},   {0x1a0, 0x1a1, 'O', 'o'},   {0x1af, 0x1af, 'U', 'U'},
    {0x1b0, 0x1b0, 'u', 'u'},   {0x1ea0, 0x1eb7, 'A', 'a'}, {0x1eb8, 0x1ec7, 'E', 'e'},
    {0x1ec8, 0x1ecb, 'I', 'i'}, {0x1ecc, 0x1ee3, 'O', 'o'}, {0x1ee4, 0x1ef1, 'U', 'u'},
    {0x1ef2, 0x1ef9, 'Y', 'y'},
};

// Combining marks stand behind their letter.
static bool is_mark(uint32_t point)
{
    return point >= 0x300 && point <= 0x36f;
}

static char letter_of(uint32_t point)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(spans); i++) {
        if (point >= spans[i].first && point <= spans[i].last) {
            return point % 2 == 0 ? spans[i].upper : spans[i].lower;
        }
    }
    return '_';
}

// The next code point of valid UTF-8; the text ends with NUL.
static uint32_t next_point(const unsigned char **at)
{
    const unsigned char *byte = *at;
    int more = byte[0] < 0x80 ? 0 : byte[0] < 0xe0 ? 1 : byte[0] < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? byte[0] : byte[0] & (0x3fU >> more);
    for (int i = 1; i <= more && byte[i] != '\0'; i++) {
        point = point << 6 | (byte[i] & 0x3fU);
        (*at)++;
    }
    (*at)++;
    return point;
}

char *bt_ascii(const char *text)
{
    char *out = bt_alloc(strlen(text) + 1), *to = out;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        uint32_t point = next_point(&at);
        if (!is_mark(point)) {
            *to++ = point < 0x80 ? (char)point : letter_of(point);
        }
    }
    return out;
}

char *bt_ascii_file_part(const char *text)
{
    static const char *const kinds[] = {"Tinh ", "Thanh pho ", "Phuong ",
                                        "Xa ",   "Dac khu ",   "Uy ban nhan dan "};
    BT_AUTOFREE char *plain = bt_ascii(text);
    const char *from = plain;
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        if (bt_str_starts(from, kinds[i])) {
            from += strlen(kinds[i]);
            break;
        }
    }
    char *out = bt_alloc(strlen(from) + 1), *to = out;
    for (; *from != '\0'; from++) {
        if (isalnum((unsigned char)*from)) {
            *to++ = *from;
        }
    }
    return out;
}
