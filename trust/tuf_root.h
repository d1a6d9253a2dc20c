/**
 * Root documents and the step from one to the next (TUF specification 1.0, "Update the root role"):
 * what the client does with what it pinned, and a player that is being paired with what it was
 * told. No files, no clock: whether a root has expired is asked where it is used.
 */
#ifndef BT_TRUST_TUF_ROOT_H
#define BT_TRUST_TUF_ROOT_H

#include <stddef.h>

#include "base/error.h"
#include "trust/tuf_document.h"

// Of one root document.
#define BT_TUF_ROOT_MAX_BYTES (512 * 1024)

// Is `of` signed to the threshold of the root's role? -EACCES when it is not.
int bt_tuf_root_vouches(const struct bt_tuf_document *root, const struct bt_tuf_document *of,
                        const char *role, struct bt_error *err) BT_NODISCARD;

// A root that vouches for itself; whether to trust it is another question. -EINVAL, -EACCES,
// -EMSGSIZE.
int bt_tuf_root_read(const char *text, size_t len, struct bt_tuf_document **out,
                     struct bt_error *err) BT_NODISCARD;

/**
 * The root that follows `now`: of the next version (-ESTALE), signed to the thresholds of both
 * (-EACCES).
 */
int bt_tuf_root_next(const struct bt_tuf_document *now, const char *text, size_t len,
                     struct bt_tuf_document **out, struct bt_error *err) BT_NODISCARD;

#endif
