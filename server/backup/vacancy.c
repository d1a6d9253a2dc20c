#include "server/backup/vacancy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static int lock(const char *dir, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/lock", dir);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    if (bt_file_lock(fd, BT_LOCK_PATIENCE_NS) < 0) {
        close(fd);
        return bt_fail(err, -EBUSY, "'%s' is in use: stop the server (or the other command) first",
                       dir);
    }
    return fd;
}

int bt_vacancy_take(const char *dir, struct bt_error *err)
{
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    return chmod(dir, 0700) < 0 ? bt_fail_errno(err, "Cannot protect '%s'", dir) : lock(dir, err);
}

int bt_vacancy_take_database(const char *where, int *out_fd, struct bt_error *err)
{
    *out_fd = -1;
    if (!bt_str_starts(where, "sqlite:")) {
        return 0;
    }
    const char *path = where + strlen("sqlite:");
    const char *slash = strrchr(path, '/');
    BT_AUTOFREE char *dir =
        slash == NULL ? bt_strdup(".") : bt_strndup(path, (size_t)(slash - path) + (slash == path));
    int fd = lock(dir, err);
    if (fd < 0) {
        return fd;
    }
    *out_fd = fd;
    return 0;
}
