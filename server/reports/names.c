#include "server/reports/names.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/publications/target.h"

// Documents that are read for the titles of what has no file of its own.
#define MAX_DOCUMENTS 200
#define TITLE_BYTES 121

// Rows (key, name): the first name of a key counts.
static int take_names(struct bt_db_rows *rows, struct bt_report_table *table, size_t dimension)
{
    while (bt_db_next(rows)) {
        struct bt_report_label *label =
            bt_report_label_find(table, dimension, bt_db_get_text(rows, 0));
        if (label != NULL) {
            bt_report_label_name(label, bt_db_get_text(rows, 1));
        }
    }
    return 0;
}

// A title as a document's item has it: "title", or how its text begins.
static void name_item(const cJSON *item, const char *publication, struct bt_report_table *table,
                      size_t dimension)
{
    char key[256], name[TITLE_BYTES];
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));
    const char *title = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "title"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
    if (id == NULL || bt_format(key, sizeof(key), "%s/%s", publication, id) < 0) {
        return;
    }
    struct bt_report_label *label = bt_report_label_find(table, dimension, key);
    if (label == NULL) {
        return;
    }
    bt_copy_cut(name, sizeof(name), title != NULL ? title : text != NULL ? text : id);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
    bt_report_label_name(label, name);
}

static void name_items(const char *document, const char *publication, struct bt_report_table *table,
                       size_t dimension)
{
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse(document, strlen(document), &json, NULL) < 0) {
        return;
    }
    const cJSON *playlist = cJSON_GetObjectItemCaseSensitive(json, "playlists");
    for (playlist = playlist != NULL ? playlist->child : NULL; playlist != NULL;
         playlist = playlist->next) {
        const cJSON *items = cJSON_GetObjectItemCaseSensitive(playlist, "items");
        for (const cJSON *item = items != NULL ? items->child : NULL; item != NULL;
             item = item->next) {
            name_item(item, publication, table, dimension);
        }
    }
}

// Does a label without a name begin with this document's id?
static bool is_wanted(const struct bt_report_table *table, size_t dimension, const char *id)
{
    size_t len = strlen(id);
    for (size_t i = 0; i < bt_report_label_count(table, dimension); i++) {
        const struct bt_report_label *label = bt_report_label_at(table, dimension, i);
        if (label->name == NULL && strncmp(label->key, id, len) == 0 && label->key[len] == '/') {
            return true;
        }
    }
    return false;
}

static bool has_nameless(const struct bt_report_table *table, size_t dimension)
{
    for (size_t i = 0; i < bt_report_label_count(table, dimension); i++) {
        if (bt_report_label_at(table, dimension, i)->name == NULL) {
            return true;
        }
    }
    return false;
}

static int name_from_document(struct bt_db *db, const char *row, const char *publication,
                              struct bt_report_table *table, size_t dimension, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT document FROM publication WHERE id = $1", BT_TEXT(row));
    if (r == 0 && bt_db_next(rows)) {
        name_items(bt_db_get_text(rows, 0), publication, table, dimension);
    }
    return r;
}

static int name_from_documents(struct bt_db *db, struct bt_report_table *table, size_t dimension,
                               struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_target target;
    int r = !has_nameless(table, dimension)
                ? 0
                : bt_db_ask(db, &rows, err,
                            "SELECT id, target FROM publication WHERE published_ms IS NOT NULL"
                            " ORDER BY version DESC, id LIMIT 50000");
    for (int read = 0; rows != NULL && r == 0 && read < MAX_DOCUMENTS && bt_db_next(rows);) {
        if (bt_target_read(bt_db_get_text(rows, 1), &target, NULL) < 0 ||
            !is_wanted(table, dimension, target.id)) {
            continue;
        }
        read++;
        r = name_from_document(db, bt_db_get_text(rows, 0), target.id, table, dimension, err);
    }
    return r;
}

static const char *const name_sql[BT_DIMENSIONS] = {
    [BT_BY_CAMPAIGN] = "SELECT id, name FROM arrangement WHERE kind = 'campaign' LIMIT 100000",
    [BT_BY_ITEM] = "SELECT asset, title FROM media WHERE asset IN (SELECT asset FROM play_subject)"
                   " ORDER BY id LIMIT 100000",
    [BT_BY_UNIT] = "SELECT code, name FROM unit UNION ALL SELECT a.code, a.name FROM unit_alias a"
                   " WHERE NOT EXISTS (SELECT 1 FROM unit u WHERE u.code = a.code) LIMIT 100000",
    [BT_BY_SCREEN] = "SELECT id, name FROM screen LIMIT 100000",
};

// Plays that belong to no campaign have a row, too.
static void name_nothing(struct bt_report_table *table, size_t dimension)
{
    struct bt_report_label *label = bt_report_label_find(table, dimension, "");
    if (label != NULL) {
        bt_report_label_name(label, "(không thuộc chiến dịch)");
    }
}

int bt_report_name(struct bt_db *db, const struct bt_report_params *params,
                   struct bt_report_table *table, struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; i < params->by_count && r == 0; i++) {
        BT_AUTO(bt_db_rows) rows = NULL;
        const char *sql = name_sql[params->by[i]];
        r = sql == NULL ? 0 : bt_db_ask_values(db, sql, NULL, 0, &rows, err);
        r = r < 0 || sql == NULL ? r : take_names(rows, table, i);
        if (params->by[i] == BT_BY_CAMPAIGN) {
            name_nothing(table, i);
        }
        if (r == 0 && params->by[i] == BT_BY_ITEM) {
            r = name_from_documents(db, table, i, err);
        }
    }
    return r;
}

static int goal_of(struct bt_db *db, const char *campaign, int64_t *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOJSON *body = NULL;
    int r =
        bt_db_ask(db, &rows, err, "SELECT body FROM arrangement WHERE id = $1", BT_TEXT(campaign));
    *out = 0;
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    const char *text = bt_db_get_text(rows, 0);
    if (bt_json_parse(text, strlen(text), &body, NULL) < 0 ||
        bt_json_whole(cJSON_GetObjectItemCaseSensitive(body, "goal_plays"), 1, INT64_C(1) << 53,
                      out) < 0) {
        *out = 0;
    }
    return 0;
}

static void fall_short(struct bt_report_row *row)
{
    bool goal = row->known[BT_MEASURE_GOAL];
    if (!goal && !row->known[BT_MEASURE_SCHEDULED]) {
        return;
    }
    int64_t wanted = row->measures[goal ? BT_MEASURE_GOAL : BT_MEASURE_SCHEDULED];
    row->known[BT_MEASURE_SHORTFALL] = true;
    row->measures[BT_MEASURE_SHORTFALL] =
        BT_MAX(wanted - row->measures[BT_MEASURE_COMPLETE], (int64_t)0);
}

int bt_report_goals(struct bt_db *db, const struct bt_report_params *params,
                    struct bt_report_table *table, struct bt_error *err)
{
    bool whole = params->by_count == 1 && params->by[0] == BT_BY_CAMPAIGN;
    for (size_t i = 0; i < bt_report_table_count(table); i++) {
        struct bt_report_row *row = bt_report_table_at(table, i);
        int64_t goal = 0;
        int r = whole ? goal_of(db, row->labels[0]->key, &goal, err) : 0;
        if (r < 0) {
            return r;
        }
        row->known[BT_MEASURE_GOAL] = goal > 0;
        row->measures[BT_MEASURE_GOAL] = goal;
        fall_short(row);
    }
    return 0;
}
