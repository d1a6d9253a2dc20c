#include "cli/one_screen.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/rest.h"

#define PICTURE_MAX_BYTES (4 * 1024 * 1024)

static const struct bt_column head_columns[] = {
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"nơi đặt / place", "place", BT_COLUMN_TEXT},
    {"người trực / call", "duty.name", BT_COLUMN_TEXT},
    {"điện thoại / phone", "duty.phone", BT_COLUMN_TEXT},
};

static const struct bt_column alert_columns[] = {
    {"mức / severity", "severity", BT_COLUMN_STATE}, {"cảnh báo / alert", "kind", BT_COLUMN_STATE},
    {"từ / since", "since_ms", BT_COLUMN_TIME},      {"mã / id", "id", BT_COLUMN_TEXT},
    {"ghi chú / note", "note", BT_COLUMN_TEXT},      {"chi tiết / detail", "vi", BT_COLUMN_TEXT},
};

static const struct bt_column one_columns[] = {
    {"nhận lệnh / channel", "state", BT_COLUMN_STATE},
    {"từ lúc / since", "since_ms", BT_COLUMN_TIME},
    {"báo lúc / reported", "received_ms", BT_COLUMN_TIME},
    {"phiên bản / version", "status.version", BT_COLUMN_TEXT},
    {"đồng hồ / clock", "status.clock.trust", BT_COLUMN_STATE},
    {"bản / timestamp", "status.timestamp", BT_COLUMN_TEXT},
    {"đã gỡ / takedowns", "status.takedowns", BT_COLUMN_TEXT},
    {"khẩn cấp / emergency", "status.emergency", BT_COLUMN_TEXT},
    {"che / blank", "status.blank", BT_COLUMN_TEXT},
    {"âm lượng / volume %", "status.volume_percent", BT_COLUMN_TEXT},
    {"âm thanh / sound", "status.sound.state", BT_COLUMN_TEXT},
    {"độ sáng / brightness %", "status.brightness_percent", BT_COLUMN_TEXT},
    {"còn trống / free", "status.storage.free_bytes", BT_COLUMN_BYTES},
    {"nhiệt độ / °C", "status.machine.celsius", BT_COLUMN_TEXT},
    {"chạy chậm / throttled", "status.machine.throttled", BT_COLUMN_TEXT},
    {"đèn màn hình / display", "status.display.state", BT_COLUMN_STATE},
    {"bản mới / new version", "status.update.next", BT_COLUMN_TEXT},
    {"bản mới: / new version:", "status.update.state", BT_COLUMN_STATE},
    {"bản vừa thử / tried last", "status.update.last", BT_COLUMN_TEXT},
    {"kết quả / outcome", "status.update.outcome", BT_COLUMN_STATE},
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

static char *path_of(const char *screen, const char *what)
{
    BT_AUTOFREE char *part = bt_path_part(screen);
    return bt_strf("/v1/screens/%s%s", part, what);
}

// Those of the screen, of all that its unit has.
static int show_alerts(struct bt_client *client, const cJSON *screen, struct bt_error *err)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(screen, "id"), *alert;
    const cJSON *unit = cJSON_GetObjectItemCaseSensitive(screen, "unit");
    BT_AUTOFREE char *part = bt_path_part(cJSON_GetStringValue(unit));
    BT_AUTOFREE char *path = bt_strf("/v1/alerts?unit=%s", part);
    BT_AUTOJSON *all = NULL;
    int r = bt_rest_list(client, path, &all, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *own = cJSON_CreateArray();
    cJSON_ArrayForEach(alert, all)
    {
        if (cJSON_Compare(cJSON_GetObjectItemCaseSensitive(alert, "screen"), id, true)) {
            cJSON_AddItemToArray(own, cJSON_Duplicate(alert, true));
        }
    }
    BT_AUTOJSON *boxed = cJSON_CreateObject();
    cJSON_AddItemToObject(boxed, "alerts", bt_rest_ranked(own, "severity", bt_severities));
    print_list(boxed, "alerts", alert_columns, BT_ARRAY_LEN(alert_columns));
    return 0;
}

static int show_head(struct bt_client *client, const char *screen, struct bt_error *err)
{
    static const struct bt_rest head = {BT_COLUMNS(head_columns)};
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = path_of(screen, "");
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return r;
    }
    bt_rest_show(client, &head, answer.json);
    r = show_alerts(client, answer.json, err);
    putchar('\n');
    return r;
}

static int show_status(struct bt_client *client, const char *screen, struct bt_error *err)
{
    static const struct bt_rest head = {BT_COLUMNS(one_columns)};
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = path_of(screen, "/status");
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

static int keep_picture(struct bt_client *client, const char *screen, const char *file,
                        struct bt_error *err)
{
    BT_AUTOFREE char *path = path_of(screen, "/screenshot");
    int r = bt_client_fetch_file(client, path, file, PICTURE_MAX_BYTES, NULL, NULL, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Chụp ngay / take one: bangtin command screenshot %s", screen);
    }
    if (!bt_client_json(client)) {
        printf("\nẢnh gần nhất / last picture: %s\n", file);
    }
    return 0;
}

int bt_one_screen_show(struct bt_client *client, const char *screen, const char *picture,
                       struct bt_error *err)
{
    int r = bt_client_json(client) ? 0 : show_head(client, screen, err);
    r = r < 0 ? r : show_status(client, screen, err);
    return r < 0 || picture == NULL ? r : keep_picture(client, screen, picture, err);
}
