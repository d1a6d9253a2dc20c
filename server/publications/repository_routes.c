// The repository's keys and state, and signed metadata made elsewhere.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/audit.h"
#include "server/fleet/hub.h"
#include "server/publications/acceptance.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "server/publications/issuer.h"
#include "server/publications/proposing.h"
#include "server/publications/repository.h"
#include "server/publications/returned.h"

int bt_handle_repository_keys(struct bt_call *call, struct bt_error *err)
{
    const char *text = bt_issuer_public_keys(bt_call_server(call)->issuer);
    return bt_call_bytes_reply(call, 200, "application/json", text, strlen(text));
}

// Every role with the version in force and when it ends: who must renew.
int bt_handle_repository(struct bt_call *call, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(bt_call_db(call), &rows, err,
                      "SELECT m.role, m.version, m.expires_ms FROM tuf_metadata m"
                      " WHERE m.version = (SELECT MAX(n.version) FROM tuf_metadata n"
                      " WHERE n.role = m.role) ORDER BY m.role LIMIT 10000");
    if (r < 0) {
        return r;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON *roles = cJSON_AddArrayToObject(body, "roles");
    while (bt_db_next(rows)) {
        cJSON *role = cJSON_CreateObject();
        cJSON_AddStringToObject(role, "role", bt_db_get_text(rows, 0));
        cJSON_AddNumberToObject(role, "version", (double)bt_db_get_int(rows, 1));
        cJSON_AddNumberToObject(role, "expires_ms", (double)bt_db_get_int(rows, 2));
        cJSON_AddItemToArray(roles, role);
    }
    r = bt_returned_list(bt_call_db(call), cJSON_AddArrayToObject(body, "lost"), err);
    if (r < 0) {
        cJSON_Delete(body);
        return r;
    }
    return bt_call_json_reply(call, 200, body);
}

// A role's newest metadata as signed, for who makes the next.
int bt_handle_repository_role(struct bt_call *call, struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    int r = bt_repository_load(bt_call_db(call), bt_call_path(call, "role"), &document, err);
    if (r < 0) {
        return r == -ENOENT ? bt_desk_not_found(call) : r;
    }
    return bt_call_json_reply(call, 200, BT_TAKE(document));
}

// The first root decides who may sign everything else; later ones are held to it by signatures.
static bool may_submit(struct bt_call *call, const char *role, int *out_r, struct bt_error *err)
{
    BT_AUTOJSON *root = NULL;
    char unit[BT_UNIT_CODE_BYTES];
    *out_r = bt_repository_load(bt_call_db(call), "root", &root, err);
    if (*out_r == 0 || *out_r != -ENOENT) {
        return *out_r == 0;
    }
    *out_r = bt_unit_root(bt_call_db(call), unit, err);
    if (*out_r < 0) {
        return false;
    }
    if (strcmp(role, "root") == 0 && bt_access_may(call, BT_ACTION_ADMINISTER, unit)) {
        return true;
    }
    bt_call_problem(call, 403, "forbidden",
                    "Chỉ quản trị viên của tỉnh được đặt khóa gốc đầu tiên.",
                    "Only an administrator of the province may set the first root.");
    return false;
}

static int audit(struct bt_call *call, const char *role, const cJSON *document,
                 struct bt_error *err)
{
    char unit[BT_UNIT_CODE_BYTES] = "";
    if (strcmp(role, "root") == 0 || !bt_role_unit(role, unit) || unit[0] == '\0') {
        int r = bt_unit_root(bt_call_db(call), unit, err);
        if (r < 0) {
            return r;
        }
    }
    BT_AUTOFREE char *object = bt_strf("metadata/%s", role);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "version", (double)bt_document_version(document));
    return bt_audit(call, "repository.accept", object, unit, details, err);
}

static int accept(struct bt_call *call, const struct bt_submission *submission,
                  struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int64_t now_ms = bt_call_now_ms(call);
    int r = bt_submission_accept(db, now_ms, submission, err);
    r = r == 0 ? audit(call, submission->role, submission->document, err) : r;
    if (r == 0 && strcmp(submission->role, "root") != 0) {
        r = bt_proposal_settle(db, now_ms, submission->role, submission->document, err);
    }
    return r == 0 ? bt_issuer_issue(call, BT_URGENCY_NORMAL, err) : r;
}

int bt_handle_repository_metadata(struct bt_call *call, struct bt_error *err)
{
    const char *role;
    int r = 0;
    static const char *const keys[] = {"role", "document", "files", NULL};
    if (!bt_desk_keys(call, keys) || !bt_desk_text(call, "role", BT_ROLE_BYTES - 1, true, &role) ||
        !may_submit(call, role, &r, err)) {
        return r;
    }
    const cJSON *body = bt_call_json(call);
    struct bt_submission submission = {
        .role = role,
        .document = cJSON_GetObjectItemCaseSensitive(body, "document"),
        .files = cJSON_GetObjectItemCaseSensitive(body, "files"),
        .own_keys = bt_issuer_public_keys_json(bt_call_server(call)->issuer),
    };
    r = accept(call, &submission, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, r == -EACCES ? "signature-refused" : "metadata-refused",
                              "Siêu dữ liệu ký không được nhận.", err);
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "role", role);
    cJSON_AddNumberToObject(answer, "version", (double)bt_document_version(submission.document));
    return bt_call_json_reply(call, 201, answer);
}

/*
 * What players bring back.
 */

static int take_back(struct bt_call *call, const struct bt_submission *submission, bool *out_news,
                     struct bt_error *err)
{
    struct bt_db *db = bt_call_db(call);
    int r = strcmp(submission->role, "snapshot") == 0
                ? bt_returned_snapshot(db, submission->document, out_news, err)
                : bt_returned_role(db, bt_call_now_ms(call), submission, out_news, err);
    if (r < 0 || !*out_news) {
        return r;
    }
    BT_AUTOFREE char *object = bt_strf("metadata/%s", submission->role);
    cJSON *details = cJSON_CreateObject();
    cJSON_AddNumberToObject(details, "version", (double)bt_document_version(submission->document));
    r = bt_audit(call, "repository.return", object, bt_call_caller(call)->unit, details, err);
    return r < 0 ? r : bt_issuer_issue(call, BT_URGENCY_NORMAL, err);
}

int bt_handle_player_repository(struct bt_call *call, struct bt_error *err)
{
    bool news;
    const char *role;
    static const char *const keys[] = {"role", "document", "files", NULL};
    if (!bt_desk_keys(call, keys) || !bt_desk_text(call, "role", BT_ROLE_BYTES - 1, true, &role)) {
        return 0;
    }
    const cJSON *body = bt_call_json(call);
    const struct bt_submission submission = {
        .role = role,
        .document = cJSON_GetObjectItemCaseSensitive(body, "document"),
        .files = cJSON_GetObjectItemCaseSensitive(body, "files"),
        .own_keys = bt_issuer_public_keys_json(bt_call_server(call)->issuer),
        .returned = true,
    };
    int r = take_back(call, &submission, &news, err);
    if (r < 0) {
        return bt_desk_refuse(call, r, r == -EACCES ? "signature-refused" : "metadata-refused",
                              "Siêu dữ liệu ký không được nhận.", err);
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "role", role);
    cJSON_AddBoolToObject(answer, "news", news);
    return bt_call_json_reply(call, 200, answer);
}
