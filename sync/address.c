#include "sync/address.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/pin.h"
#include "base/str.h"

#define ADDRESSES_FORMAT 1

static const char *const loopback_hosts[] = {"127.0.0.1", "localhost", "[::1]"};

static bool is_loopback(const char *host, size_t len)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(loopback_hosts); i++) {
        if (strlen(loopback_hosts[i]) == len && memcmp(loopback_hosts[i], host, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
}

// Length of the host in "host", "host:port", "[::1]:port"; 0 when it is neither.
static size_t host_length(const char *authority)
{
    if (bt_str_starts(authority, "[")) {
        size_t inner = strspn(authority + 1, "0123456789abcdefABCDEF:.");
        return authority[1 + inner] == ']' ? inner + 2 : 0;
    }
    size_t len = 0;
    while (is_host_character(authority[len])) {
        len++;
    }
    return len;
}

int bt_address_check_url(const char *url, struct bt_error *err)
{
    bool plain = bt_str_starts(url, "http://");
    if (!plain && !bt_str_starts(url, "https://")) {
        return bt_fail(err, -EINVAL, "'%.200s' is not an https address", url);
    }
    const char *authority = url + (plain ? 7 : 8);
    size_t len = host_length(authority);
    const char *rest = authority + len;
    int64_t port;
    if (len == 0 ||
        (*rest != '\0' && (*rest != ':' || bt_parse_int(rest + 1, 1, 65535, &port) < 0))) {
        return bt_fail(err, -EINVAL, "'%.200s' is not scheme, host and port alone", url);
    }
    if (plain && !is_loopback(authority, len)) {
        return bt_fail(err, -EINVAL, "'%.200s' is plain http, which stays on this machine", url);
    }
    return 0;
}

bool bt_address_is_plain(const struct bt_address *address)
{
    return bt_str_starts(address->url, "http://");
}

static int read_pins(const cJSON *value, struct bt_address *out, size_t *out_count,
                     struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'pins' must be a list");
    }
    size_t count = 0, len = 0;
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (!cJSON_IsString(entry) || !bt_is_pin(entry->valuestring)) {
            return bt_fail(err, -EINVAL, "pins[%zu] is not 'sha256//' and base64", count);
        }
        if (count == BT_MAX_PINS) {
            return bt_fail(err, -EINVAL, "'pins' has more than %d entries", BT_MAX_PINS);
        }
        int r = bt_format(out->pins + len, sizeof(out->pins) - len, "%s%s", count == 0 ? "" : ";",
                          entry->valuestring);
        if (r < 0) {
            return bt_fail(err, r, "'pins' is too long");
        }
        len = strlen(out->pins);
        count++;
    }
    *out_count = count;
    return 0;
}

int bt_address_read(const cJSON *object, size_t least_pins, struct bt_address *out,
                    struct bt_error *err)
{
    static const struct bt_json_field fields[] = {
        BT_JSON_FIELD(struct bt_address, url, "url", BT_JSON_STRING, .min = 1, .max = 255),
    };
    struct bt_address address = {0};
    int r = bt_json_read(object, fields, BT_ARRAY_LEN(fields), &address, NULL, err);
    r = r < 0 ? r : bt_address_check_url(address.url, err);
    if (r < 0) {
        return r;
    }
    size_t pin_count = 0;
    const cJSON *pins = cJSON_GetObjectItemCaseSensitive(object, "pins");
    if (pins != NULL && !cJSON_IsNull(pins)) {
        r = read_pins(pins, &address, &pin_count, err);
        if (r < 0) {
            return r;
        }
    }
    if (pin_count < least_pins && !bt_address_is_plain(&address)) {
        return bt_fail(err, -EINVAL, "'%s' has %zu pins, and needs %zu", address.url, pin_count,
                       least_pins);
    }
    *out = address;
    return 0;
}

int bt_addresses_parse(const char *text, size_t len, size_t least_pins, struct bt_addresses *out,
                       struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(text, len, &json, err);
    if (r < 0) {
        return r;
    }
    int64_t format = 0;
    const cJSON *servers = cJSON_GetObjectItemCaseSensitive(json, "servers");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "format");
    if (number == NULL || bt_json_whole(number, 1, ADDRESSES_FORMAT, &format) < 0) {
        return bt_fail(err, -EPROTONOSUPPORT, "'format' is not %d", ADDRESSES_FORMAT);
    }
    if (!cJSON_IsArray(servers) || servers->child == NULL) {
        return bt_fail(err, -EINVAL, "'servers' must be a list with at least one entry");
    }
    struct bt_addresses found = {0};
    for (const cJSON *entry = servers->child; entry != NULL; entry = entry->next) {
        if (found.count == BT_MAX_SERVERS) {
            return bt_fail(err, -EINVAL, "'servers' has more than %d entries", BT_MAX_SERVERS);
        }
        r = bt_address_read(entry, least_pins, &found.list[found.count], err);
        if (r < 0) {
            return bt_fail_in(err, r, "servers[%zu]", found.count);
        }
        found.count++;
    }
    *out = found;
    return 0;
}

static int write_pins(const char *pins, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, ", \"pins\": [");
    for (const char *at = pins; r == 0 && *at != '\0';) {
        size_t len = strcspn(at, ";");
        r = bt_buf_appendf(out, "%s\"%.*s\"", at == pins ? "" : ", ", (int)len, at);
        at += len + (at[len] == ';');
    }
    return r < 0 ? r : bt_buf_appendf(out, "]}");
}

int bt_addresses_write(const struct bt_addresses *addresses, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "{\"format\": %d, \"servers\": [", ADDRESSES_FORMAT);
    for (size_t i = 0; i < addresses->count && r == 0; i++) {
        r = bt_buf_appendf(out, "%s{\"url\": \"%s\"", i == 0 ? "" : ", ", addresses->list[i].url);
        r = r < 0 ? r : write_pins(addresses->list[i].pins, out);
    }
    return r < 0 ? r : bt_buf_appendf(out, "]}");
}
