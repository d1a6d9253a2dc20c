#include "trust/stick.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/signing.h"

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int read_names(const cJSON *body, const char *key, const cJSON **out, struct bt_error *err)
{
    const cJSON *list = member(body, key);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > BT_STICK_MAX_NAMES) {
        return bt_fail(err, -EINVAL, "'%s' must be a list of at most %d", key, BT_STICK_MAX_NAMES);
    }
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        if (!cJSON_IsString(each) || each->valuestring[0] == '\0') {
            return bt_fail(err, -EINVAL, "'%s' must be texts", key);
        }
    }
    *out = list;
    return 0;
}

static int read_hex(const cJSON *object, const char *key, uint8_t *out, size_t len,
                    struct bt_error *err)
{
    const char *text = cJSON_GetStringValue(member(object, key));
    return text != NULL && strlen(text) == 2 * len && bt_unhex(text, out, len) == 0
               ? 0
               : bt_fail(err, -EINVAL, "'%s' must be %zu bytes in hex", key, len);
}

static int read_told(const cJSON *body, struct bt_stick *out, struct bt_error *err)
{
    const cJSON *told = member(body, "x-told");
    if (bt_json_whole(member(told, "length"), 2, BT_STICK_TOLD_MAX_BYTES, &out->told_bytes) < 0) {
        return bt_fail(err, -EINVAL, "'x-told' has no good 'length'");
    }
    return read_hex(told, "sha256", out->told.bytes, BT_SHA256_BYTES, err);
}

int bt_stick_read(const struct bt_tuf_document *document, struct bt_stick *out,
                  struct bt_error *err)
{
    const cJSON *body = document->body;
    const char *id = cJSON_GetStringValue(member(body, "x-stick"));
    const char *issued = cJSON_GetStringValue(member(body, "x-issued"));
    struct bt_stick stick = {.version = document->version, .expires_ms = document->expires_ms};
    if (id == NULL || bt_format(stick.id, sizeof(stick.id), "%s", id) < 0 || id[0] == '\0') {
        return bt_fail(err, -EINVAL, "'x-stick' must be a text of at most %d bytes",
                       BT_STICK_ID_BYTES - 1);
    }
    if (issued == NULL || !bt_str_ends(issued, "Z") ||
        bt_rfc3339_parse(issued, &stick.issued_ms) < 0) {
        return bt_fail(err, -EINVAL, "'x-issued' must look like 2026-11-21T00:00:00Z");
    }
    int r = read_names(body, "x-units", &stick.units, err);
    r = r < 0 ? r : read_names(body, "x-screens", &stick.screens, err);
    r = r < 0 ? r : read_hex(body, "x-seal", stick.seal, BT_STICK_SEAL_BYTES, err);
    r = r < 0 ? r : read_told(body, &stick, err);
    if (r == 0) {
        *out = stick;
    }
    return r;
}

int bt_stick_check_span(const struct bt_tuf_document *document, struct bt_error *err)
{
    struct bt_stick stick;
    int r = bt_stick_read(document, &stick, err);
    if (r == 0 && (stick.expires_ms <= stick.issued_ms ||
                   stick.expires_ms - stick.issued_ms > BT_STICK_MAX_DAYS * BT_MS_PER_DAY)) {
        r = bt_fail(err, -EINVAL, "A stick is valid for at most %d days", BT_STICK_MAX_DAYS);
    }
    return r;
}

static bool lists(const cJSON *list, const char *name)
{
    for (const cJSON *each = list->child; each != NULL; each = each->next) {
        if (strcmp(each->valuestring, name) == 0) {
            return true;
        }
    }
    return false;
}

bool bt_stick_is_for(const struct bt_stick *stick, const char *unit, const char *screen)
{
    return lists(stick->units, unit) || lists(stick->screens, screen);
}

int bt_stick_write(int64_t version, int64_t snapshot_version, int64_t issued_ms, int64_t expires_ms,
                   cJSON *body, cJSON **out, struct bt_error *err)
{
    char issued[BT_RFC3339_BYTES], expires[BT_RFC3339_BYTES];
    BT_AUTOJSON *document = cJSON_CreateObject();
    bt_rfc3339_format(issued_ms / 1000 * 1000, 0, issued);
    bt_rfc3339_format(expires_ms / 1000 * 1000, 0, expires);
    cJSON_AddItemToObject(document, "signed", body);
    cJSON_AddArrayToObject(document, "signatures");
    cJSON_AddStringToObject(body, "_type", "stick");
    cJSON_AddStringToObject(body, "spec_version", BT_TUF_SPEC_VERSION);
    cJSON_AddNumberToObject(body, "version", (double)version);
    cJSON_AddStringToObject(body, "expires", expires);
    cJSON_AddStringToObject(body, "x-issued", issued);
    cJSON *snapshot =
        cJSON_AddObjectToObject(cJSON_AddObjectToObject(body, "meta"), "snapshot.json");
    cJSON_AddNumberToObject(snapshot, "version", (double)snapshot_version);
    if (expires_ms - issued_ms > BT_STICK_MAX_DAYS * BT_MS_PER_DAY) {
        return bt_fail(err, -EINVAL, "A stick is valid for at most %d days", BT_STICK_MAX_DAYS);
    }
    *out = BT_TAKE(document);
    return 0;
}
