#include "sync/fetcher.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "trust/metadata.h"

#define TIMESTAMP "metadata/timestamp.json"

int bt_fetcher_init(struct bt_fetcher *fetcher, struct bt_sync *sync, struct bt_error *err)
{
    *fetcher = (struct bt_fetcher){.sync = sync};
    bt_buf_init(&fetcher->timestamp, BT_METADATA_MAX_BYTES);
    return bt_wire_init(&fetcher->wire, sync->options.stall_s, err);
}

void bt_fetcher_finish(struct bt_fetcher *fetcher)
{
    bt_wire_finish(&fetcher->wire);
    bt_buf_finish(&fetcher->timestamp);
}

void bt_fetcher_forget(struct bt_fetcher *fetcher)
{
    fetcher->etag[0] = '\0';
}

static int stop_when_closed(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                            curl_off_t up_now)
{
    const struct bt_sync *sync = context;
    return atomic_load(&sync->stopping) ? 1 : 0;
}

static void remember_timestamp(struct bt_fetcher *fetcher, const struct bt_buf *body)
{
    struct curl_header *header = NULL;
    fetcher->etag[0] = '\0';
    bt_buf_clear(&fetcher->timestamp);
    if (curl_easy_header(fetcher->wire.curl, "ETag", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        strlen(header->value) < sizeof(fetcher->etag) &&
        bt_buf_append(&fetcher->timestamp, body->data, body->len) == 0) {
        bt_copy_cut(fetcher->etag, sizeof(fetcher->etag), header->value);
    }
}

static int begin(struct bt_fetcher *fetcher, const struct bt_address *address, const char *path,
                 struct bt_buf *out, struct bt_error *err)
{
    char full[512];
    int r = bt_format(full, sizeof(full), "tuf/%s", path);
    r = r < 0 ? r : bt_wire_begin(&fetcher->wire, address, full, err);
    if (r == 0 && strcmp(path, TIMESTAMP) == 0 && fetcher->etag[0] != '\0') {
        r = bt_wire_add_header(&fetcher->wire, err, "If-None-Match: %s", fetcher->etag);
    }
    if (r < 0) {
        return r;
    }
    bt_wire_receive(&fetcher->wire, out);
    CURL *curl = fetcher->wire.curl;
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_when_closed);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetcher->sync);
    bt_wire_ready(&fetcher->wire);
    return 0;
}

static int judge(struct bt_fetcher *fetcher, const char *path, long status, struct bt_buf *out,
                 struct bt_error *err)
{
    bool is_timestamp = strcmp(path, TIMESTAMP) == 0;
    if (status == 304 && is_timestamp && fetcher->etag[0] != '\0') {
        bt_buf_clear(out);
        return bt_buf_append(out, fetcher->timestamp.data, fetcher->timestamp.len);
    }
    if (status == 404 || status == 403) {
        return bt_fail(err, -ENOENT, "The server has no '%s'", path);
    }
    if (status != 200) {
        return bt_fail(err, -ENETUNREACH, "The server answers %ld to '%s'", status, path);
    }
    if (is_timestamp) {
        remember_timestamp(fetcher, out);
    }
    return 0;
}

int bt_fetcher_fetch(void *context, const char *path, struct bt_buf *out, struct bt_error *err)
{
    struct bt_fetcher *fetcher = context;
    struct bt_sync *sync = fetcher->sync;
    struct bt_address address;
    enum bt_trouble trouble = BT_TROUBLE_SERVER_UNREACHABLE;
    long status = 0;
    if (!bt_servers_now(sync->servers, &address)) {
        return bt_fail(err, -ENETUNREACH, "No server is known");
    }
    int r = begin(fetcher, &address, path, out, err);
    if (r < 0) {
        return r;
    }
    size_t limit = out->limit;
    CURLcode code = curl_easy_perform(fetcher->wire.curl);
    if (code == CURLE_WRITE_ERROR) {
        return bt_fail(err, -EMSGSIZE, "'%s' is longer than %zu bytes", path, limit);
    }
    r = bt_wire_result(&fetcher->wire, code, &status, &trouble, err);
    if (r < 0) {
        if (!atomic_load(&sync->stopping)) {
            bt_sync_trouble(sync, trouble, err->msg);
            bt_servers_failed(sync->servers, &address);
        }
        return r;
    }
    return judge(fetcher, path, status, out, err);
}
