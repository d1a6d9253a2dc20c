#include "sync/stick_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"

#define CHUNK_BYTES 65536

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

int bt_stick_files_read(int folder, const char *path, struct bt_buf *out, struct bt_error *err)
{
    char chunk[CHUNK_BYTES];
    int64_t size;
    BT_AUTOCLOSE int fd = -1;
    int r = bt_stick_files_find(folder, path, (int64_t)out->limit, &fd, &size, err);
    while (r == 0) {
        ssize_t got = read(fd, chunk, sizeof(chunk));
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return bt_fail_errno(err, "Cannot read '%.200s' of the stick", path);
        }
        if (got > 0 && bt_buf_append(out, chunk, (size_t)got) < 0) {
            r = bt_fail(err, -EMSGSIZE, "'%.200s' of the stick is too long", path);
        }
    }
    return r;
}
