#include "trust/percent.h"

#include <string.h>

static bool is_plain(char byte, bool slashes)
{
    bool alphanumeric = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9');
    return alphanumeric || strchr("-._~", byte) != NULL || (slashes && byte == '/');
}

int bt_percent_encode(const char *text, bool slashes, struct bt_buf *out)
{
    int r = 0;
    for (const char *at = text; *at != '\0' && r == 0; at++) {
        r = is_plain(*at, slashes) ? bt_buf_append(out, at, 1)
                                   : bt_buf_appendf(out, "%%%02X", (unsigned)(unsigned char)*at);
    }
    return r;
}
