#include "cli/offline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/reminders.h"

#define ABOUT_MAX_BYTES 4096
#define URL_BYTES 256

const char *const bt_top_role_names[] = {
    [BT_TOP_ROOT] = "root", [BT_TOP_TARGETS] = "targets", [BT_TOP_COUNT] = NULL};

static const int life_days[] = {
    [BT_TOP_ROOT] = BT_ROOT_LIFE_DAYS, [BT_TOP_TARGETS] = BT_TARGETS_LIFE_DAYS};

struct bt_offline {
    char *dir;
    char server[URL_BYTES];
    cJSON *current[BT_TOP_COUNT], *pending[BT_TOP_COUNT];
    int64_t pushed[BT_TOP_COUNT];
};

void bt_offline_destroy(struct bt_offline *offline)
{
    if (offline == NULL) {
        return;
    }
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        cJSON_Delete(offline->current[i]);
        cJSON_Delete(offline->pending[i]);
    }
    free(offline->dir);
    free(offline);
}

static cJSON *signed_of(const cJSON *document)
{
    return cJSON_GetObjectItemCaseSensitive(document, "signed");
}

int64_t bt_offline_version(const cJSON *document)
{
    int64_t version = 0;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(signed_of(document), "version");
    return bt_json_whole(value, 1, INT64_C(1) << 53, &version) == 0 ? version : 0;
}

int64_t bt_offline_expires_ms(const cJSON *document)
{
    int64_t ms = 0;
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(signed_of(document), "expires"));
    return text != NULL && bt_rfc3339_parse(text, &ms) == 0 ? ms : 0;
}

const char *bt_offline_server(const struct bt_offline *offline)
{
    return offline->server;
}

const cJSON *bt_offline_current(const struct bt_offline *offline, enum bt_top_role role)
{
    return offline->current[role];
}

const cJSON *bt_offline_pending(const struct bt_offline *offline, enum bt_top_role role)
{
    return offline->pending[role];
}

int64_t bt_offline_pushed(const struct bt_offline *offline, enum bt_top_role role)
{
    return offline->pushed[role];
}

void bt_offline_set_pushed(struct bt_offline *offline, enum bt_top_role role, int64_t version)
{
    offline->pushed[role] = version;
}

// Reads DIR/NAME; -ENOENT when it is not there.
static int read_json(const struct bt_offline *offline, const char *name, cJSON **out,
                     struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/%s", offline->dir, name);
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    if (r == 0) {
        r = bt_json_parse(bt_buf_text(&text), text.len, out, err);
        r = r < 0 ? bt_fail_in(err, r, "'%s'", path) : 0;
    }
    return r;
}

static int write_json(const struct bt_offline *offline, const char *name, const cJSON *document,
                      struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/%s", offline->dir, name);
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_signing_text(document, &text, err);
    if (r == 0 && (r = bt_buf_append(&text, "\n", 1)) < 0) {
        r = bt_fail(err, r, "'%s' is too long", path);
    }
    return r < 0 ? r : bt_file_replace(path, text.data, text.len, err);
}

static int read_optional(const struct bt_offline *offline, const char *name, cJSON **out,
                         struct bt_error *err)
{
    int r = read_json(offline, name, out, err);
    return r == -ENOENT ? 0 : r;
}

// Whose signatures a root names for a top role.
static int root_ring(const cJSON *root, enum bt_top_role role, struct bt_keyring *out,
                     struct bt_error *err)
{
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(signed_of(root), "roles");
    const cJSON *keys = cJSON_GetObjectItemCaseSensitive(signed_of(root), "keys");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(roles, bt_top_role_names[role]);
    return bt_keyring_read(entry, keys, out, err);
}

static int check_by(const cJSON *document, const cJSON *root, enum bt_top_role role,
                    struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = root_ring(root, role, &ring, err);
    return r < 0 ? r : bt_signatures_check(document, &ring, err);
}

// Has the document all signatures it needs on top of what is current?
static int check_complete(const struct bt_offline *offline, enum bt_top_role role,
                          const cJSON *document, struct bt_error *err)
{
    int r;
    if (role == BT_TOP_ROOT) {
        r = check_by(document, document, role, err);
        return r == 0 && offline->current[role] != NULL
                   ? check_by(document, offline->current[role], role, err)
                   : r;
    }
    if (offline->current[BT_TOP_ROOT] == NULL) {
        return bt_fail(err, -EACCES, "The root is not signed yet");
    }
    return check_by(document, offline->current[BT_TOP_ROOT], role, err);
}

void bt_offline_missing(const struct bt_offline *offline, enum bt_top_role role,
                        struct bt_error *out)
{
    out->msg[0] = '\0';
    if (offline->pending[role] != NULL &&
        check_complete(offline, role, offline->pending[role], out) == 0) {
        out->msg[0] = '\0';
    }
}

// Targets signed under the root before this one wait for new signatures; they are not foreign.
static int check_by_previous(const struct bt_offline *offline, const cJSON *targets)
{
    BT_AUTOJSON *previous = NULL;
    int64_t version = bt_offline_version(offline->current[BT_TOP_ROOT]) - 1;
    int r = bt_offline_load_version(offline, BT_TOP_ROOT, version, &previous, NULL);
    return r < 0 ? r : check_by(targets, previous, BT_TOP_TARGETS, NULL);
}

// What lies in the folder came by post or on a stick: current documents must be good.
static int check_current(const struct bt_offline *offline, struct bt_error *err)
{
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        if (offline->current[i] == NULL) {
            continue;
        }
        const cJSON *root = offline->current[BT_TOP_ROOT];
        int r = root != NULL ? check_by(offline->current[i], root, (enum bt_top_role)i, err)
                             : bt_fail(err, -EACCES, "there is no root");
        if (r < 0 && (i != BT_TOP_TARGETS || root == NULL ||
                      check_by_previous(offline, offline->current[i]) < 0)) {
            return bt_fail_in(err, r, "'%s/%s.json'", offline->dir, bt_top_role_names[i]);
        }
    }
    return 0;
}

static int read_about(struct bt_offline *offline, struct bt_error *err)
{
    BT_AUTOJSON *about = NULL;
    int r = read_json(offline, "repository.json", &about, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s' không phải kho ký / is no folder of a repository",
                          offline->dir);
    }
    const char *server = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(about, "server"));
    bt_copy_cut(offline->server, sizeof(offline->server), server != NULL ? server : "");
    const cJSON *pushed = cJSON_GetObjectItemCaseSensitive(about, "pushed");
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(pushed, bt_top_role_names[i]);
        if (bt_json_whole(value, 0, INT64_C(1) << 53, &offline->pushed[i]) < 0) {
            offline->pushed[i] = 0;
        }
    }
    return 0;
}

int bt_offline_open(const char *dir, struct bt_offline **out, struct bt_error *err)
{
    BT_AUTO(bt_offline) offline = BT_NEW(struct bt_offline);
    offline->dir = bt_strdup(dir);
    int r = read_about(offline, err);
    for (int i = 0; i < BT_TOP_COUNT && r == 0; i++) {
        BT_AUTOFREE char *name = bt_strf("%s.json", bt_top_role_names[i]);
        BT_AUTOFREE char *pending = bt_strf("pending/%s.json", bt_top_role_names[i]);
        r = read_optional(offline, name, &offline->current[i], err);
        r = r == 0 ? read_optional(offline, pending, &offline->pending[i], err) : r;
    }
    if (r < 0 || (r = check_current(offline, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(offline);
    return 0;
}

int bt_offline_create(const char *dir, const char *server, struct bt_offline **out,
                      struct bt_error *err)
{
    BT_AUTO(bt_offline) offline = BT_NEW(struct bt_offline);
    BT_AUTOFREE char *about = bt_strf("%s/repository.json", dir);
    BT_AUTOFREE char *pending = bt_strf("%s/pending", dir);
    BT_AUTOFREE char *files = bt_strf("%s/files", dir);
    offline->dir = bt_strdup(dir);
    if (access(about, F_OK) == 0) {
        return bt_fail(err, -EEXIST, "'%s' đã là kho ký / is a repository already", dir);
    }
    int r = bt_format(offline->server, sizeof(offline->server), "%s", server);
    if (r < 0) {
        return bt_fail(err, r, "The server's address is too long");
    }
    if ((r = bt_file_make_dirs(pending, err)) < 0 || (r = bt_file_make_dirs(files, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(offline);
    return 0;
}

void bt_offline_put(struct bt_offline *offline, enum bt_top_role role, cJSON *document)
{
    cJSON_Delete(offline->pending[role]);
    offline->pending[role] = document;
}

int bt_offline_edit(struct bt_offline *offline, enum bt_top_role role, int64_t now_ms, cJSON **out,
                    struct bt_error *err)
{
    if (offline->pending[role] == NULL) {
        if (offline->current[role] == NULL) {
            return bt_fail(err, -ENOENT, "There is no '%s' metadata yet", bt_top_role_names[role]);
        }
        cJSON *next;
        int64_t expires_ms = now_ms + life_days[role] * BT_MS_PER_DAY;
        int r = bt_signing_next(offline->current[role], expires_ms, &next, err);
        if (r < 0) {
            return r;
        }
        bt_offline_put(offline, role, next);
    }
    *out = offline->pending[role];
    return 0;
}

// Makes a document current: kept under its version, too.
static int promote(struct bt_offline *offline, enum bt_top_role role, cJSON *document,
                   struct bt_error *err)
{
    const char *name = bt_top_role_names[role];
    BT_AUTOFREE char *numbered =
        bt_strf("%lld.%s.json", (long long)bt_offline_version(document), name);
    BT_AUTOFREE char *plain = bt_strf("%s.json", name);
    int r = write_json(offline, numbered, document, err);
    if (r == 0) {
        r = write_json(offline, plain, document, err);
    }
    if (r < 0) {
        cJSON_Delete(document);
        return r;
    }
    cJSON_Delete(offline->current[role]);
    offline->current[role] = document;
    bt_reminders_note(name, bt_offline_expires_ms(document));
    return 0;
}

int bt_offline_accept(struct bt_offline *offline, enum bt_top_role role, cJSON *document,
                      struct bt_error *err)
{
    BT_AUTOJSON *taken = document;
    int r = check_complete(offline, role, taken, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s' from the server", bt_top_role_names[role]);
    }
    return promote(offline, role, BT_TAKE(taken), err);
}

static char *file_path(const struct bt_offline *offline, const char *path)
{
    char *name = bt_strf("%s/files/%s", offline->dir, path);
    for (char *c = name + strlen(name) - strlen(path); *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    return name;
}

int bt_offline_set_file(struct bt_offline *offline, const char *path, const char *text, size_t len,
                        int64_t now_ms, struct bt_error *err)
{
    cJSON *targets;
    BT_AUTOFREE char *file = file_path(offline, path);
    int r = bt_offline_edit(offline, BT_TOP_TARGETS, now_ms, &targets, err);
    if (r == 0) {
        r = bt_signing_set_target(targets, path, text, len, err);
    }
    return r < 0 ? r : bt_file_replace(file, text, len, err);
}

int bt_offline_file(const struct bt_offline *offline, const char *path, struct bt_buf *out,
                    struct bt_error *err)
{
    BT_AUTOFREE char *file = file_path(offline, path);
    return bt_file_read(file, out, err);
}

static bool ring_has(const struct bt_keyring *ring, const char *keyid)
{
    for (size_t i = 0; i < ring->count; i++) {
        if (strcmp(bt_key_id(ring->keys[i]), keyid) == 0) {
            return true;
        }
    }
    return false;
}

// Would the key's signature count for the pending document, by the old root or the new one?
static bool counts(const struct bt_offline *offline, enum bt_top_role role, const char *keyid)
{
    const cJSON *roots[] = {offline->current[BT_TOP_ROOT], offline->pending[BT_TOP_ROOT]};
    for (size_t i = 0; i < BT_ARRAY_LEN(roots); i++) {
        BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
        if (roots[i] != NULL && root_ring(roots[i], role, &ring, NULL) == 0 &&
            ring_has(&ring, keyid)) {
            return true;
        }
    }
    return false;
}

int bt_offline_sign(struct bt_offline *offline, const struct bt_signers *signers, size_t *out_count,
                    struct bt_error *err)
{
    *out_count = 0;
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        for (size_t k = 0; k < signers->count && offline->pending[i] != NULL; k++) {
            const struct bt_private_key *key = signers->keys[k];
            if (!counts(offline, (enum bt_top_role)i, bt_private_key_id(key))) {
                continue;
            }
            int r = bt_signing_sign(offline->pending[i], key, err);
            if (r < 0) {
                return r;
            }
            (*out_count)++;
        }
    }
    return 0;
}

static int save_about(const struct bt_offline *offline, struct bt_error *err)
{
    BT_AUTOJSON *about = cJSON_CreateObject();
    cJSON_AddStringToObject(about, "server", offline->server);
    cJSON *pushed = cJSON_AddObjectToObject(about, "pushed");
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        cJSON_AddNumberToObject(pushed, bt_top_role_names[i], (double)offline->pushed[i]);
    }
    return write_json(offline, "repository.json", about, err);
}

static int save_pending(struct bt_offline *offline, enum bt_top_role role, struct bt_error *err)
{
    BT_AUTOFREE char *name = bt_strf("pending/%s.json", bt_top_role_names[role]);
    BT_AUTOFREE char *path = bt_strf("%s/%s", offline->dir, name);
    if (offline->pending[role] != NULL &&
        check_complete(offline, role, offline->pending[role], NULL) == 0) {
        int r = promote(offline, role, BT_TAKE(offline->pending[role]), err);
        if (r < 0) {
            return r;
        }
    }
    if (offline->pending[role] != NULL) {
        return write_json(offline, name, offline->pending[role], err);
    }
    return unlink(path) < 0 && errno != ENOENT ? bt_fail_errno(err, "Cannot remove '%s'", path) : 0;
}

int bt_offline_save(struct bt_offline *offline, struct bt_error *err)
{
    int r = save_about(offline, err);
    for (int i = 0; i < BT_TOP_COUNT && r == 0; i++) {
        r = save_pending(offline, (enum bt_top_role)i, err);
    }
    return r;
}

int bt_offline_load_version(const struct bt_offline *offline, enum bt_top_role role,
                            int64_t version, cJSON **out, struct bt_error *err)
{
    BT_AUTOFREE char *name = bt_strf("%lld.%s.json", (long long)version, bt_top_role_names[role]);
    return read_json(offline, name, out, err);
}
