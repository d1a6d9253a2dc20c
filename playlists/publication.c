#include "playlists/publication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "playlists/publication_read.h"
#include "playlists/publication_words.h"

void bt_item_finish(struct bt_item *item)
{
    free(item->cards);
    free(item->text);
    free(item->live);
}

static void finish_playlist(struct bt_playlist *playlist)
{
    for (size_t i = 0; i < playlist->item_count; i++) {
        bt_item_finish(&playlist->items[i]);
    }
    free(playlist->items);
}

void bt_publication_destroy(struct bt_publication *publication)
{
    if (publication == NULL) {
        return;
    }
    for (size_t i = 0; i < publication->layout_count; i++) {
        free(publication->layouts[i].zones);
    }
    for (size_t i = 0; i < publication->playlist_count; i++) {
        finish_playlist(&publication->playlists[i]);
    }
    for (size_t i = 0; i < publication->rule_count; i++) {
        free(publication->rules[i].when.rrule);
    }
    free(publication->layouts);
    free(publication->assets);
    free(publication->campaigns);
    free(publication->playlists);
    free(publication->rules);
    free(publication->carries);
    free(publication->players);
    free(publication->sound);
    free(publication->fields);
    free(publication->lifts);
    free(publication);
}

int64_t bt_card_length_ms(const struct bt_publication *publication, const struct bt_item *item,
                          size_t card)
{
    const struct bt_card *c = &item->cards[card];
    if (c->duration_ms > 0) {
        return c->duration_ms;
    }
    return c->asset >= 0 ? publication->assets[c->asset].duration_ms : BT_ENDLESS_MS;
}

static const struct bt_json_field valid_fields[] = {
    BT_LEAF(struct bt_publication, valid_from_ms, "from", bt_read_time, .optional = true),
    BT_LEAF(struct bt_publication, valid_until_ms, "until", bt_read_time, .optional = true),
};

static int read_valid(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    size_t mark = bt_reading_enter(reading, value->string);
    int r = bt_read_object(reading, value, valid_fields, BT_ARRAY_LEN(valid_fields), pub, err);
    r = r == 0 ? bt_check_span(pub->valid_from_ms, pub->valid_until_ms, err) : r;
    if (r == 0) {
        bt_reading_leave(reading, mark);
    }
    return r;
}

static int read_activate(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_publication *pub = target;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (strcmp(text, "boundary") == 0) {
        pub->activate = BT_ACTIVATE_BOUNDARY;
        return 0;
    }
    if (strcmp(text, "now") == 0) {
        pub->activate = BT_ACTIVATE_NOW;
        return 0;
    }
    struct bt_error ignored;
    if (bt_read_time(value, &pub->activate_ms, context, &ignored) < 0) {
        return bt_fail(err, -EINVAL,
                       "'%s' must be 'boundary', 'now' or a time with offset like "
                       "2026-11-21T09:30:00+07:00",
                       value->string);
    }
    pub->activate = BT_ACTIVATE_TIME;
    return 0;
}

/*
 * Features a publication may require. A later format 1 adds here what an older player must not
 * silently leave out; so far everything is part of the format itself.
 */
static const char *const features[] = {NULL};

static int check_requires(const cJSON *value, struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list [ ]", value->string);
    }
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        if (!cJSON_IsString(entry)) {
            return bt_fail(err, -EINVAL, "'%s' must contain texts only", value->string);
        }
        size_t i = 0;
        while (features[i] != NULL && strcmp(features[i], entry->valuestring) != 0) {
            i++;
        }
        if (features[i] == NULL) {
            char quote[BT_QUOTE_BYTES];
            return bt_fail(err, -EPROTONOSUPPORT,
                           "'%s' names '%s', which this program does not know; a newer one is "
                           "needed",
                           value->string, bt_quote(entry->valuestring, quote));
        }
    }
    return 0;
}

static int read_requires(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return 0;  // checked with the head
}

// Read in this order: what is referred to stands before what refers to it.
static const struct bt_json_field fields[] = {
    BT_JSON_FIELD(struct bt_publication, format, "format", BT_JSON_INT, .min = 1,
                  .max = BT_PUBLICATION_FORMAT),
    BT_WHOLE(struct bt_publication, "requires", read_requires, .optional = true),
    BT_LEAF(struct bt_publication, id, "id", bt_read_name),
    BT_JSON_FIELD(struct bt_publication, version, "version", BT_JSON_INT, .min = 1,
                  .max = INT64_C(1) << 53),
    BT_JSON_FIELD(struct bt_publication, layer, "layer", BT_JSON_ENUM, .words = bt_layer_words,
                  .optional = true),
    BT_LEAF(struct bt_publication, unit, "unit", bt_read_title, .optional = true),
    BT_LEAF(struct bt_publication, title, "title", bt_read_title, .optional = true),
    BT_WHOLE(struct bt_publication, "valid", read_valid, .optional = true),
    BT_WHOLE(struct bt_publication, "activate", read_activate, .optional = true),
    BT_WHOLE(struct bt_publication, "lifts", bt_read_lifts, .optional = true),
    BT_WHOLE(struct bt_publication, "carries", bt_read_carries, .optional = true),
    BT_WHOLE(struct bt_publication, "players", bt_read_players, .optional = true),
    BT_WHOLE(struct bt_publication, "limits", bt_read_limits, .optional = true),
    BT_WHOLE(struct bt_publication, "sound", bt_read_sound, .optional = true),
    BT_WHOLE(struct bt_publication, "fields", bt_read_fields, .optional = true),
    BT_WHOLE(struct bt_publication, "canvas", bt_read_canvas, .optional = true),
    BT_WHOLE(struct bt_publication, "output", bt_read_output, .optional = true),
    BT_WHOLE(struct bt_publication, "assets", bt_read_assets, .optional = true),
    BT_WHOLE(struct bt_publication, "campaigns", bt_read_campaigns, .optional = true),
    BT_WHOLE(struct bt_publication, "playlists", bt_read_playlists, .optional = true),
    BT_WHOLE(struct bt_publication, "zones", bt_read_zones, .optional = true),
    BT_WHOLE(struct bt_publication, "layouts", bt_read_layouts, .optional = true),
    BT_WHOLE(struct bt_publication, "schedule", bt_read_schedule, .optional = true),
    BT_WHOLE(struct bt_publication, "fallback", bt_read_fallback, .optional = true),
};

// What tells a document of tomorrow from a broken one comes before everything else.
static int check_head(const cJSON *json, struct bt_error *err)
{
    int64_t format;
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "format");
    if (bt_json_whole(value, BT_PUBLICATION_FORMAT + 1, INT64_MAX, &format) == 0) {
        return bt_fail(err, -EPROTONOSUPPORT,
                       "'format' is %lld, but this program reads publications up to format %d",
                       (long long)format, BT_PUBLICATION_FORMAT);
    }
    const cJSON *requires = cJSON_GetObjectItemCaseSensitive(json, "requires");
    return requires != NULL ? check_requires(requires, err) : 0;
}

static int read_publication(struct bt_reading *reading, const cJSON *json, struct bt_error *err)
{
    int r = check_head(json, err);
    if (r < 0) {
        return r;
    }
    r = bt_read_object(reading, json, fields, BT_ARRAY_LEN(fields), reading->publication, err);
    if (r == 0) {
        return bt_check_template(reading->publication, err);
    }
    return reading->path_len > 0 ? bt_fail_in(err, r, "%s", reading->path) : r;
}

int bt_publication_parse(const char *text, size_t len, enum bt_unknown_keys unknown,
                         struct bt_publication **out, struct bt_error *err)
{
    if (len > BT_PUBLICATION_MAX_BYTES) {
        return bt_fail(err, -EMSGSIZE, "%zu bytes are more than a publication's %d", len,
                       BT_PUBLICATION_MAX_BYTES);
    }
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(text, len, &json, err);
    if (r < 0) {
        return r;
    }
    BT_AUTO(bt_publication) pub = BT_NEW(struct bt_publication);
    pub->layer = BT_LAYER_UNIT;
    pub->valid_from_ms = INT64_MIN;
    pub->valid_until_ms = INT64_MAX;
    pub->limits = (struct bt_limits){100, 100, 100, .sound_time_count = 0};
    pub->sha256 = bt_sha256_of(text, len);
    BT_AUTOFINISH(bt_reading_finish)
    struct bt_reading reading = {.publication = pub, .unknown = unknown};
    r = read_publication(&reading, json, err);
    if (r < 0) {
        return r;
    }
    *out = BT_TAKE(pub);
    return 0;
}

int bt_publication_load(const char *path, enum bt_unknown_keys unknown, struct bt_publication **out,
                        struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    if (r < 0) {
        return r;
    }
    r = bt_publication_parse(bt_buf_text(&text), text.len, unknown, out, err);
    return r < 0 ? bt_fail_in(err, r, "%s", path) : 0;
}
