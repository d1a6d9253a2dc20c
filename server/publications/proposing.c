#include "server/publications/proposing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "server/publications/compose.h"
#include "server/publications/progress.h"
#include "server/publications/repository.h"
#include "server/publications/returned.h"
#include "server/publications/takedowns.h"
#include "trust/canonical.h"
#include "trust/signing.h"

// Units renew twice a year; docs/trust.md.
#define METADATA_LASTS_MS (183 * BT_MS_PER_DAY)

void bt_proposal_destroy(struct bt_proposal *proposal)
{
    if (proposal == NULL) {
        return;
    }
    for (size_t i = 0; i < proposal->change_count; i++) {
        bt_publication_row_destroy(proposal->changes[i].publication);
    }
    free(proposal->signed_text);
    free(proposal);
}

static int load_changes(struct bt_db *db, struct bt_proposal *proposal, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT publication, action FROM proposal_change WHERE proposal = $1"
                      " ORDER BY position LIMIT $2",
                      BT_TEXT(proposal->id), BT_INT(BT_PROPOSAL_MAX_CHANGES));
    while (r == 0 && bt_db_next(rows)) {
        struct bt_proposal_change *change = &proposal->changes[proposal->change_count];
        r = bt_publication_row_load(db, bt_db_get_text(rows, 0), &change->publication, err);
        if (r == 0) {
            change->remove = strcmp(bt_db_get_text(rows, 1), "remove") == 0;
            proposal->change_count++;
        }
    }
    return r;
}

int bt_proposal_load(struct bt_db *db, const char *id, struct bt_proposal **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, role, unit, state, number, round, version, revision, signed"
                      " FROM proposal WHERE id = $1",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "there is no proposal '%.32s'", id);
    }
    BT_AUTO(bt_proposal) proposal = BT_NEW(struct bt_proposal);
    bt_copy_cut(proposal->id, sizeof(proposal->id), bt_db_get_text(rows, 0));
    bt_copy_cut(proposal->role, sizeof(proposal->role), bt_db_get_text(rows, 1));
    bt_copy_cut(proposal->unit, sizeof(proposal->unit), bt_db_get_text(rows, 2));
    bt_copy_cut(proposal->state, sizeof(proposal->state), bt_db_get_text(rows, 3));
    proposal->number = bt_db_get_int(rows, 4);
    proposal->round = bt_db_get_int(rows, 5);
    proposal->version = bt_db_get_int(rows, 6);
    proposal->revision = bt_db_get_int(rows, 7);
    proposal->signed_text = bt_strdup(bt_db_get_text(rows, 8));
    r = load_changes(db, proposal, err);
    if (r == 0) {
        *out = BT_TAKE(proposal);
    }
    return r;
}

// A role's present metadata, or NULL for a delegated role that has none yet.
static int load_base(struct bt_db *db, const char *role, cJSON **out, struct bt_error *err)
{
    *out = NULL;
    int r = bt_repository_load(db, role, out, err);
    if (r == -ENOENT && strcmp(role, "targets") != 0) {
        return 0;
    }
    return r;
}

// The version of a target's document in force; 0 when there is none.
static int version_in_force(struct bt_db *db, const cJSON *base, const char *path, int64_t *out,
                            struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTOJSON *document = NULL;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    const char *hash = bt_document_target_hash(base, path);
    *out = 0;
    if (hash[0] == '\0') {
        return 0;
    }
    int r = bt_repository_target(db, path, hash, &text, err);
    r = r == 0 ? bt_json_parse(text.data, text.len, &document, err) : r;
    if (r == 0) {
        const cJSON *version = cJSON_GetObjectItemCaseSensitive(document, "version");
        r = bt_json_whole(version, 0, INT64_C(1) << 53, out);
    }
    return r;
}

// Above what is in force, and above all that were ever proposed.
static int next_version(struct bt_db *db, const cJSON *base, const char *path, int64_t *out,
                        struct bt_error *err)
{
    int64_t in_force;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = version_in_force(db, base, path, &in_force, err);
    r = r == 0 ? bt_db_ask(db, &rows, err, "SELECT MAX(version) FROM publication WHERE target = $1",
                           BT_TEXT(path))
               : r;
    if (r == 0) {
        int64_t known = bt_db_next(rows) ? bt_db_get_int(rows, 0) : 0;
        *out = BT_MAX(in_force, known) + 1;
    }
    return r;
}

static int add_change(struct bt_db *db, const char *proposal, int64_t position,
                      const char *publication, const char *action, struct bt_error *err)
{
    int64_t changed =
        bt_db_run(db, err,
                  "INSERT INTO proposal_change (proposal, position, publication, action)"
                  " VALUES ($1, $2, $3, $4)",
                  BT_TEXT(proposal), BT_INT(position), BT_TEXT(publication), BT_TEXT(action));
    return changed < 0 ? (int)changed : 0;
}

struct creating {
    struct bt_db *db;
    int64_t now_ms;
    const struct bt_proposal_request *request;
    const cJSON *base;
    int64_t position;
};

static int freeze_draft(struct creating *c, const struct bt_publication_row *row,
                        struct bt_error *err)
{
    BT_AUTOBUF text;
    int64_t version = 0;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = next_version(c->db, c->base, row->target.path, &version, err);
    r = r == 0 ? bt_publication_row_compose(c->db, row, version, &text, err) : r;
    r = r == 0 ? bt_publication_row_freeze(c->db, row->id, version, &text, err) : r;
    return r == 0 ? bt_publication_row_step(c->db, row->id, row->state, BT_PUBLICATION_PROPOSE,
                                            c->now_ms, err)
                  : r;
}

static int take_one(struct creating *c, const cJSON *id, bool remove, struct bt_error *err)
{
    BT_AUTO(bt_publication_row) row = NULL;
    int r = bt_publication_row_load(c->db, cJSON_IsString(id) ? id->valuestring : "", &row, err);
    if (r < 0) {
        return r;
    }
    if (strcmp(row->target.role, c->request->role) != 0) {
        return bt_fail(err, -EINVAL, "%s is signed by role '%s', not '%s'", row->id,
                       row->target.role, c->request->role);
    }
    if (remove && strcmp(row->state, "published") != 0) {
        return bt_fail(err, -EBUSY, "%s is %s, not published", row->id, row->state);
    }
    r = remove ? 0 : freeze_draft(c, row, err);
    if (r < 0) {
        return bt_fail_in(err, r, "%s", row->id);
    }
    return add_change(c->db, c->request->id, c->position++, row->id, remove ? "remove" : "put",
                      err);
}

static int take_list(struct creating *c, const cJSON *list, bool remove, struct bt_error *err)
{
    if (list != NULL && !cJSON_IsArray(list)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list [ ]", list->string);
    }
    int r = 0;
    for (const cJSON *id = list == NULL ? NULL : list->child; r == 0 && id != NULL; id = id->next) {
        r = c->position < BT_PROPOSAL_MAX_CHANGES
                ? take_one(c, id, remove, err)
                : bt_fail(err, -EINVAL, "more than %d changes in one proposal",
                          BT_PROPOSAL_MAX_CHANGES);
    }
    return r;
}

static int insert(struct creating *c, struct bt_error *err)
{
    const struct bt_proposal_request *q = c->request;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(c->db, &rows, err, "SELECT MAX(number) FROM proposal WHERE role = $1",
                      BT_TEXT(q->role));
    if (r < 0) {
        return r;
    }
    int64_t number = bt_db_next(rows) ? bt_db_get_int(rows, 0) + 1 : 1;
    int64_t changed = bt_db_run(
        c->db, err,
        "INSERT INTO proposal (id, role, number, unit, state, round, version, note, reason,"
        " created_by, created_ms, changed_ms, revision)"
        " VALUES ($1, $2, $3, $4, 'queued', 0, 0, $5, '', $6, $7, $7, 1)",
        BT_TEXT(q->id), BT_TEXT(q->role), BT_INT(number), BT_TEXT(q->unit), BT_TEXT(q->note),
        BT_TEXT(q->user), BT_INT(c->now_ms));
    // Somebody took the number in the same instant: once more from the beginning.
    return changed == -EEXIST ? -EAGAIN : changed < 0 ? (int)changed : 0;
}

int bt_proposal_create(struct bt_db *db, int64_t now_ms, const struct bt_proposal_request *request,
                       struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    BT_AUTOJSON *base = NULL;
    int r = bt_repository_keyring(db, request->role, &ring, err);
    r = r == 0 ? load_base(db, request->role, &base, err) : r;
    r = r == 0 ? bt_returned_check(db, request->role, err) : r;
    struct creating creating = {.db = db, .now_ms = now_ms, .request = request, .base = base};
    r = r == 0 ? insert(&creating, err) : r;
    r = r == 0 ? take_list(&creating, request->publications, false, err) : r;
    r = r == 0 ? take_list(&creating, request->withdraw, true, err) : r;
    return r == 0 ? bt_proposal_advance(db, now_ms, request->role, err) : r;
}

// A document that waited while others of its target were published gets a version above theirs.
static int lift_version(struct bt_db *db, const cJSON *base, struct bt_publication_row *row,
                        struct bt_error *err)
{
    int64_t in_force, version = 0;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = version_in_force(db, base, row->target.path, &in_force, err);
    if (r < 0 || row->version > in_force) {
        return r;
    }
    r = next_version(db, base, row->target.path, &version, err);
    r = r == 0 ? bt_compose_again(row->document, strlen(row->document), version, &text, err) : r;
    r = r == 0 ? bt_publication_row_freeze(db, row->id, version, &text, err) : r;
    if (r == 0) {
        free(row->document);
        row->document = bt_strdup(bt_buf_text(&text));
        row->version = version;
    }
    return r;
}

bool bt_proposal_change_counts(const struct bt_proposal_change *change, const cJSON *base)
{
    const struct bt_publication_row *row = change->publication;
    return !change->remove ||
           strcmp(bt_document_target_hash(base, row->target.path), row->sha256) == 0;
}

static int apply_changes(struct bt_db *db, const struct bt_proposal *proposal, const cJSON *base,
                         cJSON *next, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < proposal->change_count; i++) {
        struct bt_publication_row *row = proposal->changes[i].publication;
        if (!bt_proposal_change_counts(&proposal->changes[i], base)) {
            continue;
        }
        if (proposal->changes[i].remove) {
            bt_signing_remove_target(next, row->target.path);
            continue;
        }
        r = lift_version(db, base, row, err);
        r = r == 0 ? bt_signing_set_target(next, row->target.path, row->document,
                                           strlen(row->document), err)
                   : r;
    }
    return r;
}

static int store_round(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal,
                       const cJSON *next, enum bt_proposal_event event, struct bt_error *err)
{
    const char *state;
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_METADATA_MAX_BYTES);
    int r = bt_proposal_step(proposal->state, event, &state, err);
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(next, "signed");
    r = r == 0 ? bt_canonical_json(part, &text, err) : r;
    if (r < 0) {
        return r;
    }
    int64_t changed =
        bt_db_run(db, err,
                  "UPDATE proposal SET state = $2, round = round + 1, version = $3, signed = $4,"
                  " changed_ms = $5, revision = revision + 1 WHERE id = $1",
                  BT_TEXT(proposal->id), BT_TEXT(state), BT_INT(bt_document_version(next)),
                  BT_TEXT(bt_buf_text(&text)), BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

static int build(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal,
                 const cJSON *base, struct bt_error *err)
{
    BT_AUTOJSON *next = NULL;
    int64_t expires_ms = now_ms + METADATA_LASTS_MS;
    int r = base == NULL ? bt_signing_targets(1, expires_ms, &next, err)
                         : bt_signing_next(base, expires_ms, &next, err);
    r = r == 0 ? apply_changes(db, proposal, base, next, err) : r;
    bool open = strcmp(proposal->state, "open") == 0;
    return r == 0 ? store_round(db, now_ms, proposal, next,
                                open ? BT_PROPOSAL_REBASE : BT_PROPOSAL_DO_OPEN, err)
                  : r;
}

int bt_proposal_advance(struct bt_db *db, int64_t now_ms, const char *role, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTO(bt_proposal) proposal = NULL;
    BT_AUTOJSON *base = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id FROM proposal WHERE role = $1 AND state IN ('open', 'queued')"
                      " ORDER BY number LIMIT 1",
                      BT_TEXT(role));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    r = bt_proposal_load(db, bt_db_get_text(rows, 0), &proposal, err);
    r = r == 0 ? load_base(db, role, &base, err) : r;
    if (r < 0) {
        return r;
    }
    int64_t next = base == NULL ? 1 : bt_document_version(base) + 1;
    if (strcmp(proposal->state, "open") == 0 && proposal->version == next) {
        return 0;
    }
    return build(db, now_ms, proposal, base, err);
}

static int set_state(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal,
                     int event, const char *reason, struct bt_error *err)
{
    const char *state;
    int r = bt_proposal_step(proposal->state, (enum bt_proposal_event)event, &state, err);
    if (r < 0) {
        return bt_fail_in(err, -EBUSY, "%s", proposal->id);
    }
    int64_t changed =
        bt_db_run(db, err,
                  "UPDATE proposal SET state = $2, reason = $3, changed_ms = $4,"
                  " revision = revision + 1 WHERE id = $1",
                  BT_TEXT(proposal->id), BT_TEXT(state), BT_TEXT(reason), BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

int bt_proposal_end(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal, int event,
                    const char *reason, struct bt_error *err)
{
    int r = set_state(db, now_ms, proposal, event, reason, err);
    for (size_t i = 0; r == 0 && i < proposal->change_count; i++) {
        const struct bt_publication_row *row = proposal->changes[i].publication;
        if (!proposal->changes[i].remove) {
            r = bt_publication_row_step(db, row->id, row->state, BT_PUBLICATION_REFUSE, now_ms,
                                        err);
        }
    }
    return r == 0 ? bt_proposal_advance(db, now_ms, proposal->role, err) : r;
}

static int publish_one(struct bt_db *db, int64_t now_ms, const struct bt_publication_row *row,
                       struct bt_error *err)
{
    int r = bt_publication_row_step(db, row->id, row->state, BT_PUBLICATION_APPROVE, now_ms, err);
    r = r == 0 ? bt_repository_put_target(db, now_ms, row->target.path, row->document, err) : r;
    r = r == 0
            ? bt_publication_row_step(db, row->id, "approved", BT_PUBLICATION_PUBLISH, now_ms, err)
            : r;
    if (r == 0) {
        int64_t changed =
            bt_db_run(db, err, "UPDATE publication SET published_ms = $2 WHERE id = $1",
                      BT_TEXT(row->id), BT_INT(now_ms));
        r = changed < 0 ? (int)changed : 0;
    }
    return r == 0 ? bt_takedowns_lift(db, now_ms, row->target.path, row->document, err) : r;
}

int bt_proposal_complete(struct bt_db *db, int64_t now_ms, const struct bt_proposal *proposal,
                         const cJSON *document, struct bt_error *err)
{
    int r = bt_repository_put(db, proposal->role, document, err);
    r = r == 0 ? set_state(db, now_ms, proposal, BT_PROPOSAL_COMPLETE, "", err) : r;
    // Before the next one is rebased on it: that looks its documents up.
    for (size_t i = 0; r == 0 && i < proposal->change_count; i++) {
        if (!proposal->changes[i].remove) {
            r = publish_one(db, now_ms, proposal->changes[i].publication, err);
        }
    }
    return r == 0 ? bt_proposal_settle(db, now_ms, proposal->role, document, err) : r;
}

int bt_proposal_settle(struct bt_db *db, int64_t now_ms, const char *role, const cJSON *document,
                       struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, target, sha256 FROM publication"
                      " WHERE role = $1 AND state = 'published' LIMIT 100000",
                      BT_TEXT(role));
    while (r == 0 && bt_db_next(rows)) {
        const char *hash = bt_document_target_hash(document, bt_db_get_text(rows, 1));
        if (strcmp(hash, bt_db_get_text(rows, 2)) == 0) {
            continue;
        }
        r = bt_publication_row_step(
            db, bt_db_get_text(rows, 0), "published",
            hash[0] == '\0' ? BT_PUBLICATION_WITHDRAW : BT_PUBLICATION_SUPERSEDE, now_ms, err);
    }
    return r == 0 ? bt_proposal_advance(db, now_ms, role, err) : r;
}
