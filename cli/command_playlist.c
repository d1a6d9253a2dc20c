// bangtin playlist: media in an order.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"sửa lúc / changed", "changed_ms", BT_COLUMN_TIME},
};

static const struct bt_column item_columns[] = {
    {"mục / item", "id", BT_COLUMN_TEXT},     {"loại / type", "type", BT_COLUMN_TEXT},
    {"tên / title", "title", BT_COLUMN_TEXT}, {"giây / seconds", "seconds", BT_COLUMN_TEXT},
    {"băm / hash", "asset", BT_COLUMN_HASH},
};

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// An id for the item that stays the same as long as the media do: play records name it.
static void add_item_id(cJSON *item, const cJSON *items, const char *media)
{
    int same = 0;
    const cJSON *each;
    cJSON_ArrayForEach(each, items)
    {
        same += bt_str_starts(text_of(each, "id"), media);
    }
    BT_AUTOFREE char *id = same == 0 ? bt_strdup(media) : bt_strf("%s.%d", media, same + 1);
    cJSON_AddStringToObject(item, "id", id);
}

// One of the library as an item of a playlist.
static int add_media(struct bt_client *client, const struct bt_arguments *arguments, cJSON *items,
                     const char *media, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(media);
    BT_AUTOFREE char *path = bt_strf("/v1/media/%s", part);
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", media);
    }
    bool clip = strcmp(text_of(answer.json, "kind"), "clip") == 0;
    const char *campaign = bt_argument(arguments, "campaign");
    cJSON *item = cJSON_CreateObject();
    add_item_id(item, items, media);
    cJSON_AddStringToObject(item, "type", clip ? "video" : "image");
    cJSON_AddStringToObject(item, "title", text_of(answer.json, "title"));
    cJSON_AddStringToObject(item, "asset", text_of(answer.json, "sha256"));
    if (!clip) {
        cJSON_AddNumberToObject(item, "seconds", (double)bt_argument_int(arguments, "seconds", 10));
    }
    if (campaign != NULL) {
        cJSON_AddStringToObject(item, "campaign", campaign);
    }
    cJSON_AddItemToArray(items, item);
    return 0;
}

static int add_all_media(struct bt_client *client, const struct bt_arguments *arguments,
                         cJSON *items, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 1; i < bt_operand_count(arguments) && r == 0; i++) {
        r = add_media(client, arguments, items, bt_operand(arguments, i), err);
    }
    return r;
}

static const struct bt_rest made = {"POST", "", BT_COLUMNS(columns), .done = "Đã lưu / saved"};

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", bt_operand(arguments, 0));
    cJSON_AddStringToObject(body, "unit", bt_argument(arguments, "unit"));
    cJSON *items = cJSON_AddArrayToObject(body, "items");
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = add_all_media(client, arguments, items, err)) < 0) {
        return r;
    }
    r = bt_client_send(client, "POST", "/v1/playlists", body, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &made, answer.json);
    }
    return r;
}

// Appends media, or writes the list anew.
static int run_set(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER present = {0}, answer = {0};
    BT_AUTOFREE char *part = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/playlists/%s", part);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_client_get(client, path, &present, err)) < 0) {
        return r;
    }
    const char *name = bt_argument(arguments, "name");
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", name != NULL ? name : text_of(present.json, "name"));
    cJSON *items = bt_argument_flag(arguments, "append")
                       ? cJSON_DetachItemFromObjectCaseSensitive(present.json, "items")
                       : cJSON_CreateArray();
    cJSON_AddItemToObject(body, "items", items);
    if ((r = add_all_media(client, arguments, items, err)) < 0) {
        return r;
    }
    const struct bt_request request = {
        .method = "PUT", .path = path, .json = body, .if_match = present.etag};
    r = bt_client_ask(client, &request, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &made, answer.json);
    }
    return r;
}

static int run_show(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const struct bt_rest head = {"GET", "", BT_COLUMNS(columns)};
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/playlists/%s", part);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_client_get(client, path, &answer, err)) < 0) {
        return r;
    }
    bt_rest_show(client, &head, answer.json);
    if (!bt_client_json(client)) {
        bt_table_print(cJSON_GetObjectItemCaseSensitive(answer.json, "items"), item_columns,
                       BT_ARRAY_LEN(item_columns), stdout);
    }
    return 0;
}

#define ITEM_OPTIONS                                                                               \
    {"seconds", "N", "mỗi ảnh hiện bao lâu / how long each picture stays (10)", .min = 1,          \
     .max = 86400},                                                                                \
    {                                                                                              \
        "campaign", "CAMPAIGN", "thuộc chiến dịch / of the campaign"                         \
    }

static const struct bt_option new_options[] = {
    {"unit", "UNIT", "của đơn vị / its unit", .required = true}, ITEM_OPTIONS};
static const struct bt_option set_options[] = {
    {"name", "TEXT", "tên mới / new name"},
    {"append", NULL, "thêm vào cuối thay vì viết lại / adds at the end instead of writing anew"},
    ITEM_OPTIONS,
};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};

static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_rest list = {"GET", "/v1/playlists", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest delete = {"DELETE", "/v1/playlists/{0}", .edits = true,
                                      .done = "Đã xóa / deleted"};

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Các danh sách phát. / The playlists.", BT_OPTIONS(list_options),
     .online = true, .run = bt_rest_run, .request = &list},
    {"show", "PLAYLIST", 1, 1, "Một danh sách và các mục. / One of them with its items.",
     .online = true, .run = run_show},
    {"new", "NAME MEDIA…", 2, 512,
     "Lập danh sách từ kho (mã do upload in ra). / Makes one of media (ids that upload printed).",
     BT_OPTIONS(new_options), .online = true, .run = run_new},
    {"set", "PLAYLIST MEDIA…", 2, 512, "Viết lại, hoặc --append. / Writes it anew, or appends.",
     BT_OPTIONS(set_options), .online = true, .run = run_set},
    {"delete", "PLAYLIST", 1, 1, "Xóa. / Deletes it.", .online = true, .run = bt_rest_run,
     .request = &delete},
};

const struct bt_command_group bt_playlist_commands = {
    .name = "playlist",
    .summary = "Danh sách phát / playlists",
    .example = "  bangtin playlist new \"Nghị quyết 57\" m-7K3QZ5MX2A m-4QX2M9ABCD --unit 31333 "
               "--seconds 10\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
