/**
 * Documents that are signed and are no TUF metadata: {"signatures": [{"keyid", "sig"}], "signed":
 * {"_type": TYPE, …}}, as canonical JSON, so that the same document has the same bytes wherever it
 * lies. What is signed is
 *
 *     "bangtin-" TYPE "\n" and the canonical JSON of `signed`
 *
 * and metadata begin with '{': no signature of the one can ever be taken for one of the other,
 * although the key is the same. Pure.
 */
#ifndef BT_TRUST_COUNTERSIGN_H
#define BT_TRUST_COUNTERSIGN_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "trust/metadata.h"
#include "trust/private_key.h"

// [a-z-], with the NUL.
#define BT_COUNTERSIGN_TYPE_BYTES 32

// Appends the document's text. `body` has "_type"; -EINVAL when it has none of good shape.
int bt_countersign(const cJSON *body, const struct bt_private_key *key, struct bt_buf *out,
                   struct bt_error *err) BT_NODISCARD;

/**
 * Reads such a text. *out is the whole document, for cJSON_Delete; who signed it is not asked here.
 * Errors: -EINVAL not such a document, of another type, or not in canonical form.
 */
int bt_countersigned_read(const char *text, size_t len, const char *type, cJSON **out,
                          struct bt_error *err) BT_NODISCARD;

// `signed`, borrowed.
const cJSON *bt_countersigned_body(const cJSON *document);

// -EACCES unless a key of the ring signed it, whatever the ring's threshold.
int bt_countersigned_check(const cJSON *document, const struct bt_keyring *ring,
                           struct bt_error *err) BT_NODISCARD;

#endif
