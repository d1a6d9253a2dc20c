#include "server/media/blobs.h"

#include <assert.h>

#include "server/media/blobs_engine.h"

void bt_blobs_destroy(struct bt_blobs *blobs)
{
    if (blobs != NULL) {
        blobs->impl->destroy(blobs);
    }
}

int bt_blobs_adopt(struct bt_blobs *blobs, const char *path, struct bt_sha256 *out_sha256,
                   int64_t *out_size, struct bt_error *err)
{
    struct bt_sha256 sha256;
    int64_t size;
    int r = bt_sha256_of_file(path, &sha256, &size, err);
    r = r < 0 ? r : blobs->impl->adopt(blobs, path, &sha256, size, err);
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
    struct bt_sha256 sha256 = bt_sha256_of(bytes, len);
    int r = blobs->impl->put(blobs, bytes, len, &sha256, err);
    if (r == 0) {
        *out_sha256 = sha256;
    }
    return r;
}

int bt_blobs_get(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                 struct bt_error *err)
{
    return blobs->impl->get(blobs, sha256, out_fd, err);
}

int bt_blobs_look(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                  struct bt_error *err)
{
    return blobs->impl->look == NULL ? blobs->impl->get(blobs, sha256, out_fd, err)
                                     : blobs->impl->look(blobs, sha256, out_fd, err);
}

int bt_blobs_fetch(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                   void (*done)(void *context, int code), void *context)
{
    assert(blobs->impl->fetch != NULL);  // of a folder nothing is in progress
    return blobs->impl->fetch(blobs, sha256, done, context);
}

struct bt_s3 *bt_blobs_store(struct bt_blobs *blobs)
{
    return blobs == NULL || blobs->impl->store == NULL ? NULL : blobs->impl->store(blobs);
}

void bt_blobs_close(struct bt_blobs *blobs)
{
    if (blobs != NULL && blobs->impl->close != NULL) {
        blobs->impl->close(blobs);
    }
}

int bt_blobs_check(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                   struct bt_error *err)
{
    return blobs->impl->check(blobs, sha256, size, err);
}

int bt_blobs_remove(struct bt_blobs *blobs, const struct bt_sha256 *sha256, struct bt_error *err)
{
    return blobs->impl->remove(blobs, sha256, err);
}
