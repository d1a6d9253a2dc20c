// What belongs to items of the type "stream": "url" with "pins", or "local".
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "playlists/live_url.h"
#include "playlists/publication_read.h"

int bt_read_live_url(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    int r = bt_live_url_check(value->valuestring, err);
    if (r < 0) {
        return bt_fail_in(err, -EINVAL, "'%s'", value->string);
    }
    if (strlen(value->valuestring) >= BT_LIVE_URL_BYTES) {
        return bt_fail(err, -EINVAL, "'%s' has more than %d bytes", value->string,
                       BT_LIVE_URL_BYTES - 1);
    }
    memcpy(target, value->valuestring, strlen(value->valuestring) + 1);
    return 0;
}

int bt_read_live_pins(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    char *pins = target;
    size_t count = 0;
    if (!cJSON_IsArray(value) || value->child == NULL) {
        return bt_fail(err, -EINVAL, "'%s' must be a list with at least one entry", value->string);
    }
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (count == BT_MAX_LIVE_PINS) {
            return bt_fail(err, -EINVAL, "'%s' has more than %d entries", value->string,
                           BT_MAX_LIVE_PINS);
        }
        if (!cJSON_IsString(entry) || !bt_is_pin(entry->valuestring)) {
            return bt_fail(err, -EINVAL, "%s[%zu] is not 'sha256//' and base64 of 32 bytes",
                           value->string, count);
        }
        if (strstr(pins, entry->valuestring) != NULL) {
            return bt_fail(err, -EINVAL, "%s[%zu] stands in the list before", value->string, count);
        }
        size_t at = count * BT_PIN_BYTES;
        if (count > 0) {
            pins[at - 1] = ';';
        }
        memcpy(pins + at, entry->valuestring, BT_PIN_BYTES);
        count++;
    }
    return 0;
}

int bt_check_live_address(const struct bt_live_address *live, struct bt_error *err)
{
    bool local = live->local[0] != '\0';
    if (local == (live->url[0] != '\0')) {
        return bt_fail(err, -EINVAL, "a stream has either 'url' or 'local'");
    }
    if (local && live->pins[0] != '\0') {
        return bt_fail(err, -EINVAL, "'pins' belong to a 'url'");
    }
    if (!local && live->pins[0] == '\0') {
        return bt_fail(err, -EINVAL, "'pins' is missing");
    }
    return 0;
}
