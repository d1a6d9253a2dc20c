#include "update/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"

// The directories of `path` one after the other; *out_name is what is left.
static int open_parent(const char *directory, const char *path, const char **out_name)
{
    char part[64];
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char *slash;
    while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
        size_t len = (size_t)(slash - path);
        if (len >= sizeof(part)) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, path, len);
        part[len] = '\0';
        int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int failed = errno;
        close(fd);
        errno = failed;
        fd = next;
        path = slash + 1;
    }
    *out_name = path;
    return fd;
}

static int refuse(struct bt_error *err, const char *path)
{
    return bt_fail(err, -EACCES, "'%.128s' is not an ordinary file", path);
}

int bt_hostile_open(const char *directory, const char *path, struct bt_error *err)
{
    const char *name;
    struct stat info;
    BT_AUTOCLOSE int parent = open_parent(directory, path, &name);
    // A fifo would hold us up.
    int fd = parent < 0 ? -1 : openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        bool link = errno == ELOOP || errno == ENOTDIR;
        return link ? refuse(err, path) : bt_fail_errno(err, "Cannot open '%.128s'", path);
    }
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return refuse(err, path);
    }
    return fd;
}

int bt_hostile_read(const char *directory, const char *path, struct bt_buf *out,
                    struct bt_error *err)
{
    char piece[4096];
    BT_AUTOCLOSE int fd = bt_hostile_open(directory, path, err);
    if (fd < 0) {
        return fd;
    }
    for (;;) {
        ssize_t count = read(fd, piece, sizeof(piece));
        if (count == 0) {
            return 0;
        }
        if (count < 0) {
            return bt_fail_errno(err, "Cannot read '%.128s'", path);
        }
        if (bt_buf_append(out, piece, (size_t)count) < 0) {
            return bt_fail(err, -EMSGSIZE, "'%.128s' is too long", path);
        }
    }
}
