// bangtin status: what the screens say of themselves.
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"nhận lệnh / channel", "player.state", BT_COLUMN_STATE},
    {"thấy lúc / seen", "player.seen_ms", BT_COLUMN_TIME},
    {"bản / timestamp", "player.timestamp", BT_COLUMN_TEXT},
    {"trục trặc / troubles", "player.troubles", BT_COLUMN_TEXT},
    {"gọi / call", "duty.name", BT_COLUMN_TEXT},
    {"điện thoại / phone", "duty.phone", BT_COLUMN_TEXT},
};

static const struct bt_column one_columns[] = {
    {"nhận lệnh / channel", "state", BT_COLUMN_STATE},
    {"từ lúc / since", "since_ms", BT_COLUMN_TIME},
    {"báo lúc / reported", "received_ms", BT_COLUMN_TIME},
    {"phiên bản / version", "status.version", BT_COLUMN_TEXT},
    {"đồng hồ / clock", "status.clock.trust", BT_COLUMN_TEXT},
    {"bản / timestamp", "status.timestamp", BT_COLUMN_TEXT},
    {"đã gỡ / takedowns", "status.takedowns", BT_COLUMN_TEXT},
    {"khẩn cấp / emergency", "status.emergency", BT_COLUMN_TEXT},
    {"che / blank", "status.blank", BT_COLUMN_TEXT},
    {"âm lượng / volume %", "status.volume_percent", BT_COLUMN_TEXT},
    {"độ sáng / brightness %", "status.brightness_percent", BT_COLUMN_TEXT},
    {"còn trống / free", "status.storage.free_bytes", BT_COLUMN_BYTES},
};

static const struct bt_column publication_columns[] = {
    {"đang có / has", "target", BT_COLUMN_TEXT},
    {"bản / version", "version", BT_COLUMN_TEXT},
    {"chiếu từ / shown since", "since_ms", BT_COLUMN_TIME},
};
static const struct bt_column on_columns[] = {
    {"vùng / zone", "zone", BT_COLUMN_TEXT},
    {"nội dung / publication", "publication", BT_COLUMN_TEXT},
    {"mục / item", "item", BT_COLUMN_TEXT},
    {"từ / since", "since_ms", BT_COLUMN_TIME},
};
static const struct bt_column trouble_columns[] = {
    {"trục trặc / trouble", "code", BT_COLUMN_TEXT},
    {"từ / since", "since_ms", BT_COLUMN_TIME},
    {"chi tiết / detail", "detail", BT_COLUMN_TEXT},
};

static void print_list(const cJSON *status, const char *key, const struct bt_column *table,
                       size_t count)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(status, key);
    if (cJSON_GetArraySize(list) > 0) {
        putchar('\n');
        bt_table_print(list, table, count, stdout);
    }
}

static int show_one(struct bt_client *client, const char *screen, struct bt_error *err)
{
    static const struct bt_rest head = {"GET", "", BT_COLUMNS(one_columns)};
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(screen);
    BT_AUTOFREE char *path = bt_strf("/v1/screens/%s/status", part);
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return r;
    }
    bt_rest_show(client, &head, answer.json);
    if (!bt_client_json(client)) {
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(answer.json, "status");
        print_list(status, "publications", publication_columns, BT_ARRAY_LEN(publication_columns));
        print_list(status, "on", on_columns, BT_ARRAY_LEN(on_columns));
        print_list(status, "troubles", trouble_columns, BT_ARRAY_LEN(trouble_columns));
    }
    return 0;
}

static int run_status(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const struct bt_rest all = {"GET", "/v1/screens", BT_COLUMNS(columns)};
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *list = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    if (bt_operand(arguments, 0) != NULL) {
        return show_one(client, bt_operand(arguments, 0), err);
    }
    r = bt_rest_list(client, all.path, &list, err);
    if (r == 0) {
        bt_rest_show(client, &all, list);
    }
    return r;
}

static const struct bt_subcommand commands[] = {
    {NULL, "[SCREEN]", 0, 1,
     "Mọi màn hình: có nhận lệnh không, bản nào, trục trặc gì; hoặc một màn hình, rõ hơn.\n"
     "All screens: do they obey, which version, what troubles; or one of them in detail.",
     .online = true, .run = run_status},
};

const struct bt_command_group bt_status_commands = {
    .name = "status",
    .summary = "Màn hình đang thế nào / how the screens are",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
