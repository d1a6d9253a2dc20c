#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/http/call_private.h"
#include "server/http/uri.h"

#define NAME_MAX_BYTES 64

struct bt_call *bt_call_create(struct bt_server *server)
{
    struct bt_call *call = BT_NEW(struct bt_call);
    call->server = server;
    call->reply.fd = -1;
    call->receiving.fd = -1;
    return call;
}

void bt_reply_reset(struct bt_reply *reply)
{
    bt_pairs_finish(&reply->headers);
    free(reply->bytes);
    if (reply->fd >= 0) {
        close(reply->fd);
    }
    *reply = (struct bt_reply){.fd = -1};
}

static void free_hooks(struct bt_call *call)
{
    while (call->hooks != NULL) {
        struct bt_hook *hook = call->hooks;
        call->hooks = hook->next;
        if (hook->free_context != NULL) {
            hook->free_context(hook->context);
        }
        free(hook);
    }
}

void bt_call_destroy(struct bt_call *call)
{
    if (call == NULL) {
        return;
    }
    free(call->target);
    bt_pairs_finish(&call->headers);
    bt_pairs_finish(&call->query);
    bt_pairs_finish(&call->values);
    bt_pairs_finish(&call->cookies);
    bt_buf_finish(&call->body);
    bt_buf_finish(&call->receiving.filling);
    bt_buf_finish(&call->receiving.writing);
    if (call->receiving.fd >= 0) {
        close(call->receiving.fd);
    }
    cJSON_Delete(call->json);
    free_hooks(call);
    bt_reply_reset(&call->reply);
    if (call->later.free_context != NULL) {
        call->later.free_context(call->later.context);
    }
    free(call);
}

void bt_call_start_over(struct bt_call *call)
{
    free_hooks(call);
    bt_reply_reset(&call->reply);
    call->caller = (struct bt_caller){0};
    call->body_missed = false;
    if (call->receiving.fd >= 0 && !call->receiving.ended) {
        close(call->receiving.fd);
        call->receiving.fd = -1;
    }
}

void bt_call_after_commit(struct bt_call *call,
                          void (*run)(struct bt_server *server, void *context), void *context,
                          void (*free_context)(void *))
{
    struct bt_hook *hook = BT_NEW(struct bt_hook);
    *hook = (struct bt_hook){.run = run, .context = context, .free_context = free_context};
    struct bt_hook **last = &call->hooks;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = hook;
}

void bt_call_run_hooks(struct bt_call *call)
{
    for (struct bt_hook *hook = call->hooks; hook != NULL; hook = hook->next) {
        hook->run(call->server, hook->context);
    }
    free_hooks(call);
}

void bt_call_put_off(struct bt_call *call,
                     int (*answer)(struct bt_call *call, void *context, struct bt_error *err),
                     void *context, void (*free_context)(void *))
{
    assert(call->route->no_transaction);
    call->later.answer = answer;
    call->later.context = context;
    call->later.free_context = free_context;
}

void bt_call_go_on(struct bt_call *call)
{
    if (atomic_exchange(&call->later.met, true)) {
        call->later.resume(call->later.owner);
    }
}

struct bt_server *bt_call_server(struct bt_call *call)
{
    return call->server;
}

int64_t bt_call_now_ms(const struct bt_call *call)
{
    return call->now_ms;
}

const char *bt_call_path(const struct bt_call *call, const char *name)
{
    return bt_pairs_get(&call->values, name);
}

const char *bt_call_query(const struct bt_call *call, const char *name)
{
    return bt_pairs_get(&call->query, name);
}

const char *bt_call_header(const struct bt_call *call, const char *name)
{
    return bt_pairs_get(&call->headers, name);
}

const char *bt_call_cookie(const struct bt_call *call, const char *name)
{
    return bt_pairs_get(&call->cookies, name);
}

const char *bt_call_remote(const struct bt_call *call)
{
    return call->remote;
}

const char *bt_call_method(const struct bt_call *call)
{
    return call->method;
}

bool bt_call_writes(const struct bt_call *call)
{
    return strcmp(call->method, "GET") != 0;
}

bool bt_call_secure(const struct bt_call *call)
{
    return call->secure;
}

// "https://host:port" against the Host header; the scheme is the browser's business.
static bool origin_is_ours(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority != NULL && host != NULL && strcasecmp(authority + 3, host) == 0;
}

bool bt_call_same_origin(const struct bt_call *call)
{
    const char *site = bt_call_header(call, "Sec-Fetch-Site");
    if (site != NULL) {
        return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
    }
    const char *origin = bt_call_header(call, "Origin");
    return origin != NULL && origin_is_ours(origin, bt_call_header(call, "Host"));
}

const struct bt_caller *bt_call_caller(const struct bt_call *call)
{
    return &call->caller;
}

struct bt_caller *bt_call_caller_mutable(struct bt_call *call)
{
    return &call->caller;
}

const char *bt_call_body(const struct bt_call *call, size_t *out_len)
{
    *out_len = call->body.len;
    return bt_buf_text(&call->body);
}

bool bt_call_query_int(struct bt_call *call, const char *name, int64_t min, int64_t max,
                       int64_t fallback, int64_t *out)
{
    const char *text = bt_call_query(call, name);
    if (text == NULL) {
        *out = fallback;
        return true;
    }
    if (bt_parse_int(text, min, max, out) == 0) {
        return true;
    }
    char vi[160], en[160];
    if (bt_format(vi, sizeof(vi), "'%s' phải là số nguyên từ %lld đến %lld", name, (long long)min,
                  (long long)max) < 0 ||
        bt_format(en, sizeof(en), "'%s' must be a whole number from %lld to %lld", name,
                  (long long)min, (long long)max) < 0) {
        vi[0] = en[0] = '\0';
    }
    bt_call_problem(call, 400, "query", vi, en);
    return false;
}

bool bt_call_missed_body(const struct bt_call *call)
{
    return call->body_missed;
}

const cJSON *bt_call_json(struct bt_call *call)
{
    if (call->body_awaited) {
        call->body_missed = true;
        return NULL;
    }
    if (call->json != NULL) {
        return call->json;
    }
    struct bt_error err = {0};
    int r = bt_json_parse(bt_buf_text(&call->body), call->body.len, &call->json, &err);
    if (r == 0 && !cJSON_IsObject(call->json)) {
        r = bt_fail(&err, -EINVAL, "It is not an object");
    }
    if (r < 0) {
        cJSON_Delete(BT_TAKE(call->json));
        bt_call_problem(call, 400, "json", "Nội dung gửi lên không phải đối tượng JSON hợp lệ",
                        err.msg);
        return NULL;
    }
    return call->json;
}

bool bt_call_read(struct bt_call *call, const struct bt_json_field *fields, size_t count,
                  void *target)
{
    const cJSON *json = bt_call_json(call);
    if (json == NULL) {
        return false;
    }
    struct bt_error err = {0};
    const char *unknown = bt_json_unknown_key(json, fields, count);
    int r = unknown != NULL ? bt_fail(&err, -EINVAL, "Unknown key '%.64s'", unknown)
                            : bt_json_read(json, fields, count, target, NULL, &err);
    if (r < 0) {
        bt_utf8_drop_invalid(err.msg);
        bt_call_problem(call, 400, "fields", "Dữ liệu gửi lên có mục không hợp lệ", err.msg);
    }
    return r == 0;
}

// One "name=value" of a query or of a Cookie header; without '=' the value is empty.
static int add_parameter(struct bt_pairs *pairs, const char *text, size_t len)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - text);
    const char *value = equals == NULL ? text + len : equals + 1;
    size_t value_len = len - (size_t)(value - text);
    if (name_len == 0 || name_len >= NAME_MAX_BYTES) {
        return -EINVAL;
    }
    char name[NAME_MAX_BYTES];
    BT_AUTOFREE char *decoded = bt_alloc(value_len + 1);
    int r = bt_percent_decode(text, name_len, name);
    r = r < 0 ? r : bt_percent_decode(value, value_len, decoded);
    return r < 0 ? r : bt_pairs_add(pairs, name, decoded);
}

int bt_call_take_query(struct bt_call *call, const char *text)
{
    BT_AUTOFREE char *query = bt_strdup(text);
    for (char *c = query; *c != '\0'; c++) {
        *c = (char)(*c == '+' ? ' ' : *c);
    }
    const char *c = query;
    while (*c != '\0') {
        size_t len = strcspn(c, "&");
        int r = len > 0 ? add_parameter(&call->query, c, len) : 0;
        if (r < 0) {
            return r;
        }
        c += len + (c[len] == '&');
    }
    return 0;
}

int bt_call_take_cookies(struct bt_call *call)
{
    const char *c = bt_call_header(call, "Cookie");
    while (c != NULL && *c != '\0') {
        c += strspn(c, "; ");
        size_t len = strcspn(c, ";");
        // Other programs on this host may set cookies we cannot read; ours we can.
        if (len > 0 && add_parameter(&call->cookies, c, len) == -EMSGSIZE) {
            return -EMSGSIZE;
        }
        c += len;
    }
    return 0;
}
