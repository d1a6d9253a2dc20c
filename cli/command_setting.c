// bangtin setting: what offices do differently.
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"tên / name", "name", BT_COLUMN_TEXT}, {"giá trị / value", "value", BT_COLUMN_TEXT},
    {"của / from", "from", BT_COLUMN_TEXT}, {"nghĩa", "vi", BT_COLUMN_TEXT},
    {"meaning", "en", BT_COLUMN_TEXT},
};

static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_member set_members[] = {{"value", NULL, 2, BT_MEMBER_TEXT, NULL}};

static const struct bt_option list_options[] = {
    {"unit", "UNIT", "trong đơn vị này / in this unit (vn)"}};

static const struct bt_rest list = {"GET", "/v1/settings", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest change = {
    "PUT",         "/v1/settings/{1}?unit={0}", BT_MEMBERS(set_members),
    .edits = true, BT_COLUMNS(columns),         .done = "Đã đặt / set"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0,
     "Thiết lập đang có hiệu lực, và đơn vị nào đặt. / What holds, and which unit says so.",
     BT_OPTIONS(list_options), .online = true, .run = bt_rest_run, .request = &list},
    {"set", "UNIT NAME VALUE", 3, 3,
     "Đặt cho đơn vị và mọi đơn vị cấp dưới. / Sets it for the unit and everything below it.",
     .online = true, .run = bt_rest_run, .request = &change},
    {"reset", "UNIT NAME", 2, 2, "Lại theo đơn vị cấp trên. / Again as the unit above has it.",
     .online = true, .run = bt_rest_run, .request = &change},
};

const struct bt_command_group bt_setting_commands = {
    .name = "setting",
    .summary = "Thiết lập: ngày chốt báo cáo, thời hạn lưu, cảnh báo / settings",
    .example = "  bangtin setting list --unit 92\n"
               "  bangtin setting set 92 report_month_day 20\n"
               "  bangtin setting set 92 report_half_1 10/6\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
