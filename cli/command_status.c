// bangtin status: what the screens say of themselves.
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/one_screen.h"
#include "cli/rest.h"

#define WATCH_NS (5 * BT_NS_PER_S)

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"thế nào / state", "state", BT_COLUMN_STATE},
    {"từ / since", "since_ms", BT_COLUMN_TIME},
    {"cảnh báo / alerts", "alerts", BT_COLUMN_STATE},
    {"ảnh lúc / picture", "picture_ms", BT_COLUMN_TIME},
    {"lượt phát đến / plays until", "plays_until_ms", BT_COLUMN_TIME},
    {"gọi / call", "duty_name", BT_COLUMN_TEXT},
    {"điện thoại / phone", "duty_phone", BT_COLUMN_TEXT},
};

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
    const char *words[BT_ARRAY_LEN(states) + 1] = {NULL};
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        words[i] = states[i].word;
    }
    return bt_rest_ranked(items, "state", words);
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
        return bt_one_screen_show(client, bt_operand(arguments, 0),
                                  bt_argument(arguments, "picture"), err);
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
    {"picture", "FILE",
     "lưu ảnh gần nhất của màn hình ấy vào / keeps that screen's last picture in"},
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
