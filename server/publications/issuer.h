/**
 * The issuer: holds the snapshot and timestamp keys (DATA/keys, made at the first start), and turns
 * accepted metadata into what players see. Thread-safe. Several servers on one database have copies
 * of the same two key files.
 */
#ifndef BT_SERVER_PUBLICATIONS_ISSUER_H
#define BT_SERVER_PUBLICATIONS_ISSUER_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "server/http/call.h"

struct bt_issuer;
int bt_issuer_open(const char *data_dir, const struct bt_clock *clock, struct bt_issuer **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_issuer_destroy(struct bt_issuer *issuer);
BT_DEFINE_AUTO(bt_issuer)

// Both public keys as TUF key objects, for whoever makes the root: {"snapshot": …, "timestamp": …}.
const char *bt_issuer_public_keys(const struct bt_issuer *issuer);  // JSON text
const cJSON *bt_issuer_public_keys_json(const struct bt_issuer *issuer);

/**
 * Signs what is no metadata with the timestamp key: {"_type": TYPE, …}, see trust/countersign.h.
 * The document's text is appended.
 */
int bt_issuer_countersign(const struct bt_issuer *issuer, const cJSON *body, struct bt_buf *out,
                          struct bt_error *err) BT_NODISCARD;

/**
 * A stick's word (trust/stick.h) over what is newest: `days` from now, 1..BT_STICK_MAX_DAYS. `body`
 * has what it is made of and is taken; x-seal is ours. The document's text is appended. -ENOENT:
 * nothing was ever issued.
 */
int bt_issuer_stick(const struct bt_issuer *issuer, struct bt_db *db, int64_t days, cJSON *body,
                    struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

// Opens what a player sealed for us. -EBADMSG: it did not.
int bt_issuer_unseal(const struct bt_issuer *issuer, const void *box, size_t len,
                     struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

/**
 * In the call's transaction: makes the next snapshot (of all roles' newest stored metadata) and
 * timestamp (with the audit head), stores them, and hints the players after the commit. Without
 * targets metadata there is nothing to issue, and nothing happens. `urgency` is an enum bt_urgency.
 */
int bt_issuer_issue(struct bt_call *call, int urgency, struct bt_error *err) BT_NODISCARD;

/**
 * Renews timestamp and snapshot before they expire; called by the housekeeper every minute. Has a
 * transaction of its own.
 */
int bt_issuer_renew(struct bt_issuer *issuer, struct bt_server *server,
                    struct bt_error *err) BT_NODISCARD;

/**
 * After a restore, in the caller's transaction: a snapshot and a timestamp whose versions lie far
 * above all that players can have seen of what the lost server issued.
 */
int bt_issuer_leap(struct bt_issuer *issuer, struct bt_db *db, struct bt_error *err) BT_NODISCARD;

#endif
