/**
 * bangtin's side of the HTTP API (docs/api.md): one client for one command, with the login that
 * `bangtin login` kept.
 *
 * The login stands in login.json of the configuration (cli/config.h, mode 0600): server, pins and
 * what proves who is asking. Servers: "https://HOST[:PORT]", "http://127.0.0.1:PORT" (also
 * localhost and [::1]; plain elsewhere is refused), "unix:PATH" for the machine of the server. With
 * pins the certificate must have one of these keys, whoever issued it; without, the system's
 * authorities count.
 *
 * Errors: -ECONNREFUSED the server cannot be reached, -EACCES not logged in or not allowed (401,
 * 403), -ENOENT 404, -EEXIST 409, -ESTALE 412, -EAGAIN it would do it later (423, 429, 502 to 504),
 * -EREMOTEIO any other refusal; err has the server's own words in Vietnamese and English.
 */
#ifndef BT_CLI_CLIENT_H
#define BT_CLI_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"
#include "base/options.h"

#define BT_ANSWER_MAX_BYTES (16 * 1024 * 1024)  // metadata and documents; blobs go to files
#define BT_ETAG_BYTES 96
#define BT_LOCATION_BYTES 512

struct bt_client;

// For the server of --server, or the one that is logged in. -ENOENT when there is neither.
int bt_client_open(const struct bt_arguments *arguments, struct bt_client **out,
                   struct bt_error *err) BT_NODISCARD;

// For `wanted` (NULL: the one that is logged in), with the login's secrets when it is that one.
int bt_client_open_server(const char *wanted, struct bt_client **out,
                          struct bt_error *err) BT_NODISCARD;
bool bt_client_logged_in(const struct bt_client *client);

// For a server that is not the login's yet; `pins` is a JSON array of texts, or NULL; borrowed.
int bt_client_create(const char *server, const cJSON *pins, struct bt_client **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_client_destroy(struct bt_client *client);
BT_DEFINE_AUTO(bt_client)

const char *bt_client_server(const struct bt_client *client);
bool bt_client_json(const struct bt_client *client);  // --json was said

struct bt_answer {
    int status;
    struct bt_buf body;
    cJSON *json;  // of a JSON body, else NULL
    char etag[BT_ETAG_BYTES];
    char location[BT_LOCATION_BYTES];
    int64_t upload_offset;  // tus; -1 when not said
    int64_t retry_after_s;  // when to come again; 0 when not said
};
void bt_answer_finish(struct bt_answer *answer);
#define BT_AUTOANSWER BT_AUTOFINISH(bt_answer_finish) struct bt_answer

struct bt_request {
    const char *method, *path;   // "/v1/…", already percent-encoded
    const cJSON *json;           // a JSON body, or NULL
    const char *if_match;        // a version from etag, or NULL
    const char *const *headers;  // further ones, ends with NULL; or NULL
    const void *bytes;           // a body of bytes, or NULL
    size_t bytes_len;
    const char *bytes_type;                                        // its media type
    void (*progress)(void *context, int64_t done, int64_t total);  // of the body sent, or NULL
    void *progress_context;
};

/**
 * Asks and waits. Below status 400 returns 0; else an error as above. `out` is for
 * bt_answer_finish in both cases. POST bears an Idempotency-Key. What met a
 * server (or the proxy before it) that starts anew is sent twice more, within three seconds: a GET
 * always, anything else when it was surely not done.
 */
int bt_client_ask(struct bt_client *client, const struct bt_request *request, struct bt_answer *out,
                  struct bt_error *err) BT_NODISCARD;

// The commonest: a GET of JSON; any method with a JSON body (NULL: none).
int bt_client_get(struct bt_client *client, const char *path, struct bt_answer *out,
                  struct bt_error *err) BT_NODISCARD;
int bt_client_send(struct bt_client *client, const char *method, const char *path,
                   const cJSON *body, struct bt_answer *out, struct bt_error *err) BT_NODISCARD;

/**
 * Fetches a path into `out` (created, replaced when whole), with progress; at most `max_bytes`.
 */
int bt_client_fetch_file(struct bt_client *client, const char *path, const char *file,
                         int64_t max_bytes,
                         void (*progress)(void *context, int64_t done, int64_t total),
                         void *context, struct bt_error *err) BT_NODISCARD;

// What login keeps. `secrets` has "cookie" and "token", or "bearer".
int bt_client_remember(const struct bt_client *client, const cJSON *pins, const char *login,
                       const cJSON *secrets, struct bt_error *err) BT_NODISCARD;
void bt_client_forget(void);

// The cookie that the last answer set, "NAME=VALUE", or "".
const char *bt_client_cookie(const struct bt_client *client);

// Percent-encodes one part of a path; for free().
char *bt_path_part(const char *text) BT_NODISCARD;

#endif
