#include "update/frames.h"

#include <errno.h>

#include "base/json.h"

#define MOST (INT64_C(1) << 53)

static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct bt_frames, start, "start", BT_JSON_INT, .min = 1, .max = MOST),
    BT_JSON_FIELD(struct bt_frames, presented, "presented", BT_JSON_INT, .min = 0, .max = MOST),
    BT_JSON_FIELD(struct bt_frames, due, "due", BT_JSON_INT, .min = 0, .max = MOST),
    BT_JSON_FIELD(struct bt_frames, missing, "missing", BT_JSON_INT, .min = 0, .max = MOST),
    BT_JSON_FIELD(struct bt_frames, dark, "dark", BT_JSON_BOOL, .optional = true),
};

int bt_frames_parse(const char *text, size_t len, struct bt_frames *out, struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct bt_frames frames = {0};
    if (len > BT_FRAMES_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "longer than %d bytes", BT_FRAMES_MAX_BYTES);
    }
    int r = bt_json_parse(text, len, &json, err);
    r = r < 0 ? r : bt_json_read(json, fields, BT_ARRAY_LEN(fields), &frames, NULL, err);
    if (r == 0) {
        *out = frames;
    }
    return r;
}

int bt_frames_write(const struct bt_frames *frames, struct bt_buf *out)
{
    return bt_buf_appendf(
        out, "{\"start\":%lld,\"presented\":%lld,\"due\":%lld,\"missing\":%lld%s}\n",
        (long long)frames->start, (long long)frames->presented, (long long)frames->due,
        (long long)frames->missing, frames->dark ? ",\"dark\":true" : "");
}
