/**
 * One request, as its handler sees it. Handlers run on worker threads, inside a database
 * transaction of the call (writing unless the method is GET or HEAD), and may be run again from the
 * beginning when the database asks for it: they change nothing outside the database except through
 * bt_call_after_commit. libmicrohttpd is behind this header and nowhere else.
 *
 * A handler answers exactly once and returns 0; on an error it returns a negative errno with err
 * and the call answers 500, or 503 for -EAGAIN, without the words, which go to the log. Statuses
 * below 400 commit.
 */
#ifndef BT_SERVER_HTTP_CALL_H
#define BT_SERVER_HTTP_CALL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "server/db/db.h"
#include "server/server.h"

struct bt_call;

struct bt_server *bt_call_server(struct bt_call *call);
struct bt_db *bt_call_db(struct bt_call *call);
// Before a handler without a transaction waits for something else: others may have the connection.
void bt_call_let_go(struct bt_call *call);
int64_t bt_call_now_ms(const struct bt_call *call);  // the same through one call

// What stood for {name} in the route's path; never NULL for names that are in it. Percent-decoded
// UTF-8.
const char *bt_call_path(const struct bt_call *call, const char *name);
const char *bt_call_query(const struct bt_call *call, const char *name);   // or NULL
const char *bt_call_header(const struct bt_call *call, const char *name);  // or NULL
const char *bt_call_cookie(const struct bt_call *call, const char *name);  // or NULL
const char *bt_call_remote(const struct bt_call *call);  // address, as told by a trusted proxy
const char *bt_call_method(const struct bt_call *call);  // "GET" for HEAD as well
bool bt_call_writes(const struct bt_call *call);         // neither GET nor HEAD

// ?name=N: a whole number, or `fallback` when it is not there. Answers 400 itself and returns false
// when it is something else. For lists: bt_call_query_int(call, "limit", 1, 200, 50, &limit).
bool bt_call_query_int(struct bt_call *call, const char *name, int64_t min, int64_t max,
                       int64_t fallback, int64_t *out);

/**
 * For sessions in cookies. `secure`: the browser came over TLS, to us or to a trusted proxy; the
 * cookie is then "__Host-bangtin", otherwise "bangtin". `same_origin`: no other site's page sent
 * this (Sec-Fetch-Site, or else Origin equals our own address); false when a browser does not say.
 * A session's writing request needs it and the header X-Bangtin-Token; the gate asks for both.
 */
bool bt_call_secure(const struct bt_call *call);
bool bt_call_same_origin(const struct bt_call *call);

// The body: raw, or parsed once (strictly, base/json.h) as an object; parse answers 400 itself and
// returns NULL.
const char *bt_call_body(const struct bt_call *call, size_t *out_len);
const cJSON *bt_call_json(struct bt_call *call);

// The gate is asked before the body is read, and again when it is here. True: bt_call_json was
// asked the first time (it returned NULL and answered nothing), so the judgement depends on the
// body.
bool bt_call_missed_body(const struct bt_call *call);

// The body read by table, unknown keys refused; answers 400 itself, with the reader's sentence, and
// returns false. TEXT members belong to the caller either way.
bool bt_call_read(struct bt_call *call, const struct bt_json_field *fields, size_t count,
                  void *target);

/**
 * Who asks; filled in before the handler by the route's `who` (server/http/route.h).
 */
struct bt_caller {
    char user[32];     // user id, "" when nobody
    char player[32];   // player id, "" when no player
    char session[65];  // SHA-256 of the session's or token's secret in hex
    uint64_t scopes;   // of an API token; all ones for a session
    char unit[32];     // PLAYER: its unit
    char screen[32];   // PLAYER: its screen
};
const struct bt_caller *bt_call_caller(const struct bt_call *call);
struct bt_caller *
bt_call_caller_mutable(struct bt_call *call);  // for server/accounts/ and server/fleet/ alone

// Answers. Each copies what it is given, except json, which is taken. A later answer replaces an
// earlier one.
int bt_call_json_reply(struct bt_call *call, int status, cJSON *body);
int bt_call_empty_reply(struct bt_call *call, int status);
int bt_call_bytes_reply(struct bt_call *call, int status, const char *type, const void *bytes,
                        size_t len);

// Serves a file with Range, If-Range, If-None-Match; `etag` without quotes, `immutable` for content
// by hash.
int bt_call_file_reply(struct bt_call *call, const char *path, const char *type, const char *etag,
                       bool immutable);
int bt_call_open_file_reply(struct bt_call *call, int fd, const char *type, const char *etag,
                            bool immutable);  // one that is open; fd is taken

/**
 * RFC 9457: type "urn:bangtin:NAME", a Vietnamese sentence and an English one. Always returns 0, so
 * that a refusal is one line.
 */
int bt_call_problem(struct bt_call *call, int status, const char *name, const char *vi,
                    const char *en);

void bt_call_set_header(struct bt_call *call, const char *name, const char *value);

/**
 * Editing: revisions are whole numbers, ETag "REV". check_revision answers 412 (or 428 without
 * If-Match) itself and returns false when it does not fit; set_revision puts the ETag into the
 * answer.
 */
bool bt_call_check_revision(struct bt_call *call, int64_t revision);
void bt_call_set_revision(struct bt_call *call, int64_t revision);

/**
 * The answer comes later, and no worker waits for it: the last act of a handler whose route has no
 * transaction. Somebody calls bt_call_go_on once, on any thread, perhaps before the handler has
 * returned; then a worker calls `answer`, which answers as a handler does. `context` is freed with
 * free_context. Whoever goes on with calls must have done so before bt_http_destroy.
 */
void bt_call_put_off(struct bt_call *call,
                     int (*answer)(struct bt_call *call, void *context, struct bt_error *err),
                     void *context, void (*free_context)(void *));
void bt_call_go_on(struct bt_call *call);

// Runs once after the transaction was committed, on the worker thread; `context` is freed with
// free_context.
void bt_call_after_commit(struct bt_call *call,
                          void (*run)(struct bt_server *server, void *context), void *context,
                          void (*free_context)(void *));

/**
 * Around what a handler waits for from another machine, for however long: a quarter of the workers
 * may at once. False: as many do already, and it has answered 503 with Retry-After.
 */
bool bt_call_begin_waiting(struct bt_call *call) BT_NODISCARD;
void bt_call_end_waiting(struct bt_call *call);

/**
 * Bodies too large for memory: a route with `body = BT_BODY_STREAM` gets its handler before the
 * body; the handler says where it goes (a file descriptor, taken, from its present end, at most
 * `max_bytes`) and is called again when all of it, or what came before the connection was lost, is
 * there.
 */
int bt_call_receive(struct bt_call *call, int fd, int64_t max_bytes);
bool bt_call_received(const struct bt_call *call, int64_t *out_bytes, bool *out_whole);

int bt_call_received_file(const struct bt_call *call);  // its descriptor, the call's

/**
 * Besides, after bt_call_receive: whenever so many more bytes are in the file and others are still
 * to come, `settle` makes sure of them, so that they are not lost with this server. It runs on a
 * worker, outside of a transaction, as handlers of routes without one do, and the rest of the body
 * waits for it. It may take the bytes out of the file; what comes next goes where the file's
 * position is then. It answers nothing: what it fails with is logged, the body goes on, and it is
 * asked again after as many bytes, except after -ESTALE.
 */
void bt_call_settle_every(struct bt_call *call, int64_t bytes,
                          int (*settle)(struct bt_call *call, struct bt_error *err));

/**
 * Streams (server-sent events). The handler of a stream answers with bt_call_stream_reply; the
 * connection then belongs to `stream`. write is thread-safe, queues at most 64 KiB per connection
 * and never waits: -EPIPE when the other side is gone or too slow, after which on_close runs once.
 */
struct bt_stream;
int bt_call_stream_reply(struct bt_call *call,
                         void (*on_open)(struct bt_stream *stream, void *context),
                         void (*on_close)(struct bt_stream *stream, void *context), void *context);
int bt_stream_write(struct bt_stream *stream, const char *text, size_t len) BT_NODISCARD;
void bt_stream_close(struct bt_stream *stream);

#endif
