/**
 * The quarantine: a directory of uploads that nobody has looked into yet. Each is a file by the
 * name of its row in the database.
 */
#ifndef BT_SERVER_MEDIA_QUARANTINE_H
#define BT_SERVER_MEDIA_QUARANTINE_H

#include "base/error.h"
#include "server/db/db.h"

// Removes files whose upload has ended, or is not known: what a power cut between the database and
// the disk left.
int bt_quarantine_sweep(const char *data_dir, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

#endif
