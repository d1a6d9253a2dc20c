#include "playlists/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "playlists/live_url.h"

int bt_plan_run(const struct bt_show *show, struct bt_moment from, int64_t until_ns,
                bt_plan_fn take, void *context)
{
    BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, from);
    size_t count = bt_show_track_count(show);
    BT_AUTOFREE struct bt_slot *next = BT_NEW_ARRAY(struct bt_slot, count);
    for (size_t i = 0; i < count; i++) {
        bt_timeline_next(timeline, i, from, &next[i]);
    }
    for (;;) {
        size_t first = 0;
        for (size_t i = 1; i < count; i++) {
            first = next[i].start_ns < next[first].start_ns ? i : first;
        }
        if (count == 0 || next[first].start_ns >= until_ns) {
            return 0;
        }
        int r = take(context, first, &next[first]);
        if (r != 0) {
            return r;
        }
        struct bt_moment at = {next[first].end_ns, from.trusted};
        if (at.wall_ns >= until_ns) {
            next[first].start_ns = at.wall_ns;
        } else {
            bt_timeline_next(timeline, first, at, &next[first]);
        }
    }
}

static int append_text(struct bt_buf *buf, const char *key, const char *text)
{
    int r = bt_buf_append(buf, key, strlen(key));
    if (r < 0) {
        return r;
    }
    return text == NULL ? bt_buf_append(buf, "null", 4) : bt_json_append_string(buf, text);
}

static int append_time(struct bt_buf *buf, const char *key, const struct bt_tz *tz, int64_t ns)
{
    char text[BT_RFC3339_BYTES];
    if (ns == INT64_MAX) {
        return append_text(buf, key, NULL);
    }
    int64_t ms = ns / BT_NS_PER_MS;
    bt_rfc3339_format(ms, bt_tz_offset_s(tz, ns / BT_NS_PER_S), text);
    return append_text(buf, key, text);
}

static int append_number(struct bt_buf *buf, const char *key, int64_t number)
{
    if (number >= 0 && number < 10) {  // most are
        char digit = (char)('0' + number);
        int r = bt_buf_append(buf, key, strlen(key));
        return r < 0 ? r : bt_buf_append(buf, &digit, 1);
    }
    return bt_buf_appendf(buf, "%s%lld", key, (long long)number);
}

// Where a stream comes from: its host, or the name of the player's own.
static int append_live(struct bt_buf *buf, const struct bt_live_address *live)
{
    char host[BT_LIVE_URL_BYTES];
    if (live->local[0] != '\0') {
        return append_text(buf, ",\"local\":", live->local);
    }
    bt_live_url_host(live->url, host, sizeof(host));
    return append_text(buf, ",\"host\":", host);
}

// What there is only with an item.
static int append_item(struct bt_buf *buf, const struct bt_slot *slot)
{
    const struct bt_publication *p = slot->publication;
    const struct bt_item *item = slot->item;
    const char *campaign = item->campaign >= 0 ? p->campaigns[item->campaign].id : NULL;
    int r = append_text(buf, ",\"item\":", item->id);
    r = r < 0 ? r : append_number(buf, ",\"card\":", (int64_t)slot->card);
    r = r < 0 ? r : append_number(buf, ",\"offset_ms\":", slot->offset_ns / BT_NS_PER_MS);
    r = r < 0 ? r : append_text(buf, ",\"campaign\":", campaign);
    r = r < 0 ? r : append_text(buf, ",\"publication\":", p->id);
    r = r < 0 ? r : append_text(buf, ",\"layer\":", bt_layer_word(p->layer));
    r = r < 0 ? r : append_text(buf, ",\"priority\":", bt_priority_word(slot->rule->priority));
    r = r < 0 || item->live == NULL ? r : append_live(buf, item->live);
    return r < 0 ? r : append_text(buf, ",\"rule\":", slot->rule->id);
}

static int append_nothing(struct bt_buf *buf)
{
    static const char nothing[] =
        ",\"item\":null,\"card\":null,\"offset_ms\":null,\"campaign\":null,\"publication\":null,"
        "\"layer\":null,\"priority\":null,\"rule\":null";
    return bt_buf_append(buf, nothing, sizeof(nothing) - 1);
}

int bt_plan_write_line(struct bt_buf *buf, const struct bt_show *show, size_t track,
                       const struct bt_slot *slot)
{
    const struct bt_tz *tz = bt_show_tz(show);
    size_t len = buf->len;
    int r = append_time(buf, "{\"at\":", tz, slot->start_ns);
    r = r < 0 ? r : append_time(buf, ",\"until\":", tz, slot->end_ns);
    r = r < 0 ? r : append_text(buf, ",\"zone\":", bt_show_track(show, track)->name);
    r = r < 0 ? r : slot->item != NULL ? append_item(buf, slot) : append_nothing(buf);
    r = r < 0 ? r : append_text(buf, ",\"why\":", bt_start_reason_word(slot->why_start));
    r = r < 0 ? r : append_text(buf, ",\"ends\":", bt_end_reason_word(slot->why_end));
    r = r < 0 ? r : bt_buf_append(buf, "}\n", 2);
    if (r < 0 && buf->data != NULL) {
        buf->len = len;  // all or nothing, as the buffer's own functions
        buf->data[len] = '\0';
    }
    return r;
}
