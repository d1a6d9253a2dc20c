// bangtin withdraw: taking back what was drafted, proposed or published.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"vai trò / role", "role", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"bản / version", "version", BT_COLUMN_TEXT},
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// POST …/withdraw of a proposal or a draft, and what became of it.
static int take_back(struct bt_client *client, const char *kind, const char *id, const char *done,
                     struct bt_error *err)
{
    const struct bt_rest rest = {"POST", "", BT_COLUMNS(columns), .done = done};
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(id);
    BT_AUTOFREE char *path = bt_strf("/v1/%s/%s/withdraw", kind, part);
    int r = bt_client_send(client, "POST", path, NULL, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &rest, answer.json);
    }
    return r;
}

static int take_back_proposal(struct bt_client *client, const char *id, struct bt_error *err)
{
    return take_back(client, "proposals", id, "Đã rút đề nghị / the proposal is withdrawn", err);
}

static bool holds(const cJSON *proposal, const char *publication)
{
    const cJSON *each, *list = cJSON_GetObjectItemCaseSensitive(proposal, "publications");
    cJSON_ArrayForEach(each, list)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), publication)) {
            return true;
        }
    }
    return false;
}

// Among a role's proposals in `state`: the one with this publication; *out stays NULL without.
static int find_among(struct bt_client *client, const cJSON *publication, const char *state,
                      char **out, struct bt_error *err)
{
    BT_AUTOJSON *proposals = NULL;
    BT_AUTOFREE char *role = bt_path_part(text_of(publication, "role"));
    BT_AUTOFREE char *path = bt_strf("/v1/proposals?state=%s&role=%s", state, role);
    int r = bt_rest_list(client, path, &proposals, err);
    const cJSON *entry;
    cJSON_ArrayForEach(entry, proposals)
    {
        BT_AUTOANSWER answer = {0};
        BT_AUTOFREE char *part = bt_path_part(text_of(entry, "id"));
        BT_AUTOFREE char *one = bt_strf("/v1/proposals/%s", part);
        if (*out != NULL || r < 0 || (r = bt_client_get(client, one, &answer, err)) < 0) {
            break;
        }
        if (holds(answer.json, text_of(publication, "id"))) {
            *out = bt_strdup(text_of(entry, "id"));
        }
    }
    return r;
}

static int take_back_proposed(struct bt_client *client, const cJSON *publication,
                              struct bt_error *err)
{
    BT_AUTOFREE char *proposal = NULL;
    int r = find_among(client, publication, "open", &proposal, err);
    if (r == 0 && proposal == NULL) {
        r = find_among(client, publication, "queued", &proposal, err);
    }
    if (r == 0 && proposal == NULL) {
        r = bt_fail(err, -ENOENT,
                    "%s không còn đề nghị nào đang chờ / is in no proposal that waits: bangtin "
                    "proposal list",
                    text_of(publication, "id"));
    }
    return r < 0 ? r : take_back_proposal(client, proposal, err);
}

// What is on the screens goes as it came: proposed, signed, published.
static int propose_without(struct bt_client *client, const struct bt_arguments *arguments,
                           const cJSON *publication, struct bt_error *err)
{
    static const struct bt_rest proposed = {
        "POST", "", BT_COLUMNS(columns),
        .done = "Đã đề nghị thôi phát; chưa có gì đổi cho đến khi đủ người ký (gỡ ngay: bangtin "
                "takedown now).\nProposed to be taken off; nothing changes until enough have "
                "signed (at once: bangtin takedown now): bangtin approve PROPOSAL --key FILE"};
    const char *reason = bt_argument(arguments, "reason");
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "role", text_of(publication, "role"));
    cJSON *list = cJSON_AddArrayToObject(body, "withdraw");
    cJSON_AddItemToArray(list, cJSON_CreateString(text_of(publication, "id")));
    if (reason != NULL) {
        cJSON_AddStringToObject(body, "note", reason);
    }
    int r = bt_client_send(client, "POST", "/v1/proposals", body, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &proposed, answer.json);
    }
    return r;
}

static int withdraw_publication(struct bt_client *client, const struct bt_arguments *arguments,
                                struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    const char *id = bt_operand(arguments, 0);
    BT_AUTOFREE char *part = bt_path_part(id);
    BT_AUTOFREE char *path = bt_strf("/v1/publications/%s", part);
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return r;
    }
    const char *state = text_of(answer.json, "state");
    if (strcmp(state, "draft") == 0) {
        return take_back(client, "publications", id, "Đã bỏ nháp / draft withdrawn", err);
    }
    if (strcmp(state, "proposed") == 0 || strcmp(state, "approved") == 0) {
        return take_back_proposed(client, answer.json, err);
    }
    if (strcmp(state, "published") == 0) {
        return propose_without(client, arguments, answer.json, err);
    }
    return bt_fail(err, -EINVAL,
                   "%s đã kết thúc (%s), không còn gì để rút / has ended, nothing is left to "
                   "withdraw; bangtin publication list --state published",
                   id, state);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    const char *id = bt_operand(arguments, 0);
    bool proposal = bt_str_starts(id, "p-");
    if (!proposal && !bt_str_starts(id, "n-")) {
        return bt_fail(err, -EINVAL,
                       "'%s': cần mã / must be an id p-… (bangtin proposal list) or n-… (bangtin "
                       "publication list)",
                       id);
    }
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    return proposal ? take_back_proposal(client, id, err)
                    : withdraw_publication(client, arguments, err);
}

static const struct bt_option options[] = {
    {"reason", "TEXT", "vì sao, cho người duyệt / why, for those who sign"}};

static const struct bt_subcommand commands[] = {
    {NULL, "PROPOSAL|PUBLICATION", 1, 1,
     "Đề nghị p-… đang chờ thì rút ngay. Nội dung n-…: nháp thì bỏ, đang chờ ký thì rút đề nghị,\n"
     "đang phát thì đề nghị thôi phát, có chữ ký mới thôi.\n"
     "A proposal p-… that waits is withdrawn at once. A publication n-…: a draft is given up, one\n"
     "that waits has its proposal withdrawn, one that is published is proposed to be taken off,\n"
     "which takes signatures.",
     BT_OPTIONS(options), .online = true, .run = run},
};

const struct bt_command_group bt_withdraw_commands = {
    .name = "withdraw",
    .summary = "Rút đề nghị, thôi phát một nội dung / take back a proposal or a publication",
    .example = "  bangtin withdraw p-7K3QZ5MX2A\n"
               "  bangtin withdraw n-4QX2M9ABCD --reason \"hết chiến dịch\"\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
