/**
 * The backup of each night: `bangtin-server backup`, run beside the server by the housekeeper when
 * none was made since two o'clock of Viet Nam, so that a night without the server is made up for.
 * One that fails is tried again an hour later; an old one raises the alert there always was.
 */
#ifndef BT_SERVER_BACKUP_NIGHTLY_H
#define BT_SERVER_BACKUP_NIGHTLY_H

#include <stdint.h>

#include "base/error.h"
#include "server/media/s3.h"
#include "server/server.h"

struct bt_nightly_options {
    const char *to;        // where backups are kept; NULL: none is made
    const char *database;  // as the server's
    int64_t keep;
    struct bt_s3_options store;  // likewise; its url is NULL: there is none
};

struct bt_nightly;
struct bt_nightly *bt_nightly_create(const struct bt_nightly_options *options) BT_NODISCARD;
void bt_nightly_destroy(struct bt_nightly *nightly);  // one that is running is broken off
BT_DEFINE_AUTO(bt_nightly)

// The newest two o'clock that is over: a backup from before it is due again.
int64_t bt_nightly_due_ms(int64_t now_ms);

// Where the time of the last one is noted: DATA/notes/last-backup where several servers share that
// folder (--shared), else DATA/last-backup. To be freed.
char *bt_backup_note_path(const char *data_dir) BT_NODISCARD;

// The housekeeper's chore. Of several servers one makes it.
int bt_nightly_run(struct bt_server *server, struct bt_error *err);

#endif
