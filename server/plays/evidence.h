/**
 * The evidence: all that is needed to count plays again without this server, in one file
 * (docs/evidence.md, plays/evidence_file.h).
 */
#ifndef BT_SERVER_PLAYS_EVIDENCE_H
#define BT_SERVER_PLAYS_EVIDENCE_H

#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"
#include "server/server.h"

// Half a year of a large province; longer spans are asked for in parts.
#define BT_EVIDENCE_MAX_BYTES (4LL << 30)
#define BT_EVIDENCE_MAX_DAYS 400

struct bt_evidence_wish {
    int64_t from_day, until_day;  // since 1970-01-01, the last one included
    const char *unit;             // and everything below it
    const char *report;           // id of the kept report to be checked; NULL: none
};

/**
 * Writes the file at `path`, which must not be there. In a reading transaction of `db` that the
 * caller has begun, so that all of it is of one moment. Errors: -ENOENT no such unit or report,
 * -EFBIG it would be too large.
 */
int bt_evidence_write(struct bt_server *server, struct bt_db *db,
                      const struct bt_evidence_wish *wish, const char *path,
                      struct bt_error *err) BT_NODISCARD;

#endif
