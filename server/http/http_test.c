// The whole of server/http/ over real sockets, with routes of its own, on every engine.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/testing.h"
#include "server/http/http.h"
#include "server/http/metrics.h"
#include "server/http/route.h"

#define ANSWER_MAX_BYTES (4 * 1024 * 1024)
#define PATIENCE_MS 180000

// What handlers and tests tell each other.
static struct {
    atomic_int runs, hooks, opened, closed, received_runs;
    atomic_llong received_bytes;
    atomic_int received_whole;
    _Atomic(struct bt_stream *) stream;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char directory[256];
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void tell(atomic_int *what)
{
    pthread_mutex_lock(&shared.lock);
    atomic_fetch_add(what, 1);
    pthread_cond_broadcast(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
}

static void wait_for(atomic_int *what, int count)
{
    pthread_mutex_lock(&shared.lock);
    while (atomic_load(what) < count) {
        pthread_cond_wait(&shared.changed, &shared.lock);
    }
    pthread_mutex_unlock(&shared.lock);
}

static int handle_hello(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    int64_t limit;
    if (!bt_call_query_int(call, "limit", 1, 200, 50, &limit)) {
        return 0;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "name", bt_call_path(call, "name"));
    cJSON_AddStringToObject(body, "q", bt_call_query(call, "q") ? bt_call_query(call, "q") : "");
    cJSON_AddStringToObject(body, "remote", bt_call_remote(call));
    const char *cookie = bt_call_cookie(call, "bangtin");
    cJSON_AddStringToObject(body, "cookie", cookie == NULL ? "" : cookie);
    cJSON_AddBoolToObject(body, "secure", bt_call_secure(call));
    cJSON_AddBoolToObject(body, "same_origin", bt_call_same_origin(call));
    cJSON_AddNumberToObject(body, "limit", (double)limit);
    return bt_call_json_reply(call, 200, body);
}

struct thing {
    char id[32];
    int64_t number;
};

static const struct bt_json_field thing_fields[] = {
    BT_JSON_FIELD(struct thing, id, "id", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct thing, number, "number", BT_JSON_INT, .min = 0, .max = 1000),
};

static void count_hook(struct bt_server *server, void *context)
{
    (void)server;
    (void)context;
    tell(&shared.hooks);
}

static int insert_thing(struct bt_call *call, const struct thing *thing, struct bt_error *err)
{
    int64_t r = bt_db_run(bt_call_db(call), err, "INSERT INTO thing (id, number) VALUES ($1, $2)",
                          BT_TEXT(thing->id), BT_INT(thing->number));
    return r < 0 ? (int)r : 0;
}

static int handle_add(struct bt_call *call, struct bt_error *err)
{
    struct thing thing;
    if (!bt_call_read(call, thing_fields, BT_ARRAY_LEN(thing_fields), &thing)) {
        return 0;
    }
    tell(&shared.runs);
    bt_call_after_commit(call, count_hook, bt_strdup("context"), free);
    int r = insert_thing(call, &thing, err);
    if (r == -EEXIST) {
        return bt_call_problem(call, 409, "exists", "Đã có", "There is one already");
    }
    if (r < 0) {
        return r;
    }
    if (thing.number == 409) {  // after it has written
        return bt_call_problem(call, 409, "number", "Không được", "Not that number");
    }
    if (thing.number == 500) {
        return bt_fail(err, -EIO, "On purpose");
    }
    if (thing.number > 900 && atomic_load(&shared.runs) < thing.number - 900) {
        return bt_fail(err, -EAGAIN, "Once more, on purpose");
    }
    bt_call_set_revision(call, 7);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", thing.id);
    return bt_call_json_reply(call, 201, body);
}

static int handle_edit(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    if (!bt_call_check_revision(call, 7)) {
        return 0;
    }
    bt_call_set_revision(call, 8);
    return bt_call_empty_reply(call, 204);
}

static int handle_large(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    size_t len;
    (void)bt_call_body(call, &len);
    atomic_store(&shared.received_bytes, (int64_t)len);
    return bt_call_empty_reply(call, 204);
}

static int handle_file(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    char path[512];
    int r = bt_format(path, sizeof(path), "%s/file", shared.directory);
    return r < 0 ? r : bt_call_file_reply(call, path, "video/mp4", "abc", true);
}

static int handle_upload(struct bt_call *call, struct bt_error *err)
{
    int64_t bytes;
    bool whole;
    if (bt_call_received(call, &bytes, &whole)) {
        atomic_store(&shared.received_bytes, bytes);
        atomic_store(&shared.received_whole, whole);
        tell(&shared.received_runs);
        return bt_call_empty_reply(call, 204);
    }
    if (strcmp(bt_call_path(call, "name"), "refused") == 0) {
        return bt_call_problem(call, 409, "offset", "Sai chỗ", "Wrong place");
    }
    char path[512];
    int r = bt_format(path, sizeof(path), "%s/upload", shared.directory);
    if (r < 0) {
        return r;
    }
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    return fd < 0 ? bt_fail_errno(err, "Cannot open '%s'", path)
                  : bt_call_receive(call, fd, 3 * 1024 * 1024);
}

static void on_open(struct bt_stream *stream, void *context)
{
    (void)context;
    assert_int_equal(bt_stream_write(stream, "retry: 5000\n\n", 13), 0);
    atomic_store(&shared.stream, stream);
    tell(&shared.opened);
}

static void on_close(struct bt_stream *stream, void *context)
{
    (void)context;
    (void)stream;
    atomic_store(&shared.stream, NULL);
    tell(&shared.closed);
}

static int handle_events(struct bt_call *call, struct bt_error *err)
{
    (void)err;
    return bt_call_stream_reply(call, on_open, on_close, NULL);
}

static const struct bt_route routes[] = {
    {"GET", "/hello/{name}", .handle = handle_hello},
    {"POST", "/things", .body = BT_BODY_JSON, .handle = handle_add},
    {"PUT", "/things/{id}", .handle = handle_edit},
    {"POST", "/large", .body = BT_BODY_BYTES, .max_body = 1 << 20, .handle = handle_large},
    {"GET", "/file", .handle = handle_file},
    {"PUT", "/files/{name}", .body = BT_BODY_STREAM, .handle = handle_upload},
    {"GET", "/events", .handle = handle_events},
};
static const struct bt_route_table table = {routes, BT_ARRAY_LEN(routes)};
static const struct bt_route_table *const tables[] = {&table};

static bool gate(struct bt_call *call, const struct bt_route *route)
{
    (void)route;
    const char *user = bt_call_header(call, "X-Test-User");
    if (user != NULL && strcmp(user, "nobody") == 0) {
        bt_call_problem(call, 401, "who", "Hãy đăng nhập", "Log in");
        return false;
    }
    bt_copy_cut(bt_call_caller_mutable(call)->user, 32, user == NULL ? "" : user);
    return true;
}

struct world {
    struct bt_test_db *db;
    struct bt_server server;
    struct bt_metrics *metrics;
    struct bt_http *http;
};

static void start_world(struct world *world, void **state)
{
    *world = (struct world){.db = *state, .metrics = bt_metrics_create()};
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(world->db);
    assert_int_equal(bt_db_begin(db, true, &err), 0);
    assert_int_equal(
        bt_db_run(db, &err, "CREATE TABLE thing (id TEXT PRIMARY KEY, number BIGINT)") < 0, 0);
    assert_int_equal(bt_db_commit(db, &err), 0);
    bt_db_release(db);
    bt_copy_cut(shared.directory, sizeof(shared.directory), world->db->directory);
    atomic_store(&shared.runs, 0);
    atomic_store(&shared.hooks, 0);
    atomic_store(&shared.opened, 0);
    atomic_store(&shared.closed, 0);
    atomic_store(&shared.received_runs, 0);
    world->server = (struct bt_server){.data_dir = world->db->directory,
                                       .clock = bt_clock_real(),
                                       .db = world->db->pool,
                                       .metrics = world->metrics};
    const struct bt_http_options options = {.listen = "127.0.0.1:0",
                                            .workers = 4,
                                            .gate = gate,
                                            .tables = tables,
                                            .tables_count = 1,
                                            .body_memory_bytes = 100000};
    int r = bt_http_start(&world->server, &options, &world->http, &err);
    if (r < 0) {
        fail_msg("%s", err.msg);
    }
}

static void stop_world(struct world *world)
{
    bt_http_destroy(world->http);
    bt_metrics_destroy(world->metrics);
}

static int connect_to(const struct world *world)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)bt_http_port(world->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;  // refused while we were sending: the answer says why
        }
        bytes += sent;
        len -= (size_t)sent;
    }
}

// Reads until the text is there, or to the end without one.
static void read_until(int fd, struct bt_buf *out, const char *wanted)
{
    char chunk[16384];
    while (wanted == NULL || strstr(bt_buf_text(out), wanted) == NULL) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
        if (got <= 0) {
            assert_null(wanted);
            return;
        }
        assert_int_equal(bt_buf_append(out, chunk, (size_t)got), 0);
    }
}

// Sends one request, whose connection is closed after it, and gives all that came.
static const char *ask(const struct world *world, struct bt_buf *answer, const char *request,
                       size_t len)
{
    int fd = connect_to(world);
    send_all(fd, request, len);
    bt_buf_finish(answer);
    bt_buf_init(answer, ANSWER_MAX_BYTES);
    read_until(fd, answer, NULL);
    close(fd);
    return bt_buf_text(answer);
}

#define HOST "Host: a.example\r\nConnection: close\r\n"
#define ASK(world, answer, text) ask(world, answer, text, strlen(text))

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void assert_status(const char *answer, int status)
{
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "HTTP/1.1 %d ", status);
    if (strncmp(answer, wanted, strlen(wanted)) != 0) {
        fail_msg("not %d: %.400s", status, answer);
    }
}

static const char *post(const struct world *world, struct bt_buf *answer, const char *headers,
                        const char *body)
{
    BT_AUTOFREE char *request =
        bt_strf("POST /things HTTP/1.1\r\n" HOST "Content-Type: application/json\r\n%s"
                "Content-Length: %zu\r\n\r\n%s",
                headers, strlen(body), body);
    return ask(world, answer, request, strlen(request));
}

static int64_t count_things(const struct world *world)
{
    struct bt_error err = {0};
    struct bt_db *db = bt_testing_acquire(world->db);
    BT_AUTO(bt_db_rows) rows = NULL;
    assert_int_equal(bt_db_begin(db, false, &err), 0);
    assert_int_equal(bt_db_ask(db, &rows, &err, "SELECT count(*) FROM thing"), 0);
    assert_true(bt_db_next(rows));
    int64_t count = bt_db_get_int(rows, 0);
    bt_db_release(db);
    return count;
}

static void a_call_knows_its_request(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    const char *text =
        ASK(&world, &answer,
            "GET /hello/x%C3%A3?q=a+b%26&limit=7 HTTP/1.1\r\n" HOST
            "Cookie: other=1; bangtin=s%33cret; x\r\nOrigin: https://a.example\r\n\r\n");
    assert_status(text, 200);
    assert_true(has(text, "{\"name\":\"xã\",\"q\":\"a b&\",\"remote\":\"127.0.0.1\",\"cookie\":"
                          "\"s3cret\",\"secure\":false,\"same_origin\":true,\"limit\":7}"));
    assert_true(has(text, "X-Content-Type-Options: nosniff"));
    text = ASK(&world, &answer,
               "GET /hello/a HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n"
               "Sec-Fetch-Site: cross-site\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
    assert_true(has(text, "\"same_origin\":false"));
    assert_true(has(text, "\"remote\":\"127.0.0.1\""));  // we trust no proxy
    assert_status(ASK(&world, &answer, "GET /hello/a?limit=0 HTTP/1.1\r\n" HOST "\r\n"), 400);
    assert_status(ASK(&world, &answer, "GET /hello/a?limit=x HTTP/1.1\r\n" HOST "\r\n"), 400);
    assert_status(ASK(&world, &answer, "GET /hello/a?q=%zz HTTP/1.1\r\n" HOST "\r\n"), 400);
    text = ASK(&world, &answer, "GET /hello/a HTTP/1.1\r\n" HOST "X-Test-User: nobody\r\n\r\n");
    assert_status(text, 401);
    stop_world(&world);
}

static void a_writing_call_commits_what_succeeded(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    const char *text = post(&world, &answer, "", "{\"id\":\"a\",\"number\":1}");
    assert_status(text, 201);
    assert_true(has(text, "ETag: \"7\""));
    assert_int_equal(atomic_load(&shared.hooks), 1);
    assert_status(post(&world, &answer, "", "{\"id\":\"a\",\"number\":1}"), 409);
    assert_status(post(&world, &answer, "", "{\"id\":\"b\",\"number\":409}"), 409);
    assert_status(post(&world, &answer, "", "{\"id\":\"c\",\"number\":500}"), 500);
    assert_false(has(bt_buf_text(&answer), "On purpose"));
    assert_int_equal(atomic_load(&shared.hooks), 1);
    assert_int_equal(count_things(&world), 1);
    stop_world(&world);
}

static void a_busy_database_is_asked_again(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    assert_status(post(&world, &answer, "", "{\"id\":\"a\",\"number\":903}"), 201);
    assert_int_equal(atomic_load(&shared.runs), 3);
    assert_int_equal(atomic_load(&shared.hooks), 1);
    assert_int_equal(count_things(&world), 1);
    const char *text = post(&world, &answer, "", "{\"id\":\"b\",\"number\":1000}");
    assert_status(text, 503);
    assert_true(has(text, "Retry-After: 1"));
    stop_world(&world);
}

static void bodies_are_read_strictly(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{\"id\":\"a\",\"id\":\"b\",\"number\":1}",
                                      "{\"id\":\"a\",\"number\":1,\"more\":1}",
                                      "{\"id\":\"a\",\"number\":1001}",
                                      "{\"id\":\"a\"}",
                                      "{\"id\":\"\\ud800\",\"number\":1}",
                                      "{\"id\":\"\xff\",\"number\":1}"};
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_status(post(&world, &answer, "", bad[i]), 400);
        assert_true(has(bt_buf_text(&answer), "application/problem+json"));
    }
    assert_status(ASK(&world, &answer,
                      "POST /things HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\n"
                      "Content-Length: 2\r\n\r\n{}"),
                  415);
    BT_AUTOFREE char *large = bt_alloc(70000);
    memset(large, ' ', 69999);
    assert_status(post(&world, &answer, "", large), 413);
    assert_int_equal(count_things(&world), 0);
    stop_world(&world);
}

static void a_body_in_chunks_is_bounded(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    assert_status(ASK(&world, &answer,
                      "POST /things HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                      "5\r\n{\"id\"\r\n13\r\n:\"c\",\"number\":12}  \r\n0\r\n\r\n"),
                  201);
    BT_AUTOBUF request;
    bt_buf_init(&request, 1 << 20);
    assert_int_equal(bt_buf_appendf(&request, "POST /things HTTP/1.1\r\n" HOST
                                              "Transfer-Encoding: chunked\r\n\r\n"),
                     0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(bt_buf_appendf(&request, "800\r\n%2048s\r\n", ""), 0);
    }
    assert_int_equal(bt_buf_appendf(&request, "0\r\n\r\n"), 0);
    assert_status(ask(&world, &answer, request.data, request.len), 413);
    stop_world(&world);
}

static const char *post_large(const struct world *world, struct bt_buf *answer, size_t len)
{
    BT_AUTOFREE char *request = bt_alloc(len + 512);
    memset(request, 'x', len + 512);
    int head =
        snprintf(request, 512, "POST /large HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", len);
    request[head] = 'x';
    return ask(world, answer, request, (size_t)head + len);
}

static void large_bodies_share_a_bounded_memory(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    for (int i = 0; i < 3; i++) {  // each gives its room back
        const char *text = post_large(&world, &answer, 200000);
        assert_status(text, 503);
        assert_true(has(text, "Retry-After: 5"));
        assert_status(post_large(&world, &answer, 160000), 204);
        assert_int_equal(atomic_load(&shared.received_bytes), 160000);
    }
    stop_world(&world);
}

static void the_same_key_gets_the_same_answer(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    static const char key[] = "X-Test-User: u-1\r\nIdempotency-Key: k1\r\n";
    assert_status(post(&world, &answer, key, "{\"id\":\"a\",\"number\":1}"), 201);
    assert_true(has(bt_buf_text(&answer), "{\"id\":\"a\"}"));
    const char *text = post(&world, &answer, key, "{\"id\":\"a\",\"number\":1}");
    assert_status(text, 201);
    assert_true(has(text, "{\"id\":\"a\"}") && has(text, "ETag: \"7\"") &&
                has(text, "Content-Type: application/json"));
    assert_int_equal(atomic_load(&shared.runs), 1);
    assert_status(post(&world, &answer, key, "{\"id\":\"b\",\"number\":1}"), 422);
    // Another user's key is another key, and nobody's counts for nothing.
    assert_status(post(&world, &answer, "X-Test-User: u-2\r\nIdempotency-Key: k1\r\n",
                       "{\"id\":\"a\",\"number\":1}"),
                  409);
    assert_status(post(&world, &answer, "Idempotency-Key: k1\r\n", "{\"id\":\"c\",\"number\":1}"),
                  201);
    assert_status(post(&world, &answer, "Idempotency-Key: k1\r\n", "{\"id\":\"c\",\"number\":1}"),
                  409);
    assert_status(post(&world, &answer, "X-Test-User: u-1\r\nIdempotency-Key: a b\r\n",
                       "{\"id\":\"d\",\"number\":1}"),
                  400);
    assert_int_equal(count_things(&world), 2);
    stop_world(&world);
}

static void a_refusal_is_not_kept(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    static const char key[] = "X-Test-User: u-1\r\nIdempotency-Key: k1\r\n";
    assert_status(post(&world, &answer, key, "{\"id\":\"a\",\"number\":409}"), 409);
    assert_status(post(&world, &answer, key, "{\"id\":\"a\",\"number\":409}"), 409);
    assert_int_equal(atomic_load(&shared.runs), 2);
    stop_world(&world);
}

static void editing_wants_the_revision(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    assert_status(ASK(&world, &answer, "PUT /things/a HTTP/1.1\r\n" HOST "\r\n"), 428);
    assert_status(ASK(&world, &answer, "PUT /things/a HTTP/1.1\r\n" HOST "If-Match: \"6\"\r\n\r\n"),
                  412);
    const char *text =
        ASK(&world, &answer, "PUT /things/a HTTP/1.1\r\n" HOST "If-Match: \"7\"\r\n\r\n");
    assert_status(text, 204);
    assert_true(has(text, "ETag: \"8\""));
    stop_world(&world);
}

static void files_are_sent_whole_and_in_part(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOFREE char *path = bt_strf("%s/file", world.db->directory);
    struct bt_error err = {0};
    assert_int_equal(bt_file_replace(path, "0123456789", 10, &err), 0);
    BT_AUTOBUF answer = {0};
    const char *text = ASK(&world, &answer, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    assert_status(text, 200);
    assert_true(has(text, "\r\n\r\n0123456789") && has(text, "ETag: \"abc\"") &&
                has(text, "immutable") && has(text, "Content-Type: video/mp4"));
    text = ASK(&world, &answer, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=3-5\r\n\r\n");
    assert_status(text, 206);
    assert_true(has(text, "\r\n\r\n345") && has(text, "Content-Range: bytes 3-5/10") &&
                has(text, "Content-Length: 3"));
    text = ASK(&world, &answer,
               "GET /file HTTP/1.1\r\n" HOST "Range: bytes=3-\r\nIf-Range: \"abd\"\r\n\r\n");
    assert_status(text, 200);
    text = ASK(&world, &answer, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=10-\r\n\r\n");
    assert_status(text, 416);
    assert_true(has(text, "Content-Range: bytes */10"));
    text = ASK(&world, &answer, "GET /file HTTP/1.1\r\n" HOST "If-None-Match: W/\"abc\"\r\n\r\n");
    assert_status(text, 304);
    assert_false(has(text, "0123456789"));
    text = ASK(&world, &answer, "HEAD /file HTTP/1.1\r\n" HOST "\r\n");
    assert_status(text, 200);
    assert_true(has(text, "Content-Length: 10"));
    assert_false(has(text, "0123456789"));
    unlink(path);
    assert_status(ASK(&world, &answer, "GET /file HTTP/1.1\r\n" HOST "\r\n"), 404);
    stop_world(&world);
}

static void assert_file_is(const char *path, const char *bytes, size_t len)
{
    BT_AUTOBUF content;
    bt_buf_init(&content, ANSWER_MAX_BYTES);
    struct bt_error err = {0};
    assert_int_equal(bt_file_read(path, &content, &err), 0);
    assert_int_equal(content.len, len);
    assert_memory_equal(content.data, bytes, len);
}

static char *make_bytes(size_t len)
{
    char *bytes = bt_alloc(len);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 2654435761U >> 13);
    }
    return bytes;
}

static void a_long_body_goes_into_a_file(void **state)
{
    struct world world;
    start_world(&world, state);
    const size_t len = 2500000;
    BT_AUTOFREE char *bytes = make_bytes(len);
    BT_AUTOBUF request, answer = {0};
    bt_buf_init(&request, ANSWER_MAX_BYTES);
    assert_int_equal(bt_buf_appendf(&request,
                                    "PUT /files/a HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                                    len),
                     0);
    assert_int_equal(bt_buf_append(&request, bytes, len), 0);
    assert_status(ask(&world, &answer, request.data, request.len), 204);
    BT_AUTOFREE char *path = bt_strf("%s/upload", world.db->directory);
    assert_file_is(path, bytes, len);
    assert_true(atomic_load(&shared.received_whole));
    stop_world(&world);
}

static void a_long_body_may_come_in_chunks(void **state)
{
    struct world world;
    start_world(&world, state);
    const size_t len = 2500000, chunk = 700;
    BT_AUTOFREE char *bytes = make_bytes(len);
    BT_AUTOBUF request, answer = {0};
    bt_buf_init(&request, ANSWER_MAX_BYTES);
    assert_int_equal(bt_buf_appendf(&request, "PUT /files/a HTTP/1.1\r\n" HOST
                                              "Transfer-Encoding: chunked\r\n\r\n"),
                     0);
    for (size_t at = 0; at < len; at += chunk) {
        size_t part = BT_MIN(chunk, len - at);
        assert_int_equal(bt_buf_appendf(&request, "%zx\r\n", part), 0);
        assert_int_equal(bt_buf_append(&request, bytes + at, part), 0);
        assert_int_equal(bt_buf_append(&request, "\r\n", 2), 0);
    }
    assert_int_equal(bt_buf_append(&request, "0\r\n\r\n", 5), 0);
    assert_status(ask(&world, &answer, request.data, request.len), 204);
    BT_AUTOFREE char *path = bt_strf("%s/upload", world.db->directory);
    assert_file_is(path, bytes, len);
    stop_world(&world);
}

static void a_lost_connection_leaves_what_came(void **state)
{
    struct world world;
    start_world(&world, state);
    const size_t len = 400000;
    BT_AUTOFREE char *bytes = make_bytes(len);
    int fd = connect_to(&world);
    static const char head[] = "PUT /files/a HTTP/1.1\r\n" HOST "Content-Length: 900000\r\n\r\n";
    send_all(fd, head, sizeof(head) - 1);
    send_all(fd, bytes, len);
    close(fd);
    wait_for(&shared.received_runs, 1);
    assert_int_equal(atomic_load(&shared.received_bytes), len);
    assert_false(atomic_load(&shared.received_whole));
    BT_AUTOFREE char *path = bt_strf("%s/upload", world.db->directory);
    assert_file_is(path, bytes, len);
    stop_world(&world);
}

static void a_long_body_may_be_refused(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    assert_status(ASK(&world, &answer,
                      "PUT /files/refused HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                      "Content-Length: 100000\r\n\r\n"),
                  409);
    assert_int_equal(atomic_load(&shared.received_runs), 0);
    const size_t len = 3500000;  // the handler takes 3 MiB
    BT_AUTOFREE char *bytes = make_bytes(len);
    BT_AUTOBUF request;
    bt_buf_init(&request, ANSWER_MAX_BYTES);
    assert_int_equal(bt_buf_appendf(&request,
                                    "PUT /files/a HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
                                    len),
                     0);
    assert_int_equal(bt_buf_append(&request, bytes, len), 0);
    assert_status(ask(&world, &answer, request.data, request.len), 413);
    assert_false(atomic_load(&shared.received_whole));
    stop_world(&world);
}

static int open_stream(const struct world *world, struct bt_buf *got)
{
    int fd = connect_to(world);
    static const char request[] = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n";
    send_all(fd, request, sizeof(request) - 1);
    bt_buf_finish(got);
    bt_buf_init(got, ANSWER_MAX_BYTES);
    read_until(fd, got, "retry: 5000\n\n");
    return fd;
}

static void a_stream_gets_what_any_thread_writes(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF got = {0};
    int fd = open_stream(&world, &got);
    assert_status(bt_buf_text(&got), 200);
    assert_true(has(bt_buf_text(&got), "Content-Type: text/event-stream"));
    wait_for(&shared.opened, 1);
    for (int i = 0; i < 200; i++) {
        char text[64];
        snprintf(text, sizeof(text), "data: %d;\n\n", i);
        assert_int_equal(bt_stream_write(atomic_load(&shared.stream), text, strlen(text)), 0);
        read_until(fd, &got, text);
    }
    bt_stream_close(atomic_load(&shared.stream));
    read_until(fd, &got, "0\r\n\r\n");
    wait_for(&shared.closed, 1);
    close(fd);
    stop_world(&world);
}

static void a_reader_that_stopped_reading_is_dropped(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF got = {0};
    int fd = open_stream(&world, &got);
    wait_for(&shared.opened, 1);
    char text[1024];
    memset(text, 'x', sizeof(text));
    // The system's own buffers take some megabytes before ours fills.
    int r = 0;
    for (int i = 0; r == 0 && i < 100000; i++) {
        r = bt_stream_write(atomic_load(&shared.stream), text, sizeof(text));
    }
    assert_int_equal(r, -EPIPE);
    wait_for(&shared.closed, 1);
    close(fd);
    stop_world(&world);
}

static void a_reader_that_left_is_noticed(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF got = {0};
    int fd = open_stream(&world, &got);
    wait_for(&shared.opened, 1);
    close(fd);
    wait_for(&shared.closed, 1);  // nobody has written
    stop_world(&world);
}

static void stopping_ends_streams(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF got = {0};
    int fd = open_stream(&world, &got);
    wait_for(&shared.opened, 1);
    bt_http_close(world.http);
    read_until(fd, &got, "0\r\n\r\n");
    stop_world(&world);
    assert_int_equal(atomic_load(&shared.closed), 1);
    close(fd);
}

static void what_is_ambiguous_is_refused(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    static const char *const bad[] = {
        "POST /things HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
        "POST /things HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "POST /things HTTP/1.1\r\n" HOST
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /things HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "POST /things HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /things HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n",
        "POST /things HTTP/1.1\r\n" HOST "Content-Length : 2\r\n\r\n{}",
        "POST /things HTTP/1.1\r\n" HOST "Content-Length: +2\r\n\r\n{}",
        "POST /things HTTP/1.1\r\n" HOST "Content-Length: 2x\r\n\r\n{}",
        "POST /things HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        "GET /hello/a HTTP/1.1\r\n" HOST "Host: b\r\n\r\n",
        "GET /hello/a HTTP/1.1\r\n" HOST "a b: c\r\n\r\n",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_status(ASK(&world, &answer, bad[i]), 400);
    }
    assert_int_equal(atomic_load(&shared.runs), 0);
    stop_world(&world);
}

static void a_header_that_is_too_large_is_refused(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer = {0};
    BT_AUTOFREE char *large = bt_alloc(20000);
    memset(large, 'a', 19999);
    BT_AUTOFREE char *request = bt_strf("GET /hello/a HTTP/1.1\r\n" HOST "X: %s\r\n\r\n", large);
    assert_status(ask(&world, &answer, request, strlen(request)), 431);
    BT_AUTOFREE char *line = bt_strf("GET /%s HTTP/1.1\r\n" HOST "\r\n", large);
    assert_status(ask(&world, &answer, line, strlen(line)), 414);
    stop_world(&world);
}

static void requests_follow_each_other_on_a_connection(void **state)
{
    struct world world;
    start_world(&world, state);
    BT_AUTOBUF answer;
    bt_buf_init(&answer, ANSWER_MAX_BYTES);
    int fd = connect_to(&world);
    static const char request[] = "GET /hello/one HTTP/1.1\r\nHost: a\r\n\r\n"
                                  "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
                                  "POST /things HTTP/1.1\r\nHost: a\r\nContent-Length: 23\r\n\r\n"
                                  "{\"id\":\"p\",\"number\":111}"
                                  "GET /hello/two HTTP/1.1\r\nHost: a\r\n\r\n";
    send_all(fd, request, sizeof(request) - 1);
    read_until(fd, &answer, "\"two\"");
    const char *text = bt_buf_text(&answer);
    assert_true(has(text, "\"one\"") && has(text, "404 Not Found") && has(text, "201 Created"));
    close(fd);
    stop_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        bt_db_test(a_call_knows_its_request),
        bt_db_test(a_writing_call_commits_what_succeeded),
        bt_db_test(a_busy_database_is_asked_again),
        bt_db_test(bodies_are_read_strictly),
        bt_db_test(a_body_in_chunks_is_bounded),
        bt_db_test(large_bodies_share_a_bounded_memory),
        bt_db_test(the_same_key_gets_the_same_answer),
        bt_db_test(a_refusal_is_not_kept),
        bt_db_test(editing_wants_the_revision),
        bt_db_test(files_are_sent_whole_and_in_part),
        bt_db_test(a_long_body_goes_into_a_file),
        bt_db_test(a_long_body_may_come_in_chunks),
        bt_db_test(a_lost_connection_leaves_what_came),
        bt_db_test(a_long_body_may_be_refused),
        bt_db_test(a_stream_gets_what_any_thread_writes),
        bt_db_test(a_reader_that_stopped_reading_is_dropped),
        bt_db_test(a_reader_that_left_is_noticed),
        bt_db_test(stopping_ends_streams),
        bt_db_test(what_is_ambiguous_is_refused),
        bt_db_test(a_header_that_is_too_large_is_refused),
        bt_db_test(requests_follow_each_other_on_a_connection),
    };
    return bt_testing_run(tests, BT_ARRAY_LEN(tests));
}
