#include "live/hls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "live/m3u8.h"

// More pixels are for nobody in front of a wall, and for few players.
#define MAX_HEIGHT 1080

#define SEGMENT_MAX_BYTES (64LL * 1024 * 1024)
#define SEGMENT_MAX_S 60
#define PLAYLIST_MAX_S 10

// The live edge: as RFC 8216 has it, three segments before the end.
#define EDGE_SEGMENTS 3

// A playlist that has not grown for so many of its segments' lengths is dead.
#define DEAD_TARGETS 4

// How soon a stop is noticed while waiting.
#define LOOK_NS (BT_NS_PER_S / 20)

struct bt_hls {
    struct bt_fetch *fetch;        // borrowed
    const atomic_bool *stop;       // borrowed
    char url[BT_FETCH_URL_BYTES];  // of the playlist with the segments
    struct bt_m3u8 *playlist;
    char map[BT_FETCH_URL_BYTES];  // of this run; "": none
    int64_t next;                  // sequence number
    int64_t grown_ns, loaded_ns;
    bool in_file;   // the fetch is in the middle of one
    bool in_run;    // a segment was begun in it
    bool run_ends;  // before the next segment
    bool jumped;    // segments were left out
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static int64_t last_sequence(const struct bt_m3u8 *playlist)
{
    return playlist->segment_count > 0 ? playlist->segments[playlist->segment_count - 1].sequence
                                       : -1;
}

static int64_t edge(const struct bt_m3u8 *playlist)
{
    int64_t first = playlist->segments[0].sequence;
    return BT_MAX(first, last_sequence(playlist) + 1 - EDGE_SEGMENTS);
}

static void take_playlist(struct bt_hls *hls, struct bt_m3u8 *playlist)
{
    bool grown = hls->playlist == NULL || last_sequence(playlist) != last_sequence(hls->playlist);
    bool anew = hls->playlist == NULL || last_sequence(playlist) + 1 < hls->next ||
                hls->next < playlist->segments[0].sequence;
    hls->loaded_ns = now_ns();
    hls->grown_ns = grown ? hls->loaded_ns : hls->grown_ns;
    hls->jumped = hls->jumped || (anew && hls->playlist != NULL);
    hls->next = anew ? edge(playlist) : hls->next;
    bt_m3u8_destroy(hls->playlist);
    hls->playlist = playlist;
}

// Of segments, not of variants.
static int parse_media(const struct bt_buf *text, struct bt_m3u8 **out, struct bt_error *err)
{
    BT_AUTO(bt_m3u8) playlist = NULL;
    int r = bt_m3u8_parse(bt_buf_text(text), text->len, &playlist, err);
    if (r == 0 && playlist->segment_count == 0) {
        r = bt_fail(err, -EINVAL, "The playlist lists no segments");
    }
    if (r == 0) {
        *out = BT_TAKE(playlist);
    }
    return r;
}

static int load(struct bt_hls *hls, struct bt_error *err)
{
    BT_AUTOBUF text;
    struct bt_m3u8 *playlist = NULL;
    bt_buf_init(&text, BT_M3U8_MAX_BYTES);
    int r = bt_fetch_all(hls->fetch, hls->url, PLAYLIST_MAX_S, &text, err);
    r = r < 0 ? r : parse_media(&text, &playlist, err);
    if (r == 0) {
        take_playlist(hls, playlist);
    }
    return r;
}

// The address of the playlist with the segments, which may be the one that came.
static int find_media(struct bt_hls *hls, const struct bt_buf *text, struct bt_error *err)
{
    BT_AUTO(bt_m3u8) playlist = NULL;
    int r = bt_m3u8_parse(bt_buf_text(text), text->len, &playlist, err);
    if (r < 0) {
        return r;
    }
    const char *base = bt_fetch_url(hls->fetch);
    const struct bt_m3u8_variant *variant = bt_m3u8_pick(playlist, MAX_HEIGHT);
    if (variant == NULL) {
        bt_copy_cut(hls->url, sizeof(hls->url), base);
        take_playlist(hls, BT_TAKE(playlist));
        return 0;
    }
    r = bt_fetch_resolve(base, variant->uri, hls->url, err);
    return r < 0 ? r : load(hls, err);
}

int bt_hls_open(struct bt_fetch *fetch, const atomic_bool *stop, const struct bt_buf *text,
                struct bt_hls **out, struct bt_error *err)
{
    BT_AUTO(bt_hls) hls = BT_NEW(struct bt_hls);
    hls->fetch = fetch;
    hls->stop = stop;
    int r = find_media(hls, text, err);
    if (r == 0) {
        *out = BT_TAKE(hls);
    }
    return r;
}

void bt_hls_destroy(struct bt_hls *hls)
{
    if (hls == NULL) {
        return;
    }
    bt_m3u8_destroy(hls->playlist);
    free(hls);
}

static const struct bt_m3u8_segment *find_next(const struct bt_hls *hls)
{
    for (size_t i = 0; i < hls->playlist->segment_count; i++) {
        if (hls->playlist->segments[i].sequence >= hls->next) {
            return &hls->playlist->segments[i];
        }
    }
    return NULL;
}

static int wait_until(const struct bt_hls *hls, int64_t at_ns, struct bt_error *err)
{
    while (now_ns() < at_ns) {
        if (atomic_load(hls->stop)) {
            return bt_fail(err, -ECANCELED, "Stopped");
        }
        bt_clock_sleep_until(bt_clock_real(), BT_MIN(at_ns, now_ns() + LOOK_NS));
    }
    return 0;
}

// Reads the playlist again, half a segment's length after the last time.
static int reload(struct bt_hls *hls, struct bt_error *err)
{
    int64_t target_ns = hls->playlist->target_ms * BT_NS_PER_MS;
    if (hls->playlist->ended) {
        return bt_fail(err, -ENODATA, "The stream is over");
    }
    if (now_ns() - hls->grown_ns > DEAD_TARGETS * target_ns) {
        return bt_fail(err, -ETIMEDOUT, "The playlist no longer grows");
    }
    int r = wait_until(hls, hls->loaded_ns + target_ns / 2, err);
    return r < 0 ? r : load(hls, err);
}

static int begin_file(struct bt_hls *hls, const char *url, struct bt_error *err)
{
    int r = bt_fetch_begin(hls->fetch, url, SEGMENT_MAX_BYTES, SEGMENT_MAX_S, err);
    hls->in_file = r == 0;
    return r;
}

// Whether the segment cannot follow the one before in the same run.
static bool breaks_run(const struct bt_hls *hls, const struct bt_m3u8_segment *segment,
                       const char *map)
{
    return hls->in_run && (segment->discontinuity || hls->jumped || !bt_str_equal(map, hls->map));
}

// The map of a new run, or the next segment.
static int begin_next(struct bt_hls *hls, const struct bt_m3u8_segment *segment,
                      struct bt_error *err)
{
    char url[BT_FETCH_URL_BYTES], map[BT_FETCH_URL_BYTES] = "";
    int r = segment->map == NULL ? 0 : bt_fetch_resolve(hls->url, segment->map, map, err);
    r = r < 0 ? r : bt_fetch_resolve(hls->url, segment->uri, url, err);
    if (r < 0) {
        return r;
    }
    if (breaks_run(hls, segment, map)) {
        hls->run_ends = true;
        return 0;
    }
    hls->jumped = false;
    if (!bt_str_equal(map, hls->map)) {
        bt_copy_cut(hls->map, sizeof(hls->map), map);
        return begin_file(hls, map, err);
    }
    hls->in_run = true;
    hls->next = segment->sequence + 1;
    return begin_file(hls, url, err);
}

ssize_t bt_hls_read(struct bt_hls *hls, uint8_t *out, size_t size, struct bt_error *err)
{
    for (;;) {
        if (hls->run_ends) {
            return 0;
        }
        if (hls->in_file) {
            ssize_t got = bt_fetch_read(hls->fetch, out, size, err);
            if (got != 0) {
                return got;
            }
            hls->in_file = false;
        }
        const struct bt_m3u8_segment *segment = find_next(hls);
        int r = segment == NULL ? reload(hls, err) : begin_next(hls, segment, err);
        if (r < 0) {
            return r;
        }
    }
}

void bt_hls_next_run(struct bt_hls *hls)
{
    hls->run_ends = false;
    hls->in_run = false;
    hls->jumped = false;
    hls->map[0] = '\0';
}
