#include "trust/countersign.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "trust/canonical.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// The bytes that are signed.
static int append_signed(const cJSON *body, struct bt_buf *out, struct bt_error *err)
{
    const char *type = text_of(body, "_type");
    if (type[0] == '\0' || strlen(type) >= BT_COUNTERSIGN_TYPE_BYTES ||
        strspn(type, "abcdefghijklmnopqrstuvwxyz-") != strlen(type)) {
        return bt_fail(err, -EINVAL, "'_type' is no type");
    }
    int r = bt_buf_appendf(out, "bangtin-%s\n", type);
    return r < 0 ? bt_fail(err, r, "Too long to be signed") : bt_canonical_json(body, out, err);
}

static cJSON *build(const cJSON *body, const char *keyid, const char *signature_hex)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *signature = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "signatures"), signature);
    cJSON_AddStringToObject(signature, "keyid", keyid);
    cJSON_AddStringToObject(signature, "sig", signature_hex);
    // Referenced, not copied: the document is written and gone.
    cJSON_AddItemReferenceToObject(document, "signed", (cJSON *)(uintptr_t)body);
    return document;
}

int bt_countersign(const cJSON *body, const struct bt_private_key *key, struct bt_buf *out,
                   struct bt_error *err)
{
    BT_AUTOBUF bytes;
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    char hex[2 * BT_SIGNATURE_MAX_BYTES + 1];
    size_t len;
    bt_buf_init(&bytes, out->limit);
    int r = append_signed(body, &bytes, err);
    r = r < 0 ? r : bt_private_key_sign(key, bytes.data, bytes.len, signature, &len, err);
    if (r < 0) {
        return r;
    }
    bt_hex(signature, len, hex);
    BT_AUTOJSON *document = build(body, bt_private_key_id(key), hex);
    return bt_canonical_json(document, out, err);
}

static int check_canonical(const cJSON *document, const char *text, size_t len,
                           struct bt_error *err)
{
    BT_AUTOBUF again;
    bt_buf_init(&again, len);
    int r = bt_canonical_json(document, &again, err);
    return r < 0 || again.len != len || memcmp(again.data, text, len) != 0
               ? bt_fail(err, -EINVAL, "not in canonical form")
               : 0;
}

int bt_countersigned_read(const char *text, size_t len, const char *type, cJSON **out,
                          struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int r = bt_json_parse(text, len, &document, err);
    r = r < 0 ? r : check_canonical(document, text, len, err);
    if (r < 0) {
        return r;
    }
    if (!bt_str_equal(text_of(bt_countersigned_body(document), "_type"), type)) {
        return bt_fail(err, -EINVAL, "not a document of type '%s'", type);
    }
    *out = BT_TAKE(document);
    return 0;
}

const cJSON *bt_countersigned_body(const cJSON *document)
{
    return cJSON_GetObjectItemCaseSensitive(document, "signed");
}

static bool is_signature_of(const cJSON *signature, const struct bt_key *key,
                            const struct bt_buf *bytes)
{
    uint8_t raw[BT_SIGNATURE_MAX_BYTES];
    const char *hex = text_of(signature, "sig");
    size_t len = strlen(hex) / 2;
    // Capital digits would be the same signature in another document.
    return strcmp(text_of(signature, "keyid"), bt_key_id(key)) == 0 && strlen(hex) % 2 == 0 &&
           len > 0 && len <= sizeof(raw) && strspn(hex, "0123456789abcdef") == 2 * len &&
           bt_unhex(hex, raw, len) == 0 && bt_key_verifies(key, bytes->data, bytes->len, raw, len);
}

int bt_countersigned_check(const cJSON *document, const struct bt_keyring *ring,
                           struct bt_error *err)
{
    BT_AUTOBUF bytes;
    bt_buf_init(&bytes, BT_METADATA_MAX_BYTES);
    int r = append_signed(bt_countersigned_body(document), &bytes, err);
    if (r < 0) {
        return r;
    }
    // One signature, as the server writes it: a second one would be a place for anything.
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document, "signatures");
    const cJSON *only = cJSON_IsArray(list) ? list->child : NULL;
    for (size_t i = 0; only != NULL && only->next == NULL && i < ring->count; i++) {
        if (is_signature_of(only, ring->keys[i], &bytes)) {
            return 0;
        }
    }
    return bt_fail(err, -EACCES, "not signed by the server's key");
}
