// What is said with requests to a store: objects put, read, listed and removed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/media/s3_private.h"
#include "server/media/sigv4.h"

// Larger files go in parts of this size, which S3 allows from 5 MiB on and up to 10,000 of: more
// than the largest file has.
#define PART_BYTES (INT64_C(16) * 1024 * 1024)
#define PARTS_MAX_BYTES (10000 * 256)
#define UPLOAD_ID_BYTES 1025
#define HASH_CHUNK_BYTES 65536

// Breaks in one download that each brought it further.
#define MAX_RESUMED 1000

int bt_s3_put(struct bt_s3 *s3, const char *key, const void *bytes, size_t len,
              struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = bt_sha256_of(bytes, len);
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    BT_AUTOREQUEST request = {
        .method = "PUT", .key = key, .bytes = bytes, .len = (int64_t)len, .sha256 = hex};
    return bt_s3_perform(s3, &request, err);
}

/*
 * Files, in parts if they are large.
 */

struct parts {
    struct bt_s3 *s3;
    const char *key;
    int fd;
    int64_t size;
    char id[3 * UPLOAD_ID_BYTES];  // as it stands in a query
    struct bt_buf list;            // of those that are there
};

static void finish_parts(struct parts *parts)
{
    bt_buf_finish(&parts->list);
}

static int begin_parts(struct parts *parts, struct bt_error *err)
{
    char id[UPLOAD_ID_BYTES];
    BT_AUTOBUF encoded;
    BT_AUTOREQUEST request = {.method = "POST",
                              .key = parts->key,
                              .query = "uploads=",
                              .bytes = "",
                              .sha256 = "e3b0c44298fc1c149afbf4c8996fb924"
                                        "27ae41e4649b934ca495991b7852b855"};
    int r = bt_s3_perform(parts->s3, &request, err);
    if (r < 0) {
        return r;
    }
    bt_buf_init(&encoded, sizeof(parts->id) - 1);
    r = bt_s3_element(bt_buf_text(&request.text), request.text.len, "UploadId", id, sizeof(id));
    r = r < 0 ? r : bt_sigv4_encode(id, &encoded);
    if (r < 0 || encoded.len == 0) {
        return bt_fail(err, -EIO, "The store gives no id for an upload in parts");
    }
    bt_copy_cut(parts->id, sizeof(parts->id), encoded.data);
    return 0;
}

static int hash_part(int fd, int64_t at, int64_t len, char out[BT_SHA256_HEX_BYTES],
                     struct bt_error *err)
{
    BT_AUTOFREE char *chunk = bt_alloc(HASH_CHUNK_BYTES);
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    while (len > 0) {
        ssize_t got = pread(fd, chunk, (size_t)BT_MIN(len, (int64_t)HASH_CHUNK_BYTES), at);
        if (got <= 0) {
            return bt_fail(err, -EIO, "A file that goes to the store cannot be read");
        }
        bt_hasher_add(hasher, chunk, (size_t)got);
        at += got;
        len -= got;
    }
    struct bt_sha256 hash = bt_hasher_result(hasher);
    bt_hex(hash.bytes, sizeof(hash.bytes), out);
    return 0;
}

// The store's own word, back in XML.
static bool is_plain_etag(const char *etag)
{
    return etag[0] != '\0' && strpbrk(etag, "<>&") == NULL;
}

static int put_part(struct parts *parts, int64_t at, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    int64_t len = BT_MIN(parts->size - at, PART_BYTES), number = at / PART_BYTES + 1;
    BT_AUTOFREE char *query = bt_strf("partNumber=%lld&uploadId=%s", (long long)number, parts->id);
    int r = hash_part(parts->fd, at, len, hex, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOREQUEST request = {.method = "PUT",
                              .key = parts->key,
                              .query = query,
                              .fd = parts->fd,
                              .at = at,
                              .len = len,
                              .sha256 = hex};
    r = bt_s3_perform(parts->s3, &request, err);
    if (r == 0 && !is_plain_etag(request.etag)) {
        r = bt_fail(err, -EIO, "The store gives a part no name");
    }
    r = r < 0 ? r
              : bt_buf_appendf(&parts->list,
                               "<Part><PartNumber>%lld</PartNumber><ETag>%s</ETag></Part>",
                               (long long)number, request.etag);
    return r;
}

// The answer may be 200 and then tell of a failure.
static int end_parts(struct parts *parts, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES], etag[BT_S3_ETAG_BYTES];
    BT_AUTOFREE char *query = bt_strf("uploadId=%s", parts->id);
    BT_AUTOFREE char *body =
        bt_strf("<CompleteMultipartUpload>%s</CompleteMultipartUpload>", bt_buf_text(&parts->list));
    struct bt_sha256 hash = bt_sha256_of(body, strlen(body));
    bt_hex(hash.bytes, sizeof(hash.bytes), hex);
    BT_AUTOREQUEST request = {.method = "POST",
                              .key = parts->key,
                              .query = query,
                              .slow = true,
                              .bytes = body,
                              .len = (int64_t)strlen(body),
                              .sha256 = hex};
    int r = bt_s3_perform(parts->s3, &request, err);
    bool unknown = r == -ENOENT;  // it may have been done when the answer before was lost
    if (r < 0 && !unknown) {
        return r;
    }
    int64_t size = -1;
    if (!unknown && bt_s3_element(bt_buf_text(&request.text), request.text.len, "ETag", etag,
                                  sizeof(etag)) < 0) {
        return bt_fail(err, -EIO, "The store cannot put a file's parts together");
    }
    r = bt_s3_size(parts->s3, parts->key, &size, err);
    return r < 0 || size == parts->size
               ? r
               : bt_fail(err, -EIO, "The store has put a file's parts together wrongly");
}

static void give_up_parts(struct parts *parts)
{
    struct bt_error err = {0};
    BT_AUTOFREE char *query = bt_strf("uploadId=%s", parts->id);
    BT_AUTOREQUEST request = {.method = "DELETE", .key = parts->key, .query = query};
    (void)!bt_s3_try(parts->s3, &request, &err);  // the bucket's own rule removes it some day
}

static int put_parts(struct bt_s3 *s3, const char *key, int fd, int64_t size, struct bt_error *err)
{
    BT_AUTOFINISH(finish_parts)
    struct parts parts = {.s3 = s3, .key = key, .fd = fd, .size = size};
    bt_buf_init(&parts.list, PARTS_MAX_BYTES);
    int r = begin_parts(&parts, err);
    if (r < 0) {
        return r;
    }
    for (int64_t at = 0; r == 0 && at < size; at += PART_BYTES) {
        r = put_part(&parts, at, err);
    }
    r = r < 0 ? r : end_parts(&parts, err);
    if (r < 0) {
        give_up_parts(&parts);
    }
    return r == -ENOENT ? -EIO : r;  // the upload is gone, which says nothing about the object
}

int bt_s3_put_file(struct bt_s3 *s3, const char *key, int fd, const struct bt_sha256 *sha256,
                   int64_t size, struct bt_error *err)
{
    if (size > PART_BYTES) {
        return put_parts(s3, key, fd, size, err);
    }
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, sizeof(sha256->bytes), hex);
    BT_AUTOREQUEST request = {.method = "PUT", .key = key, .fd = fd, .len = size, .sha256 = hex};
    return bt_s3_perform(s3, &request, err);
}

/*
 * Reading.
 */

struct reading {
    int fd;
    off_t base;  // where the object begins in it
    int64_t max_bytes, got;
    struct bt_hasher *hasher;
};

// From the beginning again, where the store does not go on at a byte.
static int begin_reading(void *context, int64_t from, int64_t len)
{
    struct reading *reading = context;
    if (len > reading->max_bytes - from) {
        return -EBADMSG;
    }
    if (from == reading->got) {
        return 0;
    }
    if (from != 0 || (reading->fd >= 0 && (ftruncate(reading->fd, reading->base) < 0 ||
                                           lseek(reading->fd, reading->base, SEEK_SET) < 0))) {
        return -EIO;
    }
    bt_hasher_destroy(reading->hasher);
    reading->hasher = bt_hasher_create();
    reading->got = 0;
    return 0;
}

static int take_piece(void *context, const void *bytes, size_t len)
{
    struct reading *reading = context;
    reading->got += (int64_t)len;
    if (reading->got > reading->max_bytes) {
        return -EBADMSG;
    }
    bt_hasher_add(reading->hasher, bytes, len);
    const char *at = bytes;
    while (reading->fd >= 0 && len > 0) {
        ssize_t wrote = write(reading->fd, at, len);
        if (wrote < 0 && errno != EINTR) {
            return -errno;
        }
        size_t step = wrote > 0 ? (size_t)wrote : 0;
        at += step;
        len -= step;
    }
    return 0;
}

static int read_all(struct bt_s3 *s3, const char *key, struct reading *reading,
                    struct bt_error *err)
{
    int r, tries = 0, resumed = 0;
    bool again;
    do {
        int64_t before = reading->got;
        BT_AUTOREQUEST request = {.method = "GET",
                                  .key = key,
                                  .from = before,
                                  .begin = begin_reading,
                                  .take = take_piece,
                                  .context = reading};
        r = bt_s3_try(s3, &request, err);
        bool further = reading->got > before && resumed++ < MAX_RESUMED;
        again = bt_s3_again(s3, r, further ? 0 : tries++);
    } while (again);
    return bt_s3_conclude(s3, r, err);
}

int bt_s3_get(struct bt_s3 *s3, const char *key, const struct bt_sha256 *sha256, int64_t max_bytes,
              int fd, struct bt_error *err)
{
    struct reading reading = {.fd = fd, .max_bytes = max_bytes};
    reading.base = fd < 0 ? 0 : lseek(fd, 0, SEEK_CUR);
    int r = reading.base < 0 ? bt_fail_errno(err, "Cannot write to a file") : bt_s3_admit(s3, err);
    if (r < 0) {
        return r;
    }
    reading.hasher = bt_hasher_create();
    r = read_all(s3, key, &reading, err);
    struct bt_sha256 found = bt_hasher_result(reading.hasher);
    bt_hasher_destroy(reading.hasher);
    if (r == 0 && memcmp(&found, sha256, sizeof(found)) != 0) {
        return bt_fail(err, -EBADMSG, "The store gives other bytes for '%s'", key);
    }
    return r == -EBADMSG ? bt_fail(err, r, "The store gives other bytes for '%s'", key) : r;
}

int bt_s3_size(struct bt_s3 *s3, const char *key, int64_t *out, struct bt_error *err)
{
    BT_AUTOREQUEST request = {.method = "HEAD", .key = key};
    int r = bt_s3_perform(s3, &request, err);
    if (r == 0 && request.answer_len < 0) {
        r = bt_fail(err, -EIO, "The store does not say how long '%s' is", key);
    }
    if (r == 0) {
        *out = request.answer_len;
    }
    return r;
}

int bt_s3_remove(struct bt_s3 *s3, const char *key, struct bt_error *err)
{
    BT_AUTOREQUEST request = {.method = "DELETE", .key = key};
    int r = bt_s3_perform(s3, &request, err);
    // What a later try is told says nothing about one that got no answer.
    bool may_go_yet = r != -EIO || request.unanswered;
    return r == 0 || r == -ENOENT ? 0 : r != -ECANCELED && may_go_yet ? -EHOSTUNREACH : r;
}

/*
 * Lists.
 */

struct listing {
    size_t prefix_len;  // of the address's prefix
    const char *prefix;
    int (*each)(void *context, const struct bt_s3_entry *entry);
    void *context;
};

static int hand_on(void *context, const struct bt_s3_entry *entry)
{
    const struct listing *listing = context;
    struct bt_s3_entry own = {.size = entry->size};
    if (!bt_str_starts(entry->key, listing->prefix)) {
        return -EINVAL;
    }
    bt_copy_cut(own.key, sizeof(own.key), entry->key + listing->prefix_len);
    return listing->each(listing->context, &own);
}

static int write_query(struct bt_s3 *s3, const char *prefix, const char *next, struct bt_buf *out)
{
    int r = 0;
    if (next[0] != '\0') {
        r = bt_buf_appendf(out, "continuation-token=");
        r = r < 0 ? r : bt_sigv4_encode(next, out);
        r = r < 0 ? r : bt_buf_append(out, "&", 1);
    }
    r = r < 0 ? r : bt_buf_appendf(out, "list-type=2&prefix=");
    r = r < 0 ? r : bt_sigv4_encode(bt_s3_prefix(s3), out);
    return r < 0 ? r : bt_sigv4_encode(prefix, out);
}

int bt_s3_list(struct bt_s3 *s3, const char *prefix,
               int (*each)(void *context, const struct bt_s3_entry *entry), void *context,
               struct bt_error *err)
{
    char next[BT_S3_TOKEN_BYTES] = "";
    BT_AUTOFREE char *whole = bt_strf("%s%s", bt_s3_prefix(s3), prefix);
    struct listing listing = {
        .prefix_len = strlen(bt_s3_prefix(s3)), .prefix = whole, .each = each, .context = context};
    int r;
    do {
        BT_AUTOBUF query;
        bt_buf_init(&query, 8192);
        r = write_query(s3, prefix, next, &query);
        BT_AUTOREQUEST request = {.method = "GET", .query = bt_buf_text(&query)};
        r = r < 0 ? bt_fail(err, r, "The store's list does not end")
                  : bt_s3_perform(s3, &request, err);
        r = r < 0 ? r
                  : bt_s3_read_list(bt_buf_text(&request.text), request.text.len, hand_on, &listing,
                                    next, err);
    } while (r == 0 && next[0] != '\0');
    return r;
}
