#include "server/media/quarantine.h"

#include <dirent.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

static const struct bt_log logger = {"server/quarantine"};

// 1: somebody still goes on with it, or the inspector will look into it. A row is there before its
// file is.
static int is_wanted(struct bt_db *db, const char *name, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT 1 FROM upload WHERE id = $1 AND state IN ('receiving', 'inspecting')",
                      BT_TEXT(name));
    return r < 0 ? r : bt_db_next(rows);
}

static int sweep(DIR *dir, struct bt_db *db, struct bt_error *err)
{
    const struct dirent *entry;
    int r = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (r >= 0 && (entry = readdir(dir)) != NULL) {
        r = entry->d_name[0] == '.' ? 1 : is_wanted(db, entry->d_name, err);
        if (r == 0 && unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            bt_log_info(&logger, "Removed '%s', whose upload has ended", entry->d_name);
        }
    }
    return r < 0 ? r : 0;
}

int bt_quarantine_sweep(const char *data_dir, struct bt_db *db, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/quarantine", data_dir);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return bt_fail_errno(err, "Cannot list '%s'", path);
    }
    int r = sweep(dir, db, err);
    closedir(dir);
    return r;
}
