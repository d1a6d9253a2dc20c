/**
 * A backup (server/backup/backup.h) becomes a server again, in an empty data directory. Until it is
 * whole a file there, "restoring", keeps servers out; a restore that was broken off goes on.
 *
 * What players have seen since the backup does not go away. In the restored database the metadata
 * the server signs leap to versions far ahead, sessions are ended, and the audit log says what
 * happened; order numbers are set right by each player when it comes (docs/protocol.md), and so are
 * the counts of plays.
 */
#ifndef BT_SERVER_BACKUP_RESTORE_H
#define BT_SERVER_BACKUP_RESTORE_H

#include "server/backup/backup.h"

#define BT_RESTORING "restoring"

struct bt_restore_request {
    const char *from, *data;
    const char *database;        // where it shall be; empty
    const char *generation;      // NULL: the newest
    struct bt_s3_options store;  // that shall have the blobs; url NULL: the data directory
    bt_backup_progress_fn progress;
};

struct bt_restore_result {
    char name[BT_GENERATION_BYTES];
    int64_t made_ms, blobs, blob_bytes;
};

/**
 * Errors: -ENOENT no backup there, -ENOTEMPTY there is something in the data directory, -EEXIST in
 * the database, -EBADMSG the backup is damaged.
 */
int bt_restore_run(const struct bt_restore_request *request, struct bt_restore_result *out,
                   struct bt_error *err) BT_NODISCARD;

#endif
