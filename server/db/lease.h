/**
 * Leases: of several servers on one database one does a piece of work at a time. A row with a
 * holder and an end; whoever holds it lengthens it, and when it has ended anybody may take it.
 */
#ifndef BT_SERVER_DB_LEASE_H
#define BT_SERVER_DB_LEASE_H

#include "server/db/db.h"

#define BT_LEASE_HOLDER_BYTES 33

// A name of one's own: that of this data directory on this machine, which one server has at a time.
// After a crash the lease is still ours. Machines that were given one name differ in their ids.
void bt_lease_holder(const char *data_dir, char out[BT_LEASE_HOLDER_BYTES]);

// What that name is made of.
struct bt_lease_place {
    const char *machine, *host;  // machine-id(5), "" where there is none
    uint64_t device, inode;      // of the directory
};
void bt_lease_holder_of(const struct bt_lease_place *place, char out[BT_LEASE_HOLDER_BYTES]);

// 1: it is ours until now + for_ms; 0: another one's.
int bt_lease_take(struct bt_db *db, const char *name, const char *holder, int64_t now_ms,
                  int64_t for_ms, struct bt_error *err) BT_NODISCARD;

// Hands it back at once; for ends in order.
void bt_lease_leave(struct bt_db *db, const char *name, const char *holder);

#endif
