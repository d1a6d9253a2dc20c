// One request to a store, for s3.c and s3_objects.c.
#ifndef BT_SERVER_MEDIA_S3_PRIVATE_H
#define BT_SERVER_MEDIA_S3_PRIVATE_H

#include "base/buf.h"
#include "server/media/s3.h"

#define BT_S3_ETAG_BYTES 129

// A page of a list is the longest text.
#define BT_S3_TEXT_MAX_BYTES (2 * 1024 * 1024)

struct bt_s3_request {
    const char *method;
    const char *key;    // NULL: the bucket
    const char *query;  // encoded and sorted; NULL: none
    bool slow;          // the store may think about it

    // The body: bytes, or `len` bytes of fd from `at` on.
    const void *bytes;
    int fd;
    int64_t at, len;
    const char *sha256;  // its hash in hex; NULL: there is no body

    // What comes with 2xx goes there; NULL: into `text`, as what comes with others does. `begin`
    // says at which byte of the object it begins, and how much comes (-1: not said).
    int64_t from;
    int (*begin)(void *context, int64_t from, int64_t len);
    int (*take)(void *context, const void *bytes, size_t len);
    void *context;

    long status;
    char etag[BT_S3_ETAG_BYTES];
    int64_t answer_len;
    struct bt_buf text;
    int taken;        // what begin or take returned
    bool unanswered;  // a try was, so the store may do it yet (bt_s3_perform)
};
void bt_s3_request_finish(struct bt_s3_request *request);
#define BT_AUTOREQUEST BT_AUTOFINISH(bt_s3_request_finish) struct bt_s3_request

// Once; -EAGAIN: it may go better the next time.
int bt_s3_try(struct bt_s3 *s3, struct bt_s3_request *request, struct bt_error *err) BT_NODISCARD;

// After a try that ended with `code`: waits and says true, or it was the last one.
bool bt_s3_again(struct bt_s3 *s3, int code, int tries);

// What the last try says about the store, once there will be no other: the result.
int bt_s3_conclude(struct bt_s3 *s3, int code, struct bt_error *err) BT_NODISCARD;

// All of that.
int bt_s3_perform(struct bt_s3 *s3, struct bt_s3_request *request,
                  struct bt_error *err) BT_NODISCARD;

// 0, or the error of a store that is known not to answer.
int bt_s3_admit(struct bt_s3 *s3, struct bt_error *err) BT_NODISCARD;

const char *bt_s3_prefix(const struct bt_s3 *s3);

#endif
