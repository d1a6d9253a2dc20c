/**
 * The report document (docs/reports.md): made once, in one snapshot of the database, and read again
 * for everything that is drawn from it.
 *
 * It is JSON, written so that it can be read a row at a time: the first line ends with "rows":[,
 * each row is a line, and the last line has all the rest. Nothing else in it has a line break.
 */
#ifndef BT_SERVER_REPORTS_DOCUMENT_H
#define BT_SERVER_REPORTS_DOCUMENT_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "server/db/db.h"
#include "server/reports/params.h"
#include "server/reports/supplement.h"

#define BT_REPORT_MAX_BYTES (24 * 1024 * 1024)

struct bt_report_order {
    const struct bt_report_params *params;
    const char *id;    // "" of one that is not kept
    const char *user;  // who asks
    int64_t now_ms;
};

struct bt_report_made {
    struct bt_buf text;
    int64_t rows, complete;
    struct bt_remembered days;
};
void bt_report_made_finish(struct bt_report_made *made);
#define BT_AUTOMADE BT_AUTOFINISH(bt_report_made_finish) struct bt_report_made

/**
 * Inside a reading transaction. *out is for bt_report_made_finish in either case. Errors: -E2BIG
 * too many rows or bytes, -ENOENT no such unit.
 */
int bt_report_make(struct bt_db *db, const struct bt_report_order *order,
                   struct bt_report_made *out, struct bt_error *err) BT_NODISCARD;

// Reading. `text` is borrowed and must outlive the reader.
struct bt_report_reader {
    cJSON *head;       // everything but the rows, which are empty in it
    const char *next;  // of the rows
    const char *end;
};
int bt_report_reader_init(struct bt_report_reader *reader, const char *text, size_t len,
                          struct bt_error *err) BT_NODISCARD;
void bt_report_reader_finish(struct bt_report_reader *reader);
#define BT_AUTOREADER BT_AUTOFINISH(bt_report_reader_finish) struct bt_report_reader

// 1 and a row, for cJSON_Delete; 0 at the end; or an error.
int bt_report_reader_next(struct bt_report_reader *reader, cJSON **out,
                          struct bt_error *err) BT_NODISCARD;
void bt_report_reader_rewind(struct bt_report_reader *reader, const char *text);

#endif
