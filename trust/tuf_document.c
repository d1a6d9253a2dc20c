#include "trust/tuf_document.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/delegation.h"

#define MAX_VERSION 9007199254740992LL
#define MAX_LENGTH 9007199254740992LL

// Roles that one snapshot names; each is looked for in the next one.
#define MAX_META 8192

// "1.0", "1.0.31": only the first number says whether we can read it.
static int check_spec_version(const char *text, struct bt_error *err)
{
    if (text == NULL || !bt_str_starts(text, "1.") || !isdigit((unsigned char)text[2]) ||
        text[strspn(text, "0123456789.")] != '\0') {
        return bt_fail(err, -EINVAL, "'spec_version' is '%.20s', not 1.x",
                       text != NULL ? text : "");
    }
    return 0;
}

static int read_expires(const char *text, int64_t *out, struct bt_error *err)
{
    if (text == NULL || !bt_str_ends(text, "Z") || bt_rfc3339_parse(text, out) < 0) {
        return bt_fail(err, -EINVAL, "'expires' must look like 2026-11-21T00:00:00Z");
    }
    return 0;
}

static const char *text_member(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int read_common(struct bt_tuf_document *document, const char *type, struct bt_error *err)
{
    const cJSON *body = document->body;
    const char *found = text_member(body, "_type");
    if (!bt_str_equal(found, type)) {
        return bt_fail(err, -EINVAL, "'_type' is '%.20s', not '%s'", found != NULL ? found : "",
                       type);
    }
    int r = check_spec_version(text_member(body, "spec_version"), err);
    if (r == 0) {
        r = read_expires(text_member(body, "expires"), &document->expires_ms, err);
    }
    if (r == 0 && bt_json_whole(cJSON_GetObjectItemCaseSensitive(body, "version"), 1, MAX_VERSION,
                                &document->version) < 0) {
        r = bt_fail(err, -EINVAL, "'version' must be a whole number of at least 1");
    }
    return r;
}

static int check_hashes(const cJSON *hashes, struct bt_error *err)
{
    if (!cJSON_IsObject(hashes) || hashes->child == NULL) {
        return bt_fail(err, -EINVAL, "'hashes' must be an object with at least one");
    }
    for (const cJSON *each = hashes->child; each != NULL; each = each->next) {
        if (!cJSON_IsString(each)) {
            return bt_fail(err, -EINVAL, "'hashes' must be texts");
        }
    }
    return 0;
}

static int read_file(const cJSON *entry, struct bt_tuf_file *out, struct bt_error *err)
{
    struct bt_tuf_file file = {.length = -1};
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(entry, "version");
    const cJSON *length = cJSON_GetObjectItemCaseSensitive(entry, "length");
    file.hashes = cJSON_GetObjectItemCaseSensitive(entry, "hashes");
    if (!cJSON_IsObject(entry)) {
        return bt_fail(err, -EINVAL, "'%.64s' must be an object", entry->string);
    }
    if (version != NULL && bt_json_whole(version, 1, MAX_VERSION, &file.version) < 0) {
        return bt_fail(err, -EINVAL, "'%.64s' has no good 'version'", entry->string);
    }
    if (length != NULL && bt_json_whole(length, 0, MAX_LENGTH, &file.length) < 0) {
        return bt_fail(err, -EINVAL, "'%.64s' has no good 'length'", entry->string);
    }
    int r = file.hashes == NULL ? 0 : check_hashes(file.hashes, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%.64s'", entry->string);
    }
    *out = file;
    return 0;
}

static int check_root(const struct bt_tuf_document *document, struct bt_error *err)
{
    static const char *const roles[] = {"root", "timestamp", "snapshot", "targets"};
    const cJSON *consistent =
        cJSON_GetObjectItemCaseSensitive(document->body, "consistent_snapshot");
    if (consistent != NULL && !cJSON_IsBool(consistent)) {
        return bt_fail(err, -EINVAL, "'consistent_snapshot' must be true or false");
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(roles); i++) {
        BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
        int r = bt_tuf_document_role(document, roles[i], &ring, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int check_meta(const struct bt_tuf_document *document, struct bt_error *err)
{
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(document->body, "meta");
    if (!cJSON_IsObject(meta) || cJSON_GetArraySize(meta) > MAX_META) {
        return bt_fail(err, -EINVAL, "'meta' must be an object of at most %d", MAX_META);
    }
    for (const cJSON *each = meta->child; each != NULL; each = each->next) {
        struct bt_tuf_file file;
        int r = read_file(each, &file, err);
        if (r == 0 && file.version == 0) {
            r = bt_fail(err, -EINVAL, "'%.64s' has no 'version'", each->string);
        }
        if (r < 0) {
            return bt_fail_in(err, r, "'meta'");
        }
    }
    return 0;
}

static int check_timestamp(const struct bt_tuf_document *document, struct bt_error *err)
{
    struct bt_tuf_file snapshot;
    int r = check_meta(document, err);
    if (r == 0 && bt_tuf_document_meta(document, "snapshot", &snapshot, err) < 0) {
        r = -EINVAL;
    }
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names_differ(const cJSON *roles, struct bt_error *err)
{
    size_t count = 0;
    BT_AUTOFREE const char **names =
        BT_NEW_ARRAY(const char *, (size_t)cJSON_GetArraySize(roles) + 1);
    for (const cJSON *each = roles->child; each != NULL; each = each->next) {
        names[count++] = bt_delegation_role(each);
    }
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return bt_fail(err, -EINVAL, "'%s' is delegated twice", names[i]);
        }
    }
    return 0;
}

// The keys themselves are read when the role is needed: a province delegates to hundreds.
static int check_delegations(const cJSON *delegations, struct bt_error *err)
{
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(delegations, "roles");
    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(delegations, "keys"))) {
        return bt_fail(err, -EINVAL, "'delegations' needs an object 'keys'");
    }
    if (!cJSON_IsArray(roles)) {
        return bt_fail(err, -EINVAL, "'delegations' needs a list 'roles'");
    }
    for (const cJSON *each = roles->child; each != NULL; each = each->next) {
        int r = bt_delegation_check(each, err);
        if (r < 0) {
            return r;
        }
    }
    return check_names_differ(roles, err);
}

static int check_targets(const struct bt_tuf_document *document, struct bt_error *err)
{
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(document->body, "targets");
    const cJSON *delegations = cJSON_GetObjectItemCaseSensitive(document->body, "delegations");
    if (!cJSON_IsObject(targets)) {
        return bt_fail(err, -EINVAL, "'targets' must be an object");
    }
    for (const cJSON *each = targets->child; each != NULL; each = each->next) {
        struct bt_tuf_file file;
        int r = read_file(each, &file, err);
        if (r == 0 && (file.length < 0 || file.hashes == NULL)) {
            r = bt_fail(err, -EINVAL, "'%.64s' needs 'length' and 'hashes'", each->string);
        }
        if (r < 0) {
            return bt_fail_in(err, r, "'targets'");
        }
    }
    return delegations == NULL ? 0 : check_delegations(delegations, err);
}

static const struct {
    const char *type;
    int (*check)(const struct bt_tuf_document *document, struct bt_error *err);
} types[] = {
    {"root", check_root},       {"timestamp", check_timestamp}, {"snapshot", check_meta},
    {"targets", check_targets}, {"stick", check_timestamp},
};

static int check_type(const struct bt_tuf_document *document, const char *type,
                      struct bt_error *err)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(types); i++) {
        if (strcmp(types[i].type, type) == 0) {
            return types[i].check(document, err);
        }
    }
    return bt_fail(err, -EINVAL, "There is no type '%s'", type);
}

int bt_tuf_document_read(const char *text, size_t len, const char *type,
                         struct bt_tuf_document **out, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) document = BT_NEW(struct bt_tuf_document);
    bt_buf_init(&document->text, BT_METADATA_MAX_BYTES);
    int r = bt_buf_append(&document->text, text, len);
    if (r < 0) {
        return bt_fail(err, r, "Metadata is longer than %d bytes", BT_METADATA_MAX_BYTES);
    }
    if ((r = bt_json_parse(text, len, &document->json, err)) < 0) {
        return r;
    }
    document->body = cJSON_GetObjectItemCaseSensitive(document->json, "signed");
    if ((r = read_common(document, type, err)) < 0 || (r = check_type(document, type, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(document);
    return 0;
}

void bt_tuf_document_destroy(struct bt_tuf_document *document)
{
    if (document == NULL) {
        return;
    }
    cJSON_Delete(document->json);
    bt_buf_finish(&document->text);
    free(document);
}

int bt_tuf_document_role(const struct bt_tuf_document *root, const char *role,
                         struct bt_keyring *out, struct bt_error *err)
{
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(root->body, "roles");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(roles, role);
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(root->body, "keys");
    if (!cJSON_IsObject(entry)) {
        return bt_fail(err, -EINVAL, "The root does not say who signs '%s'", role);
    }
    int r = bt_keyring_read(entry, keys, out, err);
    return r < 0 ? bt_fail_in(err, r, "Role '%s'", role) : 0;
}

bool bt_tuf_document_is_consistent(const struct bt_tuf_document *root)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root->body, "consistent_snapshot"));
}

int bt_tuf_document_meta(const struct bt_tuf_document *document, const char *role,
                         struct bt_tuf_file *out, struct bt_error *err)
{
    char name[BT_ROLE_BYTES + sizeof(".json")];
    int r = bt_format(name, sizeof(name), "%s.json", role);
    if (r < 0) {
        return bt_fail(err, r, "The role's name '%.64s' is too long", role);
    }
    const cJSON *meta = cJSON_GetObjectItemCaseSensitive(document->body, "meta");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(meta, name);
    if (entry == NULL) {
        return bt_fail(err, -ENOENT, "'meta' does not name '%s'", name);
    }
    return read_file(entry, out, err);
}

int bt_tuf_document_target(const struct bt_tuf_document *targets, const char *path,
                           struct bt_tuf_file *out, struct bt_error *err)
{
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(targets->body, "targets");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(entries, path);
    if (entry == NULL) {
        return bt_fail(err, -ENOENT, "There is no target '%.200s'", path);
    }
    return read_file(entry, out, err);
}

// 1: as said, 0: an algorithm that we do not have, -EBADMSG: different.
static int check_hash(const cJSON *hash, const void *bytes, size_t len, struct bt_error *err)
{
    static const char *const known[] = {"sha256", "sha384", "sha512"};
    uint8_t digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned digest_len = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(known); i++) {
        if (strcmp(hash->string, known[i]) != 0) {
            continue;
        }
        if (EVP_Digest(bytes, len, digest, &digest_len, EVP_get_digestbyname(known[i]), NULL) !=
            1) {
            return bt_fail(err, -EBADMSG, "Cannot compute %s", known[i]);
        }
        bt_hex(digest, digest_len, hex);
        return strcmp(hex, hash->valuestring) == 0
                   ? 1
                   : bt_fail(err, -EBADMSG, "Wrong %s: %s instead of %.128s", known[i], hex,
                             hash->valuestring);
    }
    return 0;
}

int bt_tuf_file_check(const struct bt_tuf_file *file, const void *bytes, size_t len,
                      struct bt_error *err)
{
    if (file->length >= 0 && (uint64_t)file->length != len) {
        return bt_fail(err, -EBADMSG, "%zu bytes long instead of %lld", len,
                       (long long)file->length);
    }
    int known = 0;
    const cJSON *first = file->hashes != NULL ? file->hashes->child : NULL;
    for (const cJSON *each = first; each != NULL; each = each->next) {
        int r = check_hash(each, bytes, len, err);
        if (r < 0) {
            return r;
        }
        known += r;
    }
    if (first != NULL && known == 0) {
        return bt_fail(err, -EBADMSG, "No hash that we can check");
    }
    return 0;
}

const cJSON *bt_tuf_document_delegations(const struct bt_tuf_document *targets)
{
    const cJSON *delegations = cJSON_GetObjectItemCaseSensitive(targets->body, "delegations");
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(delegations, "roles");
    return roles != NULL ? roles->child : NULL;
}

int bt_tuf_document_delegated(const struct bt_tuf_document *targets, const cJSON *delegation,
                              struct bt_keyring *out, struct bt_error *err)
{
    const cJSON *delegations = cJSON_GetObjectItemCaseSensitive(targets->body, "delegations");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(delegations, "keys");
    int r = bt_keyring_read(delegation, keys, out, err);
    return r < 0 ? bt_fail_in(err, r, "Role '%s'", bt_delegation_role(delegation)) : 0;
}
