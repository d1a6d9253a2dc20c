// What a handler answers: the bt_call_…_reply functions of call.h.
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/http/call_private.h"
#include "server/http/range.h"

// The longest problem: two sentences and a name, escaped.
#define PROBLEM_MAX_BYTES 8192

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

static const char *title_of(int status)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(titles); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Error";
}

// Headers that were set before (a revision, a cookie) stay; the rest of an earlier answer goes.
static struct bt_reply *begin_reply(struct bt_call *call, enum bt_reply_kind kind, int status)
{
    struct bt_reply *reply = &call->reply;
    struct bt_pairs headers = reply->headers;
    reply->headers = (struct bt_pairs){0};
    bt_reply_reset(reply);
    reply->headers = headers;
    reply->kind = kind;
    reply->status = status;
    return reply;
}

void bt_call_set_header(struct bt_call *call, const char *name, const char *value)
{
    int r = bt_pairs_set(&call->reply.headers, name, value);
    assert(r == 0);  // only our own code sets headers
}

int bt_call_bytes_reply(struct bt_call *call, int status, const char *type, const void *bytes,
                        size_t len)
{
    void *copy = malloc(len + 1);  // allow: may be large, so it is checked
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, len > 0 ? bytes : "", len);
    struct bt_reply *reply = begin_reply(call, BT_REPLY_BYTES, status);
    reply->bytes = copy;
    reply->len = len;
    bt_call_set_header(call, "Content-Type", type);
    return 0;
}

int bt_call_json_reply(struct bt_call *call, int status, cJSON *body)
{
    char *text = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    if (text == NULL) {
        return -ENOMEM;
    }
    struct bt_reply *reply = begin_reply(call, BT_REPLY_BYTES, status);
    reply->bytes = text;  // cJSON allocates with malloc, as it was never told otherwise
    reply->len = strlen(text);
    bt_call_set_header(call, "Content-Type", "application/json");
    return 0;
}

int bt_call_empty_reply(struct bt_call *call, int status)
{
    begin_reply(call, BT_REPLY_BYTES, status);
    return 0;
}

static int write_problem(struct bt_buf *out, int status, const char *name, const char *detail)
{
    int r = bt_buf_appendf(out, "{\"type\":\"urn:bangtin:%s\",\"title\":\"%s\",\"status\":%d,",
                           name, title_of(status), status);
    r = r < 0 ? r : bt_buf_append(out, "\"detail\":", 9);
    r = r < 0 ? r : bt_json_append_string(out, detail);
    return r < 0 ? r : bt_buf_append(out, "}", 1);
}

int bt_call_problem(struct bt_call *call, int status, const char *name, const char *vi,
                    const char *en)
{
    BT_AUTOFREE char *detail = bt_strf("%s / %s", vi, en);
    BT_AUTOBUF body;
    bt_buf_init(&body, PROBLEM_MAX_BYTES);
    if (write_problem(&body, status, name, detail) < 0) {  // sentences from outside, too long
        bt_buf_clear(&body);
        if (write_problem(&body, status, name, title_of(status)) < 0) {
            bt_call_empty_reply(call, status);
            return 0;
        }
    }
    if (bt_call_bytes_reply(call, status, "application/problem+json", body.data, body.len) < 0) {
        bt_call_empty_reply(call, status);
    }
    return 0;
}

bool bt_call_begin_waiting(struct bt_call *call)
{
    if (call->workers == NULL || bt_workers_begin_waiting(call->workers) == 0) {
        return true;
    }
    bt_call_set_header(call, "Retry-After", "5");
    bt_call_problem(call, 503, "busy", "Máy chủ đang bận; hãy thử lại sau giây lát",
                    "The server is busy; try again in a moment");
    return false;
}

void bt_call_end_waiting(struct bt_call *call)
{
    if (call->workers != NULL) {
        bt_workers_end_waiting(call->workers);
    }
}

bool bt_call_check_revision(struct bt_call *call, int64_t revision)
{
    const char *wanted = bt_call_header(call, "If-Match");
    if (wanted == NULL) {
        bt_call_problem(call, 428, "if-match", "Cần gửi kèm If-Match: phiên bản đang sửa",
                        "If-Match with the revision that is edited is needed");
        return false;
    }
    char etag[24];
    if (bt_format(etag, sizeof(etag), "%lld", (long long)revision) == 0 &&
        bt_etag_listed(wanted, etag, false)) {
        return true;
    }
    bt_call_problem(call, 412, "changed", "Nội dung đã được người khác sửa; hãy tải lại",
                    "Somebody has changed it in the meantime; load it again");
    return false;
}

void bt_call_set_revision(struct bt_call *call, int64_t revision)
{
    char etag[24];
    if (bt_format(etag, sizeof(etag), "\"%lld\"", (long long)revision) == 0) {
        bt_call_set_header(call, "ETag", etag);
    }
}

int bt_call_stream_reply(struct bt_call *call,
                         void (*on_open)(struct bt_stream *stream, void *context),
                         void (*on_close)(struct bt_stream *stream, void *context), void *context)
{
    struct bt_reply *reply = begin_reply(call, BT_REPLY_STREAM, 200);
    reply->on_open = on_open;
    reply->on_close = on_close;
    reply->context = context;
    bt_call_set_header(call, "Content-Type", "text/event-stream");
    bt_call_set_header(call, "X-Accel-Buffering", "no");  // nginx hands each event on at once
    return 0;
}

// Which part of the file goes out, after the conditions of the request.
static int choose_part(struct bt_call *call, const char *etag, int64_t size, struct bt_range *out)
{
    *out = (struct bt_range){.offset = 0, .length = size};
    const char *none_match = bt_call_header(call, "If-None-Match");
    if (none_match != NULL && bt_etag_listed(none_match, etag, true)) {
        return 304;
    }
    const char *range = bt_call_header(call, "Range");
    const char *if_range = bt_call_header(call, "If-Range");
    if (range == NULL || (if_range != NULL && !bt_etag_listed(if_range, etag, false))) {
        return 200;
    }
    bool beyond;
    if (bt_range_parse(range, size, out, &beyond)) {
        return 206;
    }
    return beyond ? 416 : 200;
}

static void set_content_range(struct bt_call *call, const struct bt_range *range, int64_t size)
{
    char text[80];
    int r = range == NULL
                ? bt_format(text, sizeof(text), "bytes */%lld", (long long)size)
                : bt_format(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)range->offset,
                            (long long)(range->offset + range->length - 1), (long long)size);
    if (r == 0) {
        bt_call_set_header(call, "Content-Range", text);
    }
}

static void set_file_headers(struct bt_call *call, const char *type, const char *etag,
                             bool immutable)
{
    BT_AUTOFREE char *quoted = bt_strf("\"%s\"", etag);
    bt_call_set_header(call, "ETag", quoted);
    bt_call_set_header(call, "Accept-Ranges", "bytes");
    bt_call_set_header(call, "Content-Type", type);
    bt_call_set_header(call, "Cache-Control",
                       immutable ? "public, max-age=31536000, immutable" : "no-cache");
}

static int open_regular(const char *path, int64_t *out_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return -ENOENT;
    }
    *out_size = status.st_size;
    return fd;
}

// Takes fd.
static int answer_file(struct bt_call *call, int fd, int64_t size, const char *type,
                       const char *etag, bool immutable)
{
    struct bt_range part;
    int status = choose_part(call, etag, size, &part);
    if (status == 416) {
        close(fd);
        set_content_range(call, NULL, size);
        return bt_call_problem(call, 416, "range", "Tệp ngắn hơn phần được yêu cầu",
                               "The file ends before the part that was asked for");
    }
    set_file_headers(call, type, etag, immutable);
    if (status == 304) {
        close(fd);
        return bt_call_empty_reply(call, status);
    }
    struct bt_reply *reply = begin_reply(call, BT_REPLY_FILE, status);
    reply->fd = fd;
    reply->offset = part.offset;
    reply->file_len = part.length;
    if (status == 206) {
        set_content_range(call, &part, size);
    }
    return 0;
}

int bt_call_file_reply(struct bt_call *call, const char *path, const char *type, const char *etag,
                       bool immutable)
{
    int64_t size = 0;
    int fd = open_regular(path, &size);
    if (fd == -ENOENT) {
        return bt_call_problem(call, 404, "not-found", "Không có tệp này", "There is no such file");
    }
    return fd < 0 ? fd : answer_file(call, fd, size, type, etag, immutable);
}

int bt_call_open_file_reply(struct bt_call *call, int fd, const char *type, const char *etag,
                            bool immutable)
{
    struct stat status;
    if (fstat(fd, &status) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return answer_file(call, fd, status.st_size, type, etag, immutable);
}

int bt_call_receive(struct bt_call *call, int fd, int64_t max_bytes)
{
    assert(call->route->body == BT_BODY_STREAM && call->receiving.fd < 0);
    call->receiving.fd = fd;
    call->receiving.max_bytes = max_bytes;
    return 0;
}

bool bt_call_received(const struct bt_call *call, int64_t *out_bytes, bool *out_whole)
{
    *out_bytes = call->receiving.got_bytes;
    *out_whole = call->receiving.whole;
    return call->receiving.ended;
}

void bt_call_settle_every(struct bt_call *call, int64_t bytes,
                          int (*settle)(struct bt_call *call, struct bt_error *err))
{
    assert(call->receiving.fd >= 0 && bytes > 0);
    call->receiving.settle_bytes = bytes;
    call->receiving.settle = settle;
}

int bt_call_received_file(const struct bt_call *call)
{
    return call->receiving.fd;
}

// What pages of another origin may send, once they have asked.
static const char cross_origin_headers[] =
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range, Tus-Resumable, "
    "Upload-Length, Upload-Metadata, Upload-Offset";

static void set_default(struct bt_call *call, const char *name, const char *value)
{
    if (bt_pairs_get(&call->reply.headers, name) == NULL) {
        bt_call_set_header(call, name, value);
    }
}

// The approver's page is a file of their own disk: another origin, with a token and never with a
// cookie. "*" is what browsers refuse to combine with cookies.
static void allow_other_origins(struct bt_call *call)
{
    set_default(call, "Access-Control-Allow-Origin", "*");
    set_default(call, "Access-Control-Expose-Headers",
                "ETag, Location, Retry-After, Content-Range, Upload-Offset, Upload-Length");
    if (strcmp(call->method, "OPTIONS") == 0) {
        set_default(call, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
        set_default(call, "Access-Control-Allow-Headers", cross_origin_headers);
        set_default(call, "Access-Control-Max-Age", "600");
    }
}

void bt_call_add_standard_headers(struct bt_call *call)
{
    set_default(call, "Cache-Control", "no-store");
    set_default(call, "X-Content-Type-Options", "nosniff");
    if (bt_call_header(call, "Origin") != NULL) {
        allow_other_origins(call);
    }
    if (call->reply.kind == BT_REPLY_STREAM) {
        return;  // a parked stream keeps its headers in memory; scripts read it, nobody shows it
    }
    set_default(call, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    set_default(call, "Cross-Origin-Resource-Policy", "same-origin");
    set_default(call, "Referrer-Policy", "no-referrer");
}
