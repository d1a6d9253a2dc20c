#include "base/sha256.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_BYTES 65536

struct bt_hasher {
    EVP_MD_CTX *context;
};

struct bt_sha256 bt_sha256_of(const void *bytes, size_t len)
{
    struct bt_sha256 hash;
    SHA256(bytes, len, hash.bytes);
    return hash;
}

// Looked up once: EVP_sha256() would look it up, with a lock, for every hash.
static EVP_MD *sha256;  // allow: set once, under pthread_once

static void fetch_sha256(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

struct bt_hasher *bt_hasher_create(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    struct bt_hasher *hasher = BT_NEW(struct bt_hasher);
    hasher->context = EVP_MD_CTX_new();
    if (hasher->context == NULL || sha256 == NULL ||
        EVP_DigestInit_ex(hasher->context, sha256, NULL) != 1) {
        abort();  // libcrypto without SHA-256 or memory: nothing can be trusted
    }
    return hasher;
}

void bt_hasher_destroy(struct bt_hasher *hasher)
{
    if (hasher == NULL) {
        return;
    }
    EVP_MD_CTX_free(hasher->context);
    free(hasher);
}

void bt_hasher_add(struct bt_hasher *hasher, const void *bytes, size_t len)
{
    EVP_DigestUpdate(hasher->context, bytes, len);
}

struct bt_sha256 bt_hasher_result(struct bt_hasher *hasher)
{
    struct bt_sha256 hash;
    EVP_DigestFinal_ex(hasher->context, hash.bytes, NULL);
    return hash;
}

int bt_sha256_of_file(const char *path, struct bt_sha256 *out, int64_t *out_size,
                      struct bt_error *err)
{
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    BT_AUTOFREE char *chunk = bt_alloc(READ_BYTES);
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    int64_t size = 0;
    for (;;) {
        ssize_t got = read(fd, chunk, READ_BYTES);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return bt_fail_errno(err, "Cannot read '%s'", path);
        }
        if (got == 0) {
            break;
        }
        bt_hasher_add(hasher, chunk, (size_t)got);
        size += got;
    }
    *out = bt_hasher_result(hasher);
    if (out_size != NULL) {
        *out_size = size;
    }
    return 0;
}

struct bt_sha256 bt_hasher_chain(struct bt_hasher *hasher, const struct bt_sha256 *previous,
                                 const void *record, size_t len)
{
    if (EVP_DigestInit_ex(hasher->context, NULL, NULL) != 1) {
        abort();
    }
    bt_hasher_add(hasher, previous->bytes, sizeof(previous->bytes));
    bt_hasher_add(hasher, record, len);
    return bt_hasher_result(hasher);
}

struct bt_sha256 bt_chain_next(const struct bt_sha256 *previous, const void *record, size_t len)
{
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    return bt_hasher_chain(hasher, previous, record, len);
}
