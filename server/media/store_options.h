// What the command line says of a store of blobs, the same for all commands that use one.
#ifndef BT_SERVER_MEDIA_STORE_OPTIONS_H
#define BT_SERVER_MEDIA_STORE_OPTIONS_H

#include "base/options.h"
#include "server/media/s3.h"

#define BT_STORE_OPTIONS                                                                           \
    {"blobs", "URL", "kho S3 giữ nội dung / a store: https://HOST/BUCKET[/PREFIX] (DATA/blobs)"},  \
        BT_STORE_TRUST_OPTIONS

#define BT_STORE_TRUST_OPTIONS                                                                     \
    {"s3-credentials", "FILE",                                                                     \
     "khóa của kho / its keys: aws_access_key_id = …, aws_secret_access_key = …"},                 \
        {"s3-region", "NAME", "mặc định / default us-east-1"},                                     \
        {"s3-ca", "FILE", "chứng chỉ gốc của kho / authorities for the store, PEM"},               \
        {"s3-pin", "PIN", "sha256//…: khóa TLS của kho / the store's TLS key"},                    \
    {                                                                                              \
        "s3-timeout", "S", "giây không nhúc nhích thì thôi / seconds without progress (30)",       \
            .min = 1, .max = BT_S3_MAX_STALL_S                                                     \
    }

// Its texts are borrowed from the command line; url is NULL when there is none.
void bt_store_take(const struct bt_arguments *arguments, struct bt_s3_options *out);

// Of a command that names the store in another way.
void bt_store_take_trust(const struct bt_arguments *arguments, struct bt_s3_options *out);

// -EINVAL: --blobs is no address of a store.
int bt_store_check(const struct bt_arguments *arguments, struct bt_error *err) BT_NODISCARD;

#endif
