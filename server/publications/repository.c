#include "server/publications/repository.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "trust/signing.h"
#include "trust/software.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(value) ? value->valuestring : "";
}

static const cJSON *signed_of(const cJSON *document)
{
    return cJSON_GetObjectItemCaseSensitive(document, "signed");
}

int bt_repository_load(struct bt_db *db, const char *role, cJSON **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT body FROM tuf_metadata WHERE role = $1 ORDER BY version DESC LIMIT 1",
                      BT_TEXT(role));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "the repository has no metadata of role '%s'", role);
    }
    const char *text = bt_db_get_text(rows, 0);
    r = bt_json_parse(text, strlen(text), out, err);
    // Our own text: a failure is the database's.
    return r < 0 ? bt_fail_in(err, -EIO, "stored metadata of '%s'", role) : 0;
}

int64_t bt_document_version(const cJSON *document)
{
    int64_t version;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(signed_of(document), "version");
    return bt_json_whole(value, 1, INT64_C(1) << 53, &version) < 0 ? 0 : version;
}

const char *bt_document_target_hash(const cJSON *document, const char *path)
{
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(signed_of(document), "targets");
    const cJSON *target = cJSON_GetObjectItemCaseSensitive(targets, path);
    return text_of(cJSON_GetObjectItemCaseSensitive(target, "hashes"), "sha256");
}

int bt_part_expires(const cJSON *signed_part, int64_t *out_ms, struct bt_error *err)
{
    return bt_rfc3339_parse(text_of(signed_part, "expires"), out_ms) < 0
               ? bt_fail(err, -EINVAL, "'expires' is no time like 2026-11-21T00:00:00Z")
               : 0;
}

int bt_document_expires(const cJSON *document, int64_t *out_ms, struct bt_error *err)
{
    return bt_part_expires(signed_of(document), out_ms, err);
}

static bool is_top(const char *role)
{
    static const char *const top[] = {"root", "targets", "snapshot", "timestamp"};
    for (size_t i = 0; i < BT_ARRAY_LEN(top); i++) {
        if (strcmp(top[i], role) == 0) {
            return true;
        }
    }
    return false;
}

static const cJSON *find_delegation(const cJSON *delegations, const char *role)
{
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(delegations, "roles");
    const cJSON *each = cJSON_IsArray(roles) ? roles->child : NULL;
    while (each != NULL && strcmp(text_of(each, "name"), role) != 0) {
        each = each->next;
    }
    return each;
}

// The role {keyids, threshold} and the table of keys beside it.
static int find_role(const cJSON *document, const char *role, const cJSON **out_role,
                     const cJSON **out_keys, struct bt_error *err)
{
    const cJSON *holder = signed_of(document);
    if (is_top(role)) {
        const cJSON *roles = cJSON_GetObjectItemCaseSensitive(holder, "roles");
        *out_role = cJSON_GetObjectItemCaseSensitive(roles, role);
    } else {
        holder = cJSON_GetObjectItemCaseSensitive(holder, "delegations");
        *out_role = find_delegation(holder, role);
    }
    *out_keys = cJSON_GetObjectItemCaseSensitive(holder, "keys");
    return *out_role == NULL ? bt_fail(err, -ENOENT, "nobody may sign for role '%s' yet", role) : 0;
}

int bt_document_keyring(const cJSON *document, const char *role, struct bt_keyring *out,
                        struct bt_error *err)
{
    const cJSON *found, *keys;
    int r = find_role(document, role, &found, &keys, err);
    if (r < 0) {
        return r;
    }
    r = bt_keyring_read(found, keys, out, err);
    return r < 0 ? bt_fail_in(err, r, "role '%s'", role) : 0;
}

static int load_delegator(struct bt_db *db, const char *role, cJSON **out, struct bt_error *err)
{
    return bt_repository_load(db, is_top(role) ? "root" : "targets", out, err);
}

int bt_repository_keyring(struct bt_db *db, const char *role, struct bt_keyring *out,
                          struct bt_error *err)
{
    BT_AUTOJSON *delegator = NULL;
    int r = load_delegator(db, role, &delegator, err);
    return r < 0 ? r : bt_document_keyring(delegator, role, out, err);
}

int bt_repository_keys(struct bt_db *db, const char *role, cJSON **out, struct bt_error *err)
{
    const cJSON *found, *keys;
    BT_AUTOJSON *delegator = NULL;
    int r = load_delegator(db, role, &delegator, err);
    r = r == 0 ? find_role(delegator, role, &found, &keys, err) : r;
    if (r < 0) {
        return r;
    }
    cJSON *table = cJSON_CreateObject();
    const cJSON *keyids = cJSON_GetObjectItemCaseSensitive(found, "keyids");
    const cJSON *id = cJSON_IsArray(keyids) ? keyids->child : NULL;
    for (; id != NULL; id = id->next) {
        const cJSON *key =
            cJSON_IsString(id) ? cJSON_GetObjectItemCaseSensitive(keys, id->valuestring) : NULL;
        if (key != NULL) {
            cJSON_AddItemToObject(table, id->valuestring, cJSON_Duplicate(key, true));
        }
    }
    *out = table;
    return 0;
}

static int names_key(const cJSON *root, const cJSON *key, struct bt_error *err)
{
    const char *role = key->string;
    char keyid[BT_KEYID_BYTES];
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_document_keyring(root, role, &ring, err);
    r = r == 0 ? bt_key_id_of(key, keyid, err) : r;
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < ring.count && ring.threshold == 1; i++) {
        if (strcmp(bt_key_id(ring.keys[i]), keyid) == 0) {
            return 0;
        }
    }
    return bt_fail(err, -EINVAL,
                   "in the root, role '%s' must have this server's key %.16s… and threshold 1",
                   role, keyid);
}

int bt_document_names_keys(const cJSON *root, const cJSON *own_keys, struct bt_error *err)
{
    int r = 0;
    for (const cJSON *key = own_keys->child; r == 0 && key != NULL; key = key->next) {
        r = names_key(root, key, err);
    }
    return r;
}

int bt_repository_put(struct bt_db *db, const char *role, const cJSON *document,
                      struct bt_error *err)
{
    int64_t expires_ms;
    BT_AUTOBUF text;
    char hex[BT_SHA256_HEX_BYTES];
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_document_expires(document, &expires_ms, err);
    r = r == 0 ? bt_signing_text(document, &text, err) : r;
    if (r < 0) {
        return r;
    }
    struct bt_sha256 sha256 = bt_sha256_of(text.data, text.len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO tuf_metadata (role, version, body, sha256, expires_ms)"
                                " VALUES ($1, $2, $3, $4, $5)",
                                BT_TEXT(role), BT_INT(bt_document_version(document)),
                                BT_TEXT(bt_buf_text(&text)), BT_TEXT(hex), BT_INT(expires_ms));
    // Somebody stored this version in the same instant: once more from the beginning.
    return changed == -EEXIST ? -EAGAIN : changed < 0 ? (int)changed : 0;
}

int bt_repository_target(struct bt_db *db, const char *path, const char *sha256, struct bt_buf *out,
                         struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT body FROM tuf_target WHERE path = $1 AND sha256 = $2",
                      BT_TEXT(path), BT_TEXT(sha256));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "'%s' is not stored", path);
    }
    const char *text = bt_db_get_text(rows, 0);
    return bt_buf_append(out, text, strlen(text)) < 0
               ? bt_fail(err, -EMSGSIZE, "'%s' is too long", path)
               : 0;
}

static int open_assets(struct bt_db *db, int64_t now_ms, const char *path, const char *text,
                       struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int r = bt_json_parse(text, strlen(text), &document, err);
    // Of software.json the packages: each entry says its "sha256", too.
    bool software = strcmp(path, BT_SOFTWARE_TARGET) == 0;
    const cJSON *assets =
        cJSON_GetObjectItemCaseSensitive(document, software ? "releases" : "assets");
    const cJSON *asset = cJSON_IsArray(assets) ? assets->child : NULL;
    for (; r == 0 && asset != NULL; asset = asset->next) {
        int64_t changed = bt_db_run(db, err,
                                    "INSERT INTO published_asset (sha256, first_ms)"
                                    " VALUES ($1, $2) ON CONFLICT (sha256) DO NOTHING",
                                    BT_TEXT(text_of(asset, "sha256")), BT_INT(now_ms));
        r = changed < 0 ? (int)changed : 0;
    }
    return r;
}

int bt_repository_put_target(struct bt_db *db, int64_t now_ms, const char *path, const char *text,
                             struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(text, strlen(text));
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO tuf_target (path, sha256, body) VALUES ($1, $2, $3)"
                                " ON CONFLICT (path, sha256) DO NOTHING",
                                BT_TEXT(path), BT_TEXT(hex), BT_TEXT(text));
    return changed < 0 ? (int)changed : open_assets(db, now_ms, path, text, err);
}
