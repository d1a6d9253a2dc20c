// bangtin user: accounts and their roles.
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"
#include "cli/secret.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"đăng nhập / login", "login", BT_COLUMN_TEXT},
    {"họ tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"điện thoại / phone", "phone", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
};

static const struct bt_column grant_columns[] = {
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"vai trò / role", "role", BT_COLUMN_TEXT},
    {"lúc / when", "granted_ms", BT_COLUMN_TIME},
};

static const char *const role_words[] = {
    "viewer",     "uploader",     "reviewer", "publisher",     "screen-operator",
    "technician", "duty-officer", "reporter", "administrator", NULL};

static const struct bt_member new_members[] = {
    {"login", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"name", "name", 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    {"phone", "phone", 0, BT_MEMBER_TEXT, NULL},
};
static const struct bt_member grant_members[] = {
    {"role", NULL, 1, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
};

static const struct bt_rest create = {"POST", "/v1/users", BT_MEMBERS(new_members),
                                      BT_COLUMNS(columns), .done = "Đã lập / made"};

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *body = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOSECRET char *password = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_rest_body(&create, arguments, NULL, &body, err)) < 0 ||
        (r = bt_secret_read(arguments, "password",
                            "Mật khẩu cho họ, họ sẽ đổi / their password, "
                            "which they will change",
                            true, &password, err)) < 0) {
        return r;
    }
    cJSON_AddStringToObject(body, "password", password);
    r = bt_client_send(client, "POST", "/v1/users", body, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &create, answer.json);
    }
    return r;
}

static int check_role(const struct bt_arguments *arguments, struct bt_error *err)
{
    const char *role = bt_operand(arguments, 1);
    for (const char *const *word = role_words; *word != NULL; word++) {
        if (bt_str_equal(*word, role)) {
            return bt_rest_run(arguments, err);
        }
    }
    BT_AUTOBUF words;
    bt_buf_init(&words, 256);
    for (const char *const *word = role_words; *word != NULL; word++) {
        if (bt_buf_appendf(&words, " %s", *word) < 0) {
            break;
        }
    }
    return bt_fail(err, -EINVAL, "'%s': chọn / choose%s", role, bt_buf_text(&words));
}

static const struct bt_option new_options[] = {
    {"name", "TEXT", "họ tên / full name", .required = true},
    {"unit", "UNIT", "thuộc đơn vị / of the unit", .required = true},
    {"phone", "TEXT", "điện thoại / telephone"},
    BT_PASSWORD_OPTIONS,
};
static const struct bt_option grant_options[] = {
    {"unit", "UNIT", "ở đơn vị này và cấp dưới / there and below", .required = true}};

static const struct bt_rest list = {"GET", "/v1/users", BT_COLUMNS(columns)};
static const struct bt_rest grants = {"GET", "/v1/users/{0}/grants", BT_COLUMNS(grant_columns)};
static const struct bt_rest grant = {"POST", "/v1/users/{0}/grants", BT_MEMBERS(grant_members),
                                     .done = "Đã giao / granted"};
static const struct bt_rest ungrant = {"DELETE", "/v1/users/{0}/grants/{2}/{1}",
                                       .done = "Đã thôi giao / taken back"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các tài khoản. / The accounts.", .online = true, .run = bt_rest_run,
     .request = &list},
    {"new", "LOGIN", 1, 1, "Lập tài khoản. / Makes an account.", BT_OPTIONS(new_options),
     .online = true, .run = run_new},
    {"grants", "USER", 1, 1, "Người này được làm gì, ở đâu. / What they may do, and where.",
     .online = true, .run = bt_rest_run, .request = &grants},
    {"grant", "USER ROLE", 2, 2,
     "Giao vai trò: viewer, uploader, reviewer, publisher, screen-operator, technician,\n"
     "duty-officer, reporter, administrator. / Gives a role in a unit and below.",
     BT_OPTIONS(grant_options), .online = true, .run = check_role, .request = &grant},
    {"ungrant", "USER ROLE UNIT", 3, 3, "Thôi giao. / Takes it back.", .online = true,
     .run = bt_rest_run, .request = &ungrant},
};

const struct bt_command_group bt_user_commands = {
    .name = "user",
    .summary = "Tài khoản và quyền / accounts and what they may do",
    .example = "  bangtin user new binh --name \"Trần Thị Bình\" --unit 31333\n"
               "  bangtin user grant u-7K3QZ5MX2A reviewer --unit 31333\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
