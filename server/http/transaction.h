/**
 * Answers a call: gate, handler and what the handler wants done afterwards, in one transaction of
 * the database that is run again when the database asks for it. On a worker thread.
 */
#ifndef BT_SERVER_HTTP_TRANSACTION_H
#define BT_SERVER_HTTP_TRANSACTION_H

#include "server/http/call.h"

// The database may refuse a transaction this often before the caller is told to come back.
#define BT_TRANSACTION_TRIES 8
// And this often before a person's request is done while nobody else writes.
#define BT_TRANSACTION_TRIES_BESIDE_OTHERS 3

/**
 * For handlers of routes without a transaction: runs `work` in a writing one, and again when the
 * database asks for it, so it changes nothing but the database and its context. It returns 0 to
 * commit, 1 when it has answered a refusal and nothing is to be kept, or an error. On a worker.
 *
 * Once in a handler: after a second one had failed, the caller would be told to come again, and do
 * once more what the first one has committed. Routes that bear that say so (comes_again); after a
 * commit the handler itself is not run again, either.
 */
int bt_call_write(struct bt_call *call,
                  int (*work)(struct bt_call *call, void *context, struct bt_error *err),
                  void *context, struct bt_error *err) BT_NODISCARD;

// Before the body is read: asks the gate alone. False: the refusal is in the call's reply.
bool bt_call_judge(struct bt_call *call);

// More of a body is in its file: makes sure of it, if it is time to.
void bt_call_settle(struct bt_call *call);

// The call has a reply afterwards, whatever happens; unless its handler said where a body goes.
void bt_call_answer(struct bt_call *call);

// What a handler has put off.
void bt_call_answer_later(struct bt_call *call);

#endif
