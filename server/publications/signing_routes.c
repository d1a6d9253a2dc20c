// What is to be signed, and the signatures that come in.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication.h"
#include "server/fleet/hub.h"
#include "server/publications/difference.h"
#include "server/publications/handlers.h"
#include "server/publications/issuer.h"
#include "server/publications/proposing.h"
#include "server/publications/repository.h"
#include "server/publications/returned.h"
#include "trust/key.h"
#include "trust/signing.h"

// One proposal with all that showing and signing it needs.
struct desk {
    struct bt_db *db;
    struct bt_proposal *proposal;
    struct bt_keyring ring;
    cJSON *base;  // the role's metadata in force, or NULL
};

static void finish_desk(struct desk *desk)
{
    bt_proposal_destroy(desk->proposal);
    bt_keyring_finish(&desk->ring);
    cJSON_Delete(desk->base);
}
#define AUTODESK BT_AUTOFINISH(finish_desk) struct desk

static int load_desk(struct bt_call *call, struct desk *desk, struct bt_error *err)
{
    *desk = (struct desk){.db = bt_call_db(call)};
    int r = bt_proposal_load(desk->db, bt_call_path(call, "id"), &desk->proposal, err);
    if (r < 0) {
        return r;
    }
    r = bt_repository_keyring(desk->db, desk->proposal->role, &desk->ring, err);
    if (r < 0) {
        return r == -ENOENT ? -EINVAL : r;
    }
    r = bt_repository_load(desk->db, desk->proposal->role, &desk->base, err);
    return r < 0 && r != -ENOENT ? r : bt_returned_check(desk->db, desk->proposal->role, err);
}

static int refuse_to_load(struct bt_call *call, int r, struct bt_error *err)
{
    if (r == -ESTALE) {
        return bt_desk_refuse(call, r, "signed-version-lost",
                              "Máy phát đang giữ bản mới hơn bản của máy chủ đã phục hồi.", err);
    }
    return r == -ENOENT ? bt_desk_not_found(call)
                        : bt_desk_refuse(call, r, "no-keys", "Chưa ai được ký.", err);
}

static int refuse_unless_open(struct bt_call *call, const struct desk *desk)
{
    if (strcmp(desk->proposal->state, "open") == 0) {
        return 0;
    }
    BT_AUTOFREE char *vi = bt_strf("Đề nghị này không mở để ký (%s).", desk->proposal->state);
    BT_AUTOFREE char *en = bt_strf("This proposal is %s, not open.", desk->proposal->state);
    bt_call_problem(call, 409, "not-open", vi, en);
    return -EBUSY;
}

// Who has signed exactly this document in an earlier round of this proposal.
static int show_earlier(const struct desk *desk, const char *sha256, cJSON *change,
                        struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(desk->db, &rows, err,
                      "SELECT DISTINCT holder FROM proposal_signature"
                      " WHERE proposal = $1 AND round < $2 AND documents LIKE '%' || $3 || '%'"
                      " ORDER BY holder LIMIT 256",
                      BT_TEXT(desk->proposal->id), BT_INT(desk->proposal->round), BT_TEXT(sha256));
    cJSON *holders = cJSON_AddArrayToObject(change, "signed_before");
    while (r == 0 && bt_db_next(rows)) {
        cJSON_AddItemToArray(holders, cJSON_CreateString(bt_db_get_text(rows, 0)));
    }
    return r;
}

static int load_present(const struct desk *desk, const char *path, struct bt_buf *out,
                        struct bt_error *err)
{
    const char *hash = bt_document_target_hash(desk->base, path);
    return hash[0] == '\0' ? 0 : bt_repository_target(desk->db, path, hash, out, err);
}

static cJSON *parse_or_null(const char *text)
{
    cJSON *json = NULL;
    return text[0] == '\0' || bt_json_parse(text, strlen(text), &json, NULL) < 0 ? NULL : json;
}

static void add_text_or_null(cJSON *object, const char *key, const char *text)
{
    cJSON_AddItemToObject(object, key,
                          text[0] == '\0' ? cJSON_CreateNull() : cJSON_CreateString(text));
}

// The files that are new, by hash.
static cJSON *new_files(const cJSON *difference)
{
    cJSON *files = cJSON_CreateArray();
    const cJSON *assets = cJSON_GetObjectItemCaseSensitive(difference, "assets");
    for (const cJSON *asset = assets->child; asset != NULL; asset = asset->next) {
        const cJSON *change = cJSON_GetObjectItemCaseSensitive(asset, "change");
        if (strcmp(change->valuestring, "added") == 0) {
            const cJSON *hash = cJSON_GetObjectItemCaseSensitive(asset, "sha256");
            cJSON_AddItemToArray(files, cJSON_CreateString(hash->valuestring));
        }
    }
    return files;
}

static void show_difference(const char *present, const char *proposed, cJSON *shown)
{
    BT_AUTOJSON *old = parse_or_null(present);
    BT_AUTOJSON *new = parse_or_null(proposed);
    BT_AUTOJSON *difference = bt_difference(old, new);
    cJSON_AddItemToObject(shown, "items",
                          cJSON_DetachItemFromObjectCaseSensitive(difference, "items"));
    cJSON_AddItemToObject(shown, "assets", new_files(difference));
    cJSON_AddItemToObject(shown, "parts",
                          cJSON_DetachItemFromObjectCaseSensitive(difference, "parts"));
}

static int show_change(const struct desk *desk, const struct bt_proposal_change *change,
                       cJSON *shown, struct bt_error *err)
{
    const struct bt_publication_row *row = change->publication;
    const char *proposed = change->remove ? "" : row->document;
    BT_AUTOBUF present;
    bt_buf_init(&present, BT_PUBLICATION_MAX_BYTES);
    int r = load_present(desk, row->target.path, &present, err);
    if (r < 0) {
        return r;
    }
    const char *word = present.len == 0 ? "added" : "changed";
    cJSON_AddStringToObject(shown, "path", row->target.path);
    cJSON_AddStringToObject(shown, "change", change->remove ? "removed" : word);
    cJSON_AddStringToObject(shown, "publication", row->id);
    add_text_or_null(shown, "document", proposed);
    add_text_or_null(shown, "present", bt_buf_text(&present));
    show_difference(bt_buf_text(&present), proposed, shown);
    return show_earlier(desk, change->remove ? "-" : row->sha256, shown, err);
}

static int show_changes(const struct desk *desk, cJSON *body, struct bt_error *err)
{
    int r = 0;
    cJSON *changes = cJSON_AddArrayToObject(body, "changes");
    for (size_t i = 0; r == 0 && i < desk->proposal->change_count; i++) {
        if (!bt_proposal_change_counts(&desk->proposal->changes[i], desk->base)) {
            continue;
        }
        cJSON *shown = cJSON_CreateObject();
        cJSON_AddItemToArray(changes, shown);
        r = show_change(desk, &desk->proposal->changes[i], shown, err);
    }
    return r;
}

static int show_head(const struct desk *desk, cJSON *body, struct bt_error *err)
{
    const struct bt_proposal *proposal = desk->proposal;
    cJSON *metadata = NULL, *keys = NULL;
    int64_t expires_ms = 0;
    int r = bt_json_parse(proposal->signed_text, strlen(proposal->signed_text), &metadata, err);
    if (r < 0) {
        return r;
    }
    cJSON_AddStringToObject(body, "proposal", proposal->id);
    cJSON_AddStringToObject(body, "role", proposal->role);
    cJSON_AddStringToObject(body, "state", proposal->state);
    cJSON_AddNumberToObject(body, "round", (double)proposal->round);
    cJSON_AddItemToObject(body, "metadata", metadata);
    cJSON_AddItemToObject(
        body, "base", desk->base == NULL ? cJSON_CreateNull() : cJSON_Duplicate(desk->base, true));
    r = bt_part_expires(metadata, &expires_ms, err);
    cJSON_AddNumberToObject(body, "expires_ms", (double)expires_ms);
    cJSON_AddNumberToObject(body, "threshold", (double)desk->ring.threshold);
    r = r == 0 ? bt_repository_keys(desk->db, proposal->role, &keys, err) : r;
    cJSON_AddItemToObject(body, "keys", keys);
    return r == 0 ? bt_proposal_add_signatures(desk->db, proposal->id, proposal->round, body, err)
                  : r;
}

int bt_handle_proposal_to_sign(struct bt_call *call, struct bt_error *err)
{
    AUTODESK desk = {0};
    int r = load_desk(call, &desk, err);
    if (r < 0) {
        return refuse_to_load(call, r, err);
    }
    if (refuse_unless_open(call, &desk) < 0) {
        return 0;
    }
    cJSON *body = cJSON_CreateObject();
    r = show_head(&desk, body, err);
    r = r == 0 ? show_changes(&desk, body, err) : r;
    if (r < 0) {
        cJSON_Delete(body);
        return r;
    }
    bt_call_set_header(call, "Cache-Control", "no-store");
    return bt_call_json_reply(call, 200, body);
}

static const struct bt_key *find_key(const struct bt_keyring *ring, const char *keyid)
{
    for (size_t i = 0; i < ring->count; i++) {
        if (strcmp(bt_key_id(ring->keys[i]), keyid) == 0) {
            return ring->keys[i];
        }
    }
    return NULL;
}

// -EACCES with a sentence unless the signature is a known key's and over this round's text.
static int check_signature(const struct desk *desk, const struct bt_key *key, const char *hex,
                           struct bt_error *err)
{
    uint8_t raw[BT_SIGNATURE_MAX_BYTES];
    size_t len = strlen(hex) / 2;
    if (key == NULL) {
        return bt_fail(err, -EACCES, "this key may not sign for role '%s'", desk->proposal->role);
    }
    if (len == 0 || len > sizeof(raw) || strlen(hex) % 2 != 0 || bt_unhex(hex, raw, len) < 0) {
        return bt_fail(err, -EACCES, "'sig' is not hex");
    }
    const char *text = desk->proposal->signed_text;
    return bt_key_verifies(key, text, strlen(text), raw, len)
               ? 0
               : bt_fail(err, -EACCES,
                         "the signature does not fit round %lld; fetch what is to be signed again",
                         (long long)desk->proposal->round);
}

static int store_signature(struct bt_call *call, const struct desk *desk, const struct bt_key *key,
                           const char *hex, struct bt_error *err)
{
    const struct bt_proposal *proposal = desk->proposal;
    BT_AUTOBUF documents;
    bt_buf_init(&documents, BT_PROPOSAL_MAX_CHANGES * BT_SHA256_HEX_BYTES + 1);
    for (size_t i = 0; i < proposal->change_count; i++) {
        const struct bt_proposal_change *change = &proposal->changes[i];
        if (!change->remove && bt_buf_appendf(&documents, "%s ", change->publication->sha256) < 0) {
            return bt_fail(err, -ENOMEM, "Out of memory");
        }
    }
    int64_t changed = bt_db_run(
        desk->db, err,
        "INSERT INTO proposal_signature (proposal, round, keyid, holder, signature, documents,"
        " by_user, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (proposal, round, keyid) DO UPDATE SET signature = excluded.signature",
        BT_TEXT(proposal->id), BT_INT(proposal->round), BT_TEXT(bt_key_id(key)),
        BT_TEXT(bt_key_holder(key)), BT_TEXT(hex), BT_TEXT(bt_buf_text(&documents)),
        BT_TEXT(bt_call_caller(call)->user), BT_INT(bt_call_now_ms(call)));
    return changed < 0 ? (int)changed : 0;
}

// {signed, signatures} with all of this round.
static int assemble(const struct desk *desk, cJSON **out, struct bt_error *err)
{
    const struct bt_proposal *proposal = desk->proposal;
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOJSON *document = cJSON_CreateObject();
    cJSON *part = NULL;
    int r = bt_json_parse(proposal->signed_text, strlen(proposal->signed_text), &part, err);
    if (r < 0) {
        return r;
    }
    cJSON_AddItemToObject(document, "signed", part);
    cJSON_AddArrayToObject(document, "signatures");
    r = bt_db_ask(desk->db, &rows, err,
                  "SELECT keyid, signature FROM proposal_signature"
                  " WHERE proposal = $1 AND round = $2 ORDER BY keyid LIMIT 256",
                  BT_TEXT(proposal->id), BT_INT(proposal->round));
    while (r == 0 && bt_db_next(rows)) {
        // Whoever lost the right to sign since then is not written down.
        if (find_key(&desk->ring, bt_db_get_text(rows, 0)) != NULL) {
            r = bt_signing_add(document, bt_db_get_text(rows, 0), bt_db_get_text(rows, 1), err);
        }
    }
    if (r == 0) {
        *out = BT_TAKE(document);
    }
    return r;
}

static int urgency_of(const struct bt_proposal *proposal)
{
    for (size_t i = 0; i < proposal->change_count; i++) {
        if (proposal->changes[i].remove) {
            continue;
        }
        BT_AUTOJSON *document = parse_or_null(proposal->changes[i].publication->document);
        const cJSON *activate = cJSON_GetObjectItemCaseSensitive(document, "activate");
        if (cJSON_IsString(activate) && strcmp(activate->valuestring, "now") == 0) {
            return BT_URGENCY_NOW;
        }
    }
    return BT_URGENCY_NORMAL;
}

static int publish(struct bt_call *call, const struct desk *desk, const cJSON *document,
                   struct bt_error *err)
{
    const struct bt_proposal *proposal = desk->proposal;
    int r = bt_proposal_complete(desk->db, bt_call_now_ms(call), proposal, document, err);
    if (r == 0) {
        cJSON *details = cJSON_CreateObject();
        cJSON_AddStringToObject(details, "role", proposal->role);
        cJSON_AddNumberToObject(details, "version", (double)proposal->version);
        r = bt_proposal_audit(call, "publish", proposal->id, proposal->unit, details, err);
    }
    return r == 0 ? bt_issuer_issue(call, urgency_of(proposal), err) : r;
}

// Publishes when enough people have signed.
static int count(struct bt_call *call, const struct desk *desk, struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int64_t people = 0;
    int r = assemble(desk, &document, err);
    r = r == 0 ? bt_signatures_count(document, &desk->ring, &people, err) : r;
    if (r < 0 || people < desk->ring.threshold) {
        return r;
    }
    return publish(call, desk, document, err);
}

static int take_signature(struct bt_call *call, const struct desk *desk, const struct bt_key *key,
                          const char *hex, struct bt_error *err)
{
    int r = store_signature(call, desk, key, hex, err);
    if (r == 0) {
        cJSON *details = cJSON_CreateObject();
        cJSON_AddStringToObject(details, "keyid", bt_key_id(key));
        cJSON_AddStringToObject(details, "holder", bt_key_holder(key));
        cJSON_AddNumberToObject(details, "round", (double)desk->proposal->round);
        r = bt_proposal_audit(call, "sign", desk->proposal->id, desk->proposal->unit, details, err);
    }
    r = r == 0 ? count(call, desk, err) : r;
    return r < 0 ? r : bt_proposal_answer(call, desk->proposal->id, 200, err);
}

int bt_handle_proposal_sign(struct bt_call *call, struct bt_error *err)
{
    const char *keyid, *hex;
    static const char *const keys[] = {"keyid", "sig", NULL};
    AUTODESK desk = {0};
    if (!bt_desk_keys(call, keys) ||
        !bt_desk_text(call, "keyid", BT_KEYID_BYTES - 1, true, &keyid) ||
        !bt_desk_text(call, "sig", BT_SIGNATURE_MAX_BYTES * 2, true, &hex)) {
        return 0;
    }
    int r = load_desk(call, &desk, err);
    if (r < 0) {
        return refuse_to_load(call, r, err);
    }
    if (refuse_unless_open(call, &desk) < 0) {
        return 0;
    }
    const struct bt_key *key = find_key(&desk.ring, keyid);
    r = check_signature(&desk, key, hex, err);
    return r < 0 ? bt_desk_refuse(call, r, "signature-refused", "Chữ ký không được nhận.", err)
                 : take_signature(call, &desk, key, hex, err);
}
