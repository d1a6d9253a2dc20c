#include "assets/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assets/store_private.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define CHUNK_BYTES 65536

struct bt_partial {
    struct bt_store *store;  // borrowed
    enum bt_way way;
    struct bt_sha256 sha256;
    int64_t size, have;
    int fd;
    bool claimed;
    char *path;
    struct bt_hasher *hasher;
    char *chunk;  // of what an earlier life wrote: taking it up allocates nothing
};

void bt_partial_destroy(struct bt_partial *partial)
{
    if (partial == NULL) {
        return;
    }
    if (partial->fd >= 0) {
        close(partial->fd);
    }
    if (partial->claimed) {
        bt_store_release(partial->store, partial->way, &partial->sha256);
    }
    bt_hasher_destroy(partial->hasher);
    free(partial->chunk);
    free(partial->path);
    free(partial);
}

int64_t bt_partial_have(const struct bt_partial *partial)
{
    return partial->have;
}

int64_t bt_partial_size(const struct bt_partial *partial)
{
    return partial->size;
}

int bt_partial_restart(struct bt_partial *partial, struct bt_error *err)
{
    if (ftruncate(partial->fd, 0) < 0) {
        return bt_fail_errno(err, "Cannot begin '%s' anew", partial->path);
    }
    bt_hasher_destroy(partial->hasher);
    partial->hasher = bt_hasher_create();
    partial->have = 0;
    return 0;
}

// What an earlier process wrote counts when it can be read; its hash goes on from there.
int bt_partial_take_up(struct bt_partial *partial, struct bt_error *err)
{
    while (partial->have < partial->size) {
        size_t len = (size_t)BT_MIN(partial->size - partial->have, (int64_t)CHUNK_BYTES);
        ssize_t got = pread(partial->fd, partial->chunk, len, partial->have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read '%s'", partial->path);
        }
        if (got == 0) {
            break;
        }
        bt_hasher_add(partial->hasher, partial->chunk, (size_t)got);
        partial->have += got;
    }
    return 0;
}

static int open_file(struct bt_partial *partial, struct bt_error *err)
{
    partial->path = bt_store_partial_path(partial->store, partial->way, &partial->sha256);
    BT_AUTOFREE char *dir =
        bt_strndup(partial->path, (size_t)(strrchr(partial->path, '/') - partial->path));
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    partial->fd = open(partial->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    struct stat info;
    if (partial->fd < 0 || fstat(partial->fd, &info) < 0) {
        return bt_fail_errno(err, "Cannot write '%s'", partial->path);
    }
    return info.st_size > partial->size ? bt_partial_restart(partial, err) : 0;  // no part of it
}

int bt_partial_open(struct bt_store *store, enum bt_way way, const struct bt_sha256 *sha256,
                    int64_t size, struct bt_partial **out, struct bt_error *err)
{
    char path[BT_STORE_PATH_BYTES];
    if (bt_store_forbids(store, sha256)) {
        return bt_fail(err, -EPERM, "The asset was taken down");
    }
    if (bt_store_locate(store, sha256, size, path, NULL) == 0) {
        return bt_fail(err, -EEXIST, "The asset is there");
    }
    BT_AUTO(bt_partial) partial = BT_NEW(struct bt_partial);
    partial->store = store;
    partial->way = way;
    partial->sha256 = *sha256;
    partial->size = size;
    partial->fd = -1;
    partial->hasher = bt_hasher_create();
    partial->chunk = bt_alloc(CHUNK_BYTES);
    partial->claimed = bt_store_claim(store, way, sha256);
    if (!partial->claimed) {
        return bt_fail(err, -EBUSY, "The asset is being written");
    }
    int r = open_file(partial, err);
    if (r == 0) {
        *out = BT_TAKE(partial);
    }
    return r;
}

int bt_partial_write(struct bt_partial *partial, const void *bytes, size_t len,
                     struct bt_error *err)
{
    if ((int64_t)len > partial->size - partial->have) {
        return bt_fail(err, -EMSGSIZE, "'%s' would pass its %lld bytes", partial->path,
                       (long long)partial->size);
    }
    const char *at = bytes;
    for (size_t left = len; left > 0;) {
        ssize_t wrote = pwrite(partial->fd, at, left, partial->have + (int64_t)(len - left));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return bt_fail_errno(err, "Cannot write '%s'", partial->path);
        }
        at += wrote;
        left -= (size_t)wrote;
    }
    bt_hasher_add(partial->hasher, bytes, len);
    partial->have += (int64_t)len;
    return 0;
}

void bt_partial_flush(struct bt_partial *partial)
{
    if (fdatasync(partial->fd) == 0) {
        posix_fadvise(partial->fd, 0, 0, POSIX_FADV_DONTNEED);
    }
}

// What came on another way and is not being written is of no use any more.
static void drop_others(const struct bt_partial *partial)
{
    for (enum bt_way way = 0; way < BT_WAYS; way++) {
        if (way != partial->way && bt_store_claim(partial->store, way, &partial->sha256)) {
            BT_AUTOFREE char *path = bt_store_partial_path(partial->store, way, &partial->sha256);
            unlink(path);
            bt_store_release(partial->store, way, &partial->sha256);
        }
    }
}

int bt_partial_finish(struct bt_partial *partial, struct bt_error *err)
{
    if (partial->have < partial->size) {
        return bt_fail(err, -EAGAIN, "%lld of %lld bytes are there", (long long)partial->have,
                       (long long)partial->size);
    }
    // A write that failed half-way may have left more behind.
    if (ftruncate(partial->fd, partial->size) < 0 || fsync(partial->fd) < 0) {
        return bt_fail_errno(err, "Cannot finish '%s'", partial->path);
    }
    struct bt_sha256 found = bt_hasher_result(partial->hasher);
    if (memcmp(&found, &partial->sha256, sizeof(found)) != 0) {
        int r = bt_partial_restart(partial, err);
        return r < 0 ? r
                     : bt_fail(err, -EBADMSG,
                               "What came for '%s' is not what was approved; it was thrown away",
                               partial->path);
    }
    int r = bt_store_take(partial->store, partial->path, &partial->sha256, err);
    if (r == 0) {
        drop_others(partial);
    }
    return r;
}
