#include "sync/stick_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"

// glibc has no openat2.
static int open_below(int folder, const char *path, uint64_t flags)
{
    const struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                            RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

int bt_stick_files_open(const char *path, int *out_fd, struct bt_error *err)
{
    BT_AUTOCLOSE int stick = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (stick < 0) {
        return bt_fail_errno(err, "Cannot open the stick '%s'", path);
    }
    int folder = open_below(stick, BT_STICK_FOLDER, O_RDONLY | O_DIRECTORY);
    if (folder < 0) {
        return bt_fail_errno(err, "'%s/" BT_STICK_FOLDER "'", path);
    }
    *out_fd = folder;
    return 0;
}

int bt_stick_files_find(int folder, const char *path, int64_t max_bytes, int *out_fd,
                        int64_t *out_size, struct bt_error *err)
{
    struct stat info;
    // Not waiting: what looks like a file may be a pipe.
    BT_AUTOCLOSE int fd = open_below(folder, path, O_RDONLY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) < 0) {
        int r = errno == EXDEV ? -ELOOP : -errno;
        return bt_fail(err, r, "Cannot open '%.200s' of the stick", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return bt_fail(err, -EINVAL, "'%.200s' of the stick is no plain file", path);
    }
    if (info.st_size > max_bytes) {
        return bt_fail(err, -EMSGSIZE,
                       "'%.200s' of the stick has %lld bytes, at most %lld are taken", path,
                       (long long)info.st_size, (long long)max_bytes);
    }
    *out_fd = fd;
    *out_size = info.st_size;
    fd = -1;
    return 0;
}

int bt_stick_files_open_folder(int folder, const char *path, int *out_fd, struct bt_error *err)
{
    int fd = open_below(folder, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
        return bt_fail(err, errno == EXDEV ? -ELOOP : -errno, "Cannot open '%.200s' of the stick",
                       path);
    }
    *out_fd = fd;
    return 0;
}
