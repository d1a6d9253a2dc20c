#include "cli/verify/vouch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "trust/countersign.h"
#include "trust/tuf_document.h"

#define MAX_ROOTS 1024
#define MAX_DOCUMENTS 100000
#define MAX_PLAYERS 1000000

struct root {
    struct bt_tuf_document *document;
    char sha256[BT_SHA256_HEX_BYTES];
    struct bt_keyring timestamp, targets;
};

// Metadata of a role that passed.
struct signed_by {
    char role[BT_ROLE_BYTES];
    struct bt_tuf_document *document;
};

// A signed document of a screen names the key of a player; or says something at all.
#define HERE "document"
#define SAYS "players"
struct named {
    char path[96];
    char key[65];
};

struct bt_vouch {
    struct root *roots;
    size_t root_count, root_capacity;
    struct signed_by *metadata;
    size_t metadata_count, metadata_capacity;
    struct named *named;
    size_t named_count, named_capacity;
};

static void finish_root(struct root *root)
{
    bt_tuf_document_destroy(root->document);
    bt_keyring_finish(&root->timestamp);
    bt_keyring_finish(&root->targets);
}

void bt_vouch_destroy(struct bt_vouch *vouch)
{
    if (vouch == NULL) {
        return;
    }
    for (size_t i = 0; i < vouch->root_count; i++) {
        finish_root(&vouch->roots[i]);
    }
    for (size_t i = 0; i < vouch->metadata_count; i++) {
        bt_tuf_document_destroy(vouch->metadata[i].document);
    }
    free(vouch->roots);
    free(vouch->metadata);
    free(vouch->named);
    free(vouch);
}

static int check_root(const struct bt_tuf_document *document, const struct bt_tuf_document *by,
                      struct bt_error *err)
{
    struct bt_keyring ring = {0};
    int r = bt_tuf_document_role(by, "root", &ring, err);
    r = r < 0 ? r : bt_signatures_check(document->json, &ring, err);
    bt_keyring_finish(&ring);
    return r;
}

// Signed by its own keys and, but for the first, by those of the one before.
static int read_root(const struct bt_vouch *vouch, const char *text, size_t len, struct root *out,
                     struct bt_error *err)
{
    struct root root = {0};
    const struct root *before = vouch->root_count > 0 ? &vouch->roots[vouch->root_count - 1] : NULL;
    int r = bt_tuf_document_read(text, len, "root", &root.document, err);
    r = r < 0 ? r : check_root(root.document, root.document, err);
    r = r < 0 || before == NULL ? r : check_root(root.document, before->document, err);
    r = r < 0 ? r : bt_tuf_document_role(root.document, "timestamp", &root.timestamp, err);
    r = r < 0 ? r : bt_tuf_document_role(root.document, "targets", &root.targets, err);
    if (r < 0) {
        finish_root(&root);
        return r;
    }
    struct bt_sha256 hash = bt_sha256_of(text, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), root.sha256);
    *out = root;
    return 0;
}

static int add_root(struct bt_vouch *vouch, const char *text, size_t len, struct bt_error *err)
{
    struct root root;
    if (vouch->root_count == MAX_ROOTS) {
        return bt_fail(err, -EMSGSIZE, "more than %d roots", MAX_ROOTS);
    }
    int r = read_root(vouch, text, len, &root, err);
    if (r == 0) {
        BT_GROW(vouch->roots, vouch->root_capacity, vouch->root_count + 1);
        vouch->roots[vouch->root_count++] = root;
    }
    return r;
}

int bt_vouch_create(const char *root, size_t len, struct bt_vouch **out, struct bt_error *err)
{
    BT_AUTO(bt_vouch) vouch = BT_NEW(struct bt_vouch);
    // A file that people keep ends with a line end; the metadata do not.
    while (len > 0 && (root[len - 1] == '\n' || root[len - 1] == '\r')) {
        len--;
    }
    int r = add_root(vouch, root, len, err);
    if (r == 0) {
        *out = BT_TAKE(vouch);
    }
    return r;
}

static const struct root *newest(const struct bt_vouch *vouch)
{
    return &vouch->roots[vouch->root_count - 1];
}

// The next of the chain. What lies before the inspector's own root is not needed; their own must be
// the same.
static int meet_root(struct bt_vouch *vouch, const char *text, size_t len, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) document = NULL;
    int r = bt_tuf_document_read(text, len, "root", &document, err);
    if (r < 0) {
        return r;
    }
    const struct root *last = newest(vouch);
    if (document->version < vouch->roots[0].document->version) {
        return 0;
    }
    if (document->version == last->document->version) {
        struct bt_sha256 hash = bt_sha256_of(text, len);
        char hex[BT_SHA256_HEX_BYTES];
        bt_hex(hash.bytes, sizeof(hash.bytes), hex);
        return strcmp(hex, last->sha256) == 0
                   ? 0
                   : bt_fail(err, -EACCES, "another root of version %lld than the one you hold",
                             (long long)document->version);
    }
    return document->version == last->document->version + 1
               ? add_root(vouch, text, len, err)
               : bt_fail(err, -EBADMSG, "root %lld follows root %lld", (long long)document->version,
                         (long long)last->document->version);
}

static int keep(struct bt_vouch *vouch, const char *role, struct bt_tuf_document *document,
                struct bt_error *err)
{
    if (vouch->metadata_count == MAX_DOCUMENTS) {
        return bt_fail(err, -EMSGSIZE, "more than %d metadata", MAX_DOCUMENTS);
    }
    BT_GROW(vouch->metadata, vouch->metadata_capacity, vouch->metadata_count + 1);
    struct signed_by *kept = &vouch->metadata[vouch->metadata_count];
    int r = bt_format(kept->role, sizeof(kept->role), "%s", role);
    if (r < 0) {
        return bt_fail(err, r, "a role's name is too long");
    }
    kept->document = document;
    vouch->metadata_count++;
    return 0;
}

// By the province, as any of the roots names it.
static int check_targets(const struct bt_vouch *vouch, const struct bt_tuf_document *document,
                         struct bt_error *err)
{
    int r = -EACCES;
    for (size_t i = 0; i < vouch->root_count && r < 0; i++) {
        r = bt_signatures_check(document->json, &vouch->roots[i].targets, err);
    }
    return r;
}

static int check_delegated_by(const struct bt_tuf_document *targets, const char *role,
                              const struct bt_tuf_document *document, struct bt_error *err)
{
    int r = bt_fail(err, -EACCES, "nobody may sign for it");
    const cJSON *each = bt_tuf_document_delegations(targets);
    for (; each != NULL && r < 0; each = each->next) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(each, "name"));
        struct bt_keyring ring = {0};
        if (!bt_str_equal(name, role)) {
            continue;
        }
        r = bt_tuf_document_delegated(targets, each, &ring, err);
        r = r < 0 ? r : bt_signatures_check(document->json, &ring, err);
        bt_keyring_finish(&ring);
    }
    return r;
}

// By whom any of the province's delegations names.
static int check_delegated(const struct bt_vouch *vouch, const char *role,
                           const struct bt_tuf_document *document, struct bt_error *err)
{
    int r = bt_fail(err, -EACCES, "nobody may sign for it");
    for (size_t i = 0; i < vouch->metadata_count && r < 0; i++) {
        if (strcmp(vouch->metadata[i].role, "targets") == 0) {
            r = check_delegated_by(vouch->metadata[i].document, role, document, err);
        }
    }
    return r;
}

static int meet_targets(struct bt_vouch *vouch, const char *role, const char *text, size_t len,
                        struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) document = NULL;
    int r = bt_tuf_document_read(text, len, "targets", &document, err);
    if (r < 0) {
        return r;
    }
    r = strcmp(role, "targets") == 0 ? check_targets(vouch, document, err)
                                     : check_delegated(vouch, role, document, err);
    r = r < 0 ? r : keep(vouch, role, document, err);
    if (r == 0) {
        document = NULL;  // kept
    }
    return r;
}

void bt_vouch_metadata(struct bt_vouch *vouch, const char *role, const char *text,
                       struct bt_verdict *verdict)
{
    struct bt_error err = {0};
    size_t len = strlen(text);
    int r = strcmp(role, "root") == 0 ? meet_root(vouch, text, len, &err)
                                      : meet_targets(vouch, role, text, len, &err);
    if (r < 0) {
        bt_verdict_add(
            verdict, BT_FINDING_FAULT, "metadata",
            bt_strf("Siêu dữ liệu của vai trò '%.64s' không được ký đúng: %s", role, err.msg),
            bt_strf("Metadata of role '%.64s' are not signed as they must be: %s", role, err.msg));
    }
}

// "s/31333/s-7K.json" → "s-31333".
static bool role_of(const char *path, char out[BT_ROLE_BYTES])
{
    const char *end = strncmp(path, "s/", 2) == 0 ? strchr(path + 2, '/') : NULL;
    return end != NULL &&
           bt_format(out, BT_ROLE_BYTES, "s-%.*s", (int)(end - path - 2), path + 2) == 0;
}

static bool is_listed(const struct bt_vouch *vouch, const char *path, const char *text, size_t len)
{
    char role[BT_ROLE_BYTES];
    struct bt_error err;
    if (!role_of(path, role)) {
        return false;
    }
    for (size_t i = 0; i < vouch->metadata_count; i++) {
        struct bt_tuf_file file;
        if (strcmp(vouch->metadata[i].role, role) == 0 &&
            bt_tuf_document_target(vouch->metadata[i].document, path, &file, &err) == 0 &&
            bt_tuf_file_check(&file, text, len, &err) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_listed_at_all(const struct bt_vouch *vouch, const char *path)
{
    char role[BT_ROLE_BYTES];
    struct bt_error err;
    struct bt_tuf_file file;
    for (size_t i = 0; role_of(path, role) && i < vouch->metadata_count; i++) {
        if (strcmp(vouch->metadata[i].role, role) == 0 &&
            bt_tuf_document_target(vouch->metadata[i].document, path, &file, &err) == 0) {
            return true;
        }
    }
    return false;
}

static void add_named(struct bt_vouch *vouch, const char *path, const char *key)
{
    struct named named = {0};
    if (vouch->named_count < MAX_PLAYERS &&
        bt_format(named.path, sizeof(named.path), "%s", path) == 0 &&
        bt_format(named.key, sizeof(named.key), "%s", key) == 0) {
        BT_GROW(vouch->named, vouch->named_capacity, vouch->named_count + 1);
        vouch->named[vouch->named_count++] = named;
    }
}

void bt_vouch_document(struct bt_vouch *vouch, const char *path, const char *text,
                       struct bt_verdict *verdict)
{
    struct bt_error err;
    BT_AUTOJSON *document = NULL;
    if (!is_listed(vouch, path, text, strlen(text)) ||
        bt_json_parse(text, strlen(text), &document, &err) < 0) {
        bt_verdict_add(
            verdict, BT_FINDING_NOTE, "document-unlisted",
            bt_strf("Văn bản '%.96s' không có trong siêu dữ liệu đã ký; bỏ qua", path),
            bt_strf("Document '%.96s' is not listed by signed metadata; left aside", path));
        return;
    }
    add_named(vouch, path, HERE);
    const cJSON *players = cJSON_GetObjectItemCaseSensitive(document, "players");
    if (!cJSON_IsArray(players)) {
        return;
    }
    add_named(vouch, path, SAYS);
    for (const cJSON *each = players->child; each != NULL; each = each->next) {
        if (cJSON_IsString(each) && strlen(each->valuestring) == 64) {
            add_named(vouch, path, each->valuestring);
        }
    }
}

static bool is_named(const struct bt_vouch *vouch, const char *path, const char *key)
{
    for (size_t i = 0; i < vouch->named_count; i++) {
        if (strcmp(vouch->named[i].key, key) == 0 && strcmp(vouch->named[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

enum bt_vouched bt_vouch_player(const struct bt_vouch *vouch, const char *unit, const char *screen,
                                const char *public_key)
{
    char path[96];
    if (bt_format(path, sizeof(path), "s/%s/%s.json", unit, screen) < 0) {
        return BT_VOUCH_SILENT;
    }
    if (!is_named(vouch, path, HERE) && is_listed_at_all(vouch, path)) {
        return BT_VOUCH_WITHHELD;
    }
    if (!is_named(vouch, path, SAYS)) {
        return BT_VOUCH_SILENT;
    }
    return is_named(vouch, path, public_key) ? BT_VOUCHED : BT_UNVOUCHED;
}

bool bt_vouch_server(const struct bt_vouch *vouch, const cJSON *document)
{
    struct bt_error err;
    for (size_t i = vouch->root_count; i > 0; i--) {
        if (bt_countersigned_check(document, &vouch->roots[i - 1].timestamp, &err) == 0) {
            return true;
        }
    }
    return false;
}

const char *bt_vouch_root(const struct bt_vouch *vouch)
{
    return vouch->roots[0].sha256;
}

const char *bt_vouch_newest_root(const struct bt_vouch *vouch)
{
    return newest(vouch)->sha256;
}

bool bt_vouch_knows_root(const struct bt_vouch *vouch, const char *sha256)
{
    for (size_t i = 0; i < vouch->root_count; i++) {
        if (strcmp(vouch->roots[i].sha256, sha256) == 0) {
            return true;
        }
    }
    return false;
}

size_t bt_vouch_roots(const struct bt_vouch *vouch)
{
    return vouch->root_count;
}
