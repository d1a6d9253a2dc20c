/**
 * Blobs move from a folder to a store, or back, beside a server or not: each is copied, then read
 * from where it is now and compared with its hash. Broken off, it is begun again and finds what is
 * there.
 */
#ifndef BT_SERVER_BACKUP_MOVE_H
#define BT_SERVER_BACKUP_MOVE_H

#include <stdbool.h>

#include "server/backup/backup.h"

struct bt_move_request {
    const char *from, *to;       // the folder's path, the store's address
    struct bt_s3_options store;  // how to speak with it
    bool remove;                 // from where they were, once they are there
    bt_backup_progress_fn progress;
};

struct bt_move_result {
    int64_t blobs, bytes, damaged;
    char first_damaged[BT_SHA256_HEX_BYTES];
};

int bt_move_run(const struct bt_move_request *request, struct bt_move_result *out,
                struct bt_error *err) BT_NODISCARD;

#endif
