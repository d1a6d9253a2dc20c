/**
 * TUF metadata: one signed document of a role, read and verified. Specification:
 * https://theupdateframework.github.io/specification/ (1.0.x).
 *
 * Plain data, bounded by the limits below; who may sign it is said by a keyring that comes from
 * the role above it.
 */
#ifndef BT_TRUST_METADATA_H
#define BT_TRUST_METADATA_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "trust/key.h"

// A targets role with 10,000 publications stays below; the bound of what is fetched of unknown
// length.
#define BT_METADATA_MAX_BYTES (4 * 1024 * 1024)
#define BT_ROLE_BYTES 64  // name with NUL: [a-z0-9-]

// The keys of one role and how many different holders must have signed.
struct bt_keyring {
    struct bt_key **keys;  // owned
    size_t count;
    int64_t threshold;  // >= 1
};
void bt_keyring_finish(struct bt_keyring *ring);

/**
 * Reads {keyids, threshold} of a role or delegation with its table of keys. Keys that cannot be
 * used (missing, broken, of an unknown scheme) are left out: they count nothing. Errors: -EINVAL
 * not of that shape, or a key id twice.
 */
int bt_keyring_read(const cJSON *role, const cJSON *keys, struct bt_keyring *out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * How many people's valid signatures the document {signed, signatures} bears: one for each holder
 * and for each key whatever its ids, and at most one of class browser in all. Errors: -EINVAL not
 * of that shape, or a key id twice.
 */
int bt_signatures_count(const cJSON *document, const struct bt_keyring *ring, int64_t *out,
                        struct bt_error *err) BT_NODISCARD;

// As above, and -EACCES unless the threshold is reached: "2 signatures needed, 1 valid".
int bt_signatures_check(const cJSON *document, const struct bt_keyring *ring,
                        struct bt_error *err) BT_NODISCARD;

#endif
