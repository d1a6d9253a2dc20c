/**
 * Canonical JSON as TUF signs it (OLPC's rules): keys in order of their bytes, no white space,
 * strings with only '"' and '\' escaped, whole numbers only. The same value gives the same bytes
 * whoever writes them.
 *
 * Errors: -EINVAL a number that is not whole or passes 2^53, -EMSGSIZE the buffer's limit.
 * Thread-safe.
 */
#ifndef BT_TRUST_CANONICAL_H
#define BT_TRUST_CANONICAL_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

int bt_canonical_json(const cJSON *value, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

#endif
