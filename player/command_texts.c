// Which texts have to be set smaller to fit their zones, and which do not fit even so.
#include <errno.h>
#include <stdio.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "media/text.h"
#include "player/commands.h"
#include "player/show_load.h"
#include "playlists/clock_text.h"

static const struct bt_log logger = {"player/texts"};

// Names and numbers alone.
#define LINE_MAX_BYTES 4096

// Apart from what is said of the texts (as `check` has it).
#define EXIT_FAILED 64

enum verdict { FITS, SMALLER, LEFT_OUT };

// Among the longest that a clock can say: a Sunday in a leap month.
static const struct bt_civil long_moment = {2025, 8, 3, 20, 58, 58};

static const char *const advice[][2] = {
    [FITS] = {"", ""},
    [SMALLER] = {"Chữ phải thu nhỏ dưới nửa cỡ đã chọn: hãy viết ngắn lại hoặc dùng vùng lớn hơn.",
                 "Set in less than half the size asked for: shorten it or use a larger zone."},
    [LEFT_OUT] = {"Chữ không vừa vùng, những dòng cuối bị bỏ: hãy viết ngắn lại.",
                  "It does not fit its zone, the last lines are left out: shorten it."},
};

static const char *const long_crawl[2] = {
    "Chữ chạy quá dài, không chiếu được: hãy viết ngắn lại hoặc chọn cỡ nhỏ hơn.",
    "The line that moves is too long and is not shown: shorten it or take a smaller size.",
};

static enum verdict judge(const struct bt_item *item, const struct bt_text_fit *fit)
{
    if (fit->lines_left_out > 0) {
        return LEFT_OUT;
    }
    return fit->size_px * 2 < item->style.size_px ? SMALLER : FITS;
}

static int print(const struct bt_item *item, const struct bt_track *track,
                 const struct bt_text_fit *fit, enum verdict verdict)
{
    static const char *const words[] = {"fits", "smaller", "left-out"};
    bool too_long = verdict == LEFT_OUT && item->type == BT_ITEM_CRAWL;
    const char *const *hint = too_long ? long_crawl : advice[verdict];
    BT_AUTOBUF line;
    bt_buf_init(&line, LINE_MAX_BYTES);
    // Names need no escapes (docs/publication.md).
    int r = bt_buf_appendf(
        &line,
        "{\"item\":\"%s\",\"type\":\"%s\",\"zone\":\"%s\",\"width\":%d,\"height\":%d,\"size\":%lld,"
        "\"shown_size\":%"
        "d,"
        "\"lines_left_out\":%zu,\"verdict\":\"%s\",\"advice_vi\":\"%s\",\"advice_en\":\"%s\"}\n",
        item->id, bt_item_type_word(item->type), track->name, track->rect.width, track->rect.height,
        (long long)item->style.size_px, fit->size_px, fit->lines_left_out, words[verdict], hint[0],
        hint[1]);
    if (r == 0 && fwrite(line.data, 1, line.len, stdout) != line.len) {
        return -EPIPE;
    }
    return r;
}

static int measure(struct bt_text *text, const struct bt_item *item, const struct bt_rect *zone,
                   struct bt_text_fit *out, struct bt_error *err)
{
    if (item->type == BT_ITEM_CRAWL) {
        return bt_text_measure_strip(text, item->text, &item->style, zone->height, out, err);
    }
    BT_AUTOFREE char *said = item->type == BT_ITEM_CLOCK
                                 ? bt_clock_text(item->text, bt_civil_to_s(&long_moment))
                                 : bt_strdup(item->text);
    return bt_text_measure(text, said, &item->style, zone->width, zone->height, out, err);
}

static int look_at(struct bt_text *text, const struct bt_item *item, const struct bt_track *track,
                   enum verdict *worst, struct bt_error *err)
{
    if (item->type != BT_ITEM_TEXT && item->type != BT_ITEM_CLOCK && item->type != BT_ITEM_CRAWL) {
        return 0;
    }
    struct bt_text_fit fit;
    int r = measure(text, item, &track->rect, &fit, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Item '%s'", item->id);
    }
    enum verdict verdict = judge(item, &fit);
    *worst = BT_MAX(*worst, verdict);
    return print(item, track, &fit, verdict);
}

static int look_at_playlist(struct bt_text *text, const struct bt_feed *feed,
                            const struct bt_track *track, enum verdict *worst, struct bt_error *err)
{
    const struct bt_playlist *playlist = &feed->publication->playlists[feed->rule->playlist];
    int r = 0;
    for (size_t i = 0; i < playlist->item_count && r == 0; i++) {
        r = look_at(text, &playlist->items[i], track, worst, err);
    }
    return r;
}

// A zone's own playlist may be its fallback too.
static bool is_told(const struct bt_show *show, size_t index)
{
    const struct bt_feed *feed = bt_show_feed(show, index);
    for (size_t i = 0; i < index; i++) {
        const struct bt_feed *other = bt_show_feed(show, i);
        if (other->publication == feed->publication &&
            other->rule->playlist == feed->rule->playlist &&
            bt_str_equal(other->rule->zone, feed->rule->zone)) {
            return true;
        }
    }
    return false;
}

static int look_at_all(const struct bt_show *show, enum verdict *worst, struct bt_error *err)
{
    BT_AUTO(bt_text) text = NULL;
    int r = bt_text_open(&text, err);
    for (size_t i = 0; i < bt_show_feed_count(show); i++) {
        const struct bt_feed *feed = bt_show_feed(show, i);
        for (size_t k = 0; k < bt_show_track_count(show) && r == 0; k++) {
            const struct bt_track *track = bt_show_track(show, k);
            if (feed->rule->playlist >= 0 && !is_told(show, i) &&
                bt_str_equal(feed->rule->zone, track->name)) {
                r = look_at_playlist(text, feed, track, worst, err);
            }
        }
    }
    return r;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_show) show = NULL;
    enum verdict worst = FITS;
    int r = bt_show_load(arguments, &show, err);
    r = r == 0 ? look_at_all(show, &worst, err) : r;
    if (r < 0 && r != -EPIPE) {
        bt_log_error(&logger, "%s", err->msg);
        return EXIT_FAILED;
    }
    return (int)worst;
}

static const struct bt_subcommand commands[] = {
    {NULL, "PUBLICATION…", 1, INT32_MAX,
     "Mỗi mục chữ, chữ chạy, đồng hồ ở mỗi vùng một dòng JSON: cỡ chữ đã chọn, cỡ chữ vừa vùng, "
     "nên làm gì.\n"
     "A JSON line per text, crawl or clock and zone: the size asked for, the size that fits, and "
     "advice.\n"
     "Trạng thái kết thúc / exit status: 0 tất cả vừa / all fit, 1 có chữ nhỏ hơn nửa cỡ đã chọn / "
     "some\nare set in less than half their size, 2 có chữ bị bỏ / something is left out, "
     "64 không đọc được / failed.",
     .run = run},
};

const struct bt_command_group bt_texts_commands = {
    .name = "texts",
    .summary = "Chữ có vừa vùng không / do texts fit their zones",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
    .usage_status = EXIT_FAILED,
};
