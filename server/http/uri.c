#include "server/http/uri.h"

#include <errno.h>
#include <stdint.h>

#include "base/str.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte at *position, which moves behind it, or negative.
static int next_byte(const char *text, size_t len, size_t *position)
{
    char c = text[(*position)++];
    if (c != '%') {
        return (uint8_t)c;
    }
    if (len - *position < 2) {
        return -EINVAL;
    }
    int high = hex_value(text[*position]);
    int low = hex_value(text[*position + 1]);
    *position += 2;
    return high < 0 || low < 0 ? -EINVAL : high * 16 + low;
}

int bt_percent_decode(const char *text, size_t len, char *out)
{
    size_t written = 0;
    for (size_t position = 0; position < len;) {
        int byte = next_byte(text, len, &position);
        if (byte < 0x20 || byte == 0x7F) {
            return -EINVAL;
        }
        out[written++] = (char)byte;
    }
    out[written] = '\0';
    return bt_utf8_valid(out, written) ? 0 : -EINVAL;
}
