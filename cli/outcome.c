#include "cli/outcome.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/waiting.h"

static const struct bt_column screen_columns[] = {
    {"màn hình / screen", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"kết quả / state", "state", BT_COLUMN_STATE},
    {"lúc / at", "at_ms", BT_COLUMN_TIME},
    {"chi tiết / detail", "detail", BT_COLUMN_TEXT},
    {"gọi / call", "duty.name", BT_COLUMN_TEXT},
    {"điện thoại / phone", "duty.phone", BT_COLUMN_TEXT},
};

void bt_outcome_show(const struct bt_client *client, const struct bt_rest *rest, const cJSON *json)
{
    bt_rest_show(client, rest, json);
    if (!bt_client_json(client)) {
        bt_table_print(cJSON_GetObjectItemCaseSensitive(json, "screens"), screen_columns,
                       BT_ARRAY_LEN(screen_columns), stdout);
    }
}

static bool is_done(const cJSON *answer, void *context)
{
    return bt_all_answered(cJSON_GetObjectItemCaseSensitive(answer, "screens"));
}

static bool some_failed(const cJSON *screens)
{
    const cJSON *screen;
    cJSON_ArrayForEach(screen, screens)
    {
        const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(screen, "state"));
        if (bt_str_equal(state, "failed") || bt_str_equal(state, "refused")) {
            return true;
        }
    }
    return false;
}

int bt_outcome_wait(struct bt_client *client, const struct bt_arguments *arguments,
                    const struct bt_rest *rest, const char *path, struct bt_error *err)
{
    BT_AUTOJSON *outcome = NULL;
    bool done;
    int r = bt_wait_for(client, arguments, path, is_done, NULL, &outcome, &done, err);
    if (r < 0) {
        return r;
    }
    bt_outcome_show(client, rest, outcome);
    if (some_failed(cJSON_GetObjectItemCaseSensitive(outcome, "screens"))) {
        return bt_fail(err, -EIO,
                       "Có màn hình không làm được: xem cột chi tiết. / Some screens did not obey: "
                       "the details say why.");
    }
    return done
               ? 0
               : bt_fail(err, -ETIME,
                         "Có màn hình chưa xác nhận: hãy gọi người trực; máy phát làm ngay khi có "
                         "mạng. / Some screens have not confirmed: call them. They obey as soon as "
                         "they are reached.");
}
