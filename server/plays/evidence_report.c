#include "server/plays/evidence_report.h"

#include <errno.h>

int bt_evidence_report_facts(struct bt_db *db, const char *id, struct bt_evidence_report_facts *out,
                             struct bt_error *err)
{
    (void)db;
    (void)out;
    return bt_fail(err, -ENOENT, "There is no report '%s'", id);
}

int bt_evidence_report(struct bt_server *server, struct bt_db *db, const char *id,
                       struct bt_buf *out, cJSON *files, struct bt_error *err)
{
    (void)server;
    (void)db;
    (void)out;
    (void)files;
    return bt_fail(err, -ENOENT, "There is no report '%s'", id);
}
