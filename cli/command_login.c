// bangtin login, logout: who is asking.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/secret.h"

static cJSON *read_pins(const struct bt_arguments *arguments)
{
    size_t count = bt_argument_count(arguments, "pin");
    cJSON *pins = count > 0 ? cJSON_CreateArray() : NULL;
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(pins, cJSON_CreateString(bt_argument_at(arguments, "pin", i)));
    }
    return pins;
}

// The server's very first account, with the one-time secret it printed at its first start.
static int make_first(struct bt_client *client, const struct bt_arguments *arguments,
                      const char *password, struct bt_error *err)
{
    BT_AUTOSECRET char *secret = NULL;
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    const char *name = bt_argument(arguments, "name"), *login = bt_argument(arguments, "login");
    int r = bt_secret_read(arguments, "first-secret", "", false, &secret, err);
    if (r < 0) {
        return r;
    }
    const char *equals = strrchr(secret, '=');  // the whole link may stand in the file
    cJSON_AddStringToObject(body, "secret", equals != NULL ? equals + 1 : secret);
    cJSON_AddStringToObject(body, "login", login);
    cJSON_AddStringToObject(body, "name", name != NULL ? name : login);
    cJSON_AddStringToObject(body, "password", password);
    return bt_client_send(client, "POST", "/v1/first-administrator", body, &answer, err);
}

static int log_in(struct bt_client *client, const cJSON *pins, const char *login,
                  const char *password, struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOJSON *secrets = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    cJSON_AddStringToObject(body, "login", login);
    cJSON_AddStringToObject(body, "password", password);
    int r = bt_client_send(client, "POST", "/v1/login", body, &answer, err);
    if (r < 0) {
        return r;
    }
    const char *token =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer.json, "token"));
    if (token == NULL || bt_client_cookie(client)[0] == '\0') {
        return bt_fail(err, -EREMOTEIO, "The server's answer has no session");
    }
    cJSON_AddStringToObject(secrets, "cookie", bt_client_cookie(client));
    cJSON_AddStringToObject(secrets, "token", token);
    return bt_client_remember(client, pins, login, secrets, err);
}

// A token made in the console, for programs.
static int take_token(struct bt_client *client, const cJSON *pins,
                      const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOSECRET char *token = NULL;
    BT_AUTOJSON *secrets = cJSON_CreateObject();
    int r = bt_secret_read(arguments, "token", "", false, &token, err);
    if (r < 0) {
        return r;
    }
    cJSON_AddStringToObject(secrets, "bearer", token);
    return bt_client_remember(client, pins, "", secrets, err);
}

static int run_login(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *pins = read_pins(arguments);
    BT_AUTOSECRET char *password = NULL;
    const char *login = bt_argument(arguments, "login");
    bool first = bt_argument(arguments, "first-secret-file") != NULL ||
                 bt_argument(arguments, "first-secret-fd") != NULL;
    int r = bt_client_create(bt_operand(arguments, 0), pins, &client, err);
    if (r < 0) {
        return r;
    }
    if (bt_argument(arguments, "token-file") != NULL ||
        bt_argument(arguments, "token-fd") != NULL) {
        return take_token(client, pins, arguments, err);
    }
    if (login == NULL) {
        return bt_fail(err, -EINVAL, "thiếu / missing: --login NAME");
    }
    r = bt_secret_read(arguments, "password", "Mật khẩu / password", first, &password, err);
    if (r == 0 && first) {
        r = make_first(client, arguments, password, err);
    }
    if (r < 0 || (r = log_in(client, pins, login, password, err)) < 0) {
        return r;
    }
    printf("Đã đăng nhập / logged in: %s, %s\n", login, bt_client_server(client));
    return 0;
}

static int run_logout(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    int r = bt_client_open(arguments, &client, err);
    if (r == 0) {
        r = bt_client_send(client, "POST", "/v1/logout", NULL, &answer, err);
    }
    bt_client_forget();  // also when the server has forgotten it already
    return r == -EACCES ? 0 : r;
}

static const struct bt_option login_options[] = {
    {"login", "NAME", "tên đăng nhập / account"},
    {"pin", "PIN",
     "khóa chứng chỉ của máy chủ, máy chủ in ra lúc khởi động / the key of the "
     "server's certificate, printed at its start: sha256//…",
     .many = true},
    BT_PASSWORD_OPTIONS,
    {"token-file", "FILE", "dùng mã API trong tệp thay cho mật khẩu / an API token instead"},
    {"token-fd", "N", "như trên, từ mô tả tệp / the same, from a descriptor", .min = 0,
     .max = 1023},
    {"first-secret-file", "FILE",
     "lập tài khoản quản trị đầu tiên bằng mã máy chủ đã in / makes "
     "the first administrator with the secret the server printed"},
    {"first-secret-fd", "N", "như trên, từ mô tả tệp / the same, from a descriptor", .min = 0,
     .max = 1023},
    {"name", "TEXT", "họ tên, cho tài khoản đầu tiên / full name, for the first account"},
};

static const struct bt_subcommand login_commands[] = {
    {NULL, "URL", 1, 1,
     "Đăng nhập và nhớ máy chủ; mọi lệnh sau dùng nó. / Logs in and remembers the server.",
     BT_OPTIONS(login_options), .run = run_login},
};

const struct bt_command_group bt_login_commands = {
    .name = "login",
    .summary = "Đăng nhập máy chủ / log in to the server",
    .about = "Phiên được giữ trong ~/.config/bangtin (chỉ chủ đọc được). Mật khẩu không bao giờ là "
             "tham số.\nThe session is kept there, readable by you alone. Passwords are never "
             "arguments.",
    .example = "  bangtin login https://bangtin.example.vn --login an\n"
               "  bangtin login http://127.0.0.1:8080 --login an --password-file mat-khau.txt\n",
    .commands = login_commands,
    .count = BT_ARRAY_LEN(login_commands),
};

static const struct bt_subcommand logout_commands[] = {
    {NULL, NULL, 0, 0, "Kết thúc phiên và quên nó. / Ends the session and forgets it.",
     .online = true, .run = run_logout},
};

const struct bt_command_group bt_logout_commands = {
    .name = "logout",
    .summary = "Đăng xuất / log out",
    .commands = logout_commands,
    .count = BT_ARRAY_LEN(logout_commands),
};
