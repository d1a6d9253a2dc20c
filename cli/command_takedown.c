// bangtin takedown: away from every screen, now.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/waiting.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"lý do / reason", "reason", BT_COLUMN_TEXT},
    {"lúc / when", "issued_ms", BT_COLUMN_TIME},
};

static int add_media(struct bt_client *client, const char *media, cJSON *assets,
                     struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(media);
    BT_AUTOFREE char *path = bt_strf("/v1/media/%s", part);
    int r = bt_client_get(client, path, &answer, err);
    const cJSON *hash = cJSON_GetObjectItemCaseSensitive(answer.json, "sha256");
    if (r == 0) {
        cJSON_AddItemToArray(assets, cJSON_Duplicate(hash, true));
    }
    return r;
}

// "PUBLICATION:ITEM"
static int add_item(const char *text, cJSON *items, struct bt_error *err)
{
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return bt_fail(err, -EINVAL, "--item '%s': cần dạng / must look like PUBLICATION:ITEM",
                       text);
    }
    BT_AUTOFREE char *publication = bt_strndup(text, (size_t)(colon - text));
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "publication", publication);
    cJSON_AddStringToObject(item, "item", colon + 1);
    cJSON_AddItemToArray(items, item);
    return 0;
}

static int make_body(struct bt_client *client, const struct bt_arguments *arguments, cJSON *body,
                     struct bt_error *err)
{
    const char *reason = bt_argument(arguments, "reason");
    cJSON_AddStringToObject(body, "unit", bt_argument(arguments, "unit"));
    cJSON_AddStringToObject(body, "reason", reason != NULL ? reason : "");
    cJSON *assets = cJSON_AddArrayToObject(body, "assets");
    cJSON *items = cJSON_AddArrayToObject(body, "items");
    int r = 0;
    for (size_t i = 0; i < bt_argument_count(arguments, "asset"); i++) {
        const char *hash = bt_argument_at(arguments, "asset", i);
        cJSON_AddItemToArray(assets, cJSON_CreateString(hash));
    }
    for (size_t i = 0; i < bt_argument_count(arguments, "media") && r == 0; i++) {
        r = add_media(client, bt_argument_at(arguments, "media", i), assets, err);
    }
    for (size_t i = 0; i < bt_argument_count(arguments, "item") && r == 0; i++) {
        r = add_item(bt_argument_at(arguments, "item", i), items, err);
    }
    if (r == 0 && assets->child == NULL && items->child == NULL) {
        r = bt_fail(err, -EINVAL, "gỡ gì? / take what down? --media, --asset, --item");
    }
    return r;
}

static const struct bt_rest shown = {"GET", "", BT_COLUMNS(columns)};

static int run_issue(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = make_body(client, arguments, body, err)) < 0 ||
        (r = bt_client_send(client, "POST", "/v1/takedowns", body, &answer, err)) < 0) {
        return r;
    }
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer.json, "id"));
    BT_AUTOFREE char *part = bt_path_part(id != NULL ? id : "");
    BT_AUTOFREE char *path = bt_strf("/v1/takedowns/%s", part);
    return bt_outcome_wait(client, arguments, &shown, path, err);
}

static int run_show(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/takedowns/%s", part);
    int r = bt_client_open(arguments, &client, err);
    if (r == 0 && (r = bt_client_get(client, path, &answer, err)) == 0) {
        bt_outcome_show(client, &shown, answer.json);
    }
    return r;
}

static const struct bt_option issue_options[] = {
    {"unit", "UNIT", "ở đơn vị này và cấp dưới / there and below", .required = true},
    {"media", "MEDIA", "tệp trong kho / one of the library", .many = true},
    {"asset", "HASH", "tệp theo mã băm / a file by its SHA-256", .many = true},
    {"item", "PUBLICATION:ITEM", "một mục của nội dung / an item of a publication", .many = true},
    {"reason", "TEXT", "vì sao / why"},
    BT_WAIT_OPTION,
};

static const struct bt_rest list = {"GET", "/v1/takedowns", BT_COLUMNS(columns)};

static const struct bt_subcommand commands[] = {
    {"now", NULL, 0, 0,
     "Gỡ khỏi mọi màn hình ngay. In ra màn hình nào đã xác nhận, chưa liên lạc được thì gọi ai.\n"
     "Takes it off every screen at once. Says which confirmed, and whom to call about the others.",
     BT_OPTIONS(issue_options), .online = true, .run = run_issue},
    {"show", "TAKEDOWN", 1, 1, "Một lệnh gỡ, từng màn hình. / One of them, screen by screen.",
     .online = true, .run = run_show},
    {"list", NULL, 0, 0, "Các lệnh gỡ. / All takedowns.", .online = true, .run = bt_rest_run,
     .request = &list},
};

const struct bt_command_group bt_takedown_commands = {
    .name = "takedown",
    .summary = "Gỡ khẩn cấp khỏi mọi màn hình / take something off every screen",
    .about = "Thứ đã gỡ chỉ trở lại bằng một bản duyệt mới có --lift MÃ. / What was taken down "
             "returns only with a\nnewly signed publication that says --lift ID.",
    .example =
        "  bangtin takedown now --unit 31333 --media m-7K3QZ5MX2A --reason \"sai số liệu\"\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
