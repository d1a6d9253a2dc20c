// bangtin token: secrets for programs, which may do less than their owner.
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"được làm / scopes", "scopes", BT_COLUMN_TEXT},
    {"đến / until", "expires_ms", BT_COLUMN_TIME},
};

static const struct bt_column new_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"bí mật / secret", "token", BT_COLUMN_TEXT},
    {"đến / until", "expires_ms", BT_COLUMN_TIME},
};

static const struct bt_member new_members[] = {
    {"name", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"scopes", "scope", 0, BT_MEMBER_LIST, NULL},
    {"days", "days", 0, BT_MEMBER_INT, NULL},
};

static const struct bt_option new_options[] = {
    {"scope", "WORD",
     "view, upload, arrange, review, publish, operate, install, take-down, emergency, report, "
     "administer",
     .many = true, .required = true},
    {"days", "N", "hiệu lực bao nhiêu ngày / good for how many days", .min = 1, .max = 3650,
     .required = true},
};

static const struct bt_rest list = {"GET", "/v1/tokens", BT_COLUMNS(columns)};
static const struct bt_rest create = {
    "POST", "/v1/tokens", BT_MEMBERS(new_members), BT_COLUMNS(new_columns),
    .done =
        "Bí mật chỉ hiện lần này; lưu vào tệp cho / it is shown this once; keep it for: bangtin "
        "login URL --token-file FILE"};
static const struct bt_rest revoke = {"DELETE", "/v1/tokens/{0}", .done = "Đã thu hồi / revoked"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các mã của bạn. / Yours.", .online = true, .run = bt_rest_run,
     .request = &list},
    {"new", "NAME", 1, 1, "Mã cho một chương trình, chỉ làm được --scope. / For one program.",
     BT_OPTIONS(new_options), .online = true, .run = bt_rest_run, .request = &create},
    {"revoke", "TOKEN", 1, 1, "Thu hồi. / Ends it.", .online = true, .run = bt_rest_run,
     .request = &revoke},
};

const struct bt_command_group bt_token_commands = {
    .name = "token",
    .summary = "Mã API cho chương trình / API tokens for programs",
    .example = "  bangtin token new bao-cao --scope view --scope report --days 90\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
