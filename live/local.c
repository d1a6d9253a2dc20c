#include "live/local.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"

#define FILE_MAX_BYTES (64 * 1024)

static const char *const schemes[] = {"rtsp://", "udp://"};

static const struct bt_json_field stream_fields[] = {
    BT_JSON_FIELD(struct bt_local_stream, name, "name", BT_JSON_STRING, .min = 1,
                  .max = BT_ID_BYTES - 1),
    BT_JSON_FIELD(struct bt_local_stream, url, "url", BT_JSON_STRING, .min = 1,
                  .max = BT_LIVE_URL_BYTES - 1),
};

static const struct bt_json_field file_fields[] = {
    BT_JSON_FIELD(struct bt_local_streams, private_addresses, "private_addresses", BT_JSON_BOOL,
                  .optional = true),
};

static bool is_local_url(const char *url)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(schemes); i++) {
        if (bt_str_starts(url, schemes[i]) && url[strlen(schemes[i])] != '\0') {
            return true;
        }
    }
    return false;
}

static int read_stream(const cJSON *value, struct bt_local_streams *streams, struct bt_error *err)
{
    struct bt_local_stream stream = {0};
    if (streams->count == BT_MAX_LOCAL_STREAMS) {
        return bt_fail(err, -EINVAL, "more than %d streams", BT_MAX_LOCAL_STREAMS);
    }
    int r = bt_json_read(value, stream_fields, BT_ARRAY_LEN(stream_fields), &stream, NULL, err);
    if (r < 0) {
        return r;
    }
    if (!is_local_url(stream.url)) {
        return bt_fail(err, -EINVAL, "'url' is neither rtsp:// nor udp://");
    }
    if (bt_local_streams_find(streams, stream.name) != NULL) {
        return bt_fail(err, -EINVAL, "'%s' stands in the list before", stream.name);
    }
    streams->list[streams->count++] = stream;
    return 0;
}

int bt_local_streams_parse(const char *text, size_t len, struct bt_local_streams *out,
                           struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct bt_local_streams streams = {0};
    int r = bt_json_parse(text, len, &json, err);
    r = r < 0 ? r : bt_json_read(json, file_fields, BT_ARRAY_LEN(file_fields), &streams, NULL, err);
    if (r < 0) {
        return r;
    }
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "streams"), *entry;
    if (list != NULL && !cJSON_IsArray(list)) {
        return bt_fail(err, -EINVAL, "'streams' must be a list");
    }
    size_t i = 0;
    cJSON_ArrayForEach(entry, list)
    {
        r = read_stream(entry, &streams, err);
        if (r < 0) {
            return bt_fail_in(err, r, "streams[%zu]", i);
        }
        i++;
    }
    *out = streams;
    return 0;
}

int bt_local_streams_load(const char *path, struct bt_local_streams *out, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, FILE_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    if (r < 0) {
        return r;
    }
    r = bt_local_streams_parse(bt_buf_text(&text), text.len, out, err);
    return r < 0 ? bt_fail_in(err, r, "%s", path) : 0;
}

const struct bt_local_stream *bt_local_streams_find(const struct bt_local_streams *streams,
                                                    const char *name)
{
    for (size_t i = 0; i < streams->count; i++) {
        if (strcmp(streams->list[i].name, name) == 0) {
            return &streams->list[i];
        }
    }
    return NULL;
}
