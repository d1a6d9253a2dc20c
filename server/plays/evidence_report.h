/**
 * A kept report, as the evidence hands it over: its document, and what was drawn from it.
 */
#ifndef BT_SERVER_PLAYS_EVIDENCE_REPORT_H
#define BT_SERVER_PLAYS_EVIDENCE_REPORT_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/db/db.h"

#define BT_EVIDENCE_MAX_REPORT (24 << 20)

struct bt_evidence_report_facts {
    int64_t from_day, until_day;  // since 1970-01-01
    char unit[32];
};

// -ENOENT: there is no such report.
int bt_evidence_report_facts(struct bt_db *db, const char *id, struct bt_evidence_report_facts *out,
                             struct bt_error *err) BT_NODISCARD;

/**
 * Appends the document's exact text. `line` gets "files", the SHA-256 of each file drawn from it by
 * its ending, and "places", under which unit a code's plays are reported. `path` of the unit.
 */
int bt_evidence_report(struct bt_db *db, const char *id, const char *path, struct bt_buf *out,
                       cJSON *line, struct bt_error *err) BT_NODISCARD;

#endif
