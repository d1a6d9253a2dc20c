#include "trust/tuf_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "trust/percent.h"
#include "trust/stick.h"
#include "trust/tuf_inside.h"
#include "trust/tuf_root.h"
#include "trust/tuf_saved.h"

// Of metadata whose length nobody says. A targets role with 10,000 publications has 3 MiB.
#define TIMESTAMP_MAX_BYTES (16 * 1024)
#define ROLE_MAX_BYTES BT_METADATA_MAX_BYTES

// A player that slept through more root versions than this catches up in several rounds.
#define MAX_ROOT_STEPS 1024

// "metadata/VERSION.ROLE.json" with every byte of the role as %XX.
#define MAX_NAME_BYTES (3 * BT_ROLE_BYTES + 64)

static int save(const struct bt_tuf_client *client, const char *role,
                const struct bt_tuf_document *document, struct bt_error *err)
{
    return bt_tuf_saved_write(client->directory, role, document->text.data, document->text.len,
                              err);
}

static const char *type_of(const char *role)
{
    bool top = strcmp(role, "root") == 0 || strcmp(role, "timestamp") == 0 ||
               strcmp(role, "snapshot") == 0 || strcmp(role, "stick") == 0;
    return top ? role : "targets";
}

static int verify(const struct bt_buf *text, const char *role, const struct bt_keyring *ring,
                  struct bt_tuf_document **out, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) document = NULL;
    int r = bt_tuf_document_read(bt_buf_text(text), text->len, type_of(role), &document, err);
    if (r == 0) {
        r = bt_signatures_check(document->json, ring, err);
    }
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", role);
    }
    *out = BT_TAKE(document);
    return 0;
}

// What lies on the disk, if the ring still vouches for it; NULL otherwise.
static struct bt_tuf_document *read_saved(const struct bt_tuf_client *client, const char *role,
                                          const struct bt_keyring *ring)
{
    struct bt_tuf_document *document = NULL;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    if (bt_tuf_saved_read(client->directory, role, &text, NULL) < 0 ||
        verify(&text, role, ring, &document, NULL) < 0) {
        return NULL;
    }
    return document;
}

static void replace(struct bt_tuf_document **place, struct bt_tuf_document *document)
{
    bt_tuf_document_destroy(*place);
    *place = document;
}

// Fetches "metadata/[VERSION.]ROLE.json"; version 0 leaves the number out.
static int fetch(struct bt_tuf_client *client, const char *role, int64_t version, size_t limit,
                 struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOBUF path;
    bt_buf_init(&path, MAX_NAME_BYTES);
    int r = version > 0 ? bt_buf_appendf(&path, "metadata/%lld.", (long long)version)
                        : bt_buf_append(&path, "metadata/", 9);
    if (r < 0 || (r = bt_percent_encode(role, false, &path)) < 0 ||
        (r = bt_buf_append(&path, ".json", 5)) < 0) {
        return bt_fail(err, r, "The name of role '%s' is too long", role);
    }
    bt_buf_init(out, limit);
    return client->fetcher.fetch(client->fetcher.context, path.data, out, err);
}

// A file that signed metadata name has to be there.
static int fetch_named(struct bt_tuf_client *client, const char *role,
                       const struct bt_tuf_file *file, struct bt_buf *out, struct bt_error *err)
{
    if (file->length > ROLE_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "'%s' has %lld bytes, at most %d are taken", role,
                       (long long)file->length, ROLE_MAX_BYTES);
    }
    bool consistent = bt_tuf_document_is_consistent(client->root);
    size_t limit = file->length >= 0 ? (size_t)file->length : ROLE_MAX_BYTES;
    int r = fetch(client, role, consistent ? file->version : 0, limit, out, err);
    if (r == -ENOENT) {
        return bt_fail(err, -ENODATA, "The repository lacks version %lld of '%s'",
                       (long long)file->version, role);
    }
    if (r == 0) {
        r = bt_tuf_file_check(file, bt_buf_text(out), out->len, err);
    }
    return r < 0 ? bt_fail_in(err, r, "'%s'", role) : 0;
}

int bt_tuf_check_time(const struct bt_tuf_document *document, const char *role, int64_t now_ms,
                      struct bt_error *err)
{
    if (now_ms >= document->expires_ms) {
        return bt_fail(err, -ETIME, "Version %lld of '%s' has expired",
                       (long long)document->version, role);
    }
    return 0;
}

static int check_version(const struct bt_tuf_document *document, const char *role, int64_t wanted,
                         struct bt_error *err)
{
    if (document->version != wanted) {
        return bt_fail(err, -ESTALE, "'%s' is of version %lld instead of %lld", role,
                       (long long)document->version, (long long)wanted);
    }
    return 0;
}

// Root.

static bool lists(const cJSON *keyids, const char *keyid)
{
    for (const cJSON *each = keyids->child; each != NULL; each = each->next) {
        if (strcmp(each->valuestring, keyid) == 0) {
            return true;
        }
    }
    return false;
}

static const cJSON *keyids_of(const struct bt_tuf_document *root, const char *role)
{
    const cJSON *roles = cJSON_GetObjectItemCaseSensitive(root->body, "roles");
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(roles, role);
    return cJSON_GetObjectItemCaseSensitive(entry, "keyids");
}

// A key was taken out, as it is when it fell into wrong hands.
static bool lost_a_key(const struct bt_tuf_document *before, const struct bt_tuf_document *after,
                       const char *role)
{
    const cJSON *kept = keyids_of(after, role);
    for (const cJSON *each = keyids_of(before, role)->child; each != NULL; each = each->next) {
        if (!lists(kept, each->valuestring)) {
            return true;
        }
    }
    return false;
}

static void forget(struct bt_tuf_client *client, const char *role, struct bt_tuf_document **place)
{
    replace(place, NULL);
    bt_tuf_saved_remove(client->directory, role);
}

// A stick's word takes both online roles: neither key alone makes one.
static int verify_stick(const struct bt_tuf_document *root, const struct bt_tuf_document *stick,
                        struct bt_error *err)
{
    int r = bt_tuf_root_vouches(root, stick, "timestamp", err);
    return r < 0 ? r : bt_tuf_root_vouches(root, stick, "snapshot", err);
}

// What was signed with keys that are no longer good is not held against what comes now.
static void drop_unvouched(struct bt_tuf_client *client)
{
    const struct {
        const char *role;
        struct bt_tuf_document **place;
    } tops[] = {
        {"timestamp", &client->timestamp},
        {"snapshot", &client->snapshot},
        {"targets", &client->targets},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(tops); i++) {
        if (*tops[i].place != NULL &&
            bt_tuf_root_vouches(client->root, *tops[i].place, tops[i].role, NULL) < 0) {
            replace(tops[i].place, NULL);
        }
    }
    if (client->stick != NULL && verify_stick(client->root, client->stick, NULL) < 0) {
        replace(&client->stick, NULL);
    }
}

// So that whoever pinned it, or one before, finds the way to the newest: docs/software.md.
static int keep_root(const struct bt_tuf_client *client, struct bt_error *err)
{
    char role[BT_ROLE_BYTES];
    int r = bt_format(role, sizeof(role), "%lld.root", (long long)client->root->version);
    return r < 0 ? r : save(client, role, client->root, err);
}

/*
 * A thief of the online keys can sign a version so high that every later honest one looks like a
 * step back. New keys for timestamp or snapshot therefore begin with a clean slate (the
 * specification's recovery from fast-forward attacks).
 */
static int step_root(struct bt_tuf_client *client, const struct bt_buf *text, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) next = NULL;
    int r = bt_tuf_root_next(client->root, bt_buf_text(text), text->len, &next, err);
    if (r < 0) {
        return r;
    }
    if (lost_a_key(client->root, next, "timestamp") || lost_a_key(client->root, next, "snapshot")) {
        forget(client, "timestamp", &client->timestamp);
        forget(client, "snapshot", &client->snapshot);
        forget(client, "stick", &client->stick);
    }
    r = keep_root(client, err);
    r = r < 0 ? r : save(client, "root", next, err);
    if (r < 0) {
        return r;
    }
    replace(&client->root, BT_TAKE(next));
    drop_unvouched(client);
    return 0;
}

static int update_root(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    int r = 0;
    for (int step = 0; step < MAX_ROOT_STEPS && r == 0; step++) {
        BT_AUTOBUF text = {0};
        r = fetch(client, "root", client->root->version + 1, BT_TUF_ROOT_MAX_BYTES, &text, err);
        if (r == 0) {
            r = step_root(client, &text, err);
        }
    }
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    return bt_tuf_check_time(client->root, "root", now_ms, err);
}

// Timestamp.

// What came by a stick does not go back either: it bears the timestamp's version of its day.
static int check_against_stick(const struct bt_tuf_client *client,
                               const struct bt_tuf_document *timestamp, struct bt_error *err)
{
    struct bt_tuf_file before, now;
    if (client->stick == NULL) {
        return 0;
    }
    int r = bt_tuf_document_meta(client->stick, "snapshot", &before, err);
    if (r < 0 || (r = bt_tuf_document_meta(timestamp, "snapshot", &now, err)) < 0) {
        return r;
    }
    if (timestamp->version < client->stick->version || now.version < before.version) {
        return bt_fail(err, -ESTALE, "'timestamp' version %lld is older than what a stick brought",
                       (long long)timestamp->version);
    }
    return 0;
}

static int check_timestamp(const struct bt_tuf_client *client,
                           const struct bt_tuf_document *timestamp, struct bt_error *err)
{
    struct bt_tuf_file before, now;
    int r = check_against_stick(client, timestamp, err);
    if (r < 0 || client->timestamp == NULL) {
        return r;
    }
    if (timestamp->version < client->timestamp->version) {
        return bt_fail(err, -ESTALE, "'timestamp' goes back from version %lld to %lld",
                       (long long)client->timestamp->version, (long long)timestamp->version);
    }
    r = bt_tuf_document_meta(client->timestamp, "snapshot", &before, err);
    if (r < 0 || (r = bt_tuf_document_meta(timestamp, "snapshot", &now, err)) < 0) {
        return r;
    }
    if (now.version < before.version) {
        return bt_fail(err, -ESTALE,
                       "'timestamp' goes back from version %lld of 'snapshot' to %lld",
                       (long long)before.version, (long long)now.version);
    }
    return 0;
}

static int accept_timestamp(struct bt_tuf_client *client, const struct bt_buf *text, int64_t now_ms,
                            struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    BT_AUTO(bt_tuf_document) timestamp = NULL;
    int r = bt_tuf_document_role(client->root, "timestamp", &ring, err);
    if (r < 0 || (r = verify(text, "timestamp", &ring, &timestamp, err)) < 0 ||
        (r = check_timestamp(client, timestamp, err)) < 0) {
        return r;
    }
    // Of the same version the one we have stays, whatever the other one says.
    if (client->timestamp != NULL && timestamp->version == client->timestamp->version) {
        return bt_tuf_check_time(client->timestamp, "timestamp", now_ms, err);
    }
    if ((r = bt_tuf_check_time(timestamp, "timestamp", now_ms, err)) < 0 ||
        (r = save(client, "timestamp", timestamp, err)) < 0) {
        return r;
    }
    replace(&client->timestamp, BT_TAKE(timestamp));
    return 0;
}

static int update_timestamp(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    BT_AUTOBUF text = {0};
    int r = fetch(client, "timestamp", 0, TIMESTAMP_MAX_BYTES, &text, err);
    if (r == -ENOENT) {
        return bt_fail(err, -ENODATA, "The repository has no timestamp");
    }
    return r < 0 ? r : accept_timestamp(client, &text, now_ms, err);
}

// Snapshot.

static bool is_current(const struct bt_tuf_document *document, const struct bt_tuf_file *file,
                       int64_t now_ms)
{
    return document != NULL && document->version == file->version &&
           now_ms < document->expires_ms &&
           bt_tuf_file_check(file, document->text.data, document->text.len, NULL) == 0;
}

// Nothing that an older snapshot names may vanish or go back.
static int check_snapshot(const struct bt_tuf_document *before, const struct bt_tuf_document *after,
                          struct bt_error *err)
{
    const cJSON *old_meta = cJSON_GetObjectItemCaseSensitive(before->body, "meta");
    const cJSON *new_meta = cJSON_GetObjectItemCaseSensitive(after->body, "meta");
    for (const cJSON *each = old_meta->child; each != NULL; each = each->next) {
        const cJSON *new_entry = cJSON_GetObjectItemCaseSensitive(new_meta, each->string);
        const cJSON *was = cJSON_GetObjectItemCaseSensitive(each, "version");
        const cJSON *is = cJSON_GetObjectItemCaseSensitive(new_entry, "version");
        if (is == NULL) {
            return bt_fail(err, -ESTALE, "'snapshot' does not name '%.64s' any more", each->string);
        }
        if (is->valuedouble < was->valuedouble) {
            return bt_fail(err, -ESTALE,
                           "'snapshot' goes back from version %.0f of '%.64s' to %.0f",
                           was->valuedouble, each->string, is->valuedouble);
        }
    }
    return 0;
}

static int accept_snapshot(struct bt_tuf_client *client, const struct bt_buf *text, int64_t version,
                           int64_t now_ms, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    BT_AUTO(bt_tuf_document) snapshot = NULL;
    int r = bt_tuf_document_role(client->root, "snapshot", &ring, err);
    if (r < 0 || (r = verify(text, "snapshot", &ring, &snapshot, err)) < 0 ||
        (r = check_version(snapshot, "snapshot", version, err)) < 0) {
        return r;
    }
    if (client->snapshot != NULL && (r = check_snapshot(client->snapshot, snapshot, err)) < 0) {
        return r;
    }
    if ((r = bt_tuf_check_time(snapshot, "snapshot", now_ms, err)) < 0 ||
        (r = save(client, "snapshot", snapshot, err)) < 0) {
        return r;
    }
    replace(&client->snapshot, BT_TAKE(snapshot));
    return 0;
}

static int update_snapshot(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    struct bt_tuf_file file;
    int r = bt_tuf_document_meta(client->timestamp, "snapshot", &file, err);
    if (r < 0 || is_current(client->snapshot, &file, now_ms)) {
        return r;
    }
    BT_AUTOBUF text = {0};
    r = fetch_named(client, "snapshot", &file, &text, err);
    return r < 0 ? r : accept_snapshot(client, &text, file.version, now_ms, err);
}

// Targets.

static int fetch_targets(struct bt_tuf_client *client, const char *role,
                         const struct bt_keyring *ring, const struct bt_tuf_file *file,
                         int64_t now_ms, struct bt_tuf_document **out, struct bt_error *err)
{
    BT_AUTOBUF text = {0};
    BT_AUTO(bt_tuf_document) document = NULL;
    int r = fetch_named(client, role, file, &text, err);
    if (r < 0 || (r = verify(&text, role, ring, &document, err)) < 0 ||
        (r = check_version(document, role, file->version, err)) < 0 ||
        (r = bt_tuf_check_time(document, role, now_ms, err)) < 0 ||
        (r = save(client, role, document, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(document);
    return 0;
}

int bt_tuf_load_targets(struct bt_tuf_client *client, const char *role,
                        const struct bt_keyring *ring, int64_t now_ms, struct bt_tuf_document **out,
                        struct bt_error *err)
{
    struct bt_tuf_file file;
    int r = bt_tuf_document_meta(client->snapshot, role, &file, err);
    if (r < 0) {
        return bt_fail_in(err, r == -ENOENT ? -ENODATA : r, "'snapshot'");
    }
    BT_AUTO(bt_tuf_document) saved = read_saved(client, role, ring);
    if (is_current(saved, &file, now_ms)) {
        *out = BT_TAKE(saved);
        return 0;
    }
    return fetch_targets(client, role, ring, &file, now_ms, out, err);
}

static int update_targets(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    struct bt_tuf_document *targets = NULL;
    int r = bt_tuf_document_role(client->root, "targets", &ring, err);
    if (r == 0) {
        r = bt_tuf_load_targets(client, "targets", &ring, now_ms, &targets, err);
    }
    if (r == 0) {
        replace(&client->targets, targets);
    }
    return r;
}

int bt_tuf_client_refresh(struct bt_tuf_client *client, int64_t now_ms, struct bt_error *err)
{
    bt_tuf_forget_loaded(client);
    client->carried = false;
    int r = update_root(client, now_ms, err);
    if (r == 0) {
        r = update_timestamp(client, now_ms, err);
    }
    if (r == 0) {
        r = update_snapshot(client, now_ms, err);
    }
    return r < 0 ? r : update_targets(client, now_ms, err);
}

// A stick: its word in the place of the timestamp.

// Nothing goes back to before what is trusted, on whatever way that came.
static int check_stick_version(const struct bt_tuf_client *client,
                               const struct bt_tuf_document *stick, struct bt_error *err)
{
    const struct bt_tuf_document *const named[] = {client->timestamp, client->stick};
    struct bt_tuf_file now, before;
    int64_t newest = client->snapshot != NULL ? client->snapshot->version : 0;
    int r = bt_tuf_document_meta(stick, "snapshot", &now, err);
    for (size_t i = 0; i < BT_ARRAY_LEN(named) && r == 0; i++) {
        if (named[i] != NULL &&
            (r = bt_tuf_document_meta(named[i], "snapshot", &before, err)) == 0) {
            newest = BT_MAX(newest, before.version);
        }
    }
    if (r == 0 && now.version < newest) {
        r = bt_fail(err, -ESTALE, "The stick has version %lld of 'snapshot', %lld is here already",
                    (long long)now.version, (long long)newest);
    }
    return r;
}

static int read_stick(const struct bt_tuf_client *client, const char *word, size_t len,
                      struct bt_tuf_document **out, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) stick = NULL;
    int r = bt_tuf_document_read(word, len, "stick", &stick, err);
    r = r < 0 ? r : verify_stick(client->root, stick, err);
    r = r < 0 ? r : bt_stick_check_span(stick, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'stick'");
    }
    *out = BT_TAKE(stick);
    return 0;
}

int bt_tuf_client_check_stick(const struct bt_tuf_client *client, const char *word, size_t len,
                              struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) stick = NULL;
    return read_stick(client, word, len, &stick, err);
}

static int accept_stick(struct bt_tuf_client *client, const char *word, size_t len, int64_t now_ms,
                        struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) stick = NULL;
    int r = read_stick(client, word, len, &stick, err);
    if (r < 0) {
        return r;
    }
    if ((r = bt_tuf_check_time(stick, "stick", now_ms, err)) < 0 ||
        (r = check_stick_version(client, stick, err)) < 0) {
        return r;
    }
    // The older of two words over the same snapshot says nothing that the newer does not.
    if (client->stick == NULL || client->stick->version <= stick->version) {
        if ((r = save(client, "stick", stick, err)) < 0) {
            return r;
        }
        replace(&client->stick, BT_TAKE(stick));
    }
    return 0;
}

// The stick speaks for the snapshot's freshness: its own expiry is the network's.
static int update_carried_snapshot(struct bt_tuf_client *client, struct bt_error *err)
{
    struct bt_tuf_file file;
    int r = bt_tuf_document_meta(client->stick, "snapshot", &file, err);
    if (r < 0 || is_current(client->snapshot, &file, 0)) {
        return r;
    }
    BT_AUTOBUF text = {0};
    r = fetch_named(client, "snapshot", &file, &text, err);
    return r < 0 ? r : accept_snapshot(client, &text, file.version, 0, err);
}

int bt_tuf_client_refresh_stick(struct bt_tuf_client *client, const char *word, size_t len,
                                int64_t now_ms, struct bt_error *err)
{
    bt_tuf_forget_loaded(client);
    client->carried = false;
    int r = update_root(client, now_ms, err);
    r = r < 0 ? r : accept_stick(client, word, len, now_ms, err);
    r = r < 0 ? r : update_carried_snapshot(client, err);
    r = r < 0 ? r : update_targets(client, now_ms, err);
    client->carried = r == 0;
    return r;
}

// Life.

static void load_stick(struct bt_tuf_client *client)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    if (bt_tuf_document_role(client->root, "timestamp", &ring, NULL) == 0) {
        client->stick = read_saved(client, "stick", &ring);
    }
    if (client->stick != NULL && verify_stick(client->root, client->stick, NULL) < 0) {
        replace(&client->stick, NULL);
    }
}

static void load_saved(struct bt_tuf_client *client, const char *role,
                       struct bt_tuf_document **place)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    if (bt_tuf_document_role(client->root, role, &ring, NULL) == 0) {
        *place = read_saved(client, role, &ring);
    }
}

static int open_root(struct bt_tuf_client *client, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_TUF_ROOT_MAX_BYTES);
    int r = bt_tuf_saved_read(client->directory, "root", &text, err);
    return r < 0 ? r : bt_tuf_root_read(bt_buf_text(&text), text.len, &client->root, err);
}

int bt_tuf_client_open(const char *directory, const struct bt_tuf_fetcher *fetcher,
                       struct bt_tuf_client **out, struct bt_error *err)
{
    assert(fetcher->fetch != NULL);
    BT_AUTO(bt_tuf_client) client = BT_NEW(struct bt_tuf_client);
    client->directory = bt_strdup(directory);
    client->fetcher = *fetcher;
    int r = open_root(client, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Trusted metadata in '%s'", directory);
    }
    load_saved(client, "timestamp", &client->timestamp);
    load_saved(client, "snapshot", &client->snapshot);
    load_saved(client, "targets", &client->targets);
    load_stick(client);
    *out = BT_TAKE(client);
    return 0;
}

void bt_tuf_client_set_fetcher(struct bt_tuf_client *client, const struct bt_tuf_fetcher *fetcher)
{
    assert(fetcher->fetch != NULL);
    client->fetcher = *fetcher;
}

int bt_tuf_client_pin(const char *directory, const char *root, size_t len, struct bt_error *err)
{
    BT_AUTO(bt_tuf_document) document = NULL;
    BT_AUTOBUF pinned;
    bt_buf_init(&pinned, BT_TUF_ROOT_MAX_BYTES);
    int r = bt_tuf_root_read(root, len, &document, err);
    if (r < 0 || (r = bt_file_make_dirs(directory, err)) < 0) {
        return r;
    }
    r = bt_tuf_saved_read(directory, "root", &pinned, err);
    if (r == -ENOENT) {
        return bt_tuf_saved_write(directory, "root", root, len, err);
    }
    if (r == 0 && (pinned.len != len || memcmp(pinned.data, root, len) != 0)) {
        r = bt_fail(err, -EEXIST, "Another root is pinned in '%s'", directory);
    }
    return r;
}

void bt_tuf_forget_loaded(struct bt_tuf_client *client)
{
    for (size_t i = 0; i < client->loaded_count; i++) {
        bt_tuf_document_destroy(client->loaded[i].document);
    }
    client->loaded_count = 0;
}

void bt_tuf_client_destroy(struct bt_tuf_client *client)
{
    if (client == NULL) {
        return;
    }
    bt_tuf_forget_loaded(client);
    free(client->loaded);
    bt_tuf_document_destroy(client->root);
    bt_tuf_document_destroy(client->timestamp);
    bt_tuf_document_destroy(client->snapshot);
    bt_tuf_document_destroy(client->targets);
    bt_tuf_document_destroy(client->stick);
    free(client->directory);
    free(client);
}

static int64_t version_of(const struct bt_tuf_document *document, int64_t *expires_ms)
{
    if (document == NULL) {
        return 0;
    }
    *expires_ms = BT_MIN(*expires_ms, document->expires_ms);
    return document->version;
}

void bt_tuf_client_versions(const struct bt_tuf_client *client, struct bt_tuf_versions *out)
{
    int64_t online_ms = INT64_MAX, offline_ms = INT64_MAX;
    *out = (struct bt_tuf_versions){
        .root = version_of(client->root, &offline_ms),
        .timestamp = version_of(client->timestamp, &online_ms),
        .snapshot = version_of(client->snapshot, &online_ms),
        .targets = version_of(client->targets, &offline_ms),
    };
    out->expires_ms = BT_MIN(online_ms, offline_ms);
    out->offline_expires_ms = offline_ms;
}

const cJSON *bt_tuf_client_snapshot(const struct bt_tuf_client *client)
{
    return client->snapshot != NULL ? client->snapshot->json : NULL;
}

int bt_tuf_client_saved(const struct bt_tuf_client *client, const char *role, struct bt_buf *out,
                        struct bt_error *err)
{
    return bt_tuf_saved_read(client->directory, role, out, err);
}

const char *bt_tuf_client_audit_head(const struct bt_tuf_client *client)
{
    if (client->timestamp == NULL) {
        return NULL;
    }
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(client->timestamp->body, "x-audit-head");
    return cJSON_GetStringValue(head);
}

bool bt_tuf_client_is_demo(const struct bt_tuf_client *client, int64_t threshold)
{
    const cJSON *demo = cJSON_GetObjectItemCaseSensitive(client->root->body, "x-demo");
    return threshold < 2 && !cJSON_IsFalse(demo);
}
