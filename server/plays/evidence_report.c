#include "server/plays/evidence_report.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/reports/csv.h"
#include "server/reports/document.h"
#include "server/reports/query.h"
#include "server/reports/xlsx.h"

static int ask(struct bt_db *db, const char *id, struct bt_db_rows **out, struct bt_error *err)
{
    int r = bt_db_ask(db, out, err,
                      "SELECT from_day, until_day, unit, document FROM report WHERE id = $1",
                      BT_TEXT(id));
    if (r == 0 && !bt_db_next(*out)) {
        return bt_fail(err, -ENOENT, "There is no report '%s'", id);
    }
    return r;
}

int bt_evidence_report_facts(struct bt_db *db, const char *id, struct bt_evidence_report_facts *out,
                             struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask(db, id, &rows, err);
    if (r == 0) {
        *out =
            (struct bt_evidence_report_facts){bt_db_get_int(rows, 0), bt_db_get_int(rows, 1), ""};
        bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(rows, 2));
    }
    return r;
}

static void add_hash(cJSON *files, const char *name, const char *bytes, size_t len)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(bytes, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    cJSON_AddStringToObject(files, name, hex);
}

static int add_csv(cJSON *files, const char *name, char separator, const char *document, size_t len,
                   struct bt_error *err)
{
    BT_AUTOBUF csv;
    bt_buf_init(&csv, (size_t)4 * BT_REPORT_MAX_BYTES);
    int r = bt_report_csv(document, len, separator, &csv, err);
    if (r == 0) {
        add_hash(files, name, csv.data, csv.len);
    }
    return r;
}

// Everything that is drawn from the document, drawn again: the same bytes, always.
static int add_files(cJSON *files, const char *document, size_t len, struct bt_error *err)
{
    BT_AUTOBUF xlsx;
    bt_buf_init(&xlsx, BT_XLSX_MAX_BYTES);
    int r = bt_report_xlsx(document, len, &xlsx, err);
    if (r < 0) {
        return r;
    }
    add_hash(files, "xlsx", xlsx.data, xlsx.len);
    add_hash(files, "json", document, len);
    r = add_csv(files, "csv;", ';', document, len, err);
    return r < 0 ? r : add_csv(files, "csv,", ',', document, len, err);
}

static bool says(const cJSON *head, const char *key, const char *word)
{
    const cJSON *filter = cJSON_GetObjectItemCaseSensitive(head, "filter");
    return bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(filter, key)), word);
}

static int add_places(struct bt_db *db, const char *path, const char *unit, const cJSON *head,
                      cJSON *places, struct bt_error *err)
{
    BT_AUTOQUERY query;
    BT_AUTO(bt_db_rows) rows = NULL;
    struct bt_report_params params = {
        .units = says(head, "units", "now") ? BT_UNITS_NOW : BT_UNITS_THEN,
        .level = says(head, "level", "below") ? BT_LEVEL_BELOW : BT_LEVEL_OWN};
    bt_copy_cut(params.unit, sizeof(params.unit), unit);
    bt_report_query_begin(&query, &params, path);
    bt_report_query_add(&query, "SELECT code, unit FROM place ORDER BY code LIMIT 50000");
    int r = bt_report_query_ask(&query, db, &rows, err);
    while (r == 0 && bt_db_next(rows)) {
        cJSON_AddStringToObject(places, bt_db_get_text(rows, 0), bt_db_get_text(rows, 1));
    }
    return r;
}

int bt_evidence_report(struct bt_db *db, const char *id, const char *path, struct bt_buf *out,
                       cJSON *line, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    BT_AUTOREADER reader = {.head = NULL};
    int r = ask(db, id, &rows, err);
    if (r < 0) {
        return r;
    }
    const char *document = bt_db_get_text(rows, 3);
    size_t len = strlen(document);
    r = bt_report_reader_init(&reader, document, len, err);
    r = r < 0 ? r : add_files(cJSON_AddObjectToObject(line, "files"), document, len, err);
    r = r < 0 ? r
              : add_places(db, path, bt_db_get_text(rows, 2), reader.head,
                           cJSON_AddObjectToObject(line, "places"), err);
    return r < 0 ? r
           : bt_buf_append(out, document, len) < 0
               ? bt_fail(err, -EMSGSIZE, "The report is too long for the evidence")
               : 0;
}
