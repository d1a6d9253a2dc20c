// Section "playlists": the items.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/clock_text.h"
#include "playlists/publication_read.h"
#include "playlists/publication_words.h"

#define DEFAULT_CLOCK_PATTERN "%H:%M"

// An item and what only its reading needs.
struct draft {
    struct bt_item item;
    int asset;           // of an item with one file, or -1
    int64_t seconds_ms;  // the item's own, the default of a set's cards; 0 when not said
    struct bt_live_address live;
};

static int read_permille(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_milli(value, 0, 1000, target, err);
}

static const struct bt_json_field focus_fields[] = {
    BT_LEAF(struct bt_item, focus_x, "x", read_permille),
    BT_LEAF(struct bt_item, focus_y, "y", read_permille),
};

static int read_focus(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, focus_fields, BT_ARRAY_LEN(focus_fields),
                        &((struct draft *)target)->item, err);
}

static const struct bt_json_field card_fields[] = {
    BT_LEAF(struct bt_card, asset, "asset", bt_read_asset_ref),
    BT_LEAF(struct bt_card, duration_ms, "seconds", bt_read_seconds, .optional = true),
};

static int read_card(struct bt_reading *reading, const cJSON *value, void *element,
                     struct bt_error *err)
{
    return bt_read_object(reading, value, card_fields, BT_ARRAY_LEN(card_fields), element, err);
}

static int read_cards(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_CARDS, sizeof(struct bt_card), read_card};
    struct bt_item *item = &((struct draft *)target)->item;
    return bt_read_list(context, value, &list, &item->cards, &item->card_count, err);
}

static int read_slogan(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const char *first = cJSON_IsString(value) ? strchr(value->valuestring, '\n') : NULL;
    if (first != NULL && strchr(first + 1, '\n') != NULL) {
        return bt_fail(err, -EINVAL,
                       "'%s' has more than one line break, but a crawl is at most two lines",
                       value->string);
    }
    return bt_read_text(value, target, context, err);
}

static int read_pattern(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = bt_read_text(value, target, context, err);
    if (r < 0) {
        return r;
    }
    r = bt_clock_pattern_check(value->valuestring, err);
    return r < 0 ? bt_fail_in(err, r, "'%s'", value->string) : 0;
}

// An asset's media type starts with the kind the item needs.
static int check_kind(const struct bt_reading *reading, int asset, const char *kind,
                      struct bt_error *err)
{
    const struct bt_asset *a = &reading->publication->assets[asset];
    return bt_str_starts(a->type, kind)
               ? 0
               : bt_fail(err, -EINVAL, "asset '%s' is of type '%s', not %s…", a->name, a->type,
                         kind);
}

// The one card of an item that is not a set.
static void set_card(struct draft *draft)
{
    draft->item.cards = BT_NEW_ARRAY(struct bt_card, 1);
    draft->item.card_count = 1;
    draft->item.cards[0] =
        (struct bt_card){.asset = draft->asset, .duration_ms = draft->seconds_ms};
}

static int finish_media(const struct bt_reading *reading, struct draft *draft, const char *kind,
                        struct bt_error *err)
{
    int r = check_kind(reading, draft->asset, kind, err);
    if (r < 0) {
        return r;
    }
    const struct bt_asset *asset = &reading->publication->assets[draft->asset];
    if (draft->seconds_ms == 0 && asset->duration_ms == 0) {
        return bt_fail(err, -EINVAL, "'seconds' is missing, and asset '%s' has no 'duration_ms'",
                       asset->name);
    }
    if (draft->seconds_ms == 0 && asset->duration_ms < BT_ITEM_MIN_MS) {
        return bt_fail(err, -EINVAL, "'seconds' is missing, and asset '%s' lasts only %lld ms",
                       asset->name, (long long)asset->duration_ms);
    }
    set_card(draft);
    return 0;
}

static int finish_image(const struct bt_reading *reading, struct draft *draft, struct bt_error *err)
{
    return finish_media(reading, draft, "image/", err);
}

static int finish_video(const struct bt_reading *reading, struct draft *draft, struct bt_error *err)
{
    int r = finish_media(reading, draft, "video/", err);
    if (r < 0) {
        return r;
    }
    const struct bt_asset *asset = &reading->publication->assets[draft->asset];
    if (asset->duration_ms > 0 && draft->seconds_ms > asset->duration_ms) {
        return bt_fail(err, -EINVAL, "'seconds' is longer than the %lld ms of asset '%s'",
                       (long long)asset->duration_ms, asset->name);
    }
    return 0;
}

static int finish_set(const struct bt_reading *reading, struct draft *draft, struct bt_error *err)
{
    for (size_t i = 0; i < draft->item.card_count; i++) {
        struct bt_card *card = &draft->item.cards[i];
        if (card->duration_ms == 0) {
            card->duration_ms = draft->seconds_ms;
        }
        if (card->duration_ms == 0) {
            return bt_fail(err, -EINVAL, "cards[%zu] has no 'seconds', and the set has none", i);
        }
        int r = check_kind(reading, card->asset, "image/", err);
        if (r < 0) {
            return bt_fail_in(err, r, "cards[%zu]", i);
        }
    }
    return 0;
}

static int finish_plain(const struct bt_reading *reading, struct draft *draft, struct bt_error *err)
{
    set_card(draft);
    return 0;
}

static int finish_clock(const struct bt_reading *reading, struct draft *draft, struct bt_error *err)
{
    if (draft->item.text == NULL) {
        draft->item.text = bt_strdup(DEFAULT_CLOCK_PATTERN);
    }
    return finish_plain(reading, draft, err);
}

static int finish_stream(const struct bt_reading *reading, struct draft *draft,
                         struct bt_error *err)
{
    int r = bt_check_live_address(&draft->live, err);
    if (r < 0) {
        return r;
    }
    draft->item.live = BT_NEW(struct bt_live_address);
    *draft->item.live = draft->live;
    return finish_plain(reading, draft, err);
}

// What every item has. The type was read before and chose the table.
#define COMMON(seconds_optional)                                                                   \
    BT_LEAF(struct draft, item.id, "id", bt_read_name),                                            \
        BT_LEAF(struct draft, item.title, "title", bt_read_title, .optional = true),               \
        BT_JSON_FIELD(struct draft, item.type, "type", BT_JSON_ENUM, .words = bt_item_type_words), \
        BT_LEAF(struct draft, item.campaign, "campaign", bt_read_campaign_ref, .optional = true),  \
        BT_LEAF(struct draft, item.from_ms, "from", bt_read_time, .optional = true),               \
        BT_LEAF(struct draft, item.until_ms, "until", bt_read_time, .optional = true),             \
        BT_LEAF(struct draft, seconds_ms, "seconds", bt_read_seconds,                              \
                .optional = (seconds_optional)),                                                   \
        BT_LEAF(struct draft, item.transition, "transition", bt_read_transition, .optional = true)
#define FITTED                                                                                     \
    BT_JSON_FIELD(struct draft, item.fit, "fit", BT_JSON_ENUM, .words = bt_fit_words,              \
                  .optional = true),                                                               \
        BT_WHOLE(struct draft, "focus", read_focus, .optional = true),                             \
        BT_LEAF(struct draft, item.background, "background", bt_read_colour, .optional = true)
#define MOVING BT_LEAF(struct draft, item.motion, "motion", bt_read_motion, .optional = true)
#define HEARD                                                                                      \
    BT_JSON_FIELD(struct draft, item.volume_percent, "volume_percent", BT_JSON_INT, .min = 0,      \
                  .max = 100, .optional = true)
#define STYLED BT_LEAF(struct draft, item.style, "style", bt_read_style, .optional = true)

static const struct bt_json_field video_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, asset, "asset", bt_read_asset_ref),
    FITTED,
    HEARD,
};
static const struct bt_json_field image_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, asset, "asset", bt_read_asset_ref),
    FITTED,
    MOVING,
};
static const struct bt_json_field set_fields[] = {
    COMMON(true),
    BT_WHOLE(struct draft, "cards", read_cards),
    FITTED,
    MOVING,
};
static const struct bt_json_field text_fields[] = {
    COMMON(false),
    BT_LEAF(struct draft, item.text, "text", bt_read_text),
    STYLED,
};
static const struct bt_json_field crawl_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, item.text, "text", read_slogan),
    BT_JSON_FIELD(struct draft, item.speed_px, "speed", BT_JSON_INT, .min = 1, .max = 3,
                  .optional = true),
    BT_JSON_FIELD(struct draft, item.towards, "towards", BT_JSON_ENUM,
                  .words = bt_crawl_towards_words, .optional = true),
    STYLED,
};
static const struct bt_json_field clock_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, item.text, "pattern", read_pattern, .optional = true),
    STYLED,
};
static const struct bt_json_field colour_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, item.background, "colour", bt_read_colour),
};
static const struct bt_json_field stream_fields[] = {
    COMMON(true),
    BT_LEAF(struct draft, live.url, "url", bt_read_live_url, .optional = true),
    BT_LEAF(struct draft, live.pins, "pins", bt_read_live_pins, .optional = true),
    BT_LEAF(struct draft, live.local, "local", bt_read_name, .optional = true),
    FITTED,
    HEARD,
};

static const struct item_kind {
    const struct bt_json_field *fields;
    size_t count;
    int (*finish)(const struct bt_reading *reading, struct draft *draft, struct bt_error *err);
} kinds[] = {
    [BT_ITEM_IMAGE] = {image_fields, BT_ARRAY_LEN(image_fields), finish_image},
    [BT_ITEM_VIDEO] = {video_fields, BT_ARRAY_LEN(video_fields), finish_video},
    [BT_ITEM_SET] = {set_fields, BT_ARRAY_LEN(set_fields), finish_set},
    [BT_ITEM_TEXT] = {text_fields, BT_ARRAY_LEN(text_fields), finish_plain},
    [BT_ITEM_CRAWL] = {crawl_fields, BT_ARRAY_LEN(crawl_fields), finish_plain},
    [BT_ITEM_CLOCK] = {clock_fields, BT_ARRAY_LEN(clock_fields), finish_clock},
    [BT_ITEM_COLOUR] = {colour_fields, BT_ARRAY_LEN(colour_fields), finish_plain},
    [BT_ITEM_STREAM] = {stream_fields, BT_ARRAY_LEN(stream_fields), finish_stream},
};

// The shortest card, since a transition may stand before any of them.
static int check_transition(const struct bt_reading *reading, const struct bt_item *item,
                            struct bt_error *err)
{
    for (size_t i = 0; i < item->card_count; i++) {
        int64_t length_ms = bt_card_length_ms(reading->publication, item, i);
        if (item->transition.ms > length_ms / 2) {
            return bt_fail(err, -EINVAL,
                           "the transition's %lld ms are more than half of the %lld ms shown",
                           (long long)item->transition.ms, (long long)length_ms);
        }
    }
    return 0;
}

static int read_type(const cJSON *value, int *out, struct bt_error *err)
{
    static const struct bt_json_field field[] = {
        {.key = "type", .kind = BT_JSON_ENUM, .size = sizeof(int), .words = bt_item_type_words},
    };
    return bt_json_read(value, field, BT_ARRAY_LEN(field), out, NULL, err);
}

static int read_draft(struct bt_reading *reading, const cJSON *value, struct draft *draft,
                      struct bt_error *err)
{
    int r = read_type(value, &draft->item.type, err);
    if (r < 0) {
        return r;
    }
    const struct item_kind *kind = &kinds[draft->item.type];
    r = bt_read_object(reading, value, kind->fields, kind->count, draft, err);
    r = r == 0 ? kind->finish(reading, draft, err) : r;
    r = r == 0 ? bt_check_span(draft->item.from_ms, draft->item.until_ms, err) : r;
    return r == 0 ? check_transition(reading, &draft->item, err) : r;
}

static int read_item(struct bt_reading *reading, const cJSON *value, void *element,
                     struct bt_error *err)
{
    if (++reading->item_count > BT_MAX_ALL_ITEMS) {
        return bt_fail(err, -EINVAL, "more than %d items in all playlists together",
                       BT_MAX_ALL_ITEMS);
    }
    struct draft draft = {
        .item = {.campaign = -1,
                 .from_ms = INT64_MIN,
                 .until_ms = INT64_MAX,
                 .focus_x = 500,
                 .focus_y = 500,
                 .background = {0, 0, 0, 255},
                 .style = bt_style_defaults,
                 .speed_px = 2},
        .asset = -1,
    };
    int r = read_draft(reading, value, &draft, err);
    *(struct bt_item *)element = draft.item;  // also half read: the publication frees it
    return r;
}

static int read_items(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_ITEMS, sizeof(struct bt_item), read_item};
    struct bt_playlist *playlist = target;
    return bt_read_list(context, value, &list, &playlist->items, &playlist->item_count, err);
}

static const struct bt_json_field playlist_fields[] = {
    BT_LEAF(struct bt_playlist, name, "name", bt_read_name),
    BT_WHOLE(struct bt_playlist, "items", read_items),
};

static int read_playlist(struct bt_reading *reading, const cJSON *value, void *element,
                         struct bt_error *err)
{
    return bt_read_object(reading, value, playlist_fields, BT_ARRAY_LEN(playlist_fields), element,
                          err);
}

struct placed_id {
    const char *id;
    size_t playlist, item;
};

// Equal ids by place, so that the message about them is the same each time.
static int compare_ids(const void *a, const void *b)
{
    const struct placed_id *left = a, *right = b;
    int order = strcmp(left->id, right->id);
    if (order == 0 && left->playlist != right->playlist) {
        return left->playlist < right->playlist ? -1 : 1;
    }
    return order != 0 ? order : (left->item > right->item) - (left->item < right->item);
}

static int check_item_ids(const struct bt_publication *pub, size_t item_count, struct bt_error *err)
{
    BT_AUTOFREE struct placed_id *ids = BT_NEW_ARRAY(struct placed_id, item_count);
    size_t count = 0;
    for (size_t p = 0; p < pub->playlist_count; p++) {
        for (size_t i = 0; i < pub->playlists[p].item_count; i++) {
            ids[count++] = (struct placed_id){pub->playlists[p].items[i].id, p, i};
        }
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < count; i++) {
        const struct placed_id *first = &ids[i - 1], *second = &ids[i];
        if (strcmp(first->id, second->id) == 0) {
            return bt_fail(err, -EINVAL,
                           "playlists[%zu].items[%zu] and playlists[%zu].items[%zu] both have the "
                           "id '%s'",
                           first->playlist, first->item, second->playlist, second->item, first->id);
        }
    }
    return 0;
}

int bt_read_playlists(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_PLAYLISTS, sizeof(struct bt_playlist),
                                        read_playlist};
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    int r = bt_read_list(reading, value, &list, &pub->playlists, &pub->playlist_count, err);
    if (r < 0) {
        return r;
    }
    r = bt_names_build(&reading->playlists, "playlists", pub->playlists, pub->playlist_count,
                       sizeof(struct bt_playlist), offsetof(struct bt_playlist, name), err);
    return r < 0 ? r : check_item_ids(pub, reading->item_count, err);
}
