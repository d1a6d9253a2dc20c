/**
 * A server's database moves to another engine: everything, compared in the end (server/db/copy.h).
 * No server may run on either.
 */
#ifndef BT_SERVER_BACKUP_CONVERT_H
#define BT_SERVER_BACKUP_CONVERT_H

#include "server/backup/backup.h"
#include "server/db/copy.h"

int bt_convert_run(const char *from, const char *to, bt_backup_progress_fn progress,
                   struct bt_copy_result *out, struct bt_error *err) BT_NODISCARD;

#endif
