// bangtin status: what the screens say of themselves.
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"

#define WATCH_NS (5 * BT_NS_PER_S)

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"thế nào / state", "state", BT_COLUMN_STATE},
    {"từ / since", "since_ms", BT_COLUMN_TIME},
    {"cảnh báo / alerts", "alerts", BT_COLUMN_STATE},
    {"trục trặc / troubles", "troubles", BT_COLUMN_TEXT},
    {"lượt phát đến / plays until", "plays_until_ms", BT_COLUMN_TIME},
    {"gọi / call", "duty_name", BT_COLUMN_TEXT},
    {"điện thoại / phone", "duty_phone", BT_COLUMN_TEXT},
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
    {"nhiệt độ / °C", "status.machine.celsius", BT_COLUMN_TEXT},
    {"chạy chậm / throttled", "status.machine.throttled", BT_COLUMN_TEXT},
    {"màn hình / display", "status.display.state", BT_COLUMN_TEXT},
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

// The worst first.
static const struct {
    const char *word, *text;
} states[] = {
    {"silent", "im lặng / silent"},
    {"not-obeying", "không nhận lệnh / not obeying"},
    {"dark", "tối / dark"},
    {"trouble", "có trục trặc / in trouble"},
    {"never-seen", "chưa báo về / never seen"},
    {"no-player", "chưa ghép / without a player"},
    {"ok", "ổn / ok"},
};

static cJSON *sorted(const cJSON *items)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        const cJSON *item;
        cJSON_ArrayForEach(item, items)
        {
            const char *state =
                cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "state"));
            if (bt_str_equal(state, states[i].word)) {
                cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
            }
        }
    }
    return list;
}

// "12 màn hình / screens: 1 im lặng / silent, 11 ổn / ok"
static void print_counts(const cJSON *counts)
{
    int64_t all = 0, numbers[BT_ARRAY_LEN(states)] = {0};
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        const cJSON *count = cJSON_GetObjectItemCaseSensitive(counts, states[i].word);
        if (bt_json_whole(count, 0, INT32_MAX, &numbers[i]) == 0) {
            all += numbers[i];
        }
    }
    printf("%lld màn hình / screens", (long long)all);
    for (size_t i = 0, said = 0; i < BT_ARRAY_LEN(states); i++) {
        if (numbers[i] > 0) {
            printf("%s %lld %s", said++ == 0 ? ":" : ",", (long long)numbers[i], states[i].text);
        }
    }
    putchar('\n');
}

static char *fleet_path(const struct bt_arguments *arguments)
{
    const char *unit = bt_argument(arguments, "unit"), *state = bt_argument(arguments, "state");
    BT_AUTOFREE char *unit_part = bt_path_part(unit != NULL ? unit : "");
    // Words of states need no encoding.
    return bt_strf("/v1/fleet%s%s%s%s", unit != NULL ? "?unit=" : "", unit_part,
                   state == NULL  ? ""
                   : unit != NULL ? "&state="
                                  : "?state=",
                   state != NULL ? state : "");
}

static int show_all(struct bt_client *client, const char *path, struct bt_error *err)
{
    static const struct bt_rest all = {"GET", "/v1/fleet", BT_COLUMNS(columns)};
    BT_AUTOANSWER answer = {0};
    int r = bt_client_get(client, path, &answer, err);
    if (r < 0) {
        return r;
    }
    const cJSON *counts = cJSON_GetObjectItemCaseSensitive(answer.json, "counts");
    BT_AUTOJSON *list = sorted(cJSON_GetObjectItemCaseSensitive(answer.json, "items"));
    if (!bt_client_json(client)) {
        print_counts(counts);
    }
    bt_rest_show(client, &all, list);
    fflush(stdout);
    return 0;
}

// Until somebody presses Ctrl-C; while the server cannot be reached, too.
static BT_NORETURN void watch_all(struct bt_client *client, const char *path)
{
    const struct bt_clock *clock = bt_clock_real();
    for (;;) {
        struct bt_error err = {0};
        if (isatty(STDOUT_FILENO)) {
            fputs("\033[H\033[2J", stdout);
        }
        if (show_all(client, path, &err) < 0) {
            printf("%s\n", err.msg);
        }
        bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + WATCH_NS);
    }
}

static int run_status(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFREE char *path = fleet_path(arguments);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    if (bt_operand(arguments, 0) != NULL) {
        return show_one(client, bt_operand(arguments, 0), err);
    }
    if (bt_argument_flag(arguments, "watch")) {
        watch_all(client, path);
    }
    return show_all(client, path, err);
}

static const char *const state_words[] = {"ok",     "trouble",    "dark",      "not-obeying",
                                          "silent", "never-seen", "no-player", NULL};
static const struct bt_option options[] = {
    {"unit", "UNIT", "đơn vị này và cấp dưới / this unit and below"},
    {"state", "WORD", "chỉ màn hình như thế / only screens in this state", .words = state_words},
    {"watch", NULL, "cứ 5 giây xem lại, Ctrl-C để thôi / again every 5 s"},
};

static const struct bt_subcommand commands[] = {
    {NULL, "[SCREEN]", 0, 1,
     "Mọi màn hình, xấu nhất ở trên: thế nào, từ lúc nào, gọi ai; hoặc một màn hình, rõ hơn.\n"
     "All screens, the worst first: how they are, since when, whom to call; or one in detail.",
     BT_OPTIONS(options), .online = true, .run = run_status},
};

const struct bt_command_group bt_status_commands = {
    .name = "status",
    .summary = "Màn hình đang thế nào / how the screens are",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
