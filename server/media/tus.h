/**
 * The headers of tus 1.0 (https://tus.io/protocols/resumable-upload) that we read: what an upload
 * is called and whose it is. Pure.
 */
#ifndef BT_SERVER_MEDIA_TUS_H
#define BT_SERVER_MEDIA_TUS_H

#include <stdint.h>

#include "base/error.h"

#define BT_TUS_VERSION "1.0.0"
#define BT_TUS_MAX_BYTES (INT64_C(4) * 1024 * 1024 * 1024)  // ten minutes of a very good clip

struct bt_tus_creation {
    int64_t size;     // bytes, 1..BT_TUS_MAX_BYTES
    char unit[32];    // the office it is for
    char title[256];  // what people call it, UTF-8: "title", or the last part of "filename"
};

/**
 * Upload-Length and Upload-Metadata ("key base64,key base64"). Errors: -EINVAL with a sentence,
 * -EFBIG longer than the limit.
 */
int bt_tus_read_creation(const char *length, const char *metadata, struct bt_tus_creation *out,
                         struct bt_error *err) BT_NODISCARD;

#endif
