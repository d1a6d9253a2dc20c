// Proposals: made, listed, withdrawn, refused. Signing them is in signing_routes.c.
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/publications/handlers.h"
#include "server/publications/progress.h"
#include "server/publications/proposing.h"
#include "server/publications/repository.h"

#define NOTE_MAX_BYTES 2000

#define COLUMNS                                                                                    \
    "SELECT p.id, u.path, p.unit, p.role, p.state, p.round, p.version, p.note, p.reason,"          \
    " p.created_by, p.created_ms, p.changed_ms, p.revision"                                        \
    " FROM proposal p JOIN unit u ON u.code = p.unit"

static cJSON *show(struct bt_db_rows *rows)
{
    cJSON *shown = cJSON_CreateObject();
    cJSON_AddStringToObject(shown, "id", bt_db_get_text(rows, 0));
    cJSON_AddStringToObject(shown, "unit", bt_db_get_text(rows, 2));
    cJSON_AddStringToObject(shown, "role", bt_db_get_text(rows, 3));
    cJSON_AddStringToObject(shown, "state", bt_db_get_text(rows, 4));
    cJSON_AddNumberToObject(shown, "round", (double)bt_db_get_int(rows, 5));
    cJSON_AddNumberToObject(shown, "version", (double)bt_db_get_int(rows, 6));
    cJSON_AddStringToObject(shown, "note", bt_db_get_text(rows, 7));
    cJSON_AddStringToObject(shown, "reason", bt_db_get_text(rows, 8));
    cJSON_AddStringToObject(shown, "created_by", bt_db_get_text(rows, 9));
    cJSON_AddNumberToObject(shown, "created_ms", (double)bt_db_get_int(rows, 10));
    cJSON_AddNumberToObject(shown, "changed_ms", (double)bt_db_get_int(rows, 11));
    cJSON_AddNumberToObject(shown, "revision", (double)bt_db_get_int(rows, 12));
    return shown;
}

static cJSON *show_row(struct bt_call *call, struct bt_db_rows *rows)
{
    (void)call;
    return show(rows);
}

int bt_handle_proposals(struct bt_call *call, struct bt_error *err)
{
    const struct bt_db_value filters[] = {bt_desk_filter(call, "state"),
                                          bt_desk_filter(call, "role")};
    static const char sql[] = BT_DESK_LIST(
        COLUMNS, "p.id", BT_DESK_FILTER("p.state", "$5") BT_DESK_FILTER("p.role", "$6"));
    return bt_desk_list(call, sql, filters, BT_ARRAY_LEN(filters), show_row, err);
}

bool bt_unit_of_proposal(struct bt_call *call, char *out, size_t size)
{
    return bt_desk_unit_of_row(call, "SELECT unit FROM proposal WHERE id = $1", out, size);
}

bool bt_unit_of_proposed_role(struct bt_call *call, char *out, size_t size)
{
    const char *role;
    char unit[BT_UNIT_CODE_BYTES];
    if (!bt_desk_text(call, "role", BT_ROLE_BYTES - 1, true, &role)) {
        return false;
    }
    bool known = bt_role_unit(role, unit);
    if (known && unit[0] == '\0' && bt_unit_root(bt_call_db(call), unit, NULL) < 0) {
        return bt_desk_busy(call);
    }
    if (!known) {
        bt_call_problem(call, 422, "invalid", "'role' phải là targets, u-ĐƠN-VỊ hoặc s-ĐƠN-VỊ.",
                        "'role' must be targets, u-UNIT or s-UNIT.");
        return false;
    }
    bt_copy_cut(out, size, unit);
    return true;
}

static int add_changes(struct bt_db *db, const char *id, cJSON *shown, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT c.publication, c.action, n.target, n.version, n.title, n.sha256"
                      " FROM proposal_change c JOIN publication n ON n.id = c.publication"
                      " WHERE c.proposal = $1 ORDER BY c.position LIMIT $2",
                      BT_TEXT(id), BT_INT(BT_PROPOSAL_MAX_CHANGES));
    cJSON *publications = cJSON_AddArrayToObject(shown, "publications");
    cJSON *changes = cJSON_AddArrayToObject(shown, "changes");
    while (r == 0 && bt_db_next(rows)) {
        cJSON *change = cJSON_CreateObject();
        cJSON_AddItemToArray(publications, cJSON_CreateString(bt_db_get_text(rows, 0)));
        cJSON_AddStringToObject(change, "publication", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(change, "action", bt_db_get_text(rows, 1));
        cJSON_AddStringToObject(change, "target", bt_db_get_text(rows, 2));
        cJSON_AddNumberToObject(change, "version", (double)bt_db_get_int(rows, 3));
        cJSON_AddStringToObject(change, "title", bt_db_get_text(rows, 4));
        cJSON_AddStringToObject(change, "sha256", bt_db_get_text(rows, 5));
        cJSON_AddItemToArray(changes, change);
    }
    return r;
}

int bt_proposal_add_signatures(struct bt_db *db, const char *id, int64_t round, cJSON *shown,
                               struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT keyid, holder, at_ms FROM proposal_signature"
                      " WHERE proposal = $1 AND round = $2 ORDER BY at_ms, keyid LIMIT 256",
                      BT_TEXT(id), BT_INT(round));
    cJSON *signatures = cJSON_AddArrayToObject(shown, "signatures");
    while (r == 0 && bt_db_next(rows)) {
        cJSON *signature = cJSON_CreateObject();
        cJSON_AddStringToObject(signature, "keyid", bt_db_get_text(rows, 0));
        cJSON_AddStringToObject(signature, "holder", bt_db_get_text(rows, 1));
        cJSON_AddNumberToObject(signature, "at_ms", (double)bt_db_get_int(rows, 2));
        cJSON_AddItemToArray(signatures, signature);
    }
    return r;
}

static int add_threshold(struct bt_db *db, const char *role, cJSON *shown, struct bt_error *err)
{
    BT_AUTOFINISH(bt_keyring_finish) struct bt_keyring ring = {0};
    int r = bt_repository_keyring(db, role, &ring, err);
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    cJSON_AddNumberToObject(shown, "threshold", (double)ring.threshold);
    return 0;
}

int bt_proposal_answer(struct bt_call *call, const char *id, int status, struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err, COLUMNS " WHERE p.id = $1", BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_desk_not_found(call);
    }
    cJSON *shown = show(rows);
    r = add_changes(db, id, shown, err);
    r = r == 0 ? add_threshold(db, bt_db_get_text(rows, 3), shown, err) : r;
    r = r == 0 ? bt_proposal_add_signatures(db, id, bt_db_get_int(rows, 5), shown, err) : r;
    if (r < 0) {
        cJSON_Delete(shown);
        return r;
    }
    bt_call_set_revision(call, bt_db_get_int(rows, 12));
    return bt_call_json_reply(call, status, shown);
}

int bt_handle_proposal(struct bt_call *call, struct bt_error *err)
{
    return bt_proposal_answer(call, bt_call_path(call, "id"), 200, err);
}

int bt_proposal_audit(struct bt_call *call, const char *verb, const char *id, const char *unit,
                      cJSON *details, struct bt_error *err)
{
    BT_AUTOFREE char *what = bt_strf("proposal.%s", verb);
    BT_AUTOFREE char *object = bt_strf("proposal/%s", id);
    return bt_audit(call, what, object, unit, details, err);
}

int bt_handle_proposal_create(struct bt_call *call, struct bt_error *err)
{
    char id[BT_SERVER_ID_BYTES], unit[BT_UNIT_CODE_BYTES];
    const char *role, *note;
    static const char *const keys[] = {"role", "publications", "withdraw", "note", NULL};
    if (!bt_desk_keys(call, keys) || !bt_desk_text(call, "role", BT_ROLE_BYTES - 1, true, &role) ||
        !bt_desk_text(call, "note", NOTE_MAX_BYTES, false, &note) ||
        !bt_unit_of_proposed_role(call, unit, sizeof(unit))) {
        return 0;
    }
    const cJSON *body = bt_call_json(call);
    struct bt_proposal_request request = {
        .id = id,
        .role = role,
        .unit = unit,
        .note = note,
        .user = bt_call_caller(call)->user,
        .publications = cJSON_GetObjectItemCaseSensitive(body, "publications"),
        .withdraw = cJSON_GetObjectItemCaseSensitive(body, "withdraw"),
    };
    bt_server_id('p', id);
    int r = bt_proposal_create(bt_call_db(call), bt_call_now_ms(call), &request, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, "not-proposable", "Chưa đề nghị được.", err);
    }
    r = bt_proposal_audit(call, "create", id, unit, NULL, err);
    return r < 0 ? r : bt_proposal_answer(call, id, 201, err);
}

static int end(struct bt_call *call, struct bt_proposal *proposal, int event, const char *verb,
               const char *reason, struct bt_error *err)
{
    int r = bt_proposal_end(bt_call_db(call), bt_call_now_ms(call), proposal, event, reason, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, "proposal-finished", "Đề nghị đã kết thúc.", err);
    }
    cJSON *details = cJSON_CreateObject();
    cJSON_AddStringToObject(details, "reason", reason);
    r = bt_proposal_audit(call, verb, proposal->id, proposal->unit, details, err);
    return r < 0 ? r : bt_proposal_answer(call, proposal->id, 200, err);
}

int bt_handle_proposal_refuse(struct bt_call *call, struct bt_error *err)
{
    const char *reason;
    static const char *const keys[] = {"reason", NULL};
    BT_AUTO(bt_proposal) proposal = NULL;
    if (!bt_desk_keys(call, keys) || !bt_desk_text(call, "reason", NOTE_MAX_BYTES, true, &reason)) {
        return 0;
    }
    int r = bt_proposal_load(bt_call_db(call), bt_call_path(call, "id"), &proposal, err);
    return r == -ENOENT ? bt_desk_not_found(call)
           : r < 0      ? r
                        : end(call, proposal, BT_PROPOSAL_REFUSE, "refuse", reason, err);
}

int bt_handle_proposal_withdraw(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_proposal) proposal = NULL;
    int r = bt_proposal_load(bt_call_db(call), bt_call_path(call, "id"), &proposal, err);
    if (r < 0) {
        return r == -ENOENT ? bt_desk_not_found(call) : r;
    }
    return end(call, proposal, BT_PROPOSAL_WITHDRAW, "withdraw", "", err);
}
