/**
 * The trusted metadata of a client on its disk: one file for each role, "ROLE.json", byte for byte
 * as it was fetched. Names of roles are percent-encoded, so that none leaves the directory.
 */
#ifndef BT_TRUST_TUF_SAVED_H
#define BT_TRUST_TUF_SAVED_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

// Durable before it returns.
int bt_tuf_saved_write(const char *directory, const char *role, const void *text, size_t len,
                       struct bt_error *err) BT_NODISCARD;

// `out`'s limit bounds what is read. -ENOENT when there is none.
int bt_tuf_saved_read(const char *directory, const char *role, struct bt_buf *out,
                      struct bt_error *err) BT_NODISCARD;

// Durable with the next write into the directory.
void bt_tuf_saved_remove(const char *directory, const char *role);

#endif
