#include "sync/stick_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/compiler.h"

// A name of the path, one that stays below: its length; 0 for any other.
static size_t name_length(const char *path)
{
    size_t length = strcspn(path, "/");
    bool upwards = length == 2 && memcmp(path, "..", 2) == 0;
    bool here = length == 1 && path[0] == '.';
    return length <= NAME_MAX && !upwards && !here ? length : 0;
}

// The number of the mount that it is in.
static int mount_of(int fd, uint64_t *out_mount)
{
    struct statx info;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) < 0) {
        return -1;
    }
    *out_mount = info.stx_mnt_id;
    return 0;
}

// One name, of this mount, and no link: -1 and errno ELOOP for those. Not waiting: what looks
// like a file may be a pipe.
static int open_name(int folder, uint64_t mount, const char *name, int flags)
{
    struct stat info;
    uint64_t its_mount;
    BT_AUTOCLOSE int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        // A link that was to be a folder is only said not to be one.
        bool link = errno == ENOTDIR && fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                    S_ISLNK(info.st_mode);
        errno = link ? ELOOP : errno;
        return -1;
    }
    if (mount_of(fd, &its_mount) < 0) {
        return -1;
    }
    if (its_mount != mount) {
        errno = ELOOP;
        return -1;
    }
    int opened = fd;
    fd = -1;
    return opened;
}

// Name by name. openat2(2) would do it at once, but the player's unit lets nobody call it:
// RestrictSUIDSGID= cannot look into its arguments (systemd.exec(5)).
static int open_below(int folder, const char *path, int flags)
{
    uint64_t mount;
    char name[NAME_MAX + 1];
    BT_AUTOCLOSE int kept = -1;
    int at = folder;
    if (mount_of(folder, &mount) < 0) {
        return -1;
    }
    while (true) {
        size_t length = name_length(path);
        if (length == 0) {
            errno = ELOOP;
            return -1;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        bool last = path[length] == '\0';
        int next = open_name(at, mount, name, last ? flags : O_RDONLY | O_DIRECTORY);
        if (next < 0 || last) {
            return next;
        }
        if (kept >= 0) {
            (void)close(kept);
        }
        kept = at = next;
        path += length + 1;
    }
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
    BT_AUTOCLOSE int fd = open_below(folder, path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) < 0) {
        return bt_fail(err, -errno, "Cannot open '%.200s' of the stick", path);
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
        return bt_fail(err, -errno, "Cannot open '%.200s' of the stick", path);
    }
    *out_fd = fd;
    return 0;
}
