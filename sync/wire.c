#include "sync/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#define CONNECT_TIMEOUT_S 15
#define URL_MAX_BYTES 1024
#define HEADER_MAX_BYTES 1024

// OpenSSL's numbers for a certificate that is not valid yet, or not any more.
#define X509_NOT_YET_VALID 9
#define X509_HAS_EXPIRED 10

int bt_wire_init(struct bt_wire *wire, int64_t stall_s, struct bt_error *err)
{
    *wire = (struct bt_wire){.curl = curl_easy_init(), .stall_s = stall_s};
    return wire->curl != NULL ? 0 : bt_fail(err, -ENOMEM, "libcurl cannot start");
}

void bt_wire_finish(struct bt_wire *wire)
{
    curl_slist_free_all(wire->headers);
    curl_easy_cleanup(wire->curl);
    *wire = (struct bt_wire){0};
}

static void set_trust(CURL *curl, const struct bt_address *address)
{
    bool pinned = address->pins[0] != '\0';
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, bt_address_is_plain(address) ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    // A pin says which key it must be, whoever issued the certificate and until whenever. Without a
    // clock battery its dates could not be judged anyway.
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pinned ? address->pins : NULL);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, pinned ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, pinned ? 0L : 2L);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
}

static void set_bounds(struct bt_wire *wire)
{
    CURL *curl = wire->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)wire->stall_s);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, wire->error);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "bangtin-player");
}

int bt_wire_begin(struct bt_wire *wire, const struct bt_address *address, const char *path,
                  struct bt_error *err)
{
    char url[URL_MAX_BYTES];
    if (bt_format(url, sizeof(url), "%s/%s", address->url, path) < 0) {
        return bt_fail(err, -EMSGSIZE, "The address of '%.100s' is too long", path);
    }
    curl_slist_free_all(wire->headers);
    wire->headers = NULL;
    wire->error[0] = '\0';
    curl_easy_reset(wire->curl);
    set_trust(wire->curl, address);
    set_bounds(wire);
    curl_easy_setopt(wire->curl, CURLOPT_URL, url);
    return 0;
}

int bt_wire_add_header(struct bt_wire *wire, struct bt_error *err, const char *format, ...)
{
    char line[HEADER_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof(line)) {
        return bt_fail(err, -EMSGSIZE, "A header is too long");
    }
    struct curl_slist *longer = curl_slist_append(wire->headers, line);
    if (longer == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a header");
    }
    wire->headers = longer;
    return 0;
}

void bt_wire_post(struct bt_wire *wire, const char *type, const void *body, size_t len)
{
    curl_easy_setopt(wire->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(wire->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(wire->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    // No "Expect: 100-continue", which costs a second where nobody answers it.
    if (bt_wire_add_header(wire, NULL, "Content-Type: %s", type) < 0 ||
        bt_wire_add_header(wire, NULL, "Expect:") < 0) {
        curl_easy_setopt(wire->curl, CURLOPT_HTTPHEADER, NULL);
    }
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    return bt_buf_append(context, bytes, size * count) == 0 ? size * count : 0;
}

void bt_wire_receive(struct bt_wire *wire, struct bt_buf *out)
{
    curl_easy_setopt(wire->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(wire->curl, CURLOPT_WRITEDATA, out);
}

bool bt_wire_is_problem(const struct bt_buf *got, const char *type)
{
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse(bt_buf_text(got), got->len, &json, NULL) < 0) {
        return false;
    }
    const char *said = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
    return said != NULL && bt_str_equal(said, type);
}

void bt_wire_ready(struct bt_wire *wire)
{
    curl_easy_setopt(wire->curl, CURLOPT_HTTPHEADER, wire->headers);
}

static bool is_portal(CURL *curl, long status)
{
    char *type = NULL;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    bool html = type != NULL && bt_str_starts(type, "text/html");
    return (status >= 300 && status < 400 && status != 304) || status == 511 ||
           (status == 200 && html);
}

// What kind of trouble it is that there was no answer.
static enum bt_trouble classify(CURL *curl, CURLcode code)
{
    long verified = 0;
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        return BT_TROUBLE_CAPTIVE_PORTAL;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION && verified == X509_HAS_EXPIRED) {
        return BT_TROUBLE_CERTIFICATE_EXPIRED;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION && verified == X509_NOT_YET_VALID) {
        return BT_TROUBLE_CLOCK_WRONG;
    }
    return BT_TROUBLE_SERVER_UNREACHABLE;
}

int bt_wire_result(struct bt_wire *wire, CURLcode code, long *out_status,
                   enum bt_trouble *out_trouble, struct bt_error *err)
{
    long status = 0;
    if (code != CURLE_OK) {
        *out_trouble = classify(wire->curl, code);
        const char *text = wire->error[0] != '\0' ? wire->error : curl_easy_strerror(code);
        return bt_fail(err, -ENETUNREACH, "%s", text);
    }
    curl_easy_getinfo(wire->curl, CURLINFO_RESPONSE_CODE, &status);
    if (is_portal(wire->curl, status)) {
        *out_trouble = BT_TROUBLE_CAPTIVE_PORTAL;
        return bt_fail(err, -ENETUNREACH, "Something else than the server answers (status %ld)",
                       status);
    }
    *out_status = status;
    return 0;
}

bool bt_wire_certificate_end(struct bt_wire *wire, int64_t *out_ms)
{
    static const char key[] = "Expire date:";
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(wire->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1) {
        return false;
    }
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        int64_t end_s = bt_str_starts(line->data, key)
                            ? (int64_t)curl_getdate(line->data + sizeof(key) - 1, NULL)
                            : -1;
        if (end_s >= 0) {
            *out_ms = end_s * 1000;
            return true;
        }
    }
    return false;
}
