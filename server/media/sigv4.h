/**
 * AWS Signature Version 4 as S3 wants it
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html): the whole
 * request but for its other headers, and the SHA-256 of its body, under a key that is good for one
 * day and region. libcurl 7.88 signs too, but neither bodies that are streamed nor queries that are
 * not sorted already. Pure.
 */
#ifndef BT_SERVER_MEDIA_SIGV4_H
#define BT_SERVER_MEDIA_SIGV4_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define BT_SIGV4_DATE_BYTES 17  // "20130524T000000Z"
#define BT_SIGV4_AUTHORIZATION_BYTES 512
#define BT_SIGV4_KEY_BYTES 129  // of either half, with the NUL
#define BT_SIGV4_REGION_BYTES 65

struct bt_sigv4_key {
    char access[BT_SIGV4_KEY_BYTES];  // goes along with every request
    char secret[BT_SIGV4_KEY_BYTES];  // never does
    char region[BT_SIGV4_REGION_BYTES];
};

struct bt_sigv4_request {
    const char *method;
    const char *host;            // as in the Host header
    const char *path;            // encoded, with the bucket
    const char *query;           // encoded and sorted, "" when there is none
    const char *payload_sha256;  // in hex
    int64_t at_ms;               // now
};

// For the headers x-amz-date and Authorization; x-amz-content-sha256 is the payload's. Errors:
// -EMSGSIZE.
int bt_sigv4_sign(const struct bt_sigv4_key *key, const struct bt_sigv4_request *request,
                  char out_date[BT_SIGV4_DATE_BYTES],
                  char out_authorization[BT_SIGV4_AUTHORIZATION_BYTES],
                  struct bt_error *err) BT_NODISCARD;

// Appends the text as it stands in a query: all but letters, digits and "-._~" as %XX.
int bt_sigv4_encode(const char *text, struct bt_buf *out) BT_NODISCARD;

#endif
