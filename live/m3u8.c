#include "live/m3u8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#define MIN_TARGET_MS 1000
#define MAX_TARGET_MS 60000

// A number beyond is a mistake, and would not survive counting on.
#define MAX_SEQUENCE (INT64_C(1) << 53)

// What the lines before a segment or variant said of it.
struct reading {
    struct bt_m3u8 *playlist;
    const char *map;
    struct bt_m3u8_variant variant;
    int64_t next_sequence;
    bool expects_variant, expects_segment, discontinuity;
};

// The number at the beginning of a text, whatever follows; -1: none.
static int64_t leading_number(const char *text, int64_t max)
{
    char digits[20];
    size_t len = strspn(text, "0123456789");
    int64_t number;
    if (len == 0 || len >= sizeof(digits)) {
        return -1;
    }
    memcpy(digits, text, len);
    digits[len] = '\0';
    return bt_parse_int(digits, 0, max, &number) == 0 ? number : -1;
}

// The value of an attribute in "A=1,B=\"x,y\",C=2"; NULL: it is not there.
static char *find_attribute(char *list, const char *name)
{
    size_t len = strlen(name);
    bool quoted = false, start = true;
    for (char *at = list; *at != '\0'; at++) {
        if (start && strncmp(at, name, len) == 0 && at[len] == '=') {
            return at + len + 1;
        }
        quoted = quoted != (*at == '"');
        start = !quoted && *at == ',';
    }
    return NULL;
}

// Ends the quoted text in its place. NULL: it is none.
static const char *quoted_text(char *value)
{
    char *end = value != NULL && value[0] == '"' ? strchr(value + 1, '"') : NULL;
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    return value + 1;
}

static int read_target(struct reading *reading, char *value, struct bt_error *err)
{
    int64_t target_s = leading_number(value, MAX_TARGET_MS / 1000);
    if (target_s < 0) {
        return bt_fail(err, -EINVAL, "The playlist's target duration is no number up to 60");
    }
    reading->playlist->target_ms = BT_MAX(target_s * 1000, MIN_TARGET_MS);
    return 0;
}

static int read_sequence(struct reading *reading, char *value, struct bt_error *err)
{
    reading->next_sequence = leading_number(value, MAX_SEQUENCE);
    return reading->next_sequence >= 0
               ? 0
               : bt_fail(err, -EINVAL, "The playlist's sequence number is none");
}

static int read_variant(struct reading *reading, char *value, struct bt_error *err)
{
    const char *bandwidth = find_attribute(value, "BANDWIDTH");
    const char *size = find_attribute(value, "RESOLUTION");
    reading->variant = (struct bt_m3u8_variant){0};
    if (bandwidth != NULL) {
        reading->variant.bandwidth = BT_MAX(leading_number(bandwidth, INT32_MAX), 0);
    }
    const char *height = size != NULL ? strchr(size, 'x') : NULL;
    if (height != NULL) {
        reading->variant.width = BT_MAX(leading_number(size, INT16_MAX), 0);
        reading->variant.height = BT_MAX(leading_number(height + 1, INT16_MAX), 0);
    }
    reading->expects_variant = true;
    return 0;
}

static int read_duration(struct reading *reading, char *value, struct bt_error *err)
{
    reading->expects_segment = true;  // how long it says it is does not matter
    return 0;
}

static int read_discontinuity(struct reading *reading, char *value, struct bt_error *err)
{
    reading->discontinuity = true;
    return 0;
}

static int read_map(struct reading *reading, char *value, struct bt_error *err)
{
    if (find_attribute(value, "BYTERANGE") != NULL) {
        return bt_fail(err, -ENOTSUP, "Streams in byte ranges are not played");
    }
    reading->map = quoted_text(find_attribute(value, "URI"));
    return reading->map != NULL ? 0 : bt_fail(err, -EINVAL, "The playlist's map names no file");
}

static int read_key(struct reading *reading, char *value, struct bt_error *err)
{
    const char *method = find_attribute(value, "METHOD");
    bool none =
        method != NULL && bt_str_starts(method, "NONE") && (method[4] == '\0' || method[4] == ',');
    return none ? 0 : bt_fail(err, -ENOTSUP, "Encrypted streams are not played");
}

static int refuse_ranges(struct reading *reading, char *value, struct bt_error *err)
{
    return bt_fail(err, -ENOTSUP, "Streams in byte ranges are not played");
}

static int read_end(struct reading *reading, char *value, struct bt_error *err)
{
    reading->playlist->ended = true;
    return 0;
}

static const struct tag {
    const char *name;  // with a colon when a value follows
    int (*read)(struct reading *reading, char *value, struct bt_error *err);
} tags[] = {
    {"#EXTINF:", read_duration},
    {"#EXT-X-TARGETDURATION:", read_target},
    {"#EXT-X-MEDIA-SEQUENCE:", read_sequence},
    {"#EXT-X-STREAM-INF:", read_variant},
    {"#EXT-X-MAP:", read_map},
    {"#EXT-X-KEY:", read_key},
    {"#EXT-X-SESSION-KEY:", read_key},
    {"#EXT-X-BYTERANGE:", refuse_ranges},
    {"#EXT-X-ENDLIST", read_end},
};

static int read_tag(struct reading *reading, char *line, struct bt_error *err)
{
    if (strcmp(line, "#EXT-X-DISCONTINUITY") == 0) {
        return read_discontinuity(reading, line, err);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(tags); i++) {
        if (bt_str_starts(line, tags[i].name)) {
            return tags[i].read(reading, line + strlen(tags[i].name), err);
        }
    }
    return 0;
}

static int add_variant(struct reading *reading, const char *uri, struct bt_error *err)
{
    struct bt_m3u8 *playlist = reading->playlist;
    if (playlist->variant_count == BT_M3U8_MAX_VARIANTS) {
        return bt_fail(err, -EINVAL, "The playlist has more than %d variants",
                       BT_M3U8_MAX_VARIANTS);
    }
    reading->variant.uri = uri;
    playlist->variants[playlist->variant_count++] = reading->variant;
    reading->expects_variant = false;
    return 0;
}

static void add_segment(struct reading *reading, const char *uri)
{
    struct bt_m3u8 *playlist = reading->playlist;
    if (playlist->segment_count == BT_M3U8_MAX_SEGMENTS) {
        playlist->segment_count--;
        memmove(playlist->segments, playlist->segments + 1,
                playlist->segment_count * sizeof(*playlist->segments));
    }
    BT_GROW(playlist->segments, playlist->segment_capacity, playlist->segment_count + 1);
    playlist->segments[playlist->segment_count++] =
        (struct bt_m3u8_segment){.uri = uri,
                                 .map = reading->map,
                                 .sequence = reading->next_sequence++,
                                 .discontinuity = reading->discontinuity};
    reading->discontinuity = false;
    reading->expects_segment = false;
}

static int read_line(struct reading *reading, char *line, struct bt_error *err)
{
    if (line[0] == '#') {
        return read_tag(reading, line, err);
    }
    if (line[0] == '\0') {
        return 0;
    }
    if (reading->expects_variant) {
        return add_variant(reading, line, err);
    }
    if (reading->expects_segment) {
        add_segment(reading, line);
    }
    return 0;
}

static int read_lines(struct reading *reading, struct bt_error *err)
{
    int r = 0;
    for (char *line = reading->playlist->text; r == 0 && line != NULL;) {
        size_t len = strcspn(line, "\r\n");
        char *next = line[len] != '\0' ? line + len + 1 : NULL;
        line[len] = '\0';
        r = read_line(reading, line, err);
        line = next;
    }
    return r;
}

int bt_m3u8_parse(const char *text, size_t len, struct bt_m3u8 **out, struct bt_error *err)
{
    static const char head[] = "#EXTM3U";
    if (len > BT_M3U8_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "The playlist has more than %d bytes", BT_M3U8_MAX_BYTES);
    }
    if (len < sizeof(head) - 1 || memcmp(text, head, sizeof(head) - 1) != 0 ||
        memchr(text, '\0', len) != NULL) {
        return bt_fail(err, -EINVAL, "It is no playlist");
    }
    BT_AUTO(bt_m3u8) playlist = BT_NEW(struct bt_m3u8);
    playlist->text = bt_strndup(text, len);
    playlist->target_ms = MIN_TARGET_MS;
    struct reading reading = {.playlist = playlist};
    int r = read_lines(&reading, err);
    if (r < 0) {
        return r;
    }
    if (playlist->variant_count == 0 && playlist->segment_count == 0) {
        return bt_fail(err, -EINVAL, "The playlist is empty");
    }
    *out = BT_TAKE(playlist);
    return 0;
}

void bt_m3u8_destroy(struct bt_m3u8 *playlist)
{
    if (playlist == NULL) {
        return;
    }
    free(playlist->segments);
    free(playlist->text);
    free(playlist);
}

// Whether `a` is the better choice.
static bool is_better(const struct bt_m3u8_variant *a, const struct bt_m3u8_variant *b,
                      int64_t max_height)
{
    bool a_fits = a->height <= max_height, b_fits = b->height <= max_height;
    if (a_fits != b_fits) {
        return a_fits;
    }
    return a_fits ? a->bandwidth > b->bandwidth : a->bandwidth < b->bandwidth;
}

const struct bt_m3u8_variant *bt_m3u8_pick(const struct bt_m3u8 *playlist, int64_t max_height)
{
    const struct bt_m3u8_variant *best = NULL;
    for (size_t i = 0; i < playlist->variant_count; i++) {
        const struct bt_m3u8_variant *variant = &playlist->variants[i];
        if (best == NULL || is_better(variant, best, max_height)) {
            best = variant;
        }
    }
    return best;
}
