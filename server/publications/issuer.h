/**
 * The issuer: holds the snapshot and timestamp keys (DATA/keys, made at the first start), and turns
 * accepted metadata into what players see. Thread-safe.
 */
#ifndef BT_SERVER_PUBLICATIONS_ISSUER_H
#define BT_SERVER_PUBLICATIONS_ISSUER_H

#include <stdint.h>

#include "base/error.h"
#include "server/http/call.h"

struct bt_issuer;
int bt_issuer_open(const char *data_dir, const struct bt_clock *clock, struct bt_issuer **out,
                   struct bt_error *err) BT_NODISCARD;
void bt_issuer_destroy(struct bt_issuer *issuer);
BT_DEFINE_AUTO(bt_issuer)

// Both public keys as TUF key objects, for whoever makes the root.
const char *bt_issuer_public_keys(const struct bt_issuer *issuer);  // JSON text

/**
 * In the call's transaction: makes the next snapshot (of all roles' newest stored metadata) and
 * timestamp (with the audit head), stores them, and hints the players after the commit.
 */
int bt_issuer_issue(struct bt_call *call, int urgency, struct bt_error *err) BT_NODISCARD;

// Renews the timestamp before it expires; called by the housekeeper every minute.
int bt_issuer_renew(struct bt_issuer *issuer, struct bt_server *server,
                    struct bt_error *err) BT_NODISCARD;

#endif
