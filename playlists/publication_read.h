/**
 * What the readers of a publication's sections share. Private to playlists/publication*.c.
 *
 * Readers fill a publication in place and leave it half filled when they fail; whoever created it
 * destroys it. While they go down they keep the path ("playlists[0].items[3]"), and leave it
 * standing where they failed, so that one place puts it in front of the message.
 */
#ifndef BT_PLAYLISTS_PUBLICATION_READ_H
#define BT_PLAYLISTS_PUBLICATION_READ_H

#include "base/json.h"
#include "playlists/publication.h"

// Names → places in a table, for looking up in a document with thousands of them.
struct bt_name {
    const char *name;  // borrowed
    size_t index;
};

struct bt_names {
    struct bt_name *sorted;
    size_t count;
};

struct bt_reading {
    struct bt_publication *publication;
    enum bt_unknown_keys unknown;
    char path[128];
    size_t path_len;
    size_t rule_capacity;
    size_t item_count;  // of all playlists
    struct bt_names assets, campaigns, playlists;
};

void bt_reading_finish(struct bt_reading *reading);

// The path grows by a key or by an index; `leave` cuts it back to what `enter` returned.
size_t bt_reading_enter(struct bt_reading *reading, const char *key);
size_t bt_reading_enter_index(struct bt_reading *reading, size_t index);
void bt_reading_leave(struct bt_reading *reading, size_t mark);

// bt_json_read with the reading as context, after refusing unknown keys where that is wanted.
int bt_read_object(struct bt_reading *reading, const cJSON *object,
                   const struct bt_json_field *fields, size_t count, void *target,
                   struct bt_error *err);

// bt_read_object for an object under its own key, which the path names meanwhile.
int bt_read_part(struct bt_reading *reading, const cJSON *value, const struct bt_json_field *fields,
                 size_t count, void *target, struct bt_error *err);

/**
 * Reads a list under its own key into a new array. `array` is the address of the pointer to it,
 * written with *count before the first element is read.
 */
struct bt_list {
    size_t max;   // elements; at least one is wanted
    size_t size;  // bytes of an element
    int (*read)(struct bt_reading *reading, const cJSON *value, void *element,
                struct bt_error *err);
};
int bt_read_list(struct bt_reading *reading, const cJSON *value, const struct bt_list *list,
                 void *array, size_t *count, struct bt_error *err);

// Fails when a name stands twice; `where` is the list's path for the message ("assets").
int bt_names_build(struct bt_names *names, const char *where, const void *table, size_t count,
                   size_t size, size_t name_offset, struct bt_error *err);
int bt_names_find(const struct bt_names *names, const char *name);  // -1: none

// A text from outside as a message may show it: its beginning, on one line.
#define BT_QUOTE_BYTES 65
const char *bt_quote(const char *text, char out[BT_QUOTE_BYTES]);

// A field whose reader gets the whole struct, since it fills several members.
#define BT_WHOLE(type, json_key, reader, ...)                                                      \
    {                                                                                              \
        .key = (json_key), .kind = BT_JSON_CUSTOM, .size = sizeof(type), .read = (reader),         \
        __VA_ARGS__                                                                                \
    }
#define BT_LEAF(type, member, json_key, reader, ...)                                               \
    BT_JSON_FIELD(type, member, json_key, BT_JSON_CUSTOM, .read = (reader), __VA_ARGS__)

// Readers of single values, for BT_LEAF.
int bt_read_name(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_title(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_text(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_colour(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_style(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_time(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_seconds(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_asset_ref(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_campaign_ref(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_playlist_ref(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_live_url(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_live_pins(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_weekdays(const cJSON *value, void *target, void *context, struct bt_error *err);

// "22:00-02:00", in seconds of the day; the second belongs to the next day when it is not after the
// first.
int bt_read_times(const cJSON *value, const char *key, int64_t *out_from_s, int64_t *out_until_s,
                  struct bt_error *err);

// An item's transition (struct bt_transition) and motion (struct bt_motion).
int bt_read_transition(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_motion(const cJSON *value, void *target, void *context, struct bt_error *err);

// What bt_read_style begins with.
extern const struct bt_text_style bt_style_defaults;

// A decimal number in [min, max] × 1/1000, as thousandths; finer ones are refused.
int bt_read_milli(const cJSON *value, int64_t min, int64_t max, int64_t *out, struct bt_error *err);

int bt_check_span(int64_t from_ms, int64_t until_ms, struct bt_error *err);

// Either a URL with pins or a local name.
int bt_check_live_address(const struct bt_live_address *live, struct bt_error *err);

// A name as bt_read_name takes it.
bool bt_is_name(const char *text);

// Fails unless the publication is of this layer.
int bt_want_layer(const struct bt_reading *reading, const cJSON *value, int layer,
                  struct bt_error *err);

// What only the whole document shows: a template's texts name its fields, its rules have no times.
int bt_check_template(const struct bt_publication *pub, struct bt_error *err);

// The sections of the document; each reads the value of its key into the publication.
int bt_read_canvas(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_output(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_carries(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_players(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_limits(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_sound_times(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_sound(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_fields(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_lifts(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_assets(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_campaigns(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_playlists(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_zones(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_layouts(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_schedule(const cJSON *value, void *target, void *context, struct bt_error *err);
int bt_read_fallback(const cJSON *value, void *target, void *context, struct bt_error *err);

// A new rule at the end of the list, valid until the next one is added.
struct bt_rule *bt_reading_add_rule(struct bt_reading *reading);

#endif
