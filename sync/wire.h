/**
 * One request to the server over libcurl: https with the pinned keys (or the system's authorities
 * where nothing is pinned), plain http to this machine alone, no redirects, everything bounded, and
 * what went wrong in words and as a trouble. A wire belongs to one thread and keeps its connection.
 */
#ifndef BT_SYNC_WIRE_H
#define BT_SYNC_WIRE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sync/address.h"
#include "sync/troubles.h"

struct bt_wire {
    CURL *curl;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
    int64_t stall_s;  // without a byte for so long a request is given up
};

int bt_wire_init(struct bt_wire *wire, int64_t stall_s, struct bt_error *err) BT_NODISCARD;
void bt_wire_finish(struct bt_wire *wire);

// Forgets the request before; the connection stays.
int bt_wire_begin(struct bt_wire *wire, const struct bt_address *address, const char *path,
                  struct bt_error *err) BT_NODISCARD;
int bt_wire_add_header(struct bt_wire *wire, struct bt_error *err, const char *format, ...)
    BT_PRINTF(3, 4) BT_NODISCARD;

// The body is borrowed until the request is over.
void bt_wire_post(struct bt_wire *wire, const char *type, const void *body, size_t len);

// What comes goes into `out`; more than its limit ends the request.
void bt_wire_receive(struct bt_wire *wire, struct bt_buf *out);

// After the last call that sets headers, before it is performed.
void bt_wire_ready(struct bt_wire *wire);

// Whether the answer in `got` is this problem (RFC 9457), as "urn:bangtin:token-refused".
bool bt_wire_is_problem(const struct bt_buf *got, const char *type);

/**
 * What became of it. 0: there is an answer, and *out_status is its HTTP status. -ENETUNREACH: no
 * answer, or one that is not from our server (a captive portal); *out_trouble says what kind.
 */
int bt_wire_result(struct bt_wire *wire, CURLcode code, long *out_status,
                   enum bt_trouble *out_trouble, struct bt_error *err) BT_NODISCARD;

/**
 * When the certificate of the connection that this request made ends: pins do not mind, and people
 * should. False when it made none (it took an open one), or a plain one.
 */
bool bt_wire_certificate_end(struct bt_wire *wire, int64_t *out_ms);

#endif
