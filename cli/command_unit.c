// bangtin unit: offices in their tree.
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / code", "code", BT_COLUMN_TEXT},    {"tên / name", "name", BT_COLUMN_TEXT},
    {"loại / kind", "kind", BT_COLUMN_TEXT},  {"thuộc / under", "parent", BT_COLUMN_TEXT},
    {"từ / from", "from_ms", BT_COLUMN_TIME}, {"đến / until", "until_ms", BT_COLUMN_TIME},
};

static const struct bt_member new_members[] = {
    {"code", NULL, 0, BT_MEMBER_TEXT, NULL},      {"name", "name", 0, BT_MEMBER_TEXT, NULL},
    {"kind", "kind", 0, BT_MEMBER_TEXT, NULL},    {"parent", "parent", 0, BT_MEMBER_TEXT, NULL},
    {"from_ms", "from", 0, BT_MEMBER_TIME, NULL}, {"until_ms", "until", 0, BT_MEMBER_TIME, NULL},
};

static const struct bt_member set_members[] = {
    {"name", "name", 0, BT_MEMBER_TEXT, NULL},      {"kind", "kind", 0, BT_MEMBER_TEXT, NULL},
    {"parent", "parent", 0, BT_MEMBER_TEXT, NULL},  {"from_ms", "from", 0, BT_MEMBER_TIME, NULL},
    {"until_ms", "until", 0, BT_MEMBER_TIME, NULL},
};

static const struct bt_member alias_members[] = {
    {"code", NULL, 1, BT_MEMBER_TEXT, NULL},
    {"name", "name", 0, BT_MEMBER_TEXT, NULL},
    {"from_ms", "from", 0, BT_MEMBER_TIME, NULL},
    {"until_ms", "until", 0, BT_MEMBER_TIME, NULL},
};

#define DATES                                                                                      \
    {"from", "TIME", "có từ / exists from: 2025-07-01T00:00:00+07:00"},                            \
    {                                                                                              \
        "until", "TIME", "đến trước lúc / until before"                                     \
    }

static const struct bt_option new_options[] = {
    {"name", "TEXT", "tên / name", .required = true},
    {"parent", "UNIT", "thuộc đơn vị / the unit above", .required = true},
    {"kind", "WORD", "province, commune, office… (commune)", .required = true},
    DATES,
};

static const struct bt_option set_options[] = {
    {"name", "TEXT", "tên mới / new name"},
    {"parent", "UNIT", "chuyển sang thuộc đơn vị / moves it below"},
    {"kind", "WORD", "province, commune, office…"},
    DATES,
};

static const struct bt_option alias_options[] = {
    {"name", "TEXT", "tên cũ / former name", .required = true},
    DATES,
};

static const char *const kept[] = {"parent", "kind", "name", "from_ms", "until_ms", NULL};

static const struct bt_rest list = {"GET", "/v1/units", BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/units/{0}", BT_COLUMNS(columns)};
static const struct bt_rest create = {"POST", "/v1/units", BT_MEMBERS(new_members),
                                      BT_COLUMNS(columns), .done = "Đã lập / made"};
static const struct bt_rest change = {
    "PUT",         "/v1/units/{0}",     BT_MEMBERS(set_members),   .keeps = kept,
    .edits = true, BT_COLUMNS(columns), .done = "Đã sửa / changed"};
static const struct bt_rest alias = {"POST", "/v1/units/{0}/aliases", BT_MEMBERS(alias_members),
                                     .done = "Đã ghi tên cũ / noted"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các đơn vị bạn thấy được. / The units you may see.", .online = true,
     .run = bt_rest_run, .request = &list},
    {"show", "UNIT", 1, 1, "Một đơn vị. / One unit.", .online = true, .run = bt_rest_run,
     .request = &show},
    {"new", "CODE", 1, 1, "Lập đơn vị mới. / Makes a unit.", BT_OPTIONS(new_options),
     .online = true, .run = bt_rest_run, .request = &create},
    {"set", "UNIT", 1, 1, "Sửa tên, ngày, cấp trên. / Changes name, dates, the unit above.",
     BT_OPTIONS(set_options), .online = true, .run = bt_rest_run, .request = &change},
    {"alias", "UNIT OLDCODE", 2, 2,
     "Ghi mã và tên trước khi sáp nhập. / Notes a code and name from before a merger.",
     BT_OPTIONS(alias_options), .online = true, .run = bt_rest_run, .request = &alias},
};

const struct bt_command_group bt_unit_commands = {
    .name = "unit",
    .summary = "Đơn vị: tỉnh, xã, phường / units: provinces, communes, wards",
    .example = "  bangtin unit new 92 --name \"Tỉnh Bắc Ninh\" --kind province --parent vn\n"
               "  bangtin unit new 31333 --name \"Phường Kinh Bắc\" --kind commune --parent 92\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
