#include "cli/facts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static const struct {
    const char *container, *type;
} types[] = {
    {"png", "image/png"},           {"apng", "image/apng"},   {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},         {"gif", "image/gif"},     {"mp4", "video/mp4"},
    {"matroska", "video/matroska"}, {"mpegts", "video/mp2t"}, {"bmp", "image/bmp"},
    {"tiff", "image/tiff"},         {"svg", "image/svg+xml"}, {"heif", "image/heif"},
};

static const char *find_type(const char *container)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(types); i++) {
        if (strcasecmp(types[i].container, container) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

// Containers say nothing at times, and lie at others.
static int check_length(int64_t duration_ms, struct bt_error *err)
{
    if (duration_ms == 0 || duration_ms > BT_ITEM_MAX_MS) {
        return bt_fail(err, -EINVAL,
                       "không rõ dài bao lâu, hãy xuất lại thành MP4 / its length is unknown, "
                       "export it as MP4");
    }
    if (duration_ms < BT_ITEM_MIN_MS) {
        return bt_fail(err, -EINVAL, "quá ngắn / too short: %lld ms", (long long)duration_ms);
    }
    return 0;
}

int bt_facts_from_report(const struct bt_media_report *report, struct bt_draft_file *out,
                         struct bt_error *err)
{
    if (report->verdict == BT_VERDICT_REFUSED) {
        return bt_fail(err, -EINVAL, "%s", report->detail.msg);
    }
    const char *type = find_type(report->container);
    out->is_clip = strcmp(report->kind, "clip") == 0;
    // The reader wants a picture's type to begin with image/, a clip's with video/.
    if (type == NULL || bt_str_starts(type, "video/") != out->is_clip) {
        type = out->is_clip ? "video/unknown" : "image/unknown";
    }
    bt_copy_cut(out->type, sizeof(out->type), type);
    out->width = report->width;
    out->height = report->height;
    out->duration_ms = out->is_clip ? report->duration_ms : 0;
    return out->is_clip ? check_length(report->duration_ms, err) : 0;
}
