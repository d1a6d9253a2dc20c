/**
 * Playlists of HTTP Live Streaming (RFC 8216), as far as a public stream needs them: variants,
 * segments, a fragmented MP4's head, discontinuities. Encrypted streams and byte ranges are
 * refused, so that nothing else than whole segments is ever fetched. Pure; what it names is opened
 * by nobody here.
 */
#ifndef BT_LIVE_M3U8_H
#define BT_LIVE_M3U8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

#define BT_M3U8_MAX_BYTES (1024 * 1024)
#define BT_M3U8_MAX_VARIANTS 64
#define BT_M3U8_MAX_SEGMENTS 4096  // of those that go back further the newest

struct bt_m3u8_variant {
    const char *uri;  // as written; borrowed from the playlist, like all texts
    int64_t bandwidth;
    int64_t width, height;  // 0: not said
};

struct bt_m3u8_segment {
    const char *uri;
    const char *map;   // head of a fragmented MP4; NULL: none
    int64_t sequence;  // counts up from the playlist's first
    bool discontinuity;
};

struct bt_m3u8 {
    char *text;  // owned
    struct bt_m3u8_variant variants[BT_M3U8_MAX_VARIANTS];
    size_t variant_count;  // > 0: it lists other playlists
    struct bt_m3u8_segment *segments;
    size_t segment_count, segment_capacity;
    int64_t target_ms;  // no segment is longer; 1000..60000
    bool ended;         // nothing will be added
};

/**
 * Errors: -EMSGSIZE too long, -EINVAL no playlist, -ENOTSUP encrypted, byte ranges.
 */
int bt_m3u8_parse(const char *text, size_t len, struct bt_m3u8 **out,
                  struct bt_error *err) BT_NODISCARD;
void bt_m3u8_destroy(struct bt_m3u8 *playlist);
BT_DEFINE_AUTO(bt_m3u8)

// The richest variant up to that height, else the poorest. NULL: it lists none.
const struct bt_m3u8_variant *bt_m3u8_pick(const struct bt_m3u8 *playlist, int64_t max_height);

#endif
