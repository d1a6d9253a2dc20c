/**
 * Makes a call of a request's line and headers, and refuses what is ambiguous: two Content-Length,
 * Content-Length beside Transfer-Encoding, codings other than "chunked", names with spaces, two
 * Host. No body has been read yet.
 */
#ifndef BT_SERVER_HTTP_REQUEST_H
#define BT_SERVER_HTTP_REQUEST_H

#include "server/http/exchange.h"

// Fills the call, finds its route. Returns false when it has a refusal in call->reply instead.
bool bt_request_take(struct bt_call *call, const struct bt_exchange_world *world,
                     struct MHD_Connection *connection, const char *method, const char *path);

// From Content-Length; -1 when it is sent in chunks.
int64_t bt_request_length(const struct bt_call *call);

#endif
