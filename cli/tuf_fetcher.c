#include "cli/tuf_fetcher.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define CONNECT_TIMEOUT_S 10L
// A connection that brings nothing for so long is given up.
#define SILENCE_S 30L

struct bt_tuf_http {
    struct bt_tuf_fetcher fetcher;
    CURL *curl;
    char *metadata_url, *targets_url;  // with '/' at the end
};

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    // Fewer bytes than given end the transfer with CURLE_WRITE_ERROR.
    return bt_buf_append(context, bytes, size * count) < 0 ? 0 : size * count;
}

static int fail_curl(const struct bt_tuf_http *http, CURLcode code, const char *url,
                     struct bt_error *err)
{
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        // Stores of objects say 403 for what is not there.
        int r = status == 404 || status == 403 ? -ENOENT : -EIO;
        return bt_fail(err, r, "'%s': HTTP %ld", url, status);
    }
    if (code == CURLE_WRITE_ERROR) {
        return bt_fail(err, -EMSGSIZE, "'%s' is longer than it may be", url);
    }
    return bt_fail(err, -EIO, "'%s': %s", url, curl_easy_strerror(code));
}

static int fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    struct bt_tuf_http *http = context;
    bool metadata = bt_str_starts(path, "metadata/");
    const char *base = metadata ? http->metadata_url : http->targets_url;
    const char *rest = strchr(path, '/');
    if (base == NULL || rest == NULL) {
        return bt_fail(err, -EINVAL, "No address to fetch '%s' from", path);
    }
    BT_AUTOFREE char *url = bt_strf("%s%s", base, rest + 1);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, out);
    CURLcode code = curl_easy_perform(http->curl);
    long status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status != 200) {
        return bt_fail(err, -EIO, "'%s': HTTP %ld", url, status);
    }
    return code == CURLE_OK ? 0 : fail_curl(http, code, url, err);
}

static char *with_slash(const char *url)
{
    return url == NULL ? NULL : bt_strf("%s%s", url, bt_str_ends(url, "/") ? "" : "/");
}

int bt_tuf_http_create(const char *metadata_url, const char *targets_url, struct bt_tuf_http **out,
                       struct bt_error *err)
{
    BT_AUTO(bt_tuf_http) http = BT_NEW(struct bt_tuf_http);
    http->metadata_url = with_slash(metadata_url);
    http->targets_url = with_slash(targets_url);
    http->fetcher = (struct bt_tuf_fetcher){.fetch = fetch, .context = http};
    http->curl = curl_easy_init();
    if (http->curl == NULL) {
        return bt_fail(err, -ENOMEM, "Cannot start libcurl");
    }
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(http->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, take);
    *out = BT_TAKE(http);
    return 0;
}

void bt_tuf_http_destroy(struct bt_tuf_http *http)
{
    if (http == NULL) {
        return;
    }
    curl_easy_cleanup(http->curl);
    free(http->metadata_url);
    free(http->targets_url);
    free(http);
}

const struct bt_tuf_fetcher *bt_tuf_http_fetcher(const struct bt_tuf_http *http)
{
    return &http->fetcher;
}
