// What an engine of blobs does (server/media/blobs.h), and what both are made of.
#ifndef BT_SERVER_MEDIA_BLOBS_ENGINE_H
#define BT_SERVER_MEDIA_BLOBS_ENGINE_H

#include "server/media/blobs.h"

struct bt_blobs_impl {
    const char *name;
    int (*adopt)(struct bt_blobs *blobs, const char *path, const struct bt_sha256 *sha256,
                 int64_t size, struct bt_error *err);
    int (*put)(struct bt_blobs *blobs, const void *bytes, size_t len,
               const struct bt_sha256 *sha256, struct bt_error *err);
    int (*get)(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
               struct bt_error *err);
    int (*check)(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int64_t size,
                 struct bt_error *err);
    int (*remove)(struct bt_blobs *blobs, const struct bt_sha256 *sha256, struct bt_error *err);
    void (*destroy)(struct bt_blobs *blobs);

    // NULL where everything is here.
    int (*look)(struct bt_blobs *blobs, const struct bt_sha256 *sha256, int *out_fd,
                struct bt_error *err);
    int (*fetch)(struct bt_blobs *blobs, const struct bt_sha256 *sha256,
                 void (*done)(void *context, int code), void *context);
    void (*close)(struct bt_blobs *blobs);
    struct bt_s3 *(*store)(struct bt_blobs *blobs);
};

struct bt_blobs {
    const struct bt_blobs_impl *impl;
};

#endif
