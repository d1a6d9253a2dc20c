// The engine of blobs that is a folder: what is there has its name because it was whole.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/media/blobs_engine.h"

#define PATH_BYTES 4096

struct folder {
    struct bt_blobs base;
    char *dir;
};

static int locate(const struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                  char out[PATH_BYTES], struct bt_error *err)
{
    const struct folder *folder = (const struct folder *)blobs;
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(out, PATH_BYTES, "%s/%.2s/%s", folder->dir, hex, hex);
    return r < 0 ? bt_fail(err, r, "The path of the blobs is too long") : 0;
}

// Where it will be; its directory is made.
static int prepare(const struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                   char out[PATH_BYTES], struct bt_error *err)
{
    int r = locate(blobs, sha256, out, err);
    if (r < 0) {
        return r;
    }
    char *slash = strrchr(out, '/');
    *slash = '\0';
    r = bt_file_make_dirs(out, err);
    *slash = '/';
    return r;
}

static int adopt(struct bt_blobs *blobs, const char *path, const struct bt_sha256 *sha256,
                 int64_t size, struct bt_error *err)
{
    (void)size;
    char to[PATH_BYTES];
    int r = prepare(blobs, sha256, to, err);
    return r < 0 ? r : bt_file_adopt(path, to, err);
}

static int put(struct bt_blobs *blobs, const void *bytes, size_t len,
               const struct bt_sha256 *sha256, struct bt_error *err)
{
    char to[PATH_BYTES];
    int r = prepare(blobs, sha256, to, err);
    return r < 0 ? r : bt_file_replace(to, bytes, len, err);
}

static int get(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
               struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = locate(blobs, sha256, path, err);
    if (r < 0) {
        return r;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? bt_fail(err, -ENOENT, "There is no such blob")
                               : bt_fail_errno(err, "Cannot open '%s'", path);
    }
    *out_fd = fd;
    return 0;
}

static int check(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                 struct bt_error *err)
{
    char path[PATH_BYTES];
    struct bt_sha256 found;
    int64_t found_size;
    int r = locate(blobs, sha256, path, err);
    r = r < 0 ? r : bt_sha256_of_file(path, &found, &found_size, err);
    if (r < 0) {
        return r;
    }
    return found_size == size && memcmp(&found, sha256, sizeof(found)) == 0
               ? 0
               : bt_fail(err, -EBADMSG, "'%s' reads back otherwise", path);
}

static int remove_blob(struct bt_blobs *blobs, const struct bt_sha256 *sha256, struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = locate(blobs, sha256, path, err);
    return r < 0 || unlink(path) == 0 || errno == ENOENT
               ? r
               : bt_fail_errno(err, "Cannot remove '%s'", path);
}

static void destroy(struct bt_blobs *blobs)
{
    struct folder *folder = (struct folder *)blobs;
    free(folder->dir);
    free(folder);
}

static const struct bt_blobs_impl folder_impl = {.name = "folder",
                                                 .adopt = adopt,
                                                 .put = put,
                                                 .get = get,
                                                 .check = check,
                                                 .remove = remove_blob,
                                                 .destroy = destroy};

int bt_blobs_open(const char *dir, struct bt_blobs **out, struct bt_error *err)
{
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    struct folder *folder = BT_NEW(struct folder);
    folder->base.impl = &folder_impl;
    folder->dir = bt_strdup(dir);
    *out = &folder->base;
    return 0;
}
