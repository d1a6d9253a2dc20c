#include "server/media/blobs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define PATH_BYTES 4096

struct bt_blobs {
    char *dir;
};

int bt_blobs_open(const char *dir, struct bt_blobs **out, struct bt_error *err)
{
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    struct bt_blobs *blobs = BT_NEW(struct bt_blobs);
    blobs->dir = bt_strdup(dir);
    *out = blobs;
    return 0;
}

void bt_blobs_destroy(struct bt_blobs *blobs)
{
    if (blobs == NULL) {
        return;
    }
    free(blobs->dir);
    free(blobs);
}

static int locate(const struct bt_blobs *blobs, const struct bt_sha256 *sha256, char *out,
                  size_t size, struct bt_error *err)
{
    char hex[BT_SHA256_BYTES * 2 + 1];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    int r = bt_format(out, size, "%s/%.2s/%s", blobs->dir, hex, hex);
    return r < 0 ? bt_fail(err, r, "The path of the blobs is too long") : 0;
}

static int make_directory_of(const struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                             struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = bt_format(path, sizeof(path), "%s/%02x", blobs->dir, sha256->bytes[0]);
    return r < 0 ? bt_fail(err, r, "The path of the blobs is too long")
                 : bt_file_make_dirs(path, err);
}

int bt_blobs_path(struct bt_blobs *blobs, const struct bt_sha256 *sha256, char *out, size_t size,
                  struct bt_error *err)
{
    int r = locate(blobs, sha256, out, size, err);
    if (r < 0) {
        return r;
    }
    return access(out, R_OK) == 0 ? 0 : bt_fail(err, -ENOENT, "There is no such blob");
}

int bt_blobs_adopt(struct bt_blobs *blobs, const char *path, struct bt_sha256 *out_sha256,
                   int64_t *out_size, struct bt_error *err)
{
    char to[PATH_BYTES];
    struct bt_sha256 sha256;
    int64_t size;
    int r = bt_sha256_of_file(path, &sha256, &size, err);
    if (r == 0) {
        r = locate(blobs, &sha256, to, sizeof(to), err);
    }
    if (r == 0) {
        r = make_directory_of(blobs, &sha256, err);
    }
    if (r == 0) {
        r = bt_file_adopt(path, to, err);
    }
    if (r < 0) {
        return r;
    }
    *out_sha256 = sha256;
    *out_size = size;
    return 0;
}

int bt_blobs_put(struct bt_blobs *blobs, const void *bytes, size_t len,
                 struct bt_sha256 *out_sha256, struct bt_error *err)
{
    char to[PATH_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(bytes, len);
    int r = locate(blobs, &sha256, to, sizeof(to), err);
    if (r == 0) {
        r = make_directory_of(blobs, &sha256, err);
    }
    if (r == 0) {
        r = bt_file_replace(to, bytes, len, err);
    }
    if (r == 0) {
        *out_sha256 = sha256;
    }
    return r;
}

int bt_blobs_remove(struct bt_blobs *blobs, const struct bt_sha256 *sha256, struct bt_error *err)
{
    char path[PATH_BYTES];
    int r = locate(blobs, sha256, path, sizeof(path), err);
    if (r < 0) {
        return r;
    }
    return unlink(path) == 0 || errno == ENOENT ? 0
                                                : bt_fail_errno(err, "Cannot remove '%s'", path);
}
