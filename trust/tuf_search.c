// Looking a target up through the delegations, and fetching it.
#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "trust/delegation.h"
#include "trust/percent.h"
#include "trust/tuf_inside.h"

// Roles that one search reads at most, besides the top one.
#define MAX_ROLES 32

// Verified delegated roles that are kept between searches. They are let go only before one begins,
// since a search points into them.
#define MAX_LOADED 64

#define MAX_PATH_BYTES 1024

// A role to look into, by the word of the role that delegates to it.
struct step {
    const char *role, *parent;
    const struct bt_tuf_document *from;  // NULL for the top role
    const cJSON *delegation;             // in `from`
};

// All pointers are into documents that stay loaded while the search runs.
struct search {
    const char *path;
    int64_t now_ms;
    struct step *waiting;  // the next one last
    size_t waiting_count, waiting_capacity;
    const char *visited[MAX_ROLES + 1];
    size_t visited_count;
};

// Until when the snapshot is the newest: the timestamp says so, or else the stick, which speaks for
// the snapshot's own expiry as well.
static int check_fresh(const struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    if (client->carried) {
        return bt_tuf_check_time(client->stick, "stick", now_ms, err);
    }
    int r = bt_tuf_check_time(client->timestamp, "timestamp", now_ms, err);
    return r < 0 ? r : bt_tuf_check_time(client->snapshot, "snapshot", now_ms, err);
}

static int check_ready(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    struct bt_tuf_file file;
    const struct bt_tuf_document *newest = client->carried ? client->stick : client->timestamp;
    if (newest == NULL || client->snapshot == NULL || client->targets == NULL) {
        return bt_fail(err, -ESTALE, "There is no trusted metadata yet");
    }
    int r = bt_tuf_document_meta(newest, "snapshot", &file, err);
    if (r == 0 && file.version != client->snapshot->version) {
        r = bt_fail(err, -ESTALE, "'snapshot' is not the one that 'timestamp' names");
    }
    if (r == 0) {
        r = bt_tuf_document_meta(client->snapshot, "targets", &file, err);
    }
    if (r == 0 && file.version != client->targets->version) {
        r = bt_fail(err, -ESTALE, "'targets' is not the one that 'snapshot' names");
    }
    if (r < 0 || (r = bt_tuf_check_time(client->root, "root", now_ms, err)) < 0 ||
        (r = check_fresh(client, now_ms, err)) < 0) {
        return r == -ENOENT ? -ESTALE : r;
    }
    return bt_tuf_check_time(client->targets, "targets", now_ms, err);
}

static const struct bt_tuf_document *find_loaded(const struct bt_tuf_client *client,
                                                 const struct step *step)
{
    for (size_t i = 0; i < client->loaded_count; i++) {
        const struct bt_tuf_loaded *each = &client->loaded[i];
        if (strcmp(each->role, step->role) == 0 && strcmp(each->parent, step->parent) == 0) {
            return each->document;
        }
    }
    return NULL;
}

static const struct bt_tuf_document *
keep_loaded(struct bt_tuf_client *client, const struct step *step, struct bt_tuf_document *document)
{
    BT_GROW(client->loaded, client->loaded_capacity, client->loaded_count + 1);
    struct bt_tuf_loaded *slot = &client->loaded[client->loaded_count++];
    *slot = (struct bt_tuf_loaded){.document = document};
    bt_copy_cut(slot->role, sizeof(slot->role), step->role);
    bt_copy_cut(slot->parent, sizeof(slot->parent), step->parent);
    return document;
}

// The document of a step, verified with the keys that this step's parent gives it.
static int load(struct bt_tuf_client *client, const struct step *step, int64_t now_ms,
                const struct bt_tuf_document **out, struct bt_error *err)
{
    if (step->from == NULL) {
        *out = client->targets;
        return 0;
    }
    const struct bt_tuf_document *known = find_loaded(client, step);
    if (known != NULL) {
        *out = known;
        return bt_tuf_check_time(known, step->role, now_ms, err);
    }
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    struct bt_tuf_document *document = NULL;
    int r = bt_tuf_document_delegated(step->from, step->delegation, &ring, err);
    if (r == 0) {
        r = bt_tuf_load_targets(client, step->role, &ring, now_ms, &document, err);
    }
    if (r < 0) {
        return r;
    }
    *out = keep_loaded(client, step, document);
    return 0;
}

static bool was_visited(const struct search *search, const char *role)
{
    for (size_t i = 0; i < search->visited_count; i++) {
        if (strcmp(search->visited[i], role) == 0) {
            return true;
        }
    }
    return false;
}

static void push(struct search *search, struct step step)
{
    BT_GROW(search->waiting, search->waiting_capacity, search->waiting_count + 1);
    search->waiting[search->waiting_count++] = step;
}

static void reverse(struct step *steps, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct step other = steps[i];
        steps[i] = steps[count - 1 - i];
        steps[count - 1 - i] = other;
    }
}

// The delegations that cover the path come next, in order; a terminating one ends all others.
static void push_delegations(struct search *search, const char *role,
                             const struct bt_tuf_document *document)
{
    size_t first = search->waiting_count;
    const cJSON *each = bt_tuf_document_delegations(document);
    for (; each != NULL; each = each->next) {
        if (!bt_delegation_covers(each, search->path)) {
            continue;
        }
        push(search, (struct step){.role = bt_delegation_role(each),
                                   .parent = role,
                                   .from = document,
                                   .delegation = each});
        if (bt_delegation_ends_search(each)) {
            memmove(search->waiting, search->waiting + first,
                    (search->waiting_count - first) * sizeof(*search->waiting));
            search->waiting_count -= first;
            first = 0;
            break;
        }
    }
    reverse(search->waiting + first, search->waiting_count - first);
}

static int threshold_of(struct bt_tuf_client *client, const struct step *step, int64_t *out,
                        struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = step->from == NULL
                ? bt_tuf_document_role(client->root, "targets", &ring, err)
                : bt_tuf_document_delegated(step->from, step->delegation, &ring, err);
    if (r == 0) {
        *out = ring.threshold;
    }
    return r;
}

static int read_hashes(const cJSON *hashes, struct bt_tuf_target *target, struct bt_error *err)
{
    const cJSON *sha256 = cJSON_GetObjectItemCaseSensitive(hashes, "sha256");
    const cJSON *sha512 = cJSON_GetObjectItemCaseSensitive(hashes, "sha512");
    uint8_t bytes[(BT_SHA512_HEX_BYTES - 1) / 2];
    target->has_sha256 = sha256 != NULL;
    if (sha256 == NULL && sha512 == NULL) {
        return bt_fail(err, -EBADMSG, "The target has no hash that we can check");
    }
    if (sha256 != NULL &&
        (strlen(sha256->valuestring) != BT_SHA256_HEX_BYTES - 1 ||
         bt_unhex(sha256->valuestring, target->sha256.bytes, sizeof(target->sha256.bytes)) < 0)) {
        return bt_fail(err, -EBADMSG, "The target's SHA-256 is not one");
    }
    if (sha512 != NULL && (strlen(sha512->valuestring) != BT_SHA512_HEX_BYTES - 1 ||
                           bt_unhex(sha512->valuestring, bytes, sizeof(bytes)) < 0)) {
        return bt_fail(err, -EBADMSG, "The target's SHA-512 is not one");
    }
    if (sha512 != NULL) {
        bt_hex(bytes, sizeof(bytes), target->sha512);
    }
    return 0;
}

static int take_target(struct bt_tuf_client *client, const struct step *step,
                       const struct bt_tuf_file *file, struct bt_tuf_target *out,
                       struct bt_error *err)
{
    struct bt_tuf_target target = {.length = file->length};
    int r = read_hashes(file->hashes, &target, err);
    if (r < 0 || (r = threshold_of(client, step, &target.threshold, err)) < 0) {
        return r;
    }
    bt_copy_cut(target.role, sizeof(target.role), step->role);
    *out = target;
    return 0;
}

// 1: found, 0: go on.
static int look_into(struct bt_tuf_client *client, struct search *search, struct step step,
                     struct bt_tuf_target *out, struct bt_error *err)
{
    const struct bt_tuf_document *document;
    struct bt_tuf_file file;
    if (was_visited(search, step.role)) {
        return 0;
    }
    if (search->visited_count == BT_ARRAY_LEN(search->visited)) {
        return bt_fail(err, -ELOOP, "More than %d roles are asked", MAX_ROLES);
    }
    search->visited[search->visited_count++] = step.role;
    int r = load(client, &step, search->now_ms, &document, err);
    if (r < 0) {
        return r;
    }
    if (bt_tuf_document_target(document, search->path, &file, NULL) == 0) {
        r = take_target(client, &step, &file, out, err);
        return r < 0 ? r : 1;
    }
    push_delegations(search, step.role, document);
    return 0;
}

int bt_tuf_client_find(struct bt_tuf_client *client, const char *path, int64_t now_ms,
                       struct bt_tuf_target *out, struct bt_error *err)
{
    int r = check_ready(client, now_ms, err);
    if (r < 0) {
        return r;
    }
    if (client->loaded_count > MAX_LOADED) {
        bt_tuf_forget_loaded(client);
    }
    struct search search = {.path = path, .now_ms = now_ms};
    push(&search, (struct step){.role = "targets", .parent = ""});
    while (r == 0 && search.waiting_count > 0) {
        r = look_into(client, &search, search.waiting[--search.waiting_count], out, err);
    }
    free(search.waiting);
    if (r == 0) {
        return bt_fail(err, -ENOENT, "There is no target '%.200s'", path);
    }
    return r < 0 ? bt_fail_in(err, r, "Target '%.200s'", path) : 0;
}

static const cJSON *delegation_to(const struct bt_tuf_client *client, const char *role)
{
    const cJSON *each =
        client->targets != NULL ? bt_tuf_document_delegations(client->targets) : NULL;
    while (each != NULL && strcmp(bt_delegation_role(each), role) != 0) {
        each = each->next;
    }
    return each;
}

int bt_tuf_client_list(struct bt_tuf_client *client, const char *role, const char *prefix,
                       int64_t now_ms, bt_tuf_visit_fn visit, void *context, struct bt_error *err)
{
    const struct bt_tuf_document *document;
    struct step step = {.role = role, .parent = "targets"};
    int r = check_ready(client, now_ms, err);
    if (r == 0 && strcmp(role, "targets") != 0) {
        step.from = client->targets;
        step.delegation = delegation_to(client, role);
        if (step.delegation == NULL) {
            return bt_fail(err, -ENOENT, "No role '%.64s' is delegated to", role);
        }
    }
    if (r < 0 || (r = load(client, &step, now_ms, &document, err)) < 0) {
        return r;
    }
    const cJSON *targets = cJSON_GetObjectItemCaseSensitive(document->body, "targets");
    for (const cJSON *each = targets->child; each != NULL; each = each->next) {
        if (bt_str_starts(each->string, prefix) &&
            (step.delegation == NULL || bt_delegation_covers(step.delegation, each->string))) {
            visit(each->string, context);
        }
    }
    return 0;
}

bool bt_tuf_client_names_role(const struct bt_tuf_client *client, const char *role)
{
    struct bt_tuf_file file;
    return client->snapshot != NULL &&
           bt_tuf_document_meta(client->snapshot, role, &file, NULL) != -ENOENT;
}

int bt_tuf_client_delegated_keys(struct bt_tuf_client *client, const char *role,
                                 struct bt_keyring *out, struct bt_error *err)
{
    const cJSON *delegation = delegation_to(client, role);
    if (delegation == NULL) {
        return bt_fail(err, -ENOENT, "No role '%.64s' is delegated to", role);
    }
    return bt_tuf_document_delegated(client->targets, delegation, out, err);
}

// "targets/DIR/HASH.NAME", or without the hash.
static int target_address(const struct bt_tuf_client *client, const char *path,
                          const struct bt_tuf_target *target, struct bt_buf *out)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    BT_AUTOFREE char *directory = bt_strndup(path, (size_t)(name - path));
    bt_buf_init(out, MAX_PATH_BYTES * 3);
    int r = bt_buf_append(out, "targets/", 8);
    if (r < 0 || (r = bt_percent_encode(directory, true, out)) < 0) {
        return r;
    }
    if (bt_tuf_document_is_consistent(client->root)) {
        char sha256[BT_SHA256_HEX_BYTES];
        bt_hex(target->sha256.bytes, sizeof(target->sha256.bytes), sha256);
        if ((r = bt_buf_appendf(out, "%s.", target->has_sha256 ? sha256 : target->sha512)) < 0) {
            return r;
        }
    }
    return bt_percent_encode(name, false, out);
}

static bool has_sha512(const char *wanted, const void *bytes, size_t len)
{
    uint8_t digest[(BT_SHA512_HEX_BYTES - 1) / 2];
    char hex[BT_SHA512_HEX_BYTES];
    if (EVP_Digest(bytes, len, digest, NULL, EVP_sha512(), NULL) != 1) {
        return false;
    }
    bt_hex(digest, sizeof(digest), hex);
    return strcmp(hex, wanted) == 0;
}

int bt_tuf_target_check(const struct bt_tuf_target *target, const void *bytes, size_t len,
                        struct bt_error *err)
{
    struct bt_sha256 sha256 = bt_sha256_of(bytes, len);
    bool known = target->has_sha256 || target->sha512[0] != '\0';
    if (!known || target->length < 0 || (uint64_t)target->length != len ||
        (target->has_sha256 &&
         memcmp(sha256.bytes, target->sha256.bytes, sizeof(sha256.bytes)) != 0) ||
        (target->sha512[0] != '\0' && !has_sha512(target->sha512, bytes, len))) {
        return bt_fail(err, -EBADMSG, "It is not what was signed");
    }
    return 0;
}

int bt_tuf_client_download(struct bt_tuf_client *client, const char *path,
                           const struct bt_tuf_target *target, struct bt_buf *out,
                           struct bt_error *err)
{
    BT_AUTOBUF address = {0};
    assert(out->len == 0);
    if (target->length < 0 || (uint64_t)target->length > out->limit) {
        return bt_fail(err, -EMSGSIZE, "Target '%.200s' has %lld bytes, %zu are taken", path,
                       (long long)target->length, out->limit);
    }
    int r = target_address(client, path, target, &address);
    if (r < 0) {
        return bt_fail(err, r, "The target's path is too long");
    }
    size_t limit = out->limit;
    out->limit = (size_t)target->length;
    r = client->fetcher.fetch(client->fetcher.context, address.data, out, err);
    out->limit = limit;
    if (r == -ENOENT) {
        return bt_fail(err, -ENODATA, "The repository lacks target '%.200s'", path);
    }
    if (r < 0) {
        return r;
    }
    if ((r = bt_tuf_target_check(target, bt_buf_text(out), out->len, err)) < 0) {
        bt_buf_clear(out);
        return bt_fail_in(err, r, "Target '%.200s'", path);
    }
    return 0;
}
