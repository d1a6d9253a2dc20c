// bangtin approve: see what would be shown, and sign it.
#include <stdio.h>

#include "cli/approve.h"
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"đề nghị / proposal", "id", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"cần / threshold", "threshold", BT_COLUMN_TEXT},
};
static const struct bt_rest approved = {"POST", "", BT_COLUMNS(columns), .done = "Đã ký / signed"};

static int run_approve(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    BT_AUTOJSON *proposal = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_signers_load(arguments, &signers, err)) < 0) {
        return r;
    }
    r = bt_approve(client, arguments, bt_operand(arguments, 0), &signers, &proposal, err);
    if (r == 0) {
        bt_rest_show(client, &approved, proposal);
    }
    return r;
}

static const struct bt_option options[] = {BT_APPROVE_OPTIONS};

static const struct bt_subcommand commands[] = {
    {NULL, "PROPOSAL", 1, 1,
     "Tải đề nghị, tự tính lại mã băm của mọi tệp thay đổi, cho xem khác gì so với đang chiếu, rồi "
     "ký.\n"
     "Fetches the proposal, hashes every changed file itself, shows what differs from what is on "
     "now, signs.",
     BT_OPTIONS(options), .online = true, .run = run_approve},
};

const struct bt_command_group bt_approve_commands = {
    .name = "approve",
    .summary = "Duyệt: xem và ký một đề nghị / approve: look at a proposal and sign it",
    .about = "Máy chủ không đổi được điều bạn ký: mọi thứ được kiểm tra trên máy này. / The server "
             "cannot change\nwhat you sign: everything is checked on this machine.",
    .example = "  bangtin proposal list --state open\n"
               "  bangtin approve p-7K3QZ5MX2A --key an.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
