// bangtin alert: what is wrong, who takes care of it, and how people hear of it.
#include <errno.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"

#define COMMON                                                                                     \
    {"mức / severity", "severity", BT_COLUMN_STATE},                                               \
        {"cảnh báo / alert", "kind", BT_COLUMN_STATE}, {"tên / name", "name", BT_COLUMN_TEXT},     \
        {"của / of", "object", BT_COLUMN_TEXT}, {"đơn vị / unit", "unit", BT_COLUMN_TEXT},         \
        {"mã / id", "id", BT_COLUMN_TEXT},                                                         \
    {                                                                                              \
        "từ / since", "since_ms", BT_COLUMN_TIME                                                   \
    }

static const struct bt_column columns[] = {
    COMMON,
    {"ghi chú / note", "note", BT_COLUMN_TEXT},
    {"chi tiết / detail", "vi", BT_COLUMN_TEXT},
};
static const struct bt_column history_columns[] = {
    COMMON,
    {"hết / until", "until_ms", BT_COLUMN_TIME},
    {"ghi chú / note", "note", BT_COLUMN_TEXT},
    {"chi tiết / detail", "vi", BT_COLUMN_TEXT},
};

static const struct bt_column hook_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"địa chỉ / url", "url", BT_COLUMN_TEXT},
    {"khóa ký, chỉ hiện lần này / secret, shown this once", "secret", BT_COLUMN_TEXT},
};

static const struct bt_column message_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},           {"qua / by", "channel", BT_COLUMN_STATE},
    {"đến / to", "address", BT_COLUMN_TEXT},     {"lúc / made", "made_ms", BT_COLUMN_TIME},
    {"gửi / state", "state", BT_COLUMN_STATE},   {"lần thử / tries", "attempts", BT_COLUMN_TEXT},
    {"vì sao / error", "error", BT_COLUMN_TEXT},
};

static const struct bt_column test_columns[] = {
    {"qua / by", "channel", BT_COLUMN_STATE},
    {"đến / to", "address", BT_COLUMN_TEXT},
    {"kết quả / result", "state", BT_COLUMN_STATE},
    {"vì sao / error", "error", BT_COLUMN_TEXT},
};

static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_member all_members[] = {
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
    {"state", NULL, 0, BT_MEMBER_WORD, "all"},
};
static const struct bt_member note_members[] = {{"note", NULL, 1, BT_MEMBER_TEXT, NULL}};
static const struct bt_member hook_members[] = {
    {"url", NULL, 0, BT_MEMBER_TEXT, NULL},
    {"unit", "unit", 0, BT_MEMBER_TEXT, NULL},
};

static const struct bt_option list_options[] = {
    {"unit", "UNIT", "đơn vị này và cấp dưới / this unit and below"}};
static const struct bt_option test_options[] = {
    {"unit", "UNIT", "cảnh báo của đơn vị này; không nói: cả tỉnh / this unit's alerts; vn"}};
static const struct bt_option hook_options[] = {
    {"unit", "UNIT", "cảnh báo của đơn vị này và cấp dưới / alerts of this unit and below",
     .required = true}};

static const struct bt_rest list = {"GET",
                                    "/v1/alerts",
                                    BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns),
                                    .rank_by = "severity",
                                    .ranks = bt_severities};
static const struct bt_rest history = {"GET", "/v1/alerts", BT_MEMBERS(all_members),
                                       BT_COLUMNS(history_columns)};
static const struct bt_rest acknowledge = {"POST", "/v1/alerts/{0}/acknowledge",
                                           BT_MEMBERS(note_members),
                                           .done = "Đã ghi, không nhắc lại nữa / noted"};
static const struct bt_rest messages = {"GET", "/v1/messages", BT_COLUMNS(message_columns)};
static const struct bt_rest hooks = {"GET", "/v1/webhooks", BT_MEMBERS(list_members),
                                     BT_COLUMNS(hook_columns)};
static const struct bt_rest add_hook = {"POST", "/v1/webhooks", BT_MEMBERS(hook_members),
                                        BT_COLUMNS(hook_columns)};
static const struct bt_rest remove_hook = {"DELETE", "/v1/webhooks/{0}", .done = "Đã bỏ / removed"};

/*
 * The test: asked for, then waited for, way by way.
 */

// A mail server that does not answer is given up after a minute; one more for others before it.
#define TEST_NS (120 * BT_NS_PER_S)
#define LOOK_NS (BT_NS_PER_S / 4)

static const char *text_of(const cJSON *way, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(way, key));
    return text != NULL ? text : "";
}

// 1 when it is known what became of it.
static int look(struct bt_client *client, cJSON *way, struct bt_error *err)
{
    static const char *const keys[] = {"state", "error"};
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(text_of(way, "id"));
    BT_AUTOFREE char *path = bt_strf("/v1/alerts/test/%s", part);
    int r = bt_client_get(client, path, &answer, err);
    for (size_t i = 0; r == 0 && i < BT_ARRAY_LEN(keys); i++) {
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(answer.json, keys[i]);
        cJSON_DeleteItemFromObjectCaseSensitive(way, keys[i]);
        cJSON_AddItemToObject(way, keys[i], cJSON_Duplicate(said, true));
    }
    return r < 0 ? r : !bt_str_equal(text_of(way, "state"), "waiting");
}

static int wait_for_all(struct bt_client *client, cJSON *ways, struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t until_ns = bt_clock_mono_ns(clock) + TEST_NS;
    cJSON *way;
    cJSON_ArrayForEach(way, ways)
    {
        int r = look(client, way, err);
        while (r == 0 && bt_clock_mono_ns(clock) < until_ns) {
            bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + LOOK_NS);
            r = look(client, way, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int judge(const cJSON *ways, struct bt_error *err)
{
    const cJSON *way;
    cJSON_ArrayForEach(way, ways)
    {
        if (!bt_str_equal(text_of(way, "state"), "sent")) {
            return bt_fail(err, -EIO, "Có đường không gửi được / not every way works");
        }
    }
    return 0;
}

static int run_test(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const struct bt_rest shown = {BT_COLUMNS(test_columns)};
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    const char *unit = bt_argument(arguments, "unit");
    cJSON_AddStringToObject(body, "unit", unit != NULL ? unit : "vn");
    int r = bt_client_open(arguments, &client, err);
    r = r < 0 ? r : bt_client_send(client, "POST", "/v1/alerts/test", body, &answer, err);
    cJSON *ways = cJSON_GetObjectItemCaseSensitive(answer.json, "items");
    r = r < 0 ? r : wait_for_all(client, ways, err);
    if (r < 0) {
        return r;
    }
    bt_rest_show(client, &shown, ways);
    return judge(ways, err);
}

#define ONLINE(request_) .online = true, .run = bt_rest_run, .request = &(request_)

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Cảnh báo đang có. / What is wrong now.", BT_OPTIONS(list_options),
     ONLINE(list)},
    {"history", NULL, 0, 0, "Cả những cảnh báo đã hết. / What is over, too.",
     BT_OPTIONS(list_options), ONLINE(history)},
    {"ack", "ALERT [NOTE]", 1, 2,
     "Đã biết, đang xử lý: không nhắc lại nữa. / Somebody takes care of it: no more reminders.",
     ONLINE(acknowledge)},
    {"test", NULL, 0, 0,
     "Gửi thư thử đến mọi nơi nhận cảnh báo của một đơn vị, và nói đường nào đi được.\n"
     "Sends a test by each way on which a unit's alerts go, and says which of them work.",
     BT_OPTIONS(test_options), .online = true, .run = run_test},
    {"messages", NULL, 0, 0,
     "Thư và webhook đã gửi, đang chờ, vì sao không đi. / What was sent, what waits and why.",
     ONLINE(messages)},
    {"hooks", NULL, 0, 0, "Các webhook. / The webhooks.", BT_OPTIONS(list_options), ONLINE(hooks)},
    {"hook", "URL", 1, 1,
     "Gửi cảnh báo đến một địa chỉ https; in khóa ký một lần. / Posts alerts to an address; "
     "prints\n"
     "the secret of its signatures once.",
     BT_OPTIONS(hook_options), ONLINE(add_hook)},
    {"unhook", "WEBHOOK", 1, 1, "Bỏ một webhook. / Removes one.", ONLINE(remove_hook)},
};

const struct bt_command_group bt_alert_commands = {
    .name = "alert",
    .summary = "Cảnh báo: xem, nhận xử lý, gửi đi đâu / alerts",
    .example = "  bangtin alert list --unit 31333\n"
               "  bangtin alert ack a-7K3QZ5MX2A \"An đang đến\"\n"
               "  bangtin setting set 31333 alert_mail_to an@tinh.gov.vn\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
