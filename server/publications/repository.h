/**
 * The stored repository: signed metadata by role and version, and the targets they list. What is
 * stored here was verified before; see server/publications/acceptance.h and proposing.h.
 */
#ifndef BT_SERVER_PUBLICATIONS_REPOSITORY_H
#define BT_SERVER_PUBLICATIONS_REPOSITORY_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/db/db.h"
#include "trust/metadata.h"

// A role's newest document {signed, signatures}, for cJSON_Delete. -ENOENT when it has none.
int bt_repository_load(struct bt_db *db, const char *role, cJSON **out,
                       struct bt_error *err) BT_NODISCARD;

// What a document says of itself; 0 and "" when it does not.
int64_t bt_document_version(const cJSON *document);
const char *bt_document_target_hash(const cJSON *document, const char *path);
int bt_document_expires(const cJSON *document, int64_t *out_ms, struct bt_error *err) BT_NODISCARD;
int bt_part_expires(const cJSON *signed_part, int64_t *out_ms, struct bt_error *err) BT_NODISCARD;

/**
 * Who may sign for a role now, and how many of them: from the root for the top roles, else from the
 * delegations of the top targets. -ENOENT when nobody has said.
 */
int bt_repository_keyring(struct bt_db *db, const char *role, struct bt_keyring *out,
                          struct bt_error *err) BT_NODISCARD;

// The same keys as they are written: {keyid: key object}, for cJSON_Delete.
int bt_repository_keys(struct bt_db *db, const char *role, cJSON **out,
                       struct bt_error *err) BT_NODISCARD;

// The keys of a role as they stand in a document (root for the top roles, targets for the others).
int bt_document_keyring(const cJSON *document, const char *role, struct bt_keyring *out,
                        struct bt_error *err) BT_NODISCARD;

/**
 * A root that does not name the server's own keys, {"snapshot": key, "timestamp": key}, with
 * threshold 1 would end all publishing: -EINVAL.
 */
int bt_document_names_keys(const cJSON *root, const cJSON *own_keys,
                           struct bt_error *err) BT_NODISCARD;

int bt_repository_put(struct bt_db *db, const char *role, const cJSON *document,
                      struct bt_error *err) BT_NODISCARD;

// A target's text: -ENOENT when it is not stored. The text is appended.
int bt_repository_target(struct bt_db *db, const char *path, const char *sha256, struct bt_buf *out,
                         struct bt_error *err) BT_NODISCARD;

/**
 * Stores a target that signed metadata list, and makes the assets it names public. Its text was
 * read strictly before.
 */
int bt_repository_put_target(struct bt_db *db, int64_t now_ms, const char *path, const char *text,
                             struct bt_error *err) BT_NODISCARD;

#endif
