#include "cli/slug.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/str.h"

// Leaves room in an id for a number that makes it unique.
#define SLUG_MAX_BYTES 40

// The letter a code point stands for: 0 for what separates words, -1 for what is left out.
static int plain_letter(int32_t code)
{
    if (code == 0x0110 || code == 0x0111) {
        return 'd';  // Đ đ do not decompose
    }
    if (code >= 'A' && code <= 'Z') {
        return code - 'A' + 'a';
    }
    if ((code >= 'a' && code <= 'z') || (code >= '0' && code <= '9')) {
        return code;
    }
    return utf8proc_category(code) == UTF8PROC_CATEGORY_MN ? -1 : 0;
}

static size_t append_letter(char *out, size_t used, int32_t code)
{
    int letter = plain_letter(code);
    if (letter < 0 || used == SLUG_MAX_BYTES) {
        return used;
    }
    if (letter == 0) {
        letter = '-';
    }
    bool needless = letter == '-' && (used == 0 || out[used - 1] == '-');
    if (!needless) {
        out[used++] = (char)letter;
    }
    return used;
}

void bt_slug_of_path(const char *path, char *out)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') {
        end--;
    }
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    const char *dot = memrchr(path + start, '.', end - start);
    end = dot != NULL && dot > path + start ? (size_t)(dot - path) : end;

    size_t used = 0;
    while (start < end) {
        int32_t code, letters[4];
        utf8proc_ssize_t step =
            utf8proc_iterate((const uint8_t *)path + start, (utf8proc_ssize_t)(end - start), &code);
        start += step > 0 ? (size_t)step : 1;
        int count =
            step > 0 ? (int)utf8proc_decompose_char(code, letters, 4, UTF8PROC_DECOMPOSE, NULL) : 0;
        for (int i = 0; i < BT_MIN(count, 4); i++) {
            used = append_letter(out, used, letters[i]);
        }
    }
    used -= used > 0 && out[used - 1] == '-';
    out[used] = '\0';
    if (used == 0) {
        bt_copy_cut(out, BT_ID_BYTES, "tep");
    }
}
