// bangtin report: how often what was shown, as tables and as files for offices.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/rest.h"
#include "plays/number.h"

#define FILE_MAX_BYTES (64 * INT64_C(1024) * 1024)

static const char *const formats[] = {"xlsx", "csv", "json", NULL};
static const char *const separators[] = {";", ",", NULL};
static const char *const presets[] = {"month",          "half-year-1",   "half-year-2", "year",
                                      "calendar-month", "calendar-year", NULL};
static const char *const units_words[] = {"then", "now", NULL};
static const char *const level_words[] = {"own", "below", NULL};

static const struct bt_option options[] = {
    {"unit", "UNIT", "đơn vị / unit (đơn vị của bạn / yours)"},
    {"preset", "NAME", "kỳ theo ngày chốt của tỉnh / a period by the province's closing days",
     .words = presets},
    {"period", "WHEN", "kỳ nào, 2026-10 hoặc 2026 / which one (kỳ sắp đến hạn / the one due)"},
    {"from", "DATE", "từ ngày / first day, 2026-10-01"},
    {"to", "DATE", "đến hết ngày / last day"},
    {"by", "LIST",
     "tách theo / divided by: campaign,item,unit,screen,day,month,hour,priority,reason,evidence"},
    {"campaign", "ID", "chỉ chiến dịch này / this campaign alone"},
    {"item", "ID", "chỉ nội dung này: mã, mã m-… hoặc SHA-256 / this content alone"},
    {"screen", "ID", "chỉ màn hình này / this screen alone"},
    {"group", "ID", "chỉ nhóm này / this group alone"},
    {"units", "WORD", "đơn vị đã sáp nhập: then như lúc đó, now như hiện nay / merged units",
     .words = units_words},
    {"level", "WORD", "own từng đơn vị, below gộp theo cấp ngay dưới / summed up right below",
     .words = level_words},
    {"title", "TEXT", "tên báo cáo / title"},
    {"output", "FILE", "lưu báo cáo và ghi ra tệp / keeps the report and writes a file"},
    {"format", "WORD", "xlsx, csv, json (theo đuôi tệp / by the file's ending)", .words = formats},
    {"separator", "CHAR", "của csv / of csv: ; hoặc / or , (;)", .words = separators},
};

static const struct bt_column list_columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"tên / title", "title", BT_COLUMN_TEXT},
    {"từ / from", "from_day", BT_COLUMN_TEXT},
    {"đến / to", "until_day", BT_COLUMN_TEXT},
    {"trọn vẹn / complete", "complete", BT_COLUMN_TEXT},
    {"lập lúc / made", "created_ms", BT_COLUMN_TIME},
};

static const struct bt_column preset_columns[] = {
    {"mẫu / preset", "preset", BT_COLUMN_TEXT}, {"kỳ / period", "period", BT_COLUMN_TEXT},
    {"từ / from", "from_day", BT_COLUMN_TEXT},  {"đến / to", "until_day", BT_COLUMN_TEXT},
    {"tên / title", "title", BT_COLUMN_TEXT},
};

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(member(object, key));
    return text != NULL ? text : "";
}

// The unit where the caller makes reports: the one that was said, or the first of their roles.
static int find_unit(struct bt_client *client, const struct bt_arguments *arguments, char **out,
                     struct bt_error *err)
{
    BT_AUTOANSWER me = {0};
    if (bt_argument(arguments, "unit") != NULL) {
        *out = bt_strdup(bt_argument(arguments, "unit"));
        return 0;
    }
    int r = bt_client_get(client, "/v1/me", &me, err);
    const cJSON *grants = r == 0 ? member(me.json, "grants") : NULL;
    for (const cJSON *grant = grants != NULL ? grants->child : NULL; grant != NULL;
         grant = grant->next) {
        const char *role = text_of(grant, "role");
        if (strcmp(role, "reporter") == 0 || strcmp(role, "administrator") == 0) {
            *out = bt_strdup(text_of(grant, "unit"));
            return 0;
        }
    }
    return r < 0 ? r : bt_fail(err, -EINVAL, "thiếu / missing: --unit UNIT");
}

static void add_by(cJSON *body, const char *list)
{
    cJSON *by = cJSON_AddArrayToObject(body, "by");
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");
        BT_AUTOFREE char *word = bt_strndup(list, len);
        cJSON_AddItemToArray(by, cJSON_CreateString(word));
        list += len + (list[len] == ',' ? 1 : 0);
    }
}

static int make_body(struct bt_client *client, const struct bt_arguments *arguments, cJSON **out,
                     struct bt_error *err)
{
    static const char *const texts[] = {"preset", "period", "from",  "to",    "campaign", "item",
                                        "screen", "group",  "units", "level", "title"};
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOFREE char *unit = NULL;
    if (bt_argument(arguments, "preset") == NULL && bt_argument(arguments, "from") == NULL) {
        return bt_fail(err, -EINVAL, "thiếu / missing: --preset, hoặc / or --from --to");
    }
    int r = find_unit(client, arguments, &unit, err);
    if (r < 0) {
        return r;
    }
    cJSON_AddStringToObject(body, "unit", unit);
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        if (bt_argument(arguments, texts[i]) != NULL) {
            cJSON_AddStringToObject(body, texts[i], bt_argument(arguments, texts[i]));
        }
    }
    add_by(body, bt_argument(arguments, "by"));
    cJSON_AddBoolToObject(body, "keep", bt_argument(arguments, "output") != NULL);
    *out = BT_TAKE(body);
    return 0;
}

// What a file's name asks for.
static const char *format_of(const struct bt_arguments *arguments, const char *file)
{
    const char *format = bt_argument(arguments, "format");
    return format != NULL               ? format
           : bt_str_ends(file, ".csv")  ? "csv"
           : bt_str_ends(file, ".json") ? "json"
                                        : "xlsx";
}

static int fetch(struct bt_client *client, const struct bt_arguments *arguments, const char *report,
                 const char *file, struct bt_error *err)
{
    const char *separator = bt_argument(arguments, "separator");
    BT_AUTOFREE char *id = bt_path_part(report);
    BT_AUTOFREE char *path =
        bt_strf("/v1/reports/%s?format=%s&separator=%s", id, format_of(arguments, file),
                separator != NULL && separator[0] == ',' ? "%2C" : "%3B");
    int r = bt_client_fetch_file(client, path, file, FILE_MAX_BYTES, bt_progress_bar,
                                 (void *)(uintptr_t)file, err);
    bt_progress_end();
    if (r == 0 && bt_client_json(client)) {
        BT_AUTOJSON *made = cJSON_CreateObject();
        cJSON_AddStringToObject(made, "id", report);
        cJSON_AddStringToObject(made, "file", file);
        BT_AUTOFREE char *text = cJSON_PrintUnformatted(made);
        puts(text);
    } else if (r == 0) {
        printf("%s: %s\n", report, file);
    }
    return r;
}

static bool is_duration(const cJSON *column)
{
    return strcmp(text_of(column, "kind"), "duration_ms") == 0;
}

// A cell for people: counts with dots, "12:03:59" of hours, minutes and seconds.
static cJSON *show_cell(const cJSON *column, const cJSON *cell)
{
    char number[BT_NUMBER_BYTES];
    if (!cJSON_IsNumber(cell)) {
        return cJSON_IsString(cell) ? cJSON_CreateString(cell->valuestring)
                                    : cJSON_CreateString("");
    }
    int64_t value = (int64_t)cell->valuedouble, seconds = (value + 500) / 1000;
    bt_number_vi(number, is_duration(column) ? seconds / 3600 : value, 0);
    BT_AUTOFREE char *text =
        is_duration(column)
            ? bt_strf("%s:%02d:%02d", number, (int)(seconds / 60 % 60), (int)(seconds % 60))
            : bt_strdup(number);
    return cJSON_CreateString(text);
}

// A row as an object; its keys are the columns' numbers.
static cJSON *show_row(const cJSON *columns, const cJSON *row)
{
    cJSON *object = cJSON_CreateObject();
    const cJSON *cell = row->child;
    for (const cJSON *column = columns->child; column != NULL && cell != NULL;
         column = column->next, cell = cell->next) {
        cJSON_AddItemToObject(object, text_of(column, "name"), show_cell(column, cell));
    }
    return object;
}

static bool is_shown(const cJSON *column, const cJSON *sum)
{
    const char *name = text_of(column, "name");
    bool is_key = bt_str_ends(name, "_id") || bt_str_ends(name, "_code");
    return !is_key && !cJSON_IsNull(sum);
}

static void show_table(const cJSON *document)
{
    struct bt_column shown[32];
    char titles[32][128];
    size_t count = 0;
    const cJSON *columns = member(document, "columns"), *sum = member(document, "total")->child;
    BT_AUTOJSON *rows = cJSON_CreateArray();
    for (const cJSON *column = columns->child; column != NULL && sum != NULL && count < 32;
         column = column->next, sum = sum->next) {
        if (is_shown(column, sum)) {
            BT_AUTOFREE char *title =
                bt_strf("%s%s / %s", text_of(column, "vi"),
                        is_duration(column) ? " (giờ:phút:giây)" : "", text_of(column, "en"));
            bt_copy_cut(titles[count], sizeof(titles[count]), title);
            shown[count] =
                (struct bt_column){titles[count], text_of(column, "name"), BT_COLUMN_TEXT};
            count++;
        }
    }
    for (const cJSON *row = member(document, "rows")->child; row != NULL; row = row->next) {
        cJSON_AddItemToArray(rows, show_row(columns, row));
    }
    if (count > 0 && cJSON_GetArraySize(member(document, "by")) > 0) {
        cJSON *total = show_row(columns, member(document, "total"));
        cJSON_ReplaceItemInObjectCaseSensitive(total, shown[0].key,
                                               cJSON_CreateString("TỔNG CỘNG / TOTAL"));
        cJSON_AddItemToArray(rows, total);
    }
    bt_table_print(rows, shown, count, stdout);
}

static long long number_in(const cJSON *object, const char *key)
{
    const cJSON *value = member(object, key);
    return cJSON_IsNumber(value) ? (long long)value->valuedouble : 0;
}

static void show_facts(const cJSON *document)
{
    const cJSON *facts = member(document, "completeness");
    const cJSON *silent = member(facts, "silent");
    printf("\n%s\n", text_of(document, "sentence"));
    printf(
        "Báo về đủ / reported in full: %lld/%lld; một phần / in part: %lld; chưa báo về / not at "
        "all: %lld; lượt mất / plays lost: %lld\n",
        number_in(facts, "full"), number_in(facts, "screens"), number_in(facts, "part"),
        number_in(facts, "none"), number_in(facts, "lost_plays"));
    static const struct bt_column columns[] = {
        {"chưa báo về đủ / not in full", "name", BT_COLUMN_TEXT},
        {"đơn vị / unit", "unit_name", BT_COLUMN_TEXT},
        {"đã biết đến / known until", "known_ms", BT_COLUMN_TIME},
    };
    if (silent != NULL && silent->child != NULL) {
        bt_table_print(silent, columns, BT_ARRAY_LEN(columns), stdout);
    }
}

static const char *reason_word(const char *reason)
{
    static const struct {
        const char *reason, *shown;
    } words[] = {
        {"removed", "bị gỡ / removed"},
        {"preempted", "bị chen ngang / preempted"},
        {"power lost", "mất điện / power lost"},
        {"display", "mất màn hình / display gone"},
        {"error", "lỗi / error"},
        {"stopped", "máy phát dừng / player stopped"},
        {"cut short", "phát dở dang / cut short"},
        {"not reported", "chưa báo về / not reported"},
        {"taken down", "đang có lệnh gỡ / taken down"},
        {"emergency in force", "đang phát khẩn cấp / emergency in force"},
        {"lost", "mất lượt, đã khai báo / lost, declared"},
        {"not shown", "không phát / not shown"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(words); i++) {
        if (strcmp(words[i].reason, reason) == 0) {
            return words[i].shown;
        }
    }
    return reason;
}

// What was asked for and did not come complete, and why.
static void show_shortfall(const cJSON *document)
{
    static const struct bt_column columns[] = {
        {"vì sao thiếu so với lịch / why short of the schedule", "reason", BT_COLUMN_TEXT},
        {"lượt / plays", "plays", BT_COLUMN_TEXT},
    };
    const cJSON *list = member(member(document, "shortfall"), "reasons"), *reason;
    BT_AUTOJSON *rows = cJSON_CreateArray();
    cJSON_ArrayForEach(reason, list)
    {
        char number[BT_NUMBER_BYTES];
        cJSON *row = cJSON_CreateObject();
        bt_number_vi(number, number_in(reason, "plays"), 0);
        cJSON_AddStringToObject(row, "reason", reason_word(text_of(reason, "reason")));
        cJSON_AddStringToObject(row, "plays", number);
        cJSON_AddItemToArray(rows, row);
    }
    if (rows->child != NULL) {
        putchar('\n');
        bt_table_print(rows, columns, BT_ARRAY_LEN(columns), stdout);
    }
}

static int run_make(struct bt_client *client, const struct bt_arguments *arguments,
                    struct bt_error *err)
{
    BT_AUTOJSON *body = NULL;
    BT_AUTOANSWER answer = {0};
    const char *file = bt_argument(arguments, "output");
    int r = make_body(client, arguments, &body, err);
    r = r < 0 ? r : bt_client_send(client, "POST", "/v1/reports", body, &answer, err);
    if (r < 0) {
        return r;
    }
    if (file != NULL) {
        return fetch(client, arguments, text_of(answer.json, "id"), file, err);
    }
    if (bt_client_json(client) || !cJSON_IsArray(member(answer.json, "rows")) ||
        !cJSON_IsArray(member(answer.json, "total"))) {
        puts(bt_buf_text(&answer.body));
        return 0;
    }
    printf("%s\n", text_of(answer.json, "title"));
    show_table(answer.json);
    show_shortfall(answer.json);
    show_facts(answer.json);
    return 0;
}

static int run_get(struct bt_client *client, const struct bt_arguments *arguments,
                   struct bt_error *err)
{
    const char *report = bt_operand(arguments, 1), *file = bt_argument(arguments, "output");
    if (report == NULL || file == NULL) {
        return bt_fail(err, -EINVAL, "bangtin report get ID --output FILE");
    }
    return fetch(client, arguments, report, file, err);
}

static int run_lists(struct bt_client *client, const struct bt_arguments *arguments,
                     const char *path, const struct bt_rest *rest, struct bt_error *err)
{
    BT_AUTOJSON *items = NULL;
    BT_AUTOFREE char *unit = bt_argument(arguments, "unit") != NULL
                                 ? bt_path_part(bt_argument(arguments, "unit"))
                                 : NULL;
    BT_AUTOFREE char *asked = unit != NULL ? bt_strf("%s?unit=%s", path, unit) : bt_strdup(path);
    int r = bt_rest_list(client, asked, &items, err);
    if (r == 0) {
        bt_rest_show(client, rest, items);
    }
    return r;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const struct bt_rest list = {BT_COLUMNS(list_columns)};
    static const struct bt_rest preset_list = {BT_COLUMNS(preset_columns)};
    const char *word = bt_operand(arguments, 0);
    BT_AUTO(bt_client) client = NULL;
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    if (word == NULL) {
        return run_make(client, arguments, err);
    }
    if (strcmp(word, "list") == 0) {
        return run_lists(client, arguments, "/v1/reports", &list, err);
    }
    if (strcmp(word, "presets") == 0) {
        return run_lists(client, arguments, "/v1/report-presets", &preset_list, err);
    }
    return strcmp(word, "get") == 0 ? run_get(client, arguments, err)
                                    : bt_fail(err, -EINVAL, "'%s': list, presets, get ID", word);
}

static const struct bt_subcommand commands[] = {
    {NULL, "[list | presets | get ID]", 0, 2,
     "Không có tệp: in bảng ra màn hình, không lưu. Có --output: lưu báo cáo, xuất lại lần nào "
     "cũng "
     "giống từng byte.\n"
     "Without a file: a table, not kept. With --output the report is kept; getting it again gives "
     "the same bytes.",
     BT_OPTIONS(options), .online = true, .run = run},
};

const struct bt_command_group bt_report_commands = {
    .name = "report",
    .summary = "Báo cáo lượt phát: bảng, XLSX, CSV / reports of what was shown",
    .example =
        "  bangtin report presets                                       kỳ nào sắp đến hạn / what "
        "is due\n"
        "  bangtin report --preset month --by unit                      xem thử / a look\n"
        "  bangtin report --preset half-year-1 --by campaign,item --output bao-cao.xlsx\n"
        "  bangtin report --from 2026-10-01 --to 2026-10-31 --by screen,day --unit 31333\n"
        "  bangtin report --from 2026-10-10 --to 2026-10-10 --by hour --campaign c-7K3QZ5MX2A\n"
        "  bangtin report --preset month --by unit --format csv --separator , --output thang.csv\n"
        "  bangtin report list                                          đã lập / those made\n"
        "  bangtin report get b-7K3QZ5MX2A --output lai.xlsx            xuất lại / the same "
        "again\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
