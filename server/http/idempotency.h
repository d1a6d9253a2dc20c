/**
 * Idempotency-Key: a writing request that is sent again with the same key gets the answer it got
 * the first time and does nothing. Kept for 24 hours in the transaction of the request itself, so
 * that there is an answer exactly when there is an effect. For callers with a name alone; refused
 * requests had no effect and are not kept.
 */
#ifndef BT_SERVER_HTTP_IDEMPOTENCY_H
#define BT_SERVER_HTTP_IDEMPOTENCY_H

#include "base/error.h"
#include "server/http/call.h"

#define BT_IDEMPOTENCY_KEY_MAX_BYTES 255
#define BT_IDEMPOTENCY_MS (24LL * 3600 * 1000)

// Whether this request may come twice and is done once. After the gate, which knows the caller.
bool bt_idempotency_counts(const struct bt_call *call);

/**
 * Before the handler: 1 when the call was answered (with the old answer, 422 because the request is
 * another one, or 400 because the key is none), 0 when the handler is to run.
 */
int bt_idempotency_look(struct bt_call *call, struct bt_error *err) BT_NODISCARD;

// After a handler that succeeded. -EAGAIN when another request with the key was faster.
int bt_idempotency_keep(struct bt_call *call, struct bt_error *err) BT_NODISCARD;

#endif
