// Sections "canvas", "zones" and "layouts".
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication_read.h"

static int read_opaque_colour(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int r = bt_read_colour(value, target, context, err);
    if (r == 0 && ((const struct bt_colour *)target)->a != 255) {
        return bt_fail(err, -EINVAL, "'%s' is '%s', but nothing lies behind the canvas",
                       value->string, value->valuestring);
    }
    return r;
}

// Only the form: which zones a machine knows is its tz database's business.
static int read_time_zone(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    const char *name = cJSON_IsString(value) ? value->valuestring : "";
    if (name[0] == '\0' || name[0] == '/' || strlen(name) >= BT_ID_BYTES ||
        strspn(name, alphabet) != strlen(name)) {
        return bt_fail(err, -EINVAL, "'%s' must be a time zone like Asia/Ho_Chi_Minh",
                       value->string);
    }
    memcpy(target, name, strlen(name) + 1);
    return 0;
}

static const struct bt_json_field canvas_fields[] = {
    BT_JSON_FIELD(struct bt_canvas, width, "width", BT_JSON_INT, .min = 1, .max = BT_CANVAS_MAX_PX),
    BT_JSON_FIELD(struct bt_canvas, height, "height", BT_JSON_INT, .min = 1,
                  .max = BT_CANVAS_MAX_PX),
    BT_LEAF(struct bt_canvas, time_zone, "time_zone", read_time_zone, .optional = true),
    BT_LEAF(struct bt_canvas, background, "background", read_opaque_colour, .optional = true),
};

int bt_read_canvas(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_reading *reading = context;
    struct bt_canvas canvas = {.time_zone = "Asia/Ho_Chi_Minh", .background = {0, 0, 0, 255}};
    size_t mark = bt_reading_enter(reading, value->string);
    int r =
        bt_read_object(reading, value, canvas_fields, BT_ARRAY_LEN(canvas_fields), &canvas, err);
    if (r == 0) {
        bt_reading_leave(reading, mark);
        ((struct bt_publication *)target)->canvas = canvas;
    }
    return r;
}

struct zone_draft {
    struct bt_zone zone;
    int64_t x, y, width, height;
};

#define PX(member, low)                                                                            \
    BT_JSON_FIELD(struct zone_draft, member, #member, BT_JSON_INT, .min = (low),                   \
                  .max = BT_CANVAS_MAX_PX, .optional = true)

static const struct bt_json_field zone_fields[] = {
    BT_LEAF(struct zone_draft, zone.name, "name", bt_read_name),
    PX(x, 0),
    PX(y, 0),
    PX(width, 1),
    PX(height, 1),
    BT_JSON_FIELD(struct zone_draft, zone.order, "order", BT_JSON_INT, .min = -1000, .max = 1000,
                  .optional = true),
    BT_JSON_FIELD(struct zone_draft, zone.volume_percent, "volume_percent", BT_JSON_INT, .min = 0,
                  .max = 100, .optional = true),
    BT_LEAF(struct zone_draft, zone.playlist, "playlist", bt_read_playlist_ref, .optional = true),
};

static int check_rect(const struct zone_draft *draft, const struct bt_canvas *canvas,
                      struct bt_error *err)
{
    if (draft->width == 0 || draft->height == 0) {
        return bt_fail(err, -EINVAL, "'%s' is missing, and no 'canvas' says how large the whole is",
                       draft->width == 0 ? "width" : "height");
    }
    if (canvas->width == 0) {
        return 0;
    }
    if (draft->x + draft->width > canvas->width) {
        return bt_fail(err, -EINVAL, "'x' + 'width' is %lld, beyond the canvas's %lld",
                       (long long)(draft->x + draft->width), (long long)canvas->width);
    }
    if (draft->y + draft->height > canvas->height) {
        return bt_fail(err, -EINVAL, "'y' + 'height' is %lld, beyond the canvas's %lld",
                       (long long)(draft->y + draft->height), (long long)canvas->height);
    }
    return 0;
}

static int read_zone(struct bt_reading *reading, const cJSON *value, void *element,
                     struct bt_error *err)
{
    const struct bt_canvas *canvas = &reading->publication->canvas;
    struct zone_draft draft = {.zone = {.playlist = -1, .volume_percent = 100},
                               .width = canvas->width,
                               .height = canvas->height};
    int r = bt_read_object(reading, value, zone_fields, BT_ARRAY_LEN(zone_fields), &draft, err);
    if (r == 0) {
        r = check_rect(&draft, canvas, err);
    }
    draft.zone.rect =
        (struct bt_rect){(int)draft.x, (int)draft.y, (int)draft.width, (int)draft.height};
    *(struct bt_zone *)element = draft.zone;
    return r;
}

static int check_zone_names(const struct bt_layout *layout, struct bt_error *err)
{
    for (size_t i = 1; i < layout->zone_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(layout->zones[i].name, layout->zones[k].name) == 0) {
                return bt_fail(err, -EINVAL, "zones[%zu] and zones[%zu] are both called '%s'", k, i,
                               layout->zones[i].name);
            }
        }
    }
    return 0;
}

// A zone's own playlist is a rule that always holds. Zones of the same name in several layouts are
// one zone to the schedule, so they get one rule and must agree.
static int add_own_rule(struct bt_reading *reading, const struct bt_zone *zone,
                        struct bt_error *err)
{
    const struct bt_publication *pub = reading->publication;
    for (size_t i = 0; i < pub->rule_count; i++) {
        if (strcmp(pub->rules[i].zone, zone->name) == 0) {
            int other = pub->rules[i].playlist;
            return other == zone->playlist
                       ? 0
                       : bt_fail(err, -EINVAL,
                                 "zone '%s' has playlist '%s' here and '%s' in another layout",
                                 zone->name, pub->playlists[zone->playlist].name,
                                 pub->playlists[other].name);
        }
    }
    struct bt_rule *rule = bt_reading_add_rule(reading);
    bt_copy_cut(rule->id, sizeof(rule->id), reading->path);
    memcpy(rule->zone, zone->name, sizeof(rule->zone));
    rule->playlist = zone->playlist;
    return 0;
}

static int finish_layout(struct bt_reading *reading, const struct bt_layout *layout,
                         struct bt_error *err)
{
    int r = check_zone_names(layout, err);
    if (r < 0) {
        return r;
    }
    size_t list_mark = bt_reading_enter(reading, "zones");
    for (size_t i = 0; i < layout->zone_count; i++) {
        size_t mark = bt_reading_enter_index(reading, i);
        if (layout->zones[i].playlist >= 0) {
            r = add_own_rule(reading, &layout->zones[i], err);
            if (r < 0) {
                return r;
            }
        }
        bt_reading_leave(reading, mark);
    }
    bt_reading_leave(reading, list_mark);
    return 0;
}

static const struct bt_list zone_list = {BT_MAX_ZONES, sizeof(struct bt_zone), read_zone};

int bt_read_zones(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    pub->layouts = BT_NEW_ARRAY(struct bt_layout, 1);
    pub->layout_count = 1;
    struct bt_layout *layout = &pub->layouts[0];
    bt_copy_cut(layout->name, sizeof(layout->name), BT_ONLY_LAYOUT);
    int r = bt_read_list(reading, value, &zone_list, &layout->zones, &layout->zone_count, err);
    return r < 0 ? r : finish_layout(reading, layout, err);
}

static int read_layout_zones(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_layout *layout = target;
    return bt_read_list(context, value, &zone_list, &layout->zones, &layout->zone_count, err);
}

static const struct bt_json_field layout_fields[] = {
    BT_LEAF(struct bt_layout, name, "name", bt_read_name),
    BT_WHOLE(struct bt_layout, "zones", read_layout_zones),
};

static int read_layout(struct bt_reading *reading, const cJSON *value, void *element,
                       struct bt_error *err)
{
    int r =
        bt_read_object(reading, value, layout_fields, BT_ARRAY_LEN(layout_fields), element, err);
    return r < 0 ? r : finish_layout(reading, element, err);
}

int bt_read_layouts(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_LAYOUTS, sizeof(struct bt_layout), read_layout};
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    if (pub->layout_count > 0) {
        return bt_fail(err, -EINVAL, "'zones' and 'layouts' exclude each other");
    }
    int r = bt_read_list(reading, value, &list, &pub->layouts, &pub->layout_count, err);
    for (size_t i = 1; r == 0 && i < pub->layout_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(pub->layouts[i].name, pub->layouts[k].name) == 0) {
                return bt_fail(err, -EINVAL, "layouts[%zu] and layouts[%zu] are both called '%s'",
                               k, i, pub->layouts[i].name);
            }
        }
    }
    return r;
}
