#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK_BYTES 65536
#define LOCK_LOOK_NS (20 * BT_NS_PER_MS)

int bt_file_read(const char *path, struct bt_buf *buf, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? bt_fail_errno(err, "Cannot open '%s'", path)
                  : bt_file_read_open(fd, path, buf, err);
}

int bt_file_read_open(int fd, const char *name, struct bt_buf *buf, struct bt_error *err)
{
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK_BYTES);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read '%s'", name);
        }
        int r = bt_buf_append(buf, chunk, (size_t)got);
        if (r < 0) {
            return bt_fail(err, r, "'%s' is longer than %zu bytes", name, buf->limit);
        }
    }
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return -errno;
        }
        bytes += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    // The root directory keeps its slash; a bare name lies in the current directory.
    BT_AUTOFREE char *directory = slash == NULL
                                      ? bt_strdup(".")
                                      : bt_strndup(path, BT_MAX((size_t)(slash - path), (size_t)1));
    BT_AUTOCLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

// Creates "path.tmpXXXXXX" beside the destination; *out_name is for the caller to free.
static int open_aside(const char *path, mode_t mode, char **out_name, struct bt_error *err)
{
    BT_AUTOFREE char *name = bt_strf("%s.tmpXXXXXX", path);
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot create a file beside '%s'", path);
    }
    fchmod(fd, mode);
    *out_name = BT_TAKE(name);
    return fd;
}

static int finish_aside(int fd, const char *aside, const char *path, struct bt_error *err)
{
    int r = 0;
    if (fsync(fd) < 0 || rename(aside, path) < 0) {
        r = bt_fail_errno(err, "Cannot finish '%s'", path);
        unlink(aside);
        return r;
    }
    r = sync_directory_of(path);
    return r < 0 ? bt_fail(err, r, "Cannot sync the directory of '%s'", path) : 0;
}

static int replace(const char *path, mode_t mode, const void *bytes, size_t len,
                   struct bt_error *err)
{
    BT_AUTOFREE char *aside = NULL;
    BT_AUTOCLOSE int fd = open_aside(path, mode, &aside, err);
    if (fd < 0) {
        return fd;
    }
    int r = write_all(fd, bytes, len);
    if (r < 0) {
        unlink(aside);
        errno = -r;
        return bt_fail_errno(err, "Cannot write '%s'", path);
    }
    return finish_aside(fd, aside, path, err);
}

int bt_file_replace(const char *path, const void *bytes, size_t len, struct bt_error *err)
{
    return replace(path, 0644, bytes, len, err);
}

int bt_file_replace_secret(const char *path, const void *bytes, size_t len, struct bt_error *err)
{
    return replace(path, 0600, bytes, len, err);
}

static int copy_bytes(int from, int to)
{
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    for (;;) {
        ssize_t got = read(from, chunk, CHUNK_BYTES);
        if (got <= 0) {
            if (got < 0 && errno == EINTR) {
                continue;
            }
            return got < 0 ? -errno : 0;
        }
        int r = write_all(to, chunk, (size_t)got);
        if (r < 0) {
            return r;
        }
    }
}

int bt_file_copy(const char *from, const char *to, struct bt_error *err)
{
    BT_AUTOCLOSE int source = open(from, O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", from);
    }
    BT_AUTOFREE char *aside = NULL;
    BT_AUTOCLOSE int fd = open_aside(to, 0644, &aside, err);
    if (fd < 0) {
        return fd;
    }
    int r = copy_bytes(source, fd);
    if (r < 0) {
        unlink(aside);
        errno = -r;
        return bt_fail_errno(err, "Cannot copy '%s' to '%s'", from, to);
    }
    return finish_aside(fd, aside, to, err);
}

int bt_file_adopt(const char *from, const char *to, struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", from);
    }
    if (fsync(fd) < 0 || (link(from, to) < 0 && errno != EEXIST)) {
        return bt_fail_errno(err, "Cannot give '%s' its place '%s'", from, to);
    }
    int r = sync_directory_of(to);
    return r < 0 ? bt_fail(err, r, "Cannot sync the directory of '%s'", to) : 0;
}

// Leaves errno alone.
static bool is_directory(const char *path)
{
    int saved = errno;
    struct stat status;
    bool yes = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    errno = saved;
    return yes;
}

int bt_file_make_dirs(const char *path, struct bt_error *err)
{
    BT_AUTOFREE char *copy = bt_strdup(path);
    for (char *slash = copy + 1; *copy != '\0'; slash++) {
        if (*slash != '/' && *slash != '\0') {
            continue;
        }
        bool last = *slash == '\0';
        *slash = '\0';
        if (mkdir(copy, 0755) < 0 && !(errno == EEXIST && is_directory(copy))) {
            return bt_fail_errno(err, "Cannot make the directory '%s'", copy);
        }
        if (last) {
            break;
        }
        *slash = '/';
    }
    return 0;
}

int bt_file_lock(int fd, int64_t patience_ns)
{
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + patience_ns;
    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return -errno;
        }
        int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
        if (now_ns >= until_ns) {
            return -EBUSY;
        }
        bt_clock_sleep_until(bt_clock_real(), now_ns + LOCK_LOOK_NS);
    }
    return 0;
}
