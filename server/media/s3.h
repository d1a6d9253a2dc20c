/**
 * Objects in an S3-compatible store, by HTTP through libcurl: path-style addresses, requests signed
 * with version 4, every body's SHA-256 in its signature, so that the store refuses what arrives
 * otherwise. Large files go in parts, of which one at a time is in flight. What may go better the
 * next time (no answer, 408, 429, 5xx) is tried again, each time later.
 *
 * Keys are ours, of letters, digits and "-._/", below the address's prefix. Thread-safe: each call
 * has a connection of its own.
 *
 * Errors: -ENOENT there is no such object; -EHOSTUNREACH the store does not answer, not in time,
 * with 5xx, or does not let us in; -EIO it refuses what we say; -ECANCELED closed.
 */
#ifndef BT_SERVER_MEDIA_S3_H
#define BT_SERVER_MEDIA_S3_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "server/media/s3_answer.h"

struct bt_metrics;

#define BT_S3_TRIES 4
#define BT_S3_MAX_STALL_S 3600

struct bt_s3_options {
    const char *url;          // https://HOST[:PORT]/BUCKET[/PREFIX]; http:// to this machine alone
    const char *region;       // NULL: us-east-1
    const char *credentials;  // a file; NULL: "s3" among the service's credentials
    const char *ca;           // whose certificates count, PEM; NULL: the system's
    const char *pin;          // sha256//…: whose key it must be; NULL: any of a good certificate
    int64_t stall_s;          // without progress for so long a request is given up; 0: 30
    struct bt_metrics *metrics;  // or NULL
};

struct bt_s3;

// Reads the credentials; speaks with nobody.
int bt_s3_open(const struct bt_s3_options *options, struct bt_s3 **out,
               struct bt_error *err) BT_NODISCARD;
void bt_s3_close(struct bt_s3 *s3);  // what is on its way is given up
void bt_s3_destroy(struct bt_s3 *s3);
BT_DEFINE_AUTO(bt_s3)

// Whole and durable when it returns, or not there.
int bt_s3_put(struct bt_s3 *s3, const char *key, const void *bytes, size_t len,
              struct bt_error *err) BT_NODISCARD;
int bt_s3_put_file(struct bt_s3 *s3, const char *key, int fd, const struct bt_sha256 *sha256,
                   int64_t size, struct bt_error *err) BT_NODISCARD;

/**
 * Reads an object from its beginning. It is written to fd from where that
 * stands; -1: its bytes are not kept. What was interrupted goes on
 * at the byte. More than `max_bytes`, or another hash: -EBADMSG, and fd holds something.
 */
int bt_s3_get(struct bt_s3 *s3, const char *key, const struct bt_sha256 *sha256, int64_t max_bytes,
              int fd, struct bt_error *err) BT_NODISCARD;
int bt_s3_size(struct bt_s3 *s3, const char *key, int64_t *out, struct bt_error *err) BT_NODISCARD;

// -EIO: the store has refused it, and it is still there. Any other error: it may go yet, for a
// store that was asked and did not answer may still do it.
int bt_s3_remove(struct bt_s3 *s3, const char *key, struct bt_error *err) BT_NODISCARD;

// Each object whose key begins with `prefix`; the address's own prefix is cut off.
int bt_s3_list(struct bt_s3 *s3, const char *prefix,
               int (*each)(void *context, const struct bt_s3_entry *entry), void *context,
               struct bt_error *err) BT_NODISCARD;

/**
 * Asks for the bucket. Once somebody asks so from time to time, a store that does not answer is not
 * asked for anything else until it does: nobody waits for it.
 */
int bt_s3_probe(struct bt_s3 *s3, struct bt_error *err) BT_NODISCARD;
bool bt_s3_away(struct bt_s3 *s3);

// Called by any thread after a request that got no answer, which may be that object's fault alone:
// it is time to probe. Without it such a request counts as a probe. Before the first request.
void bt_s3_on_doubt(struct bt_s3 *s3, void (*doubt)(void *context), void *context);

#endif
