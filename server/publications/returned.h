/**
 * What players bring back after a restore (docs/server.md, "Backup"). What people signed after the
 * backup is lost here, and players, who never go back, refuse every snapshot that names older
 * versions. So they show the newest snapshot they hold: our own key signed it, and it says how far
 * every role had come. From then on our snapshots name these versions, too, and list the roles as
 * "x-lost"; whoever holds such a role hands in its metadata and documents, which count by the
 * signatures of those who made them.
 *
 * In the caller's transaction.
 */
#ifndef BT_SERVER_PUBLICATIONS_RETURNED_H
#define BT_SERVER_PUBLICATIONS_RETURNED_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"
#include "server/publications/acceptance.h"

// No honest role has so many versions in the time between two backups; a thief of the snapshot key
// shall not use numbers up.
#define BT_RETURNED_MAX_LEAP 1000000

// Notes the versions that a snapshot names. -EACCES: not signed by this server's key, -EINVAL: no
// snapshot. *out_news: something was not known.
int bt_returned_snapshot(struct bt_db *db, const cJSON *document, bool *out_news,
                         struct bt_error *err) BT_NODISCARD;

/**
 * Takes a lost role's metadata, and as many of its documents as came along. *out_news is false
 * where nothing was lost, or it was not what is missing. Errors as of bt_submission_accept.
 */
int bt_returned_role(struct bt_db *db, int64_t now_ms, const struct bt_submission *submission,
                     bool *out_news, struct bt_error *err) BT_NODISCARD;

// The highest version of a role that anybody holds, here or elsewhere; 0: there is none.
int bt_returned_highest(struct bt_db *db, const char *role, int64_t *out,
                        struct bt_error *err) BT_NODISCARD;

// -ESTALE with a sentence for people: what comes next to this role cannot be signed as long as its
// newest version is not here.
int bt_returned_check(struct bt_db *db, const char *role, struct bt_error *err) BT_NODISCARD;

// [{"role", "version"}] of what is lost, appended to the list. What was signed anew goes.
int bt_returned_list(struct bt_db *db, cJSON *list, struct bt_error *err) BT_NODISCARD;

#endif
