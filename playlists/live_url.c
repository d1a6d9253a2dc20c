#include "playlists/live_url.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "playlists/publication.h"

#define SCHEME "https://"

// What may stand unescaped in an address, and what its parts are divided by.
static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "-._~:/?[]@!$&'()*+,;=%";
static const char host_characters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.";

// Length of the host in "host…" or "[::1]…"; 0 when it is neither.
static size_t host_length(const char *authority)
{
    if (authority[0] == '[') {
        size_t inner = strspn(authority + 1, "0123456789abcdefABCDEF:.");
        return inner > 0 && authority[1 + inner] == ']' ? inner + 2 : 0;
    }
    return strspn(authority, host_characters);
}

static bool is_port(const char *text, size_t len)
{
    char digits[6];
    int64_t port;
    if (len < 2 || len > sizeof(digits)) {
        return false;
    }
    memcpy(digits, text + 1, len - 1);
    digits[len - 1] = '\0';
    return text[0] == ':' && bt_parse_int(digits, 1, 65535, &port) == 0;
}

int bt_live_url_check(const char *url, struct bt_error *err)
{
    if (!bt_str_starts(url, SCHEME)) {
        return bt_fail(err, -EINVAL, "is not an https address");
    }
    if (url[strspn(url, characters)] != '\0') {
        return bt_fail(err, -EINVAL, "has a character that does not belong into an address");
    }
    const char *authority = url + sizeof(SCHEME) - 1;
    size_t len = strcspn(authority, "/?");
    if (memchr(authority, '@', len) != NULL) {
        return bt_fail(err, -EINVAL, "has a name or a password before its host");
    }
    size_t host = host_length(authority);
    if (host == 0 || (host < len && !is_port(authority + host, len - host)) || host > len) {
        return bt_fail(err, -EINVAL, "has no host, or something else than a port behind it");
    }
    return 0;
}

void bt_live_url_host(const char *url, char *out, size_t size)
{
    char host[BT_LIVE_URL_BYTES];
    const char *authority = url + sizeof(SCHEME) - 1;
    bt_copy_cut(host, sizeof(host), authority);
    host[strcspn(host, "/?")] = '\0';
    bt_copy_cut(out, size, host);
}
