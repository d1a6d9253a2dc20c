#include "live/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "live/network.h"
#include "playlists/live_url.h"

#define CONNECT_TIMEOUT_S 10
#define STALL_S 8
#define MAX_REDIRECTS 3

// Read ahead by so much, which is half a second of a rich stream; then the sender has to wait.
#define READ_AHEAD_BYTES (512 * 1024)

// How soon a stop is noticed.
#define POLL_MS 50

struct bt_fetch {
    struct bt_fetch_rules rules;  // the pins are ours
    char *pins;
    CURL *curl;
    CURLM *multi;
    char error[CURL_ERROR_SIZE];
    char url[BT_FETCH_URL_BYTES];
    bool added, paused, done, refused, oversize;
    CURLcode result;
    int64_t max_bytes, received;
    struct bt_buf ahead;
    size_t taken;  // of `ahead`
};

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct bt_fetch *fetch = context;
    if (!fetch->rules.private_addresses && !bt_address_is_public(&to->addr)) {
        fetch->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t receive(char *bytes, size_t size, size_t count, void *context)
{
    struct bt_fetch *fetch = context;
    size_t len = size * count;
    if (fetch->ahead.len - fetch->taken + len > READ_AHEAD_BYTES) {
        fetch->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    fetch->received += (int64_t)len;
    fetch->oversize = fetch->max_bytes > 0 && fetch->received > fetch->max_bytes;
    return !fetch->oversize && bt_buf_append(&fetch->ahead, bytes, len) == 0 ? len : 0;
}

int bt_fetch_create(const struct bt_fetch_rules *rules, struct bt_fetch **out, struct bt_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    BT_AUTO(bt_fetch) fetch = BT_NEW(struct bt_fetch);
    fetch->rules = *rules;
    fetch->pins = bt_strdup(rules->pins);
    bt_buf_init(&fetch->ahead, 2 * READ_AHEAD_BYTES);
    fetch->curl = curl_easy_init();
    fetch->multi = curl_multi_init();
    if (fetch->curl == NULL || fetch->multi == NULL || fetch->pins[0] == '\0') {
        return bt_fail(err, -ENOMEM, "libcurl cannot start");
    }
    *out = BT_TAKE(fetch);
    return 0;
}

static void end_request(struct bt_fetch *fetch)
{
    if (fetch->added) {
        curl_multi_remove_handle(fetch->multi, fetch->curl);
    }
    fetch->added = fetch->paused = fetch->done = fetch->refused = fetch->oversize = false;
    fetch->received = 0;
    fetch->taken = 0;
    fetch->error[0] = '\0';
    bt_buf_clear(&fetch->ahead);
}

void bt_fetch_destroy(struct bt_fetch *fetch)
{
    if (fetch == NULL) {
        return;
    }
    end_request(fetch);
    curl_easy_cleanup(fetch->curl);
    curl_multi_cleanup(fetch->multi);
    bt_buf_finish(&fetch->ahead);
    free(fetch->pins);
    free(fetch);
}

static void set_trust(struct bt_fetch *fetch)
{
    CURL *curl = fetch->curl;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    // The pin says which key it must be, whoever issued the certificate and until whenever.
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, fetch->pins);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    // A proxy would be asked for addresses that we could not judge.
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, fetch);
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static void set_bounds(struct bt_fetch *fetch, int64_t total_s)
{
    CURL *curl = fetch->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)total_s);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetch->error);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "bangtin-player");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
}

static int fail_curl(const struct bt_fetch *fetch, struct bt_error *err)
{
    const char *text = fetch->error[0] != '\0' ? fetch->error : curl_easy_strerror(fetch->result);
    if (fetch->result == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        return bt_fail(err, -EPERM, "Its key is none of those that are pinned");
    }
    if (fetch->refused) {
        return bt_fail(err, -EPERM,
                       "Its address is not a public one, and the installer has not "
                       "allowed others");
    }
    if (fetch->oversize) {
        return bt_fail(err, -EMSGSIZE, "It sends more than %lld bytes",
                       (long long)fetch->max_bytes);
    }
    return bt_fail(err, -ENETUNREACH, "%s", text);
}

// Waits until there are bytes, or no more will come: 1, 0.
static int wait_for_bytes(struct bt_fetch *fetch, struct bt_error *err)
{
    while (fetch->ahead.len == fetch->taken) {
        int running, left;
        if (atomic_load(fetch->rules.stop)) {
            return bt_fail(err, -ECANCELED, "Stopped");
        }
        if (fetch->done) {
            return fetch->result == CURLE_OK ? 0 : fail_curl(fetch, err);
        }
        if (fetch->paused) {
            fetch->paused = false;
            curl_easy_pause(fetch->curl, CURLPAUSE_CONT);
            continue;
        }
        curl_multi_perform(fetch->multi, &running);
        const CURLMsg *message = curl_multi_info_read(fetch->multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE) {
            fetch->done = true;
            fetch->result = message->data.result;
        } else if (fetch->ahead.len == fetch->taken) {
            curl_multi_poll(fetch->multi, NULL, 0, POLL_MS, NULL);
        }
    }
    return 1;
}

int bt_fetch_begin(struct bt_fetch *fetch, const char *url, int64_t max_bytes, int64_t total_s,
                   struct bt_error *err)
{
    end_request(fetch);
    if (bt_live_url_check(url, err) < 0 ||
        bt_format(fetch->url, sizeof(fetch->url), "%s", url) < 0) {
        return bt_fail(err, -EINVAL, "'%.80s' is no address for a stream", url);
    }
    curl_easy_reset(fetch->curl);
    set_trust(fetch);
    set_bounds(fetch, total_s);
    curl_easy_setopt(fetch->curl, CURLOPT_URL, fetch->url);
    fetch->max_bytes = max_bytes;
    if (curl_multi_add_handle(fetch->multi, fetch->curl) != CURLM_OK) {
        return bt_fail(err, -ENOMEM, "libcurl cannot start");
    }
    fetch->added = true;
    int r = wait_for_bytes(fetch, err);
    char *effective = NULL;
    curl_easy_getinfo(fetch->curl, CURLINFO_EFFECTIVE_URL, &effective);
    if (r >= 0 && effective != NULL &&
        bt_format(fetch->url, sizeof(fetch->url), "%s", effective) < 0) {
        return bt_fail(err, -EINVAL, "It redirects to an address that is too long");
    }
    return r < 0 ? r : 0;
}

ssize_t bt_fetch_read(struct bt_fetch *fetch, uint8_t *out, size_t size, struct bt_error *err)
{
    int r = wait_for_bytes(fetch, err);
    if (r <= 0) {
        return r;
    }
    size_t len = BT_MIN(size, fetch->ahead.len - fetch->taken);
    memcpy(out, fetch->ahead.data + fetch->taken, len);
    fetch->taken += len;
    if (fetch->taken == fetch->ahead.len) {
        bt_buf_clear(&fetch->ahead);
        fetch->taken = 0;
    }
    return (ssize_t)len;
}

int bt_fetch_all(struct bt_fetch *fetch, const char *url, int64_t total_s, struct bt_buf *out,
                 struct bt_error *err)
{
    uint8_t bytes[8192];
    int r = bt_fetch_begin(fetch, url, (int64_t)out->limit, total_s, err);
    while (r == 0) {
        ssize_t got = bt_fetch_read(fetch, bytes, sizeof(bytes), err);
        if (got <= 0) {
            return (int)got;
        }
        r = bt_buf_append(out, bytes, (size_t)got);
    }
    return r == -EMSGSIZE ? bt_fail(err, r, "It sends more than %zu bytes", out->limit) : r;
}

const char *bt_fetch_url(const struct bt_fetch *fetch)
{
    return fetch->url;
}

int bt_fetch_resolve(const char *base, const char *reference, char out[BT_FETCH_URL_BYTES],
                     struct bt_error *err)
{
    CURLU *url = curl_url();
    char *text = NULL;
    int r = -EINVAL;
    if (url != NULL && curl_url_set(url, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_URL, reference, 0) == CURLUE_OK &&
        curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK) {
        r = bt_live_url_check(text, NULL);
        r = r < 0 ? r : bt_format(out, BT_FETCH_URL_BYTES, "%s", text);
    }
    curl_free(text);
    curl_url_cleanup(url);
    return r < 0 ? bt_fail(err, -EINVAL, "'%.80s' is no https address for a stream", reference) : 0;
}
