// bangtin propose, proposal: what should be shown, put before those who sign.
#include <stdio.h>

#include "cli/commands.h"
#include "cli/proposing.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"vai trò / role", "role", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"bản / version", "version", BT_COLUMN_TEXT},
    {"lời nhắn / note", "note", BT_COLUMN_TEXT},
    {"người lập / by", "created_by", BT_COLUMN_TEXT},
    {"lúc / when", "created_ms", BT_COLUMN_TIME},
};

static const struct bt_rest proposed = {
    "POST", "", BT_COLUMNS(columns),
    .done = "Đã đề nghị. Người duyệt ký bằng trang duyệt, hoặc / proposed; approvers sign on "
            "their page, or: bangtin approve PROPOSAL --key FILE"};

static int run_propose(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *proposal = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r == 0) {
        r = bt_propose_arguments(client, arguments, &proposal, err);
    }
    if (r == 0) {
        bt_rest_show(client, &proposed, proposal);
    }
    return r;
}

static const struct bt_option propose_options[] = {BT_PROPOSE_OPTIONS};

static const struct bt_subcommand propose_commands[] = {
    {NULL, "NAME", 1, 1,
     "Lập văn bản phát NAME của đơn vị và đề nghị duyệt. Màn hình chiếu các văn bản mà nó mang.\n"
     "Makes the unit's document NAME and proposes it. Screens show the documents they carry.",
     BT_OPTIONS(propose_options), .online = true, .run = run_propose},
};

const struct bt_command_group bt_propose_commands = {
    .name = "propose",
    .summary = "Đề nghị phát một nội dung / propose what should be shown",
    .example = "  bangtin propose quang-truong --unit 31333 --playlist l-7K3QZ5MX2A\n",
    .commands = propose_commands,
    .count = BT_ARRAY_LEN(propose_commands),
};

static const struct bt_member list_members[] = {
    {"state", "state", 0, BT_MEMBER_TEXT, NULL},
    {"role", "role", 0, BT_MEMBER_TEXT, NULL},
};
static const struct bt_option list_options[] = {
    {"state", "WORD", "queued, open, published, refused, withdrawn"},
    {"role", "ROLE", "chỉ của vai trò / of this role alone"},
};
static const struct bt_option refuse_options[] = {
    {"reason", "TEXT", "vì sao / why", .required = true}};
static const struct bt_member refuse_members[] = {{"reason", "reason", 0, BT_MEMBER_TEXT, NULL}};

static const struct bt_rest list = {"GET", "/v1/proposals", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/proposals/{0}", BT_COLUMNS(columns)};
static const struct bt_rest refuse = {"POST", "/v1/proposals/{0}/refuse",
                                      BT_MEMBERS(refuse_members), .done = "Đã từ chối / refused"};
static const struct bt_rest withdraw = {"POST", "/v1/proposals/{0}/withdraw",
                                        .done = "Đã rút / withdrawn"};

static const struct bt_subcommand proposal_commands[] = {
    {"list", NULL, 0, 0, "Các đề nghị. / The proposals.", BT_OPTIONS(list_options), .online = true,
     .run = bt_rest_run, .request = &list},
    {"show", "PROPOSAL", 1, 1, "Một đề nghị. / One of them.", .online = true, .run = bt_rest_run,
     .request = &show},
    {"refuse", "PROPOSAL", 1, 1, "Không duyệt. / Refuses it.", BT_OPTIONS(refuse_options),
     .online = true, .run = bt_rest_run, .request = &refuse},
    {"withdraw", "PROPOSAL", 1, 1, "Rút lại. / Takes it back.", .online = true, .run = bt_rest_run,
     .request = &withdraw},
};

const struct bt_command_group bt_proposal_commands = {
    .name = "proposal",
    .summary = "Các đề nghị đang chờ và đã qua / proposals, waiting and past",
    .commands = proposal_commands,
    .count = BT_ARRAY_LEN(proposal_commands),
};
