// bangtin schedule: when a playlist is shown, where, and how often; rules that proposals name.
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

static const struct bt_column rule_columns[] = {
    {"số / no.", "number", BT_COLUMN_TEXT},
    {"vùng / zone", "zone", BT_COLUMN_TEXT},
    {"danh sách / playlist", "playlist", BT_COLUMN_TEXT},
    {"bố cục / layout", "layout", BT_COLUMN_TEXT},
    {"giờ / times", "times", BT_COLUMN_TEXT},
    {"thứ / weekdays", "weekdays", BT_COLUMN_TEXT},
    {"từ ngày / first day", "first_day", BT_COLUMN_TEXT},
    {"đến ngày / last day", "last_day", BT_COLUMN_TEXT},
    {"từ / from", "from", BT_COLUMN_TEXT},
    {"đến / until", "until", BT_COLUMN_TEXT},
    {"lặp / repeat", "repeat.rrule", BT_COLUMN_TEXT},
    {"mức / priority", "priority", BT_COLUMN_TEXT},
    {"phần / weight", "weight", BT_COLUMN_TEXT},
    {"% vùng / share", "share_percent", BT_COLUMN_TEXT},
};

// A rule's members (docs/publication.md, Schedule) as options; weekdays are a list of their own.
static const struct bt_member rule_members[] = {
    {"zone", "zone", 0, BT_MEMBER_TEXT, NULL},
    {"playlist", "playlist", 0, BT_MEMBER_TEXT, NULL},
    {"layout", "layout", 0, BT_MEMBER_TEXT, NULL},
    {"priority", "priority", 0, BT_MEMBER_TEXT, NULL},
    {"weight", "weight", 0, BT_MEMBER_INT, NULL},
    {"share_percent", "share", 0, BT_MEMBER_INT, NULL},
    {"times", "times", 0, BT_MEMBER_TEXT, NULL},
    {"first_day", "first-day", 0, BT_MEMBER_TEXT, NULL},
    {"last_day", "last-day", 0, BT_MEMBER_TEXT, NULL},
    {"from", "from", 0, BT_MEMBER_TEXT, NULL},
    {"until", "until", 0, BT_MEMBER_TEXT, NULL},
    {"repeat.rrule", "repeat", 0, BT_MEMBER_TEXT, NULL},
    {"repeat.start", "repeat-start", 0, BT_MEMBER_TEXT, NULL},
    {"repeat.seconds", "repeat-seconds", 0, BT_MEMBER_INT, NULL},
};
static const char *const rule_keys[] = {
    "id",     "zone",          "playlist", "layout",    "priority",
    "weight", "share_percent", "times",    "first_day", "last_day",
    "from",   "until",         "weekdays", "repeat",    NULL};
static const struct bt_rest rule_rest = {
    .method = "PUT", .path = "", BT_MEMBERS(rule_members), .keeps = rule_keys};

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};
static const char *const priorities[] = {"normal", "priority", "emergency", NULL};
static const char *const clearable[] = {
    "priority", "weight", "share_percent", "times",  "first_day", "last_day",
    "from",     "until",  "weekdays",      "repeat", NULL};

static bool says_rule(const struct bt_arguments *arguments)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(rule_members); i++) {
        if (bt_argument_flag(arguments, rule_members[i].option)) {
            return true;
        }
    }
    return bt_argument_flag(arguments, "weekday");
}

// A rule of the options; of `present`, when it is not NULL, what they do not say stays.
static int make_rule(const struct bt_arguments *arguments, const cJSON *present, cJSON **out,
                     struct bt_error *err)
{
    BT_AUTOJSON *rule = NULL;
    int r = bt_rest_body(&rule_rest, arguments, present, &rule, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < bt_argument_count(arguments, "weekday"); i++) {
        if (i == 0) {
            cJSON_DeleteItemFromObjectCaseSensitive(rule, "weekdays");
            cJSON_AddArrayToObject(rule, "weekdays");
        }
        const char *day = bt_argument_at(arguments, "weekday", i);
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(rule, "weekdays"),
                             cJSON_CreateString(day));
    }
    *out = BT_TAKE(rule);
    return 0;
}

static int read_rules(const struct bt_arguments *arguments, cJSON **out, struct bt_error *err)
{
    static const struct bt_member members[] = {{"rules", "rules", 0, BT_MEMBER_FILE, NULL}};
    static const struct bt_rest rest = {.method = "PUT", .path = "", BT_MEMBERS(members)};
    BT_AUTOJSON *body = NULL;
    if (says_rule(arguments)) {
        return bt_fail(err, -EINVAL,
                       "--rules viết lại tất cả, không đi với tùy chọn của một quy tắc / writes "
                       "them all, and does not go with the options of one rule");
    }
    int r = bt_rest_body(&rest, arguments, NULL, &body, err);
    if (r == 0) {
        *out = cJSON_DetachItemFromObjectCaseSensitive(body, "rules");
    }
    return r;
}

static void show(const struct bt_client *client, const cJSON *schedule, const char *done)
{
    const struct bt_rest head = {"GET", "", BT_COLUMNS(columns), .done = done};
    BT_AUTOJSON *rules = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(schedule, "rules"), true);
    bt_rest_show(client, &head, schedule);
    int number = 0;
    cJSON *rule;
    cJSON_ArrayForEach(rule, rules)
    {
        cJSON_AddNumberToObject(rule, "number", ++number);
    }
    if (!bt_client_json(client)) {
        bt_table_print(rules, rule_columns, BT_ARRAY_LEN(rule_columns), stdout);
    }
}

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON *rules = NULL, *rule = NULL;
    int r = bt_argument_flag(arguments, "rules") ? read_rules(arguments, &rules, err)
                                                 : make_rule(arguments, NULL, &rule, err);
    if (r < 0) {
        return r;
    }
    if (rules == NULL) {
        rules = cJSON_CreateArray();
        cJSON_AddItemToArray(rules, rule);
    }
    cJSON_AddStringToObject(body, "name", bt_operand(arguments, 0));
    cJSON_AddStringToObject(body, "unit", bt_argument(arguments, "unit"));
    cJSON_AddItemToObject(body, "rules", rules);
    r = bt_client_open(arguments, &client, err);
    if (r == 0 && (r = bt_client_send(client, "POST", "/v1/schedules", body, &answer, err)) == 0) {
        show(client, answer.json, "Đã lập / made; bangtin propose … --schedule");
    }
    return r;
}

// The schedule of operand 0.
static int fetch(struct bt_client *client, const struct bt_arguments *arguments, char **out_path,
                 struct bt_answer *out, struct bt_error *err)
{
    BT_AUTOFREE char *part = bt_path_part(bt_operand(arguments, 0));
    *out_path = bt_strf("/v1/schedules/%s", part);
    return bt_client_get(client, *out_path, out, err);
}

static int run_show(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r == 0 && (r = fetch(client, arguments, &path, &answer, err)) == 0) {
        show(client, answer.json, NULL);
    }
    return r;
}

// Which of `count` rules is meant, from 0; with one rule there is no need to say.
static int which_rule(const struct bt_arguments *arguments, int count, struct bt_error *err)
{
    int64_t number = bt_argument_int(arguments, "rule", count == 1 ? 1 : 0);
    if (number < 1 || number > count) {
        return bt_fail(err, -EINVAL,
                       "quy tắc nào? / which rule? --rule 1..%d (bangtin schedule show %s)", count,
                       bt_operand(arguments, 0));
    }
    return (int)number - 1;
}

static int clear(const struct bt_arguments *arguments, cJSON *rule, struct bt_error *err)
{
    for (size_t i = 0; i < bt_argument_count(arguments, "clear"); i++) {
        const char *key = bt_argument_at(arguments, "clear", i);
        if (cJSON_GetObjectItemCaseSensitive(rule, key) == NULL) {
            return bt_fail(err, -ENOENT, "--clear %s: quy tắc không có / the rule has none", key);
        }
        cJSON_DeleteItemFromObjectCaseSensitive(rule, key);
    }
    return 0;
}

static int change_rule(const struct bt_arguments *arguments, cJSON *rules, struct bt_error *err)
{
    bool add = bt_argument_flag(arguments, "add");
    int at = add ? 0 : which_rule(arguments, cJSON_GetArraySize(rules), err);
    BT_AUTOJSON *rule = NULL;
    if (at < 0) {
        return at;
    }
    int r = make_rule(arguments, add ? NULL : cJSON_GetArrayItem(rules, at), &rule, err);
    r = r < 0 ? r : clear(arguments, rule, err);
    if (r == 0 && add) {
        cJSON_AddItemToArray(rules, BT_TAKE(rule));
    } else if (r == 0) {
        cJSON_ReplaceItemInArray(rules, at, BT_TAKE(rule));
    }
    return r;
}

static int put(struct bt_client *client, const char *path, const char *name, cJSON *rules,
               const char *etag, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", name);
    cJSON_AddItemToObject(body, "rules", rules);
    const struct bt_request request = {
        .method = "PUT", .path = path, .json = body, .if_match = etag};
    int r = bt_client_ask(client, &request, &answer, err);
    if (r == 0) {
        show(client, answer.json,
             "Đã sửa; nội dung đang chiếu đổi khi đề nghị lại / changed; what is on the screens "
             "follows with the next proposal");
    }
    return r;
}

static int run_change(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER present = {0};
    BT_AUTOFREE char *path = NULL;
    BT_AUTOJSON *rules = NULL;
    const char *name = bt_argument(arguments, "name");
    bool anew = bt_argument_flag(arguments, "rules");
    bool one = says_rule(arguments) || bt_argument_flag(arguments, "clear");
    if (!anew && !one && name == NULL) {
        return bt_fail(err, -EINVAL, "sửa gì? / change what? --name, --rules, --rule N --times …");
    }
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = fetch(client, arguments, &path, &present, err)) < 0) {
        return r;
    }
    rules = cJSON_DetachItemFromObjectCaseSensitive(present.json, "rules");
    if (anew) {
        cJSON_Delete(BT_TAKE(rules));
        r = read_rules(arguments, &rules, err);
    } else if (one) {
        r = change_rule(arguments, rules, err);
    }
    if (r < 0) {
        return r;
    }
    const char *known =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(present.json, "name"));
    return put(client, path, name != NULL ? name : known, BT_TAKE(rules), present.etag, err);
}

static int delete_all(struct bt_client *client, const char *path, const char *etag,
                      struct bt_error *err)
{
    static const struct bt_rest gone = {.method = "DELETE", .done = "Đã xóa / deleted"};
    BT_AUTOANSWER answer = {0};
    const struct bt_request request = {.method = "DELETE", .path = path, .if_match = etag};
    int r = bt_client_ask(client, &request, &answer, err);
    if (r == 0) {
        bt_rest_show(client, &gone, answer.json);
    }
    return r;
}

static int run_remove(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER present = {0};
    BT_AUTOFREE char *path = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = fetch(client, arguments, &path, &present, err)) < 0) {
        return r;
    }
    if (!bt_argument_flag(arguments, "rule")) {
        return delete_all(client, path, present.etag, err);
    }
    BT_AUTOJSON *rules = cJSON_DetachItemFromObjectCaseSensitive(present.json, "rules");
    int count = cJSON_GetArraySize(rules);
    int at = which_rule(arguments, count, err);
    if (at < 0) {
        return at;
    }
    if (count == 1) {
        return bt_fail(err, -EINVAL,
                       "quy tắc duy nhất; xóa cả lịch: / the only rule; remove all: "
                       "bangtin schedule remove %s",
                       bt_operand(arguments, 0));
    }
    cJSON_DeleteItemFromArray(rules, at);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(present.json, "name"));
    return put(client, path, name, BT_TAKE(rules), present.etag, err);
}

#define RULE_OPTIONS                                                                               \
    {"zone", "NAME", "ở vùng / in the zone"},                                                      \
        {"playlist", "PLAYLIST", "chiếu danh sách phát l-… / shows this playlist"},                \
        {"layout", "NAME", "hoặc: chọn bố cục / or: chooses the layout"},                          \
        {"times", "FROM-TO", "giờ trong ngày / times of day: 06:00-22:00; 22:00-02:00"},           \
        {"weekday", "DAY", "thứ / day of the week: mon … sun", .many = true, .words = weekdays},   \
        {"first-day", "DATE", "từ ngày / from this day on: 2026-12-01"},                           \
        {"last-day", "DATE", "hết ngày / to the end of this day"},                                 \
        {"from", "TIME", "từ lúc / from: 2026-12-01T06:00:00+07:00"},                              \
        {"until", "TIME", "đến trước lúc / until before"},                                         \
        {"repeat", "RRULE", "lặp lại / recurs: FREQ=MONTHLY;BYDAY=1SA (RFC 5545)"},                \
        {"repeat-start", "TIME", "lần đầu / the first time: 2026-12-05T19:00"},                    \
        {"repeat-seconds", "N", "mỗi lần bao lâu / how long each time", .min = 1, .max = 604800},  \
        {"priority", "WORD", "thông thường, ưu tiên, khẩn cấp / normal, priority, emergency",      \
         .words = priorities},                                                                     \
        {"weight", "N", "phần thời gian so với quy tắc khác / share of the time, 1..1000",         \
         .min = 1, .max = 1000},                                                                   \
        {"share", "PERCENT", "luôn có từng này % thời gian / always has so much of the time",      \
         .min = 1, .max = 100},                                                                    \
    {                                                                                              \
        "rules", "FILE", "mọi quy tắc theo tệp JSON / all rules, a list in JSON"             \
    }

static const struct bt_option new_options[] = {
    {"unit", "UNIT", "của đơn vị / its unit", .required = true}, RULE_OPTIONS};
static const struct bt_option change_options[] = {
    {"name", "TEXT", "tên mới / new name"},
    {"rule", "N", "quy tắc số mấy / which rule", .min = 1, .max = 1024},
    {"add", NULL, "thêm một quy tắc / adds a rule"},
    {"clear", "MEMBER", "bỏ điều kiện này / takes this away", .many = true, .words = clearable},
    RULE_OPTIONS,
};
static const struct bt_option remove_options[] = {
    {"rule", "N", "chỉ quy tắc này / this rule alone", .min = 1, .max = 1024}};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};
static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_rest list = {"GET", "/v1/schedules", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};

static const struct bt_subcommand commands[] = {
    {"new", "NAME", 1, 1,
     "Lập lịch phát với một quy tắc; thêm nữa bằng change --add, hoặc tất cả bằng --rules.\n"
     "Makes a schedule of one rule; more with change --add, or all of them with --rules.",
     BT_OPTIONS(new_options), .online = true, .run = run_new},
    {"list", NULL, 0, 0, "Các lịch phát. / The schedules.", BT_OPTIONS(list_options),
     .online = true, .run = bt_rest_run, .request = &list},
    {"show", "SCHEDULE", 1, 1, "Một lịch và các quy tắc. / One of them with its rules.",
     .online = true, .run = run_show},
    {"change", "SCHEDULE", 1, 1,
     "Sửa một quy tắc (--rule N), thêm (--add), viết lại (--rules). Điều không nói thì giữ "
     "nguyên.\n"
     "Changes a rule (--rule N), adds one (--add), writes them anew (--rules). The rest stays.",
     BT_OPTIONS(change_options), .online = true, .run = run_change},
    {"remove", "SCHEDULE", 1, 1, "Xóa lịch, hoặc một quy tắc. / Deletes it, or one rule.",
     BT_OPTIONS(remove_options), .online = true, .run = run_remove},
};

const struct bt_command_group bt_schedule_commands = {
    .name = "schedule",
    .summary = "Lịch phát: chiếu lúc nào, ở vùng nào / when and where playlists are shown",
    .about = "Lịch có hiệu lực khi được đề nghị cùng danh sách phát và ký: bangtin propose … "
             "--schedule r-…\nA schedule takes effect when it is proposed with its playlist and "
             "signed.",
    .example = "  bangtin schedule new \"Giờ hành chính\" --unit 31333 --zone chinh --playlist "
               "l-7K3QZ5MX2A\\\n"
               "    --times 07:00-17:00 --weekday mon --weekday tue\n"
               "  bangtin propose quang-truong --unit 31333 --playlist l-7K3QZ5MX2A --schedule "
               "r-4QX2M9ABCD\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
