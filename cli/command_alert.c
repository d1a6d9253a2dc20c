// bangtin alert: what is wrong, who takes care of it, and how people hear of it.
#include "cli/commands.h"
#include "cli/rest.h"

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"mức / severity", "severity", BT_COLUMN_STATE},
    {"cảnh báo / alert", "kind", BT_COLUMN_STATE},
    {"của / of", "object", BT_COLUMN_TEXT},
    {"tên / name", "name", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"từ / since", "since_ms", BT_COLUMN_TIME},
    {"hết / until", "until_ms", BT_COLUMN_TIME},
    {"ghi chú / note", "note", BT_COLUMN_TEXT},
    {"chi tiết", "vi", BT_COLUMN_TEXT},
};

static const struct bt_column hook_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"địa chỉ / url", "url", BT_COLUMN_TEXT},
    {"khóa ký, chỉ hiện lần này / secret, shown this once", "secret", BT_COLUMN_TEXT},
};

static const struct bt_column message_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},           {"qua / by", "channel", BT_COLUMN_TEXT},
    {"đến / to", "address", BT_COLUMN_TEXT},     {"lúc / made", "made_ms", BT_COLUMN_TIME},
    {"gửi / state", "state", BT_COLUMN_STATE},   {"lần thử / tries", "attempts", BT_COLUMN_TEXT},
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
static const struct bt_option hook_options[] = {
    {"unit", "UNIT", "cảnh báo của đơn vị này và cấp dưới / alerts of this unit and below",
     .required = true}};

static const struct bt_rest list = {"GET", "/v1/alerts", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest history = {"GET", "/v1/alerts", BT_MEMBERS(all_members),
                                       BT_COLUMNS(columns)};
static const struct bt_rest acknowledge = {"POST", "/v1/alerts/{0}/acknowledge",
                                           BT_MEMBERS(note_members),
                                           .done = "Đã ghi, không nhắc lại nữa / noted"};
static const struct bt_rest messages = {"GET", "/v1/messages", BT_COLUMNS(message_columns)};
static const struct bt_rest hooks = {"GET", "/v1/webhooks", BT_MEMBERS(list_members),
                                     BT_COLUMNS(hook_columns)};
static const struct bt_rest add_hook = {"POST", "/v1/webhooks", BT_MEMBERS(hook_members),
                                        BT_COLUMNS(hook_columns)};
static const struct bt_rest remove_hook = {"DELETE", "/v1/webhooks/{0}", .done = "Đã bỏ / removed"};

#define ONLINE(request_) .online = true, .run = bt_rest_run, .request = &(request_)

static const struct bt_subcommand commands[] = {
    {"list", NULL, 0, 0, "Cảnh báo đang có. / What is wrong now.", BT_OPTIONS(list_options),
     ONLINE(list)},
    {"history", NULL, 0, 0, "Cả những cảnh báo đã hết. / What is over, too.",
     BT_OPTIONS(list_options), ONLINE(history)},
    {"ack", "ALERT [NOTE]", 1, 2,
     "Đã biết, đang xử lý: không nhắc lại nữa. / Somebody takes care of it: no more reminders.",
     ONLINE(acknowledge)},
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
