// SHA-256 (libcrypto) and the hash chain that makes a journal tamper-evident.
#ifndef BT_BASE_SHA256_H
#define BT_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define BT_SHA256_BYTES 32
#define BT_SHA256_HEX_BYTES 65  // with the NUL

struct bt_sha256 {
    uint8_t bytes[BT_SHA256_BYTES];
};

struct bt_sha256 bt_sha256_of(const void *bytes, size_t len);

// A running hash; result leaves it to be destroyed.
struct bt_hasher;
struct bt_hasher *bt_hasher_create(void) BT_NODISCARD;
void bt_hasher_destroy(struct bt_hasher *hasher);
BT_DEFINE_AUTO(bt_hasher)
void bt_hasher_add(struct bt_hasher *hasher, const void *bytes, size_t len);
struct bt_sha256 bt_hasher_result(struct bt_hasher *hasher);  // once

// Reads a whole file; *out_size is its length in bytes and may be NULL.
int bt_sha256_of_file(const char *path, struct bt_sha256 *out, int64_t *out_size,
                      struct bt_error *err) BT_NODISCARD;

/**
 * The next link of a chain: SHA-256(previous link, 32 bytes ‖ record's exact stored bytes).
 * The first link's previous is all zero.
 */
struct bt_sha256 bt_chain_next(const struct bt_sha256 *previous, const void *record, size_t len);

// The same with a hasher that nothing was added to, or that has given such a link before: one is
// enough for a whole chain.
struct bt_sha256 bt_hasher_chain(struct bt_hasher *hasher, const struct bt_sha256 *previous,
                                 const void *record, size_t len);

#endif
