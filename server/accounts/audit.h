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
 * ("screen/s-7K3"), unit code, and details (taken; NULL allowed; no secrets).
 */
int bt_audit(struct bt_call *call, const char *verb, const char *object, const char *unit,
             cJSON *details, struct bt_error *err) BT_NODISCARD;

// The chain's head in hex; 64 zeros when empty.
int bt_audit_head(struct bt_db *db, char out[65], struct bt_error *err) BT_NODISCARD;

#endif
