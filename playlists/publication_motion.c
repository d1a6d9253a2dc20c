// How items come in and how stills move.
#include <errno.h>

#include "playlists/publication_read.h"
#include "playlists/publication_words.h"

static const struct bt_json_field transition_fields[] = {
    BT_JSON_FIELD(struct bt_transition, type, "type", BT_JSON_ENUM, .words = bt_transition_words),
    BT_JSON_FIELD(struct bt_transition, ms, "ms", BT_JSON_INT, .min = 0,
                  .max = BT_TRANSITION_MAX_MS, .optional = true),
    BT_JSON_FIELD(struct bt_transition, towards, "towards", BT_JSON_ENUM, .words = bt_towards_words,
                  .optional = true),
    BT_LEAF(struct bt_transition, colour, "colour", bt_read_colour, .optional = true),
};

// A key that only some transitions have.
static int check_key(const cJSON *value, const char *key, bool allowed, const char *whose,
                     struct bt_error *err)
{
    if (allowed || cJSON_GetObjectItemCaseSensitive(value, key) == NULL) {
        return 0;
    }
    return bt_fail(err, -EINVAL, "'%s' belongs to %s alone", key, whose);
}

static int check_transition(const cJSON *value, const struct bt_transition *transition,
                            struct bt_error *err)
{
    if (transition->type == BT_TRANSITION_CUT && transition->ms > 0) {
        return bt_fail(err, -EINVAL, "'ms' is %lld, but a cut takes no time",
                       (long long)transition->ms);
    }
    if (transition->type != BT_TRANSITION_CUT && transition->ms == 0) {
        return bt_fail(err, -EINVAL, "'ms' is missing or 0");
    }
    int r = check_key(value, "towards", transition->type >= BT_TRANSITION_SLIDE,
                      "slide, push and wipe", err);
    return r < 0 ? r
                 : check_key(value, "colour", transition->type == BT_TRANSITION_FADE, "fade", err);
}

int bt_read_transition(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_reading *reading = context;
    struct bt_transition transition = {.colour = {0, 0, 0, 255}};
    size_t mark = bt_reading_enter(reading, value->string);
    int r = bt_read_object(reading, value, transition_fields, BT_ARRAY_LEN(transition_fields),
                           &transition, err);
    r = r < 0 ? r : check_transition(value, &transition, err);
    if (r < 0) {
        return r;
    }
    bt_reading_leave(reading, mark);
    *(struct bt_transition *)target = transition;
    return 0;
}

static int read_permille(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_milli(value, 0, 1000, target, err);
}

static int read_zoom(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_milli(value, 1000, BT_ZOOM_MAX_PERMILLE, target, err);
}

static const struct bt_json_field sight_fields[] = {
    BT_LEAF(struct bt_sight, x, "x", read_permille),
    BT_LEAF(struct bt_sight, y, "y", read_permille),
    BT_LEAF(struct bt_sight, zoom, "zoom", read_zoom),
};

static int read_sight(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, sight_fields, BT_ARRAY_LEN(sight_fields), target, err);
}

static const struct bt_json_field motion_fields[] = {
    BT_LEAF(struct bt_motion, from, "from", read_sight),
    BT_LEAF(struct bt_motion, to, "to", read_sight),
};

int bt_read_motion(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    ((struct bt_motion *)target)->moves = true;
    return bt_read_part(context, value, motion_fields, BT_ARRAY_LEN(motion_fields), target, err);
}
