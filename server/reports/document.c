#include "server/reports/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/tally.h"
#include "server/reports/columns.h"
#include "server/reports/facts.h"
#include "server/reports/incidents.h"
#include "server/reports/names.h"
#include "server/reports/period.h"
#include "server/reports/query.h"
#include "server/reports/sentence.h"
#include "server/reports/table.h"
#include "server/settings/settings.h"

#define PATH_BYTES 256
#define NAME_BYTES 201

// What goes into the document, gathered in one snapshot.
struct making {
    struct bt_db *db;
    const struct bt_report_order *order;
    const struct bt_report_params *params;
    char path[PATH_BYTES], unit_name[NAME_BYTES], user_name[NAME_BYTES];
    char organisation[BT_SETTING_VALUE_BYTES], time_zone[BT_SETTING_VALUE_BYTES];
    char root_sha256[65];
    struct bt_report_table *table;
    struct bt_scope scope;
    cJSON *completeness, *coverage, *timeliness, *supplement, *watermarks, *reasons, *shortfall,
        *incidents;
};

static void finish_making(struct making *making)
{
    bt_report_table_destroy(making->table);
    bt_scope_finish(&making->scope);
    cJSON_Delete(making->completeness);
    cJSON_Delete(making->coverage);
    cJSON_Delete(making->timeliness);
    cJSON_Delete(making->supplement);
    cJSON_Delete(making->watermarks);
    cJSON_Delete(making->reasons);
    cJSON_Delete(making->shortfall);
    cJSON_Delete(making->incidents);
}

void bt_report_made_finish(struct bt_report_made *made)
{
    bt_buf_finish(&made->text);
    bt_remembered_finish(&made->days);
}

static int find_unit(struct making *making, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(making->db, &rows, err,
                  "SELECT u.path, u.name, COALESCE((SELECT name FROM user_account WHERE id = $2),"
                  " ''), COALESCE((SELECT sha256 FROM tuf_metadata WHERE role = 'root'"
                  " ORDER BY version DESC LIMIT 1), '') FROM unit u WHERE u.code = $1",
                  BT_TEXT(making->params->unit), BT_TEXT(making->order->user));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "Không có đơn vị này / there is no such unit");
    }
    bt_copy_cut(making->path, sizeof(making->path), bt_db_get_text(rows, 0));
    bt_copy_cut(making->unit_name, sizeof(making->unit_name), bt_db_get_text(rows, 1));
    bt_copy_cut(making->user_name, sizeof(making->user_name), bt_db_get_text(rows, 2));
    bt_copy_cut(making->root_sha256, sizeof(making->root_sha256), bt_db_get_text(rows, 3));
    r = bt_setting_text(making->db, "report_organisation", making->params->unit,
                        making->organisation, err);
    return r < 0 ? r
                 : bt_setting_text(making->db, "time_zone", making->params->unit, making->time_zone,
                                   err);
}

static int gather_rows(struct making *making, struct bt_error *err)
{
    making->table = bt_report_table_create(making->params);
    int r = bt_report_fill(making->db, making->params, making->path, making->table, err);
    r = r < 0 ? r : bt_report_name(making->db, making->params, making->table, err);
    r = r < 0 ? r : bt_report_goals(making->db, making->params, making->table, err);
    if (r == 0) {
        bt_report_table_sort(making->table);
    }
    return r;
}

static int gather(struct making *making, struct bt_remembered *days, struct bt_error *err)
{
    const struct bt_report_params *params = making->params;
    struct bt_db *db = making->db;
    int r = find_unit(making, err);
    r = r < 0 ? r : gather_rows(making, err);
    r = r < 0 ? r
              : bt_scope_load(db, params, making->path, making->order->now_ms, &making->scope, err);
    r = r < 0 ? r
              : bt_report_completeness(db, params, making->path, &making->scope,
                                       &making->completeness, err);
    r = r < 0 ? r : bt_report_timeliness(db, params, &making->scope, &making->timeliness, err);
    r = r < 0 ? r
              : bt_report_reasons(db, params, making->path, &making->scope, &making->reasons, err);
    r = r < 0 ? r
              : bt_report_shortfall(db, params, making->path, &making->scope, &making->shortfall,
                                    err);
    r = r < 0 ? r
              : bt_report_incidents(db, params, making->path, &making->scope, &making->incidents,
                                    err);
    r = r < 0 ? r : bt_report_watermarks(db, &making->scope, &making->watermarks, err);
    r = r < 0 ? r
              : bt_supplement_make(db, params, making->path, &making->scope, &making->supplement,
                                   days, err);
    if (r == 0) {
        making->coverage = bt_report_coverage(&making->scope);
    }
    return r;
}

// Appends ,"key":"text".
static int add_text(struct bt_buf *out, const char *key, const char *text)
{
    int r = bt_buf_appendf(out, ",\"%s\":", key);
    return r < 0 ? r : bt_json_append_string(out, text);
}

static int add_column(struct bt_buf *out, const struct bt_report_column *column, bool first)
{
    int r = bt_buf_appendf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\"", first ? "" : ",",
                           column->name, column->kind);
    r = r < 0 ? r : add_text(out, "vi", column->vi);
    r = r < 0 ? r : add_text(out, "en", column->en);
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

static int add_columns(struct bt_buf *out, const struct bt_report_params *params)
{
    int r = bt_buf_appendf(out, ",\"columns\":[");
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        r = add_column(out, &bt_dimension_columns[params->by[i]], i == 0);
        if (r == 0 && bt_key_columns[params->by[i]].name != NULL) {
            r = add_column(out, &bt_key_columns[params->by[i]], false);
        }
    }
    for (int i = 0; i < BT_MEASURE_COUNT && r == 0; i++) {
        r = add_column(out, &bt_measure_columns[i], i == 0 && params->by_count == 0);
    }
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

static int add_by(struct bt_buf *out, const struct bt_report_params *params)
{
    int r = bt_buf_appendf(out, ",\"by\":[");
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        r = bt_buf_appendf(out, "%s\"%s\"", i == 0 ? "" : ",", bt_dimension_words[params->by[i]]);
    }
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

static int add_filter(struct bt_buf *out, const struct bt_report_params *params)
{
    const struct {
        const char *key, *value;
    } filters[] = {
        {"campaign", params->campaign},
        {"item", params->item},
        {"screen", params->screen},
        {"group", params->group},
        {"units", params->units == BT_UNITS_NOW ? "now" : ""},
        {"level", params->level == BT_LEVEL_BELOW ? "below" : ""},
    };
    bool first = true;
    int r = bt_buf_appendf(out, ",\"filter\":{");
    for (size_t i = 0; i < BT_ARRAY_LEN(filters) && r == 0; i++) {
        if (filters[i].value[0] != '\0') {
            r = bt_buf_appendf(out, "%s\"%s\":", first ? "" : ",", filters[i].key);
            r = r < 0 ? r : bt_json_append_string(out, filters[i].value);
            first = false;
        }
    }
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

static int add_head(struct bt_buf *out, const struct making *making)
{
    const struct bt_report_params *params = making->params;
    char from[BT_DAY_BYTES], until[BT_DAY_BYTES];
    bt_day_iso(params->from_day, from);
    bt_day_iso(params->until_day, until);
    const char *organisation =
        making->organisation[0] != '\0' ? making->organisation : making->unit_name;
    const struct {
        const char *key, *text;
    } texts[] = {
        {"title", params->title},
        {"preset", params->preset},
        {"period", params->period},
        {"from_day", from},
        {"until_day", until},
        {"time_zone", making->time_zone},
        {"unit", params->unit},
        {"unit_name", making->unit_name},
        {"organisation", organisation},
        {"created_by", making->order->user},
        {"created_by_name", making->user_name},
        {"root_sha256", making->root_sha256},
    };
    int r = bt_buf_appendf(out, "{\"format\":1,\"definitions\":%d,\"created_ms\":%lld",
                           BT_TALLY_DEFINITIONS, (long long)making->order->now_ms);
    r = r < 0 ? r : add_text(out, "id", making->order->id);
    for (size_t i = 0; i < BT_ARRAY_LEN(texts) && r == 0; i++) {
        r = add_text(out, texts[i].key, texts[i].text);
    }
    r = r < 0 ? r : add_by(out, params);
    r = r < 0 ? r : add_filter(out, params);
    return r < 0 ? r : add_columns(out, params);
}

static int add_measures(struct bt_buf *out, const struct bt_report_row *row, bool first)
{
    int r = 0;
    for (int i = 0; i < BT_MEASURE_COUNT && r == 0; i++) {
        const char *comma = first && i == 0 ? "" : ",";
        r = row->known[i] ? bt_buf_appendf(out, "%s%lld", comma, (long long)row->measures[i])
                          : bt_buf_appendf(out, "%snull", comma);
    }
    return r;
}

static int add_row(struct bt_buf *out, const struct bt_report_params *params,
                   const struct bt_report_row *row, bool last)
{
    int r = bt_buf_append(out, "[", 1);
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        const struct bt_report_label *label = row->labels[i];
        r = i == 0 ? 0 : bt_buf_append(out, ",", 1);
        r = r < 0 ? r : bt_json_append_string(out, label->name != NULL ? label->name : label->key);
        if (r == 0 && bt_key_columns[params->by[i]].name != NULL) {
            r = bt_buf_append(out, ",", 1);
            r = r < 0 ? r : bt_json_append_string(out, label->key);
        }
    }
    r = r < 0 ? r : add_measures(out, row, params->by_count == 0);
    return r < 0 ? r : bt_buf_appendf(out, "]%s\n", last ? "" : ",");
}

static int add_rows(struct bt_buf *out, const struct making *making)
{
    size_t count = bt_report_table_count(making->table);
    int r = bt_buf_appendf(out, ",\"rows\":[\n");
    for (size_t i = 0; i < count && r == 0; i++) {
        r = add_row(out, making->params, bt_report_table_at(making->table, i), i + 1 == count);
    }
    return r;
}

// Screens are not added up: one that is in two rows is one.
static struct bt_report_row sum_rows(const struct making *making, int64_t screens)
{
    struct bt_report_row total = {.measures = {0}};
    for (size_t i = 0; i < bt_report_table_count(making->table); i++) {
        const struct bt_report_row *row = bt_report_table_at(making->table, i);
        for (int k = 0; k < BT_MEASURE_COUNT; k++) {
            total.measures[k] += row->known[k] ? row->measures[k] : 0;
            total.known[k] |= row->known[k];
        }
    }
    for (int k = BT_MEASURE_COMPLETE; k <= BT_MEASURE_SCREENS; k++) {
        total.known[k] = true;
    }
    total.measures[BT_MEASURE_SCREENS] = screens;
    return total;
}

static int64_t screens_with_counts(const struct bt_scope *scope)
{
    BT_AUTOFREE bool *seen = BT_NEW_ARRAY(bool, scope->count + 1);
    int64_t count = 0;
    for (size_t i = 0; i < scope->day_count; i++) {
        int64_t at = bt_scope_find(scope, scope->days[i].screen);
        if (at >= 0 && !seen[at]) {
            seen[at] = true;
            count++;
        }
    }
    return count;
}

static int add_total(struct bt_buf *out, const struct making *making,
                     const struct bt_report_row *total)
{
    const struct bt_report_params *params = making->params;
    int r = bt_buf_appendf(out, "],\"total\":[");
    bool first = true;
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        bool keyed = bt_key_columns[params->by[i]].name != NULL;
        r = bt_buf_appendf(out, "%s\"\"%s", first ? "" : ",", keyed ? ",\"\"" : "");
        first = false;
    }
    r = r < 0 ? r : add_measures(out, total, first);
    return r < 0 ? r : bt_buf_append(out, "]", 1);
}

static int add_part(struct bt_buf *out, const char *key, const cJSON *part)
{
    char *text = cJSON_PrintUnformatted(part);
    int r = text == NULL ? -ENOMEM : bt_buf_appendf(out, ",\"%s\":%s", key, text);
    cJSON_free(text);
    return r;
}

static int64_t number_in(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(value) ? (int64_t)value->valuedouble : 0;
}

static int add_sentence(struct bt_buf *out, const struct making *making)
{
    BT_AUTOBUF sentence;
    bt_buf_init(&sentence, 1024);
    int r = bt_report_sentence(making->params, &making->scope,
                               number_in(making->coverage, "screens_shown"),
                               number_in(making->coverage, "units_shown"), &sentence);
    return r < 0 ? r : add_text(out, "sentence", bt_buf_text(&sentence));
}

static int write(struct bt_buf *out, struct making *making, struct bt_report_made *made)
{
    struct bt_report_row total = sum_rows(making, screens_with_counts(&making->scope));
    // Counts by the hour are not kept for ever; what is only known by the day is said.
    cJSON_AddNumberToObject(making->completeness, "without_hour",
                            (double)(making->scope.complete - total.measures[BT_MEASURE_COMPLETE]));
    const struct {
        const char *key;
        const cJSON *part;
    } parts[] = {
        {"completeness", making->completeness}, {"coverage", making->coverage},
        {"timeliness", making->timeliness},     {"reasons", making->reasons},
        {"shortfall", making->shortfall},       {"supplement", making->supplement},
        {"incidents", making->incidents},       {"watermarks", making->watermarks},
    };
    int r = add_head(out, making);
    r = r < 0 ? r : add_rows(out, making);
    r = r < 0 ? r : add_total(out, making, &total);
    for (size_t i = 0; i < BT_ARRAY_LEN(parts) && r == 0; i++) {
        r = add_part(out, parts[i].key, parts[i].part);
    }
    r = r < 0 ? r : add_sentence(out, making);
    made->rows = (int64_t)bt_report_table_count(making->table);
    made->complete = making->scope.complete;
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

int bt_report_make(struct bt_db *db, const struct bt_report_order *order,
                   struct bt_report_made *out, struct bt_error *err)
{
    BT_AUTOFINISH(finish_making)
    struct making making = {.db = db, .order = order, .params = order->params};
    *out = (struct bt_report_made){.rows = 0};
    bt_buf_init(&out->text, BT_REPORT_MAX_BYTES);
    int r = gather(&making, &out->days, err);
    if (r < 0) {
        return r;
    }
    r = write(&out->text, &making, out);
    return r < 0 ? bt_fail(err, -E2BIG, "Báo cáo quá dài / the report is too long") : 0;
}
