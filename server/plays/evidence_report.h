/**
 * A kept report, as the evidence hands it over: its document, and what was drawn from it.
 */
#ifndef BT_SERVER_PLAYS_EVIDENCE_REPORT_H
#define BT_SERVER_PLAYS_EVIDENCE_REPORT_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/db/db.h"
#include "server/server.h"

#define BT_EVIDENCE_MAX_REPORT (24 << 20)

struct bt_evidence_report_facts {
    int64_t from_day, until_day;  // since 1970-01-01
    char unit[32];
};

// -ENOENT: there is no such report.
int bt_evidence_report_facts(struct bt_db *db, const char *id, struct bt_evidence_report_facts *out,
                             struct bt_error *err) BT_NODISCARD;

// Appends the document's exact text; `files` gets the SHA-256 of each file drawn from it.
int bt_evidence_report(struct bt_server *server, struct bt_db *db, const char *id,
                       struct bt_buf *out, cJSON *files, struct bt_error *err) BT_NODISCARD;

#endif
