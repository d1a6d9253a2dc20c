/**
 * All rows of one database into another, whatever engines the two have: how a server moves, and how
 * PostgreSQL is backed up (into SQLite) and restored.
 *
 * The source is read in one transaction and never changed. The target has to be empty, as the
 * migrations leave it; from then on it is marked as half of a copy, and no server opens it. Each
 * page of rows is a transaction of its own, in the order of the table's key, so a copy that was
 * killed goes on behind the last row that is there. In the end both are read again and compared:
 * for each table the number of rows and the sum of the SHA-256 of each.
 */
#ifndef BT_SERVER_DB_COPY_H
#define BT_SERVER_DB_COPY_H

#include "server/db/db.h"

struct bt_copy_request {
    struct bt_db *from, *to;  // one of them is SQLite; outside transactions
    // Of all rows, copied and then compared; NULL allowed.
    void (*progress)(void *context, int64_t done, int64_t total);
    // In the target's last transaction, which takes the mark away; NULL allowed.
    int (*finish)(void *context, struct bt_db *to, struct bt_error *err);
    void *context;
};

struct bt_copy_result {
    int64_t tables, rows;
};

/**
 * Errors: -EEXIST there is something else in the target, -ESTALE it is half of a copy of another
 * source, -EBADMSG the two are not alike in the end, or the databases'.
 */
int bt_db_copy(const struct bt_copy_request *request, struct bt_copy_result *out,
               struct bt_error *err) BT_NODISCARD;

#endif
