// Where a store is and who we are there: the address and the file with the keys, read strictly.
#ifndef BT_SERVER_MEDIA_S3_PLACE_H
#define BT_SERVER_MEDIA_S3_PLACE_H

#include <stdbool.h>

#include "base/error.h"
#include "server/media/sigv4.h"

struct bt_s3_place {
    char origin[288];  // https://HOST[:PORT]
    char host[272];    // HOST[:PORT], as in the Host header
    char bucket[64];
    char prefix[256];  // "" or with a slash at its end
};

// Is it the address of a store, or the path of a folder?
bool bt_s3_is_address(const char *text);

// -EINVAL with a sentence.
int bt_s3_read_place(const char *url, struct bt_s3_place *out, struct bt_error *err) BT_NODISCARD;

/**
 * "aws_access_key_id = …" and "aws_secret_access_key = …", as other programs keep them. The file is
 * nobody else's: -EACCES. What is wrong with a line is said without its words.
 */
int bt_s3_read_key(const char *path, struct bt_sigv4_key *out, struct bt_error *err) BT_NODISCARD;

#endif
