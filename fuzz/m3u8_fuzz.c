// Playlists of live streams: whoever sends one is outside.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "live/fetch.h"
#include "live/m3u8.h"

static const char base[] = "https://dai.example.vn/kenh/1.m3u8";

// What is let through is an https address.
static void resolve(const char *uri)
{
    char url[BT_FETCH_URL_BYTES];
    if (bt_fetch_resolve(base, uri, url, NULL) == 0) {
        assert(strncmp(url, "https://", 8) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTO(bt_m3u8) playlist = NULL;
    if (bt_m3u8_parse((const char *)data, size, &playlist, NULL) < 0) {
        return 0;
    }
    const struct bt_m3u8_variant *variant = bt_m3u8_pick(playlist, 1080);
    if (variant != NULL) {
        resolve(variant->uri);
    }
    for (size_t i = 0; i < playlist->segment_count; i++) {
        const struct bt_m3u8_segment *segment = &playlist->segments[i];
        assert(segment->sequence >= 0 && segment->uri[0] != '\0');
        resolve(segment->uri);
        if (segment->map != NULL) {
            resolve(segment->map);
        }
    }
    return 0;
}
