#include "server/care/courier.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/care/address.h"
#include "server/care/message.h"

#define CONNECT_MS 10000L
#define MAIL_MS 60000L
#define HOOK_MS 15000L
#define PASSWORD_MAX_BYTES 1024
#define MAX_RECEIVERS 50

struct bt_courier {
    struct bt_courier_options options;
    CURL *curl;
    char problem[CURL_ERROR_SIZE];
    struct bt_buf letter;  // that is being read
    size_t sent;           // of it
};

int bt_courier_create(const struct bt_courier_options *options, struct bt_courier **out,
                      struct bt_error *err)
{
    BT_AUTO(bt_courier) courier = BT_NEW(struct bt_courier);
    courier->options = *options;
    bt_buf_init(&courier->letter, 2 * BT_MESSAGE_MAX_BYTES);
    courier->curl = curl_easy_init();
    if (courier->curl == NULL) {
        return bt_fail(err, -ENOMEM, "libcurl does not start");
    }
    *out = BT_TAKE(courier);
    return 0;
}

void bt_courier_destroy(struct bt_courier *courier)
{
    if (courier != NULL) {
        curl_easy_cleanup(courier->curl);
        bt_buf_finish(&courier->letter);
        free(courier);
    }
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct bt_courier *courier = context;
    return courier->options.stopping != NULL && atomic_load(courier->options.stopping);
}

static size_t drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

static void prepare(struct bt_courier *courier, long timeout_ms)
{
    CURL *curl = courier->curl;
    curl_easy_reset(curl);
    courier->problem[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, courier->problem);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, courier);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static int fail_curl(const struct bt_courier *courier, CURLcode code, struct bt_error *err)
{
    return bt_fail(err, -EIO, "%s",
                   courier->problem[0] != '\0' ? courier->problem : curl_easy_strerror(code));
}

/*
 * Mail.
 */

static size_t read_letter(char *to, size_t size, size_t count, void *context)
{
    struct bt_courier *courier = context;
    size_t len = BT_MIN(courier->letter.len - courier->sent, size * count);
    memcpy(to, courier->letter.data + courier->sent, len);
    courier->sent += len;
    return len;
}

// Beyond this machine nothing goes unencrypted.
static bool is_this_machine(const char *url)
{
    char *host = NULL;
    CURLU *parts = curl_url();
    bool own = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
               curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
               (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 ||
                strcmp(host, "localhost") == 0);
    curl_free(host);
    curl_url_cleanup(parts);
    return own;
}

static int set_password(struct bt_courier *courier, const struct bt_mail_server *server,
                        struct bt_error *err)
{
    if (courier->options.password_file == NULL) {
        return 0;
    }
    char password[PASSWORD_MAX_BYTES + 1];
    BT_AUTOBUF text;
    bt_buf_init(&text, PASSWORD_MAX_BYTES);
    int r = bt_file_read(courier->options.password_file, &text, err);
    if (r < 0) {
        return r;
    }
    size_t len = strcspn(bt_buf_text(&text), "\r\n");
    memcpy(password, bt_buf_text(&text), len);
    password[len] = '\0';
    curl_easy_setopt(courier->curl, CURLOPT_USERNAME,
                     server->login[0] != '\0' ? server->login : server->from);
    curl_easy_setopt(courier->curl, CURLOPT_PASSWORD, password);
    sodium_memzero(password, sizeof(password));
    sodium_memzero(text.data, text.len);
    return 0;
}

static struct curl_slist *receivers(const char *to)
{
    struct curl_slist *list = NULL;
    char address[BT_ADDRESS_BYTES];
    for (int i = 0; i < MAX_RECEIVERS && bt_message_address(&to, address); i++) {
        BT_AUTOFREE char *bracketed = bt_strf("<%s>", address);
        list = curl_slist_append(list, bracketed);
    }
    return list;
}

static int post_mail(struct bt_courier *courier, const struct bt_mail_server *server,
                     const char *to, struct bt_error *err)
{
    CURL *curl = courier->curl;
    struct curl_slist *list = receivers(to);
    BT_AUTOFREE char *from = bt_strf("<%s>", server->from);
    curl_easy_setopt(curl, CURLOPT_URL, server->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     is_this_machine(server->url) ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
    if (courier->options.mail_ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, courier->options.mail_ca);
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, list);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_letter);
    curl_easy_setopt(curl, CURLOPT_READDATA, courier);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(list);
    return code == CURLE_OK ? 0 : fail_curl(courier, code, err);
}

int bt_courier_mail(struct bt_courier *courier, const struct bt_mail_server *server,
                    const struct bt_letter *letter, struct bt_error *err)
{
    if (!bt_str_starts(server->url, "smtp://") && !bt_str_starts(server->url, "smtps://")) {
        return bt_fail(err, -EIO, "'mail_server' is no smtp:// or smtps:// address");
    }
    bt_buf_clear(&courier->letter);
    courier->sent = 0;
    int r = bt_message_letter(letter->id, server->from, letter->address, letter->subject,
                              letter->body, letter->made_ms, &courier->letter);
    if (r < 0) {
        return bt_fail(err, r, "'mail_from' or every address in 'alert_mail_to' is none");
    }
    prepare(courier, MAIL_MS);
    r = set_password(courier, server, err);
    r = r < 0 ? r : post_mail(courier, server, letter->address, err);
    curl_easy_reset(courier->curl);  // forgets the password
    return r;
}

/*
 * Webhooks.
 */

int bt_hook_check_url(const char *url, bool inside, struct bt_error *err)
{
    char *host = NULL, *user = NULL;
    CURLU *parts = curl_url();
    bool whole = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    bool has_user = curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(parts);
    for (const char *c = url; *c != '\0'; c++) {
        whole = whole && (unsigned char)*c > 0x20 && (unsigned char)*c < 0x7F;
    }
    if (!whole || has_user || strlen(url) >= sizeof(((struct bt_hook *)NULL)->url)) {
        return bt_fail(err, -EINVAL,
                       "Cần một địa chỉ https://… không kèm mật khẩu / an https:// "
                       "address without a password is wanted");
    }
    if (bt_str_starts(url, "https://") || (inside && bt_str_starts(url, "http://"))) {
        return 0;
    }
    return bt_fail(err, -EINVAL, "Chỉ nhận địa chỉ https:// / https:// alone is taken");
}

// Asked with the very address that is connected to.
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    const struct bt_courier *courier = context;
    if (!courier->options.webhooks_inside && bt_address_is_inside(&address->addr)) {
        errno = EACCES;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void sign(const struct bt_hook *hook, const char *time, const char *body,
                 char out[2 * crypto_auth_hmacsha256_BYTES + 1])
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_init(&state, (const uint8_t *)hook->secret, strlen(hook->secret));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)time, strlen(time));
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)".", 1);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)body, strlen(body));
    crypto_auth_hmacsha256_final(&state, mac);
    bt_hex(mac, sizeof(mac), out);
}

static struct curl_slist *hook_headers(const struct bt_hook *hook, const struct bt_letter *letter,
                                       int64_t now_ms)
{
    char mac[2 * crypto_auth_hmacsha256_BYTES + 1];
    BT_AUTOFREE char *time = bt_strf("%lld", (long long)now_ms);
    sign(hook, time, letter->body, mac);
    BT_AUTOFREE char *signature = bt_strf("X-Bangtin-Signature: sha256=%s", mac);
    BT_AUTOFREE char *delivery = bt_strf("X-Bangtin-Delivery: %s", letter->id);
    BT_AUTOFREE char *moment = bt_strf("X-Bangtin-Time: %s", time);
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    list = curl_slist_append(list, "User-Agent: bangtin-server");
    list = curl_slist_append(list, "Expect:");
    list = curl_slist_append(list, signature);
    list = curl_slist_append(list, delivery);
    return curl_slist_append(list, moment);
}

int bt_courier_hook(struct bt_courier *courier, const struct bt_hook *hook,
                    const struct bt_letter *letter, int64_t now_ms, struct bt_error *err)
{
    CURL *curl = courier->curl;
    prepare(courier, HOOK_MS);
    struct curl_slist *list = hook_headers(hook, letter, now_ms);
    curl_easy_setopt(curl, CURLOPT_URL, hook->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
                     courier->options.webhooks_inside ? "http,https" : "https");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, courier);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, letter->body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(letter->body));
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    if (code != CURLE_OK) {
        return fail_curl(courier, code, err);
    }
    return status >= 200 && status < 300 ? 0 : bt_fail(err, -EIO, "It answered %ld", status);
}
