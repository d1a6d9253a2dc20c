#include "server/publications/issuer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/hub.h"
#include "server/publications/repository.h"
#include "server/publications/returned.h"
#include "trust/countersign.h"
#include "trust/private_key.h"
#include "trust/seal.h"
#include "trust/signing.h"
#include "trust/stick.h"

// A frozen repository is noticed after three days; a server that was down over a weekend is not.
#define TIMESTAMP_LASTS_MS (3 * BT_MS_PER_DAY)
#define TIMESTAMP_RENEW_MS (2 * BT_MS_PER_DAY)
#define SNAPSHOT_LASTS_MS (14 * BT_MS_PER_DAY)
#define SNAPSHOT_RENEW_MS (7 * BT_MS_PER_DAY)

// A player may be halfway through an older one.
#define SNAPSHOTS_KEPT 100

#define MAX_ROLES 4096

// More than a server that was restored can have issued since its backup. Numbers end at 2^53.
#define LEAP 1000000

struct bt_issuer {
    struct bt_private_key *snapshot, *timestamp;
    struct bt_seal_pair seal;      // what comes back on sticks
    const struct bt_clock *clock;  // borrowed
    cJSON *keys;
    char *keys_text;
};

static int open_key(const char *data_dir, const char *role, struct bt_private_key **out,
                    struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/keys/%s.json", data_dir, role);
    struct bt_error missing;
    int r = bt_private_key_load(path, NULL, out, &missing);
    if (r != -ENOENT) {
        return r < 0 ? bt_fail(err, r, "%s", missing.msg) : 0;
    }
    BT_AUTO(bt_private_key) key = NULL;
    r = bt_private_key_generate(BT_PRIVATE_ED25519, &key, err);
    if (r == 0) {
        BT_AUTOFREE char *holder = bt_strf("bangtin-server %s", role);
        bt_private_key_set_holder(key, holder, BT_KEY_FILE, role);
        r = bt_private_key_save(key, path, NULL, err);
    }
    if (r == 0) {
        *out = BT_TAKE(key);
    }
    return r;
}

void bt_issuer_destroy(struct bt_issuer *issuer)
{
    if (issuer == NULL) {
        return;
    }
    bt_private_key_destroy(issuer->snapshot);
    bt_private_key_destroy(issuer->timestamp);
    cJSON_Delete(issuer->keys);
    free(issuer->keys_text);
    free(issuer);
}

int bt_issuer_open(const char *data_dir, const struct bt_clock *clock, struct bt_issuer **out,
                   struct bt_error *err)
{
    BT_AUTO(bt_issuer) issuer = BT_NEW(struct bt_issuer);
    BT_AUTOFREE char *folder = bt_strf("%s/keys", data_dir);
    issuer->clock = clock;
    int r = bt_file_make_dirs(folder, err);
    r = r == 0 ? open_key(data_dir, "snapshot", &issuer->snapshot, err) : r;
    r = r == 0 ? open_key(data_dir, "timestamp", &issuer->timestamp, err) : r;
    r = r == 0 ? bt_seal_pair_of(issuer->timestamp, &issuer->seal, err) : r;
    if (r < 0) {
        return bt_fail_in(err, r, "The keys in '%s'", folder);
    }
    issuer->keys = cJSON_CreateObject();
    cJSON_AddItemToObject(issuer->keys, "snapshot", bt_private_key_public(issuer->snapshot));
    cJSON_AddItemToObject(issuer->keys, "timestamp", bt_private_key_public(issuer->timestamp));
    issuer->keys_text = cJSON_PrintUnformatted(issuer->keys);
    *out = BT_TAKE(issuer);
    return 0;
}

const char *bt_issuer_public_keys(const struct bt_issuer *issuer)
{
    return issuer->keys_text;
}

const cJSON *bt_issuer_public_keys_json(const struct bt_issuer *issuer)
{
    return issuer->keys;
}

int bt_issuer_countersign(const struct bt_issuer *issuer, const cJSON *body, struct bt_buf *out,
                          struct bt_error *err)
{
    return bt_countersign(body, issuer->timestamp, out, err);
}

int bt_issuer_unseal(const struct bt_issuer *issuer, const void *box, size_t len,
                     struct bt_buf *out, struct bt_error *err)
{
    return bt_seal_open(&issuer->seal, box, len, out, err);
}

// The newest version of a role and when it expires; 0 when there is none.
struct newest {
    int64_t version, expires_ms;
};

static int find_newest(struct bt_db *db, const char *role, struct newest *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT version, expires_ms FROM tuf_metadata WHERE role = $1"
                      " ORDER BY version DESC LIMIT 1",
                      BT_TEXT(role));
    *out = (struct newest){0};
    if (r == 0 && bt_db_next(rows)) {
        *out = (struct newest){bt_db_get_int(rows, 0), bt_db_get_int(rows, 1)};
    }
    return r;
}

static int list_roles(struct bt_db *db, cJSON *snapshot, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT role, MAX(version) FROM (SELECT role, version FROM tuf_metadata"
                      " WHERE role NOT IN ('root', 'snapshot', 'timestamp')"
                      " UNION ALL SELECT role, version FROM tuf_seen) r"
                      " GROUP BY role ORDER BY role LIMIT $1",
                      BT_INT(MAX_ROLES));
    while (r == 0 && bt_db_next(rows)) {
        r = bt_signing_set_meta(snapshot, bt_db_get_text(rows, 0), bt_db_get_int(rows, 1), err);
    }
    return r;
}

// What players are asked to bring back, see returned.h.
static int list_lost(struct bt_db *db, cJSON *snapshot, struct bt_error *err)
{
    BT_AUTOJSON *list = cJSON_CreateArray();
    int r = bt_returned_list(db, list, err);
    return r < 0 || list->child == NULL ? r : bt_signing_set_lost(snapshot, BT_TAKE(list), err);
}

static int issue_snapshot(const struct bt_issuer *issuer, struct bt_db *db, int64_t now_ms,
                          int64_t version, struct bt_error *err)
{
    BT_AUTOJSON *snapshot = NULL;
    int r = bt_signing_snapshot(version, now_ms + SNAPSHOT_LASTS_MS, &snapshot, err);
    r = r == 0 ? list_roles(db, snapshot, err) : r;
    r = r == 0 ? list_lost(db, snapshot, err) : r;
    r = r == 0 ? bt_signing_sign(snapshot, issuer->snapshot, err) : r;
    r = r == 0 ? bt_repository_put(db, "snapshot", snapshot, err) : r;
    if (r == 0) {
        int64_t gone =
            bt_db_run(db, err, "DELETE FROM tuf_metadata WHERE role = 'snapshot' AND version <= $1",
                      BT_INT(version - SNAPSHOTS_KEPT));
        r = gone < 0 ? (int)gone : 0;
    }
    return r;
}

static int issue_timestamp(const struct bt_issuer *issuer, struct bt_db *db, int64_t now_ms,
                           int64_t version, int64_t snapshot_version, struct bt_error *err)
{
    char head[BT_SHA256_HEX_BYTES];
    BT_AUTOJSON *timestamp = NULL;
    int r = bt_audit_head(db, head, err);
    r = r == 0 ? bt_signing_timestamp(version, now_ms + TIMESTAMP_LASTS_MS, snapshot_version, head,
                                      &timestamp, err)
               : r;
    r = r == 0 ? bt_signing_sign(timestamp, issuer->timestamp, err) : r;
    r = r == 0 ? bt_repository_put(db, "timestamp", timestamp, err) : r;
    if (r == 0) {
        int64_t gone =
            bt_db_run(db, err, "DELETE FROM tuf_metadata WHERE role = 'timestamp' AND version < $1",
                      BT_INT(version));
        r = gone < 0 ? (int)gone : 0;
    }
    return r;
}

// After a restore without DATA/keys nobody would believe what we sign.
static int check_root(const struct bt_issuer *issuer, struct bt_db *db, struct bt_error *err)
{
    struct bt_error missing;
    BT_AUTOJSON *root = NULL;
    int r = bt_repository_load(db, "root", &root, &missing);
    if (r < 0) {
        return r == -ENOENT ? 0 : bt_fail(err, r, "%s", missing.msg);
    }
    r = bt_document_names_keys(root, issuer->keys, err);
    return r < 0 ? bt_fail(err, -EPERM, "DATA/keys are not the keys of the repository's root") : 0;
}

/*
 * Both, or the timestamp alone; `leap` versions are left out. *out_version is the timestamp's, 0
 * when there are no targets yet.
 */
static int issue(const struct bt_issuer *issuer, struct bt_db *db, int64_t now_ms,
                 bool new_snapshot, int64_t leap, int64_t *out_version, struct bt_error *err)
{
    struct newest targets = {0}, snapshot = {0}, timestamp = {0};
    *out_version = 0;
    int r = find_newest(db, "targets", &targets, err);
    if (r < 0 || targets.version == 0) {
        return r;
    }
    r = check_root(issuer, db, err);
    r = r == 0 ? find_newest(db, "snapshot", &snapshot, err) : r;
    r = r == 0 ? find_newest(db, "timestamp", &timestamp, err) : r;
    if (r == 0 && (new_snapshot || snapshot.version == 0)) {
        snapshot.version += 1 + leap;
        r = issue_snapshot(issuer, db, now_ms, snapshot.version, err);
    }
    timestamp.version += 1 + leap;
    r = r == 0 ? issue_timestamp(issuer, db, now_ms, timestamp.version, snapshot.version, err) : r;
    if (r == 0) {
        *out_version = timestamp.version;
    }
    return r;
}

struct hint {
    int64_t version;
    enum bt_urgency urgency;
};

static void send_hint(struct bt_server *server, void *context)
{
    const struct hint *hint = context;
    bt_hub_hint(server->hub, hint->version, hint->urgency);
}

int bt_issuer_issue(struct bt_call *call, int urgency, struct bt_error *err)
{
    struct bt_server *server = bt_call_server(call);
    int64_t version;
    int r = issue(server->issuer, bt_call_db(call), bt_call_now_ms(call), true, 0, &version, err);
    if (r < 0 || version == 0) {
        return r;
    }
    r = bt_hub_notify_hint(bt_call_db(call), version, (enum bt_urgency)urgency, err);
    if (r < 0) {
        return r;
    }
    struct hint *hint = BT_NEW(struct hint);
    *hint = (struct hint){version, (enum bt_urgency)urgency};
    bt_call_after_commit(call, send_hint, hint, free);
    return 0;
}

// What is due is renewed; *out_version is 0 when nothing was.
static int renew(const struct bt_issuer *issuer, struct bt_db *db, int64_t now_ms,
                 int64_t *out_version, struct bt_error *err)
{
    struct newest snapshot = {0}, timestamp = {0};
    int r = find_newest(db, "snapshot", &snapshot, err);
    r = r == 0 ? find_newest(db, "timestamp", &timestamp, err) : r;
    *out_version = 0;
    if (r < 0) {
        return r;
    }
    bool new_snapshot = snapshot.expires_ms - now_ms < SNAPSHOT_RENEW_MS;
    if (!new_snapshot && timestamp.expires_ms - now_ms >= TIMESTAMP_RENEW_MS) {
        return 0;
    }
    return issue(issuer, db, now_ms, new_snapshot, 0, out_version, err);
}

int bt_issuer_renew(struct bt_issuer *issuer, struct bt_server *server, struct bt_error *err)
{
    struct bt_db *db = NULL;
    int64_t version = 0;
    int r = bt_db_acquire(server->db, &db, err);
    if (r < 0) {
        return r;
    }
    r = bt_db_begin(db, true, err);
    r = r == 0 ? renew(issuer, db, bt_clock_wall_ms(issuer->clock), &version, err) : r;
    r = r == 0 && version > 0 ? bt_hub_notify_hint(db, version, BT_URGENCY_NORMAL, err) : r;
    r = r == 0 ? bt_db_commit(db, err) : r;
    bt_db_release(db);
    if (r == 0 && version > 0) {
        bt_hub_hint(server->hub, version, BT_URGENCY_NORMAL);
    }
    return r;
}

// For longer than a timestamp may, both online roles say together what is newest.
int bt_issuer_stick(const struct bt_issuer *issuer, struct bt_db *db, int64_t days, cJSON *body,
                    struct bt_buf *out, struct bt_error *err)
{
    struct newest snapshot = {0}, timestamp = {0};
    char seal[2 * BT_SEAL_KEY_BYTES + 1];
    BT_AUTOJSON *owned = body;
    BT_AUTOJSON *document = NULL;
    int64_t now_ms = bt_clock_wall_ms(issuer->clock);
    int r = check_root(issuer, db, err);
    r = r == 0 ? find_newest(db, "snapshot", &snapshot, err) : r;
    r = r == 0 ? find_newest(db, "timestamp", &timestamp, err) : r;
    if (r == 0 && timestamp.version == 0) {
        r = bt_fail(err, -ENOENT, "nothing was published yet");
    }
    if (r < 0) {
        return r;
    }
    bt_hex(issuer->seal.public_key, BT_SEAL_KEY_BYTES, seal);
    cJSON_AddStringToObject(owned, "x-seal", seal);
    r = bt_stick_write(timestamp.version, snapshot.version, now_ms, now_ms + days * BT_MS_PER_DAY,
                       BT_TAKE(owned), &document, err);
    r = r == 0 ? bt_signing_sign(document, issuer->timestamp, err) : r;
    r = r == 0 ? bt_signing_sign(document, issuer->snapshot, err) : r;
    return r == 0 ? bt_signing_text(document, out, err) : r;
}

int bt_issuer_leap(struct bt_issuer *issuer, struct bt_db *db, struct bt_error *err)
{
    int64_t version;
    return issue(issuer, db, bt_clock_wall_ms(issuer->clock), true, LEAP, &version, err);
}
