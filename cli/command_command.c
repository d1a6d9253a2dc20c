// bangtin command: orders to one screen, and whether it obeyed.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"
#include "cli/waiting.h"

static const struct bt_column columns[] = {
    {"lệnh / order", "kind", BT_COLUMN_TEXT},        {"số / n", "n", BT_COLUMN_TEXT},
    {"kết quả / state", "state", BT_COLUMN_STATE},   {"lúc / at", "at_ms", BT_COLUMN_TIME},
    {"chi tiết / detail", "detail", BT_COLUMN_TEXT},
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static bool is_done(const cJSON *answer, void *context)
{
    (void)context;
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(answer, "items");
    return cJSON_GetArraySize(items) > 0 && bt_all_answered(items);
}

static bool all_obeyed(const cJSON *items)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, items)
    {
        if (strcmp(text_of(each, "state"), "done") != 0) {
            return false;
        }
    }
    return true;
}

static int show_answers(const struct bt_client *client, const cJSON *answer, bool done,
                        struct bt_error *err)
{
    static const struct bt_rest rest = {"GET", "", BT_COLUMNS(columns)};
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(answer, "items");
    bt_rest_show(client, &rest, items);
    if (!done) {
        return bt_fail(err, -ETIME, "Màn hình không nhận lệnh / the screen does not obey");
    }
    return all_obeyed(items) ? 0 : bt_fail(err, -EREMOTEIO, "Không làm được / not done");
}

static char *screen_path(const struct bt_arguments *arguments, const char *rest)
{
    BT_AUTOFREE char *part = bt_path_part(bt_operand(arguments, 0));
    return bt_strf("/v1/screens/%s/%s", part, rest);
}

// Gives the order that the command's table describes and waits for the screen's answer.
static int give(struct bt_client *client, const struct bt_arguments *arguments,
                struct bt_error *err)
{
    const struct bt_rest *rest = bt_arguments_command(arguments)->request;
    BT_AUTOJSON *body = NULL, *answers = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *orders = screen_path(arguments, "orders");
    bool done;
    int r = bt_rest_body(rest, arguments, NULL, &body, err);
    if (r < 0 || (r = bt_client_send(client, "POST", orders, body, &answer, err)) < 0) {
        return r;
    }
    BT_AUTOFREE char *reference = bt_path_part(text_of(answer.json, "reference"));
    BT_AUTOFREE char *path = bt_strf("%s?reference=%s", orders, reference);
    r = bt_wait_for(client, arguments, path, is_done, NULL, &answers, &done, err);
    return r < 0 ? r : show_answers(client, answers, done, err);
}

static int run_order(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    int r = bt_client_open(arguments, &client, err);
    return r < 0 ? r : give(client, arguments, err);
}

static int run_screenshot(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFREE char *path = screen_path(arguments, "screenshot");
    const char *file = bt_argument(arguments, "to");
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = give(client, arguments, err)) < 0) {
        return r;
    }
    r = bt_client_fetch_file(client, path, file != NULL ? file : "man-hinh.png", 4 * 1024 * 1024,
                             NULL, NULL, err);
    if (r == 0 && !bt_client_json(client)) {
        printf("Đã lưu / kept: %s\n", file != NULL ? file : "man-hinh.png");
    }
    return r;
}

#define ORDER(variable, word, ...)                                                                 \
    static const struct bt_member variable##_members[] = {{"kind", NULL, 0, BT_MEMBER_WORD, word}, \
                                                          ##__VA_ARGS__};                          \
    static const struct bt_rest variable = {"POST", "", BT_MEMBERS(variable##_members)}

ORDER(screenshot, "screenshot");
ORDER(blank, "blank", {"until_ms", "until", 0, BT_MEMBER_TIME, NULL});
ORDER(unblank, "unblank");
ORDER(identify, "identify", {"seconds", NULL, 1, BT_MEMBER_INT, NULL});
ORDER(restart, "restart");
ORDER(volume, "volume", {"percent", NULL, 1, BT_MEMBER_INT, NULL});
ORDER(brightness, "brightness", {"percent", NULL, 1, BT_MEMBER_INT, NULL});

static const struct bt_option wait_options[] = {BT_WAIT_OPTION};
static const struct bt_option blank_options[] = {
    {"until", "TIME", "đến lúc; không có: đến khi unblank / until; else until unblank"},
    BT_WAIT_OPTION,
};
static const struct bt_option screenshot_options[] = {
    {"to", "FILE", "lưu vào / keep it in (man-hinh.png)"},
    BT_WAIT_OPTION,
};

#define WAITING BT_OPTIONS(wait_options), .online = true

static const struct bt_subcommand commands[] = {
    {"screenshot", "SCREEN", 1, 1, "Ảnh thứ đang hiện. / A picture of what is on.",
     BT_OPTIONS(screenshot_options), .online = true, .run = run_screenshot, .request = &screenshot},
    {"blank", "SCREEN", 1, 1, "Che màn hình: chỉ còn màu nền. / Background only.",
     BT_OPTIONS(blank_options), .online = true, .run = run_order, .request = &blank},
    {"unblank", "SCREEN", 1, 1, "Thôi che. / Shows again.", WAITING, .run = run_order,
     .request = &unblank},
    {"identify", "SCREEN SECONDS", 2, 2, "Hiện tên màn hình trên chính nó. / Shows its name on it.",
     WAITING, .run = run_order, .request = &identify},
    {"restart", "SCREEN", 1, 1, "Khởi động lại máy phát. / Restarts the player.", WAITING,
     .run = run_order, .request = &restart},
    {"volume", "SCREEN PERCENT", 2, 2, "Âm lượng, trong giới hạn đã ký. / Within signed limits.",
     WAITING, .run = run_order, .request = &volume},
    {"brightness", "SCREEN PERCENT", 2, 2, "Độ sáng, trong giới hạn đã ký. / Within signed limits.",
     WAITING, .run = run_order, .request = &brightness},
};

const struct bt_command_group bt_command_commands = {
    .name = "command",
    .summary = "Lệnh cho một màn hình / orders to one screen",
    .about = "Mỗi lệnh chờ màn hình xác nhận; không xác nhận thì báo lỗi. / Each waits for the "
             "screen's answer; without one\nthe command fails.",
    .example = "  bangtin command identify s-7K3QZ5MX2A 20\n"
               "  bangtin command screenshot s-7K3QZ5MX2A --to bay-gio.png\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
