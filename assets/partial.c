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
    struct bt_sha256 sha256;
    int64_t size, have;
    int fd;
    bool claimed;
    char *path;
    struct bt_hasher *hasher;
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
        bt_store_release(partial->store, &partial->sha256);
    }
    bt_hasher_destroy(partial->hasher);
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
static int take_up(struct bt_partial *partial, struct bt_error *err)
{
    BT_AUTOFREE char *chunk = bt_alloc(CHUNK_BYTES);
    for (;;) {
        ssize_t got = pread(partial->fd, chunk, CHUNK_BYTES, partial->have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read '%s'", partial->path);
        }
        if (got == 0) {
            return 0;
        }
        if (partial->have + got > partial->size) {
            return bt_partial_restart(partial, err);
        }
        bt_hasher_add(partial->hasher, chunk, (size_t)got);
        partial->have += got;
    }
}

static int open_file(struct bt_partial *partial, struct bt_error *err)
{
    char name[BT_SHA256_HEX_BYTES];
    bt_hex(partial->sha256.bytes, BT_SHA256_BYTES, name);
    BT_AUTOFREE char *dir = bt_strf("%s/partial", bt_store_directory(partial->store));
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    partial->path = bt_strf("%s/%s", dir, name);
    partial->fd = open(partial->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    return partial->fd < 0 ? bt_fail_errno(err, "Cannot write '%s'", partial->path) : 0;
}

int bt_partial_open(struct bt_store *store, const struct bt_sha256 *sha256, int64_t size,
                    struct bt_partial **out, struct bt_error *err)
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
    partial->sha256 = *sha256;
    partial->size = size;
    partial->fd = -1;
    partial->hasher = bt_hasher_create();
    partial->claimed = bt_store_claim(store, sha256);
    if (!partial->claimed) {
        return bt_fail(err, -EBUSY, "The asset is being written");
    }
    int r = open_file(partial, err);
    r = r < 0 ? r : take_up(partial, err);
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
    return bt_store_take(partial->store, partial->path, &partial->sha256, err);
}
