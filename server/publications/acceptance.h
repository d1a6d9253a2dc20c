/**
 * Metadata made elsewhere (root, targets, a delegated role) come in: only what verifies against
 * what is in force, and is the very next version.
 */
#ifndef BT_SERVER_PUBLICATIONS_ACCEPTANCE_H
#define BT_SERVER_PUBLICATIONS_ACCEPTANCE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"

struct bt_submission {
    const char *role;       // "root", "targets", "u-31333", "s-31333"
    const cJSON *document;  // {signed, signatures}
    const cJSON *files;     // {path: text} of the targets that are new, or NULL
    const cJSON *own_keys;  // {"snapshot": key, "timestamp": key}: a root must name them
    bool returned;          // by a player, see returned.h: files may be missing
};

/**
 * Verifies and stores, in the caller's transaction. Where players hold more than this server does
 * (returned.h), the next version is the one after theirs; root and targets may be handed in again
 * up to that. Errors: -EACCES signatures, -ESTALE not the
 * next version, -EINVAL the document or a file, with the reason, -ENOENT nobody may sign for this
 * role.
 */
int bt_submission_accept(struct bt_db *db, int64_t now_ms, const struct bt_submission *submission,
                         struct bt_error *err) BT_NODISCARD;

#endif
