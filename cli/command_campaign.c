// bangtin campaign: why items are shown, from when to when.
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},         {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT}, {"từ / from", "from", BT_COLUMN_TEXT},
    {"đến / until", "until", BT_COLUMN_TEXT},  {"chỉ tiêu / goal", "goal_plays", BT_COLUMN_TEXT},
};

#define BODY_MEMBERS                                                                               \
    {"from", "from", 0, BT_MEMBER_TEXT, NULL}, {"until", "until", 0, BT_MEMBER_TEXT, NULL},        \
        {"goal_plays", "goal", 0, BT_MEMBER_INT, NULL},                                            \
    {                                                                                              \
        "weight", "weight", 0, BT_MEMBER_INT, NULL                                                 \
    }

#define BODY_OPTIONS                                                                               \
    {"from", "TIME", "từ / from: 2026-11-21T00:00:00+07:00"},                                      \
        {"until", "TIME", "đến trước lúc / until before"},                                         \
        {"goal", "N", "chỉ tiêu lượt phát / plays to reach", .min = 1, .max = 1000000000},         \
    {                                                                                              \
        "weight", "N", "phần thời gian so với chiến dịch khác / share of the time, 1..1000",       \
            .min = 1, .max = 1000                                                                  \
    }

static const struct bt_member new_members[] = {
    {"name", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    BODY_MEMBERS,
};
static const struct bt_member set_members[] = {
    {"name", "name", 0, BT_MEMBER_TEXT, NULL},
    BODY_MEMBERS,
};
static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};

static const struct bt_option new_options[] = {
    {"unit", "UNIT", "của đơn vị / its unit", .required = true}, BODY_OPTIONS};
static const struct bt_option set_options[] = {{"name", "TEXT", "tên / name", .required = true},
                                               BODY_OPTIONS};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};

static const struct bt_rest list = {"GET", "/v1/campaigns", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/campaigns/{0}", BT_COLUMNS(columns)};
static const struct bt_rest create = {"POST", "/v1/campaigns", BT_MEMBERS(new_members),
                                      BT_COLUMNS(columns), .done = "Đã lập / made"};
static const struct bt_rest change = {
    "PUT",         "/v1/campaigns/{0}", BT_MEMBERS(set_members),
    .edits = true, BT_COLUMNS(columns), .done = "Đã sửa / changed"};
static const struct bt_rest delete = {"DELETE", "/v1/campaigns/{0}", .edits = true,
                                      .done = "Đã xóa / deleted"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các chiến dịch. / The campaigns.", BT_OPTIONS(list_options),
     .online = true, .run = bt_rest_run, .request = &list},
    {"show", "CAMPAIGN", 1, 1, "Một chiến dịch. / One of them.", .online = true, .run = bt_rest_run,
     .request = &show},
    {"new", "NAME", 1, 1, "Lập chiến dịch. / Makes a campaign.", BT_OPTIONS(new_options),
     .online = true, .run = bt_rest_run, .request = &create},
    {"set", "CAMPAIGN", 1, 1, "Viết lại. / Writes it anew.", BT_OPTIONS(set_options),
     .online = true, .run = bt_rest_run, .request = &change},
    {"delete", "CAMPAIGN", 1, 1, "Xóa. / Deletes it.", .online = true, .run = bt_rest_run,
     .request = &delete},
};

const struct bt_command_group bt_campaign_commands = {
    .name = "campaign",
    .summary = "Chiến dịch tuyên truyền / campaigns",
    .example = "  bangtin campaign new \"Ngày Chuyển đổi số\" --unit 31333 --from "
               "2026-10-01T00:00:00+07:00 --until 2026-10-11T00:00:00+07:00\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
