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

// Before the body is read: asks the gate alone. False: the refusal is in the call's reply.
bool bt_call_judge(struct bt_call *call);

// The call has a reply afterwards, whatever happens; unless its handler said where a body goes.
void bt_call_answer(struct bt_call *call);

// What a handler has put off.
void bt_call_answer_later(struct bt_call *call);

#endif
