#include "server/publications/returned.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "server/publications/desk.h"
#include "server/publications/proposing.h"
#include "server/publications/publication_row.h"
#include "server/publications/repository.h"
#include "server/publications/target.h"
#include "trust/signing.h"
#include "trust/tuf_document.h"

static const cJSON *part_of(const cJSON *document, const char *key)
{
    const cJSON *body = cJSON_GetObjectItemCaseSensitive(document, "signed");
    return cJSON_GetObjectItemCaseSensitive(body, key);
}

static int find_stored(struct bt_db *db, const char *role, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, "SELECT MAX(version) FROM tuf_metadata WHERE role = $1",
                      BT_TEXT(role));
    *out = r == 0 && bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
    return r;
}

static int find_seen(struct bt_db *db, const char *role, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT version FROM tuf_seen WHERE role = $1", BT_TEXT(role));
    *out = r == 0 && bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
    return r;
}

int bt_returned_highest(struct bt_db *db, const char *role, int64_t *out, struct bt_error *err)
{
    int64_t stored = 0, seen = 0;
    int r = find_stored(db, role, &stored, err);
    r = r < 0 ? r : find_seen(db, role, &seen, err);
    *out = BT_MAX(stored, seen);
    return r;
}

int bt_returned_check(struct bt_db *db, const char *role, struct bt_error *err)
{
    int64_t stored = 0, seen = 0;
    int r = find_stored(db, role, &stored, err);
    r = r < 0 ? r : find_seen(db, role, &seen, err);
    if (r < 0 || seen <= stored) {
        return r;
    }
    return bt_fail(err, -ESTALE,
                   "players hold version %lld of '%s', and this server was restored with version "
                   "%lld: it comes back by itself when one of them connects, or is signed anew "
                   "with 'bangtin repository renew %s'",
                   (long long)seen, role, (long long)stored, role);
}

/*
 * Snapshots.
 */

static int check_snapshot(struct bt_db *db, const cJSON *document, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTO(bt_tuf_document) read = NULL;
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_signing_text(document, &text, err);
    r = r == 0 ? bt_tuf_document_read(bt_buf_text(&text), text.len, "snapshot", &read, err) : r;
    r = r == 0 ? bt_repository_keyring(db, "snapshot", &ring, err) : r;
    return r < 0 ? r : bt_signatures_check(document, &ring, err);
}

static int note_seen(struct bt_db *db, const char *role, int64_t version, bool *out_news,
                     struct bt_error *err)
{
    int64_t highest;
    char unit[BT_UNIT_CODE_BYTES];
    if (!bt_role_unit(role, unit)) {
        return 0;
    }
    int r = bt_returned_highest(db, role, &highest, err);
    if (r < 0 || version <= highest || version > highest + BT_RETURNED_MAX_LEAP) {
        return r;
    }
    int64_t changed = bt_db_run(db, err,
                                "INSERT INTO tuf_seen (role, version) VALUES ($1, $2)"
                                " ON CONFLICT (role) DO UPDATE SET version = excluded.version",
                                BT_TEXT(role), BT_INT(version));
    *out_news = true;
    return changed < 0 ? (int)changed : 0;
}

int bt_returned_snapshot(struct bt_db *db, const cJSON *document, bool *out_news,
                         struct bt_error *err)
{
    *out_news = false;
    int r = check_snapshot(db, document, err);
    const cJSON *meta = r == 0 ? part_of(document, "meta") : NULL;
    const cJSON *each = meta != NULL ? meta->child : NULL;
    for (; r == 0 && each != NULL; each = each->next) {
        int64_t version;
        char role[BT_ROLE_BYTES + 8];
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(each, "version");
        if (bt_json_whole(said, 1, INT64_C(1) << 53, &version) == 0 &&
            bt_str_ends(each->string, ".json") &&
            bt_format(role, sizeof(role), "%s", each->string) == 0) {
            role[strlen(role) - strlen(".json")] = '\0';
            r = note_seen(db, role, version, out_news, err);
        }
    }
    return r;
}

/*
 * Roles.
 */

// How many of the documents that the metadata list are not here.
static int count_missing(struct bt_db *db, const cJSON *document, int64_t *out,
                         struct bt_error *err)
{
    int r = 0;
    const cJSON *targets = part_of(document, "targets");
    const cJSON *each = targets != NULL ? targets->child : NULL;
    for (*out = 0; r == 0 && each != NULL; each = each->next) {
        BT_AUTO(bt_db_rows) rows = NULL;
        const char *hash = bt_document_target_hash(document, each->string);
        r = bt_db_ask(db, &rows, err, "SELECT 1 FROM tuf_target WHERE path = $1 AND sha256 = $2",
                      BT_TEXT(each->string), BT_TEXT(hash));
        *out += r == 0 && !bt_db_next(rows) ? 1 : 0;
    }
    return r;
}

static int find_unit(struct bt_db *db, const struct bt_target *target, char out[BT_UNIT_CODE_BYTES],
                     struct bt_error *err)
{
    if (target->everywhere) {
        return bt_unit_root(db, out, err);
    }
    bt_copy_cut(out, BT_UNIT_CODE_BYTES, target->unit);
    return 0;
}

// A document that nobody proposed here has its row all the same: people see it in the list, and the
// plan what it asks for.
static int add_row(struct bt_db *db, int64_t now_ms, const char *path, const char *hash,
                   struct bt_error *err)
{
    struct bt_target target;
    int64_t version = 0;
    char id[BT_SERVER_ID_BYTES], unit[BT_UNIT_CODE_BYTES];
    BT_AUTOBUF text;
    BT_AUTOJSON *document = NULL;
    BT_AUTO(bt_db_rows) rows = NULL;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = bt_db_ask(db, &rows, err,
                      "SELECT 1 FROM publication WHERE target = $1 AND sha256 = $2 LIMIT 1",
                      BT_TEXT(path), BT_TEXT(hash));
    if (r < 0 || bt_db_next(rows) || bt_target_read(path, &target, err) < 0) {
        return r;
    }
    r = find_unit(db, &target, unit, err);
    r = r < 0 ? r : bt_repository_target(db, path, hash, &text, err);
    r = r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, &document, err);
    if (r < 0) {
        return r == -ENOENT ? 0 : r;  // still missing
    }
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(document, "version");
    const char *title = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(document, "title"));
    (void)!bt_json_whole(said, 0, INT64_C(1) << 53, &version);
    bt_server_id('n', id);
    int64_t changed = bt_db_run(
        db, err,
        "INSERT INTO publication (id, unit, layer, name, target, role, version, state, title,"
        " recipe, document, sha256, created_by, created_ms, changed_ms, published_ms, revision)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, 'published', $8, '{}', $9, $10, 'server', $11, $11,"
        " $11, 1)",
        BT_TEXT(id), BT_TEXT(unit), BT_TEXT(bt_document_layer_words[target.layer]),
        BT_TEXT(target.name), BT_TEXT(target.path), BT_TEXT(target.role), BT_INT(version),
        BT_TEXT(title != NULL ? title : ""), BT_TEXT(bt_buf_text(&text)), BT_TEXT(hash),
        BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

static int add_rows(struct bt_db *db, int64_t now_ms, const cJSON *document, struct bt_error *err)
{
    int r = 0;
    const cJSON *targets = part_of(document, "targets");
    const cJSON *each = targets != NULL ? targets->child : NULL;
    for (; r == 0 && each != NULL; each = each->next) {
        r = add_row(db, now_ms, each->string, bt_document_target_hash(document, each->string), err);
    }
    return r;
}

static int forget_if_whole(struct bt_db *db, const char *role, int64_t missing,
                           struct bt_error *err)
{
    int64_t changed =
        missing > 0 ? 0 : bt_db_run(db, err, "DELETE FROM tuf_seen WHERE role = $1", BT_TEXT(role));
    return changed < 0 ? (int)changed : 0;
}

int bt_returned_role(struct bt_db *db, int64_t now_ms, const struct bt_submission *submission,
                     bool *out_news, struct bt_error *err)
{
    int64_t seen = 0, stored = 0, before = 0, after = 0;
    int64_t given = bt_document_version(submission->document);
    *out_news = false;
    int r = find_seen(db, submission->role, &seen, err);
    r = r < 0 ? r : find_stored(db, submission->role, &stored, err);
    if (r < 0 || given < stored || given != seen) {
        return r;
    }
    r = count_missing(db, submission->document, &before, err);
    r = r < 0 ? r : bt_submission_accept(db, now_ms, submission, err);
    r = r < 0 ? r : count_missing(db, submission->document, &after, err);
    if (r < 0) {
        return r;
    }
    *out_news = given > stored || after < before;
    r = forget_if_whole(db, submission->role, after, err);
    r = r < 0 ? r : add_rows(db, now_ms, submission->document, err);
    return r < 0 ? r : bt_proposal_settle(db, now_ms, submission->role, submission->document, err);
}

int bt_returned_list(struct bt_db *db, cJSON *list, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT s.role, s.version FROM tuf_seen s WHERE NOT EXISTS (SELECT 1 FROM"
                      " tuf_metadata m WHERE m.role = s.role AND m.version > s.version)"
                      " ORDER BY s.role LIMIT 4096");
    while (r == 0 && bt_db_next(rows)) {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "role", bt_db_get_text(rows, 0));
        cJSON_AddNumberToObject(entry, "version", (double)bt_db_get_int(rows, 1));
        cJSON_AddItemToArray(list, entry);
    }
    return r;
}
