#include "player/show_load.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

static const struct bt_log logger = {"player"};

// Where nothing says another zone.
#define DEFAULT_TIME_ZONE "Asia/Ho_Chi_Minh"

// The zone of the layer that describes the canvas: the lowest.
static const char *time_zone_of(struct bt_publication *const *publications, size_t count)
{
    const char *name = DEFAULT_TIME_ZONE;
    int layer = BT_LAYER_EMERGENCY + 1;
    for (size_t i = 0; i < count; i++) {
        const struct bt_publication *p = publications[i];
        if (p->canvas.width > 0 && p->canvas.time_zone[0] != '\0' && p->layer < layer) {
            name = p->canvas.time_zone;
            layer = p->layer;
        }
    }
    return name;
}

int bt_show_merge(struct bt_publication **publications, size_t count, struct bt_show **out,
                  struct bt_error *err)
{
    struct bt_tz *tz = NULL;
    int r = bt_tz_load(time_zone_of(publications, count), &tz, err);
    if (r < 0) {
        for (size_t i = 0; i < count; i++) {
            bt_publication_destroy(publications[i]);
        }
        return r;
    }
    return bt_show_create(publications, count, tz, out, err);
}

int bt_show_load(const struct bt_arguments *files, struct bt_show **out, struct bt_error *err)
{
    size_t count = bt_operand_count(files);
    struct bt_publication *publications[BT_MAX_PUBLICATIONS] = {NULL};
    if (count < 1 || count > BT_MAX_PUBLICATIONS) {
        return bt_fail(err, -EINVAL, "%zu publications; 1 to %d are possible", count,
                       BT_MAX_PUBLICATIONS);
    }
    for (size_t i = 0; i < count; i++) {
        int r = bt_publication_load(bt_operand(files, i), BT_UNKNOWN_IGNORE, &publications[i], err);
        if (r < 0) {
            while (i-- > 0) {
                bt_publication_destroy(publications[i]);
            }
            return r;
        }
    }
    int r = bt_show_merge(publications, count, out, err);
    if (r == 0 && bt_show_notices(*out)[0] != '\0') {
        bt_log_warn(&logger, "Left out of the merge: %s", bt_show_notices(*out));
    }
    return r;
}

static int parse_local(const char *text, const struct bt_tz *tz, int64_t *out_ns)
{
    char date[11];
    int64_t day_s, time_s = 0;
    size_t len = strlen(text);
    if (len < 10 || (len > 10 && text[10] != 'T' && text[10] != ' ')) {
        return -EINVAL;
    }
    memcpy(date, text, 10);
    date[10] = '\0';
    if (bt_date_parse(date, &day_s) < 0 ||
        (len > 10 && bt_time_of_day_parse(text + 11, &time_s) < 0)) {
        return -EINVAL;
    }
    *out_ns = bt_tz_to_utc_s(tz, day_s + time_s) * BT_NS_PER_S;
    return 0;
}

int bt_moment_parse(const char *text, const struct bt_tz *tz, int64_t *out_ns, struct bt_error *err)
{
    int64_t ms;
    if (bt_rfc3339_parse(text, &ms) == 0) {
        *out_ns = ms * BT_NS_PER_MS;
        return 0;
    }
    if (parse_local(text, tz, out_ns) == 0) {
        return 0;
    }
    return bt_fail(err, -EINVAL,
                   "'%s' is not a moment; write 2026-10-10T19:00 or 2026-10-10T19:00:00+07:00",
                   text);
}
