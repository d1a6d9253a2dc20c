#include "trust/signing.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/canonical.h"

static cJSON *signed_of(const cJSON *document)
{
    return cJSON_GetObjectItemCaseSensitive(document, "signed");
}

static void drop_signatures(cJSON *document)
{
    cJSON_DeleteItemFromObjectCaseSensitive(document, "signatures");
    cJSON_AddArrayToObject(document, "signatures");
}

// TUF writes whole seconds of UTC.
static void write_expiry(int64_t expires_ms, char out[BT_RFC3339_BYTES])
{
    bt_rfc3339_format(expires_ms / 1000 * 1000, 0, out);
}

static int check_version(int64_t version, struct bt_error *err)
{
    return version >= 1
               ? 0
               : bt_fail(err, -EINVAL, "Version %lld; they begin with 1", (long long)version);
}

// {signed: {_type, spec_version, version, expires}, signatures: []}
static cJSON *start(const char *type, int64_t version, int64_t expires_ms)
{
    char expires[BT_RFC3339_BYTES];
    write_expiry(expires_ms, expires);
    cJSON *document = cJSON_CreateObject();
    cJSON *body = cJSON_AddObjectToObject(document, "signed");
    cJSON_AddStringToObject(body, "_type", type);
    cJSON_AddStringToObject(body, "spec_version", BT_TUF_SPEC_VERSION);
    cJSON_AddNumberToObject(body, "version", (double)version);
    cJSON_AddStringToObject(body, "expires", expires);
    cJSON_AddArrayToObject(document, "signatures");
    return document;
}

static const char *holder_of(const cJSON *key, const char *keyid)
{
    const char *holder = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(key, "x-holder"));
    return holder != NULL ? holder : keyid;
}

static bool is_browser(const cJSON *key)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(key, "x-class"));
    return bt_str_equal(word, "browser");
}

// One key of a role while the role is written.
struct member {
    char keyid[BT_KEYID_BYTES];
    const cJSON *key;  // borrowed
};

// Did an earlier member count the holder already?
static bool counted_before(const struct member *members, size_t index, bool browsers)
{
    const char *holder = holder_of(members[index].key, members[index].keyid);
    for (size_t i = 0; i < index; i++) {
        if (is_browser(members[i].key) == browsers &&
            strcmp(holder_of(members[i].key, members[i].keyid), holder) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_other_key(const struct member *members, size_t count, const char *holder)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_browser(members[i].key) &&
            strcmp(holder_of(members[i].key, members[i].keyid), holder) == 0) {
            return true;
        }
    }
    return false;
}

// As many as players could ever count: one for each holder, one of class browser in all.
static int64_t most_signatures(const struct member *members, size_t count)
{
    int64_t people = 0;
    bool browser_only = false;
    for (size_t i = 0; i < count; i++) {
        if (!is_browser(members[i].key)) {
            people += !counted_before(members, i, false);
        } else {
            const char *holder = holder_of(members[i].key, members[i].keyid);
            browser_only |= !has_other_key(members, count, holder);
        }
    }
    return people + browser_only;
}

static int check_threshold(const struct member *members, const struct bt_role_keys *role,
                           struct bt_error *err)
{
    int64_t most = most_signatures(members, role->count);
    if (role->threshold < 1 || role->threshold > most) {
        return bt_fail(err, -EINVAL,
                       "Threshold %lld; its keys could give %lld signatures (one for each holder, "
                       "one of class browser in all)",
                       (long long)role->threshold, (long long)most);
    }
    return 0;
}

// Puts a key into the table of keys; one that is there already must say the same of its holder.
static int add_key(cJSON *keys, const struct member *member, struct bt_error *err)
{
    const cJSON *known = cJSON_GetObjectItemCaseSensitive(keys, member->keyid);
    if (known == NULL) {
        cJSON_AddItemToObject(keys, member->keyid, cJSON_Duplicate(member->key, true));
        return 0;
    }
    if (!cJSON_Compare(known, member->key, true)) {
        return bt_fail(err, -EINVAL, "Key %.8s is said to be of '%s' and of '%s'", member->keyid,
                       holder_of(known, member->keyid), holder_of(member->key, member->keyid));
    }
    return 0;
}

// Adds the role's keys to the table and their ids and the threshold to `role_object`.
static int write_role(cJSON *keys, cJSON *role_object, const struct bt_role_keys *role,
                      struct bt_error *err)
{
    BT_AUTOFREE struct member *members = BT_NEW_ARRAY(struct member, role->count + 1);
    cJSON *keyids = cJSON_AddArrayToObject(role_object, "keyids");
    cJSON_AddNumberToObject(role_object, "threshold", (double)role->threshold);
    for (size_t i = 0; i < role->count; i++) {
        members[i].key = role->keys[i];
        int r = bt_key_id_of(role->keys[i], members[i].keyid, err);
        if (r < 0 || (r = add_key(keys, &members[i], err)) < 0) {
            return r;
        }
        cJSON_AddItemToArray(keyids, cJSON_CreateString(members[i].keyid));
    }
    return check_threshold(members, role, err);
}

int bt_signing_root(int64_t version, int64_t expires_ms, const struct bt_root_roles *roles,
                    cJSON **out, struct bt_error *err)
{
    const struct {
        const char *name;
        const struct bt_role_keys *keys;
    } table[] = {
        {"root", &roles->root},
        {"targets", &roles->targets},
        {"snapshot", &roles->snapshot},
        {"timestamp", &roles->timestamp},
    };
    int r = check_version(version, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *document = start("root", version, expires_ms);
    cJSON *body = signed_of(document);
    cJSON_AddTrueToObject(body, "consistent_snapshot");
    cJSON *keys = cJSON_AddObjectToObject(body, "keys");
    cJSON *objects = cJSON_AddObjectToObject(body, "roles");
    for (size_t i = 0; i < BT_ARRAY_LEN(table); i++) {
        cJSON *role = cJSON_AddObjectToObject(objects, table[i].name);
        if ((r = write_role(keys, role, table[i].keys, err)) < 0) {
            return bt_fail_in(err, r, "Role '%s'", table[i].name);
        }
    }
    *out = BT_TAKE(document);
    return 0;
}

int bt_signing_targets(int64_t version, int64_t expires_ms, cJSON **out, struct bt_error *err)
{
    int r = check_version(version, err);
    if (r == 0) {
        *out = start("targets", version, expires_ms);
        cJSON_AddObjectToObject(signed_of(*out), "targets");
    }
    return r;
}

int bt_signing_snapshot(int64_t version, int64_t expires_ms, cJSON **out, struct bt_error *err)
{
    int r = check_version(version, err);
    if (r == 0) {
        *out = start("snapshot", version, expires_ms);
        cJSON_AddObjectToObject(signed_of(*out), "meta");
    }
    return r;
}

int bt_signing_timestamp(int64_t version, int64_t expires_ms, int64_t snapshot_version,
                         const char *audit_head, cJSON **out, struct bt_error *err)
{
    int r = check_version(version, err);
    if (r < 0 || (r = check_version(snapshot_version, err)) < 0) {
        return r;
    }
    *out = start("timestamp", version, expires_ms);
    cJSON *meta = cJSON_AddObjectToObject(signed_of(*out), "meta");
    cJSON *snapshot = cJSON_AddObjectToObject(meta, "snapshot.json");
    cJSON_AddNumberToObject(snapshot, "version", (double)snapshot_version);
    if (audit_head != NULL) {
        cJSON_AddStringToObject(signed_of(*out), "x-audit-head", audit_head);
    }
    return 0;
}

// The object `name` of the signed part, or an error that says what the document is not.
static int find_part(const cJSON *document, const char *name, cJSON **out, struct bt_error *err)
{
    *out = cJSON_GetObjectItemCaseSensitive(signed_of(document), name);
    return cJSON_IsObject(*out) ? 0 : bt_fail(err, -EINVAL, "Metadata without '%s'", name);
}

static void put(cJSON *object, const char *key, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddItemToObject(object, key, value);
}

int bt_signing_set_target(cJSON *targets, const char *path, const void *bytes, size_t len,
                          struct bt_error *err)
{
    cJSON *table;
    int r = find_part(targets, "targets", &table, err);
    if (r < 0) {
        return r;
    }
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(bytes, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    cJSON *target = cJSON_CreateObject();
    cJSON_AddNumberToObject(target, "length", (double)len);
    cJSON *hashes = cJSON_AddObjectToObject(target, "hashes");
    cJSON_AddStringToObject(hashes, "sha256", hex);
    put(table, path, target);
    drop_signatures(targets);
    return 0;
}

void bt_signing_remove_target(cJSON *targets, const char *path)
{
    cJSON *table;
    if (find_part(targets, "targets", &table, NULL) == 0) {
        cJSON_DeleteItemFromObjectCaseSensitive(table, path);
        drop_signatures(targets);
    }
}

static bool role_uses(const cJSON *role, const char *keyid)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(role, "keyids"))
    {
        if (bt_str_equal(cJSON_GetStringValue(each), keyid)) {
            return true;
        }
    }
    return false;
}

static bool is_used(const cJSON *roles, const char *keyid)
{
    const cJSON *role;
    cJSON_ArrayForEach(role, roles)
    {
        if (role_uses(role, keyid)) {
            return true;
        }
    }
    return false;
}

static void drop_unused_keys(cJSON *delegations)
{
    cJSON *keys = cJSON_GetObjectItemCaseSensitive(delegations, "keys");
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(delegations, "roles");
    cJSON *next;
    for (cJSON *key = keys != NULL ? keys->child : NULL; key != NULL; key = next) {
        next = key->next;
        if (!is_used(roles, key->string)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(keys, key));
        }
    }
}

static void remove_role(cJSON *roles, const char *name)
{
    cJSON *next;
    for (cJSON *role = roles != NULL ? roles->child : NULL; role != NULL; role = next) {
        next = role->next;
        const char *known = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(role, "name"));
        if (bt_str_equal(known, name)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(roles, role));
        }
    }
}

// The document's delegations, made when there are none yet.
static cJSON *delegations_of(cJSON *targets)
{
    cJSON *body = signed_of(targets);
    cJSON *delegations = cJSON_GetObjectItemCaseSensitive(body, "delegations");
    if (delegations == NULL) {
        delegations = cJSON_AddObjectToObject(body, "delegations");
        cJSON_AddObjectToObject(delegations, "keys");
        cJSON_AddArrayToObject(delegations, "roles");
    }
    return delegations;
}

int bt_signing_delegate(cJSON *targets, const char *name, const char *const *patterns,
                        size_t pattern_count, const struct bt_role_keys *keys, struct bt_error *err)
{
    // On a copy, so that a refusal leaves the document as it was.
    BT_AUTOJSON *changed = cJSON_Duplicate(delegations_of(targets), true);
    cJSON *roles = cJSON_GetObjectItemCaseSensitive(changed, "roles");
    remove_role(roles, name);
    drop_unused_keys(changed);
    cJSON *role = cJSON_CreateObject();
    cJSON_AddItemToArray(roles, role);
    cJSON_AddStringToObject(role, "name", name);
    int r = write_role(cJSON_GetObjectItemCaseSensitive(changed, "keys"), role, keys, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Role '%s'", name);
    }
    cJSON *paths = cJSON_AddArrayToObject(role, "paths");
    for (size_t i = 0; i < pattern_count; i++) {
        cJSON_AddItemToArray(paths, cJSON_CreateString(patterns[i]));
    }
    cJSON_AddTrueToObject(role, "terminating");
    put(signed_of(targets), "delegations", BT_TAKE(changed));
    drop_signatures(targets);
    return 0;
}

void bt_signing_undelegate(cJSON *targets, const char *name)
{
    cJSON *delegations = delegations_of(targets);
    remove_role(cJSON_GetObjectItemCaseSensitive(delegations, "roles"), name);
    drop_unused_keys(delegations);
    drop_signatures(targets);
}

int bt_signing_set_meta(cJSON *snapshot, const char *role, int64_t version, struct bt_error *err)
{
    char file[BT_ROLE_BYTES + sizeof(".json")];
    cJSON *meta;
    int r = find_part(snapshot, "meta", &meta, err);
    if (r < 0 || (r = check_version(version, err)) < 0) {
        return r;
    }
    if ((r = bt_format(file, sizeof(file), "%s.json", role)) < 0) {
        return bt_fail(err, r, "Role name '%.80s' is too long", role);
    }
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddNumberToObject(entry, "version", (double)version);
    put(meta, file, entry);
    drop_signatures(snapshot);
    return 0;
}

int bt_signing_set_lost(cJSON *snapshot, cJSON *list, struct bt_error *err)
{
    cJSON *meta;
    int r = find_part(snapshot, "meta", &meta, err);
    if (r < 0) {
        cJSON_Delete(list);
        return r;
    }
    put(signed_of(snapshot), "x-lost", list);
    drop_signatures(snapshot);
    return 0;
}

int bt_signing_set_version(cJSON *document, int64_t version, struct bt_error *err)
{
    int r = check_version(version, err);
    if (r == 0) {
        put(signed_of(document), "version", cJSON_CreateNumber((double)version));
        drop_signatures(document);
    }
    return r;
}

int bt_signing_next(const cJSON *document, int64_t expires_ms, cJSON **out, struct bt_error *err)
{
    int64_t version;
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(signed_of(document), "version");
    if (bt_json_whole(old, 1, (INT64_C(1) << 53) - 1, &version) < 0) {
        return bt_fail(err, -EINVAL, "Metadata without a version");
    }
    char expires[BT_RFC3339_BYTES];
    write_expiry(expires_ms, expires);
    cJSON *next = cJSON_Duplicate(document, true);
    cJSON *body = signed_of(next);
    cJSON_ReplaceItemInObjectCaseSensitive(body, "version",
                                           cJSON_CreateNumber((double)(version + 1)));
    cJSON_ReplaceItemInObjectCaseSensitive(body, "expires", cJSON_CreateString(expires));
    drop_signatures(next);
    *out = next;
    return 0;
}

int bt_signing_add(cJSON *document, const char *keyid, const char *signature_hex,
                   struct bt_error *err)
{
    uint8_t bytes[BT_SIGNATURE_MAX_BYTES];
    size_t len = strlen(signature_hex) / 2;
    if (len == 0 || len > sizeof(bytes) || bt_unhex(signature_hex, bytes, len) < 0) {
        return bt_fail(err, -EINVAL, "A signature that is not hex of 1 to %d bytes",
                       BT_SIGNATURE_MAX_BYTES);
    }
    cJSON *list = cJSON_GetObjectItemCaseSensitive(document, "signatures");
    if (!cJSON_IsArray(list)) {
        return bt_fail(err, -EINVAL, "Metadata without 'signatures'");
    }
    cJSON *next;
    for (cJSON *each = list->child; each != NULL; each = next) {
        next = each->next;
        const char *known = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "keyid"));
        if (bt_str_equal(known, keyid)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(list, each));
        }
    }
    cJSON *signature = cJSON_CreateObject();
    cJSON_AddStringToObject(signature, "keyid", keyid);
    cJSON_AddStringToObject(signature, "sig", signature_hex);
    cJSON_AddItemToArray(list, signature);
    return 0;
}

int bt_signing_sign(cJSON *document, const struct bt_private_key *key, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    if (!cJSON_IsObject(signed_of(document))) {
        return bt_fail(err, -EINVAL, "A document without 'signed'");
    }
    uint8_t signature[BT_SIGNATURE_MAX_BYTES];
    char hex[2 * BT_SIGNATURE_MAX_BYTES + 1];
    size_t len;
    int r = bt_canonical_json(signed_of(document), &text, err);
    if (r < 0 ||
        (r = bt_private_key_sign(key, bt_buf_text(&text), text.len, signature, &len, err)) < 0) {
        return r;
    }
    bt_hex(signature, len, hex);
    return bt_signing_add(document, bt_private_key_id(key), hex, err);
}

int bt_signing_text(const cJSON *document, struct bt_buf *out, struct bt_error *err)
{
    if (!cJSON_IsObject(document)) {
        return bt_fail(err, -EINVAL, "Metadata must be an object { }");
    }
    char *text = cJSON_PrintUnformatted(document);
    int r = text != NULL ? bt_buf_append(out, text, strlen(text)) : -ENOMEM;
    cJSON_free(text);
    return r < 0 ? bt_fail(err, r, "Metadata longer than %zu bytes", out->limit) : 0;
}
