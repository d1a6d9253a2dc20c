/**
 * What an S3 store says in XML (https://docs.aws.amazon.com/AmazonS3/latest/API/): a page of a
 * list, an error, the id of an upload in parts. Every byte is somebody else's. We look for elements
 * by their names and nothing else; what is too long for its place makes the answer a wrong one.
 * Pure.
 */
#ifndef BT_SERVER_MEDIA_S3_ANSWER_H
#define BT_SERVER_MEDIA_S3_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define BT_S3_KEY_BYTES 512
#define BT_S3_TOKEN_BYTES 1025

// The text of the first element of this name, its entities resolved. -ENOENT there is none,
// -EINVAL it is too long, or no text.
int bt_s3_element(const char *xml, size_t len, const char *name, char *out,
                  size_t size) BT_NODISCARD;

struct bt_s3_entry {
    char key[BT_S3_KEY_BYTES];
    int64_t size;
};

/**
 * ListObjectsV2: each of the page's objects, and how it goes on ("" it does not). `each` returns
 * a negative errno to end it. -EINVAL: it is no such page.
 */
int bt_s3_read_list(const char *xml, size_t len,
                    int (*each)(void *context, const struct bt_s3_entry *entry), void *context,
                    char out_next[BT_S3_TOKEN_BYTES], struct bt_error *err) BT_NODISCARD;

#endif
