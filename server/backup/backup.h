/**
 * A backup of one server, while it runs or not:
 *
 *     PLACE/blobs/ab/HASH                   shared by all backups in this place
 *     PLACE/20261121T170000.123Z/           one of them
 *         bangtin.db                        one state of the database, whatever engine has it
 *         keys/…, tls/…                     the server's own keys
 *         blobs.txt                         the blobs it needs
 *         manifest.json                     the SHA-256 of all of these, written last
 *
 * It is made in PLACE/unfinished and gets its name when everything is on the disk. One that was
 * broken off is begun again with the blobs that are there.
 */
#ifndef BT_SERVER_BACKUP_BACKUP_H
#define BT_SERVER_BACKUP_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/backup/generations.h"
#include "server/media/s3.h"

// What is being done, and how much of it; total 0: not known.
typedef void (*bt_backup_progress_fn)(const char *what, int64_t done, int64_t total);

struct bt_backup_request {
    const char *data, *database, *to;
    size_t keep;                 // generations, this one counted
    struct bt_s3_options store;  // that has the blobs; url NULL: they are in the data directory
    bt_backup_progress_fn progress;
};

struct bt_backup_result {
    char name[BT_GENERATION_BYTES];
    int64_t blobs, blob_bytes, database_bytes;
    int64_t damaged;  // blobs that are not what their names say: they are left out
    char first_damaged[BT_SHA256_HEX_BYTES];
    bool same_disk;  // as the data: it dies with it
};

int bt_backup_make(const struct bt_backup_request *request, struct bt_backup_result *out,
                   struct bt_error *err) BT_NODISCARD;

#endif
