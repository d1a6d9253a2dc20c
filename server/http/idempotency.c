#include "server/http/idempotency.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "server/http/call_private.h"

// Answers to writing requests are small; one that is not is given and not kept.
#define ANSWER_MAX_BYTES (1024 * 1024)

static const char *caller_of(const struct bt_call *call)
{
    return call->caller.user[0] != '\0' ? call->caller.user : call->caller.player;
}

// NULL: the request has none, or it does not count.
static const char *key_of(const struct bt_call *call)
{
    const char *key = bt_call_header(call, "Idempotency-Key");
    bool counts = bt_call_writes(call) && call->route->body != BT_BODY_STREAM;
    return counts && caller_of(call)[0] != '\0' ? key : NULL;
}

bool bt_idempotency_counts(const struct bt_call *call)
{
    return key_of(call) != NULL;
}

static bool is_key(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < len; i++) {
        if (key[i] < 0x21 || key[i] > 0x7E) {
            return false;
        }
    }
    return len >= 1 && len <= BT_IDEMPOTENCY_KEY_MAX_BYTES;
}

static void hash_of(const char *first, const char *second, const struct bt_buf *body,
                    struct bt_sha256 *out)
{
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    bt_hasher_add(hasher, first, strlen(first) + 1);
    bt_hasher_add(hasher, second, strlen(second) + 1);
    if (body != NULL && body->len > 0) {
        bt_hasher_add(hasher, body->data, body->len);
    }
    *out = bt_hasher_result(hasher);
}

struct names {
    char key[BT_SHA256_HEX_BYTES];
    char request[BT_SHA256_HEX_BYTES];
    struct bt_sha256 secret;  // what the answer is sealed under
};

static struct names names_of(const struct bt_call *call, const char *key)
{
    struct names names;
    struct bt_sha256 hash;
    hash_of("bangtin-key", key, NULL, &hash);
    bt_hex(hash.bytes, BT_SHA256_BYTES, names.key);
    hash_of(call->method, call->target, &call->body, &hash);
    bt_hex(hash.bytes, BT_SHA256_BYTES, names.request);
    hash_of("bangtin-answer", key, NULL, &names.secret);
    return names;
}

// "201\nContent-Type: application/json\n\n{…}"
static int pack(const struct bt_reply *reply, struct bt_buf *out)
{
    int r = bt_buf_appendf(out, "%d\n", reply->status);
    for (size_t i = 0; r == 0 && i < reply->headers.count; i++) {
        r = bt_buf_appendf(out, "%s: %s\n", reply->headers.list[i].name,
                           reply->headers.list[i].value);
    }
    r = r < 0 ? r : bt_buf_append(out, "\n", 1);
    return r < 0 || reply->len == 0 ? r : bt_buf_append(out, reply->bytes, reply->len);
}

// Takes a line from a text we packed ourselves; NULL at the empty one.
static char *next_line(char **text)
{
    char *line = *text;
    char *end = strchr(line, '\n');
    if (end == NULL || end == line) {
        *text = end == NULL ? line + strlen(line) : end + 1;
        return NULL;
    }
    *end = '\0';
    *text = end + 1;
    return line;
}

static int unpack(struct bt_call *call, char *text, size_t len)
{
    char *c = text;
    char *line = next_line(&c);
    int64_t status = 0;
    if (line == NULL || bt_parse_int(line, 200, 399, &status) < 0) {
        return -EIO;
    }
    struct bt_pairs headers = {0};
    while ((line = next_line(&c)) != NULL) {
        char *colon = strstr(line, ": ");
        if (colon != NULL) {
            *colon = '\0';
            if (bt_pairs_add(&headers, line, colon + 2) < 0) {
                break;
            }
        }
    }
    const char *type = bt_pairs_get(&headers, "Content-Type");
    size_t body_len = len - (size_t)(c - text);
    int r = type == NULL ? bt_call_empty_reply(call, (int)status)
                         : bt_call_bytes_reply(call, (int)status, type, c, body_len);
    for (size_t i = 0; i < headers.count; i++) {
        bt_call_set_header(call, headers.list[i].name, headers.list[i].value);
    }
    bt_pairs_finish(&headers);
    return r;
}

static int open_sealed(struct bt_call *call, const struct names *names, const uint8_t *sealed,
                       size_t len, struct bt_error *err)
{
    const size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    BT_AUTOFREE char *text = bt_alloc(len + 1);
    if (len < overhead ||
        crypto_secretbox_open_easy((uint8_t *)text, sealed + crypto_secretbox_NONCEBYTES,
                                   len - crypto_secretbox_NONCEBYTES, sealed,
                                   names->secret.bytes) != 0 ||
        unpack(call, text, len - overhead) < 0) {
        return bt_fail(err, -EIO, "A kept answer cannot be opened");
    }
    return 1;
}

int bt_idempotency_look(struct bt_call *call, struct bt_error *err)
{
    const char *key = key_of(call);
    if (key == NULL) {
        return 0;
    }
    if (!is_key(key)) {
        bt_call_problem(call, 400, "idempotency-key", "Idempotency-Key không hợp lệ",
                        "Idempotency-Key has 1 to 255 visible ASCII characters");
        return 1;
    }
    struct names names = names_of(call, key);
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(call->db, &rows, err,
                      "SELECT request_sha256, sealed FROM http_answer"
                      " WHERE caller = $1 AND key_sha256 = $2 AND made_ms > $3",
                      BT_TEXT(caller_of(call)), BT_TEXT(names.key),
                      BT_INT(call->now_ms - BT_IDEMPOTENCY_MS));
    if (r < 0 || !bt_db_next(rows)) {
        return r < 0 ? r : 0;
    }
    if (strcmp(bt_db_get_text(rows, 0), names.request) != 0) {
        bt_call_problem(call, 422, "idempotency-key",
                        "Idempotency-Key này đã dùng cho yêu cầu khác",
                        "This Idempotency-Key belongs to another request");
        return 1;
    }
    size_t len;
    const uint8_t *sealed = bt_db_get_blob(rows, 1, &len);
    return open_sealed(call, &names, sealed, len, err);
}

static int forget_old(struct bt_call *call, struct bt_error *err)
{
    int64_t r = bt_db_run(call->db, err, "DELETE FROM http_answer WHERE made_ms <= $1",
                          BT_INT(call->now_ms - BT_IDEMPOTENCY_MS));
    return r < 0 ? (int)r : 0;
}

static int seal(struct bt_buf *plain, const struct names *names, uint8_t **out, size_t *out_len)
{
    size_t len = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + plain->len;
    uint8_t *sealed = bt_alloc(len);
    randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, (const uint8_t *)plain->data,
                          plain->len, sealed, names->secret.bytes);
    *out = sealed;
    *out_len = len;
    return 0;
}

int bt_idempotency_keep(struct bt_call *call, struct bt_error *err)
{
    const char *key = key_of(call);
    if (key == NULL || call->reply.kind != BT_REPLY_BYTES) {
        return 0;
    }
    BT_AUTOBUF plain;
    bt_buf_init(&plain, ANSWER_MAX_BYTES);
    if (pack(&call->reply, &plain) < 0) {
        return 0;
    }
    struct names names = names_of(call, key);
    BT_AUTOFREE uint8_t *sealed = NULL;
    size_t len;
    int r = seal(&plain, &names, &sealed, &len);
    r = r < 0 ? r : forget_old(call, err);
    if (r < 0) {
        return r;
    }
    int64_t rows =
        bt_db_run(call->db, err,
                  "INSERT INTO http_answer (caller, key_sha256, request_sha256, sealed, made_ms)"
                  " VALUES ($1, $2, $3, $4, $5)",
                  BT_TEXT(caller_of(call)), BT_TEXT(names.key), BT_TEXT(names.request),
                  BT_BLOB(sealed, len), BT_INT(call->now_ms));
    return rows == -EEXIST ? -EAGAIN : rows < 0 ? (int)rows : 0;
}
