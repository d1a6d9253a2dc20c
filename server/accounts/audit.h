/**
 * The audit log: every change, by whom, as a hash chain; its head rides in the signed timestamp, so
 * that players are witnesses. Written in the transaction of the change itself.
 */
#ifndef BT_SERVER_ACCOUNTS_AUDIT_H
#define BT_SERVER_ACCOUNTS_AUDIT_H

#include <cjson/cJSON.h>

#include "server/http/call.h"

/**
 * Records what the call's caller did: verb ("screen.create", "takedown.issue"), object
 * ("screen/s-7K3"), unit code ("": the root), and details (taken; NULL allowed; whole numbers
 * only, no secrets).
 */
int bt_audit(struct bt_call *call, const char *verb, const char *object, const char *unit,
             cJSON *details, struct bt_error *err) BT_NODISCARD;

// The same where there is no call: the server's own doing, or before somebody is logged in.
struct bt_audit_entry {
    int64_t at_ms;
    const char *actor;  // "user/u-7K3", "player/d-2MX", "server"
    const char *from;   // address, "" when none
    const char *verb, *object, *unit;
};
int bt_audit_write(struct bt_db *db, const struct bt_audit_entry *entry, cJSON *details,
                   struct bt_error *err) BT_NODISCARD;

// The chain's head in hex; 64 zeros when empty.
int bt_audit_head(struct bt_db *db, char out[65], struct bt_error *err) BT_NODISCARD;

/**
 * Walks the whole chain. *out_bad is the first entry whose hash does not follow from what stands
 * there (or that is missing), 0 when all do and the last is the head.
 */
int bt_audit_verify(struct bt_db *db, int64_t *out_count, int64_t *out_bad,
                    struct bt_error *err) BT_NODISCARD;

#endif
