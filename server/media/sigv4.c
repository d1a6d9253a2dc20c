#include "server/media/sigv4.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/civil.h"
#include "base/sha256.h"
#include "base/str.h"

#define MAC_BYTES crypto_auth_hmacsha256_BYTES
#define CANONICAL_MAX_BYTES 8192
#define SCOPE_BYTES (BT_SIGV4_REGION_BYTES + 32)

static const char signed_headers[] = "host;x-amz-content-sha256;x-amz-date";

// Of any length, unlike crypto_auth_hmacsha256.
static void mac(const void *key, size_t key_len, const char *text, uint8_t out[MAC_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof(state));
}

static int write_date(int64_t at_ms, char out[BT_SIGV4_DATE_BYTES])
{
    struct bt_civil at = bt_civil_from_s(at_ms / 1000);
    return bt_format(out, BT_SIGV4_DATE_BYTES, "%04d%02d%02dT%02d%02d%02dZ", at.year, at.month,
                     at.day, at.hour, at.minute, at.second);
}

// What is signed in the end is this text's hash.
static int hash_request(const struct bt_sigv4_request *request, const char *date,
                        char out[BT_SHA256_HEX_BYTES])
{
    BT_AUTOBUF text;
    bt_buf_init(&text, CANONICAL_MAX_BYTES);
    int r = bt_buf_appendf(&text,
                           "%s\n%s\n%s\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s",
                           request->method, request->path, request->query, request->host,
                           request->payload_sha256, date, signed_headers, request->payload_sha256);
    if (r == 0) {
        struct bt_sha256 hash = bt_sha256_of(text.data, text.len);
        bt_hex(hash.bytes, sizeof(hash.bytes), out);
    }
    return r;
}

static int sign_text(const struct bt_sigv4_key *key, const char *date, const char *text,
                     char out[2 * MAC_BYTES + 1])
{
    char first[BT_SIGV4_KEY_BYTES + 4], day[9];
    uint8_t result[MAC_BYTES];
    bt_copy_cut(day, sizeof(day), date);
    int r = bt_format(first, sizeof(first), "AWS4%s", key->secret);
    if (r < 0) {
        return r;
    }
    mac(first, strlen(first), day, result);
    const char *const steps[] = {key->region, "s3", "aws4_request", text};
    for (size_t i = 0; i < BT_ARRAY_LEN(steps); i++) {
        uint8_t step[MAC_BYTES];
        memcpy(step, result, sizeof(step));
        mac(step, sizeof(step), steps[i], result);
        sodium_memzero(step, sizeof(step));
    }
    bt_hex(result, sizeof(result), out);
    sodium_memzero(first, sizeof(first));
    return 0;
}

int bt_sigv4_sign(const struct bt_sigv4_key *key, const struct bt_sigv4_request *request,
                  char out_date[BT_SIGV4_DATE_BYTES],
                  char out_authorization[BT_SIGV4_AUTHORIZATION_BYTES], struct bt_error *err)
{
    char hash[BT_SHA256_HEX_BYTES], scope[SCOPE_BYTES], signature[2 * MAC_BYTES + 1];
    char text[SCOPE_BYTES + BT_SHA256_HEX_BYTES + 64];
    int r = write_date(request->at_ms, out_date);
    r = r < 0 ? r : hash_request(request, out_date, hash);
    r = r < 0 ? r
              : bt_format(scope, sizeof(scope), "%.8s/%s/s3/aws4_request", out_date, key->region);
    r = r < 0
            ? r
            : bt_format(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", out_date, scope, hash);
    r = r < 0 ? r : sign_text(key, out_date, text, signature);
    r = r < 0 ? r
              : bt_format(out_authorization, BT_SIGV4_AUTHORIZATION_BYTES,
                          "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%s",
                          key->access, scope, signed_headers, signature);
    return r < 0 ? bt_fail(err, r, "A request to the store is too long to be signed") : 0;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int bt_sigv4_encode(const char *text, struct bt_buf *out)
{
    int r = 0;
    for (; r == 0 && *text != '\0'; text++) {
        r = is_unreserved(*text) ? bt_buf_append(out, text, 1)
                                 : bt_buf_appendf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
    return r;
}
