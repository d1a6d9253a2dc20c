// What belongs to a layer alone, and what lifts a takedown: "carries", "players", "limits",
// "fields", "lifts".
#include <errno.h>
#include <string.h>

#include "playlists/publication_read.h"

static const char *const field_type_words[] = {"text", "number", "time", NULL};

int bt_want_layer(const struct bt_reading *reading, const cJSON *value, int layer,
                  struct bt_error *err)
{
    if (reading->publication->layer == layer) {
        return 0;
    }
    return bt_fail(err, -EINVAL, "'%s' belongs to the layer '%s' alone", value->string,
                   bt_layer_word(layer));
}

static bool is_unit_code(const char *text, size_t len)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return len >= 1 && len <= BT_UNIT_CODE_MAX_BYTES && strspn(text, alphabet) >= len;
}

// "p/NAME" or "u/UNIT/NAME", but no template: these come by themselves.
static bool is_carried_target(const char *text)
{
    const char *name = NULL;
    if (strncmp(text, "p/", 2) == 0) {
        name = text + 2;
    } else if (strncmp(text, "u/", 2) == 0) {
        const char *slash = strchr(text + 2, '/');
        if (slash != NULL && is_unit_code(text + 2, (size_t)(slash - text - 2))) {
            name = slash + 1;
        }
    }
    return name != NULL && bt_is_name(name) && strncmp(name, "template-", 9) != 0;
}

static int read_carry(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    struct bt_carry *carry = element;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (!is_carried_target(text)) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "'%s' is not a target like p/chung or u/31333/quang-truong",
                       bt_quote(text, quote));
    }
    memcpy(carry->target, text, strlen(text) + 1);
    const struct bt_carry *first = reading->publication->carries;
    for (const struct bt_carry *other = first; other < carry; other++) {
        if (strcmp(other->target, carry->target) == 0) {
            return bt_fail(err, -EINVAL, "'%s' stands in the list before", carry->target);
        }
    }
    return 0;
}

int bt_read_carries(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_CARRIES, sizeof(struct bt_carry), read_carry};
    struct bt_publication *pub = target;
    int r = bt_want_layer(context, value, BT_LAYER_SCREEN, err);
    return r < 0 ? r : bt_read_list(context, value, &list, &pub->carries, &pub->carry_count, err);
}

static bool is_player_key(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    return strlen(text) == BT_PLAYER_HEX_BYTES - 1 &&
           strspn(text, digits) == BT_PLAYER_HEX_BYTES - 1;
}

static int read_player(struct bt_reading *reading, const cJSON *value, void *element,
                       struct bt_error *err)
{
    struct bt_player_key *player = element;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (!is_player_key(text)) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "'%s' is not a public key of 64 lower-case hex digits",
                       bt_quote(text, quote));
    }
    memcpy(player->hex, text, sizeof(player->hex));
    const struct bt_player_key *first = reading->publication->players;
    for (const struct bt_player_key *other = first; other < player; other++) {
        if (strcmp(other->hex, player->hex) == 0) {
            return bt_fail(err, -EINVAL, "'%.16s…' stands in the list before", player->hex);
        }
    }
    return 0;
}

int bt_read_players(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_PLAYERS, sizeof(struct bt_player_key), read_player};
    struct bt_publication *pub = target;
    int r = bt_want_layer(context, value, BT_LAYER_SCREEN, err);
    return r < 0 ? r : bt_read_list(context, value, &list, &pub->players, &pub->player_count, err);
}

static int read_lift(struct bt_reading *reading, const cJSON *value, void *element,
                     struct bt_error *err)
{
    struct bt_lift *lift = element;
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    if (!bt_is_name(text)) {
        char quote[BT_QUOTE_BYTES];
        return bt_fail(err, -EINVAL, "'%s' is not the id of a takedown", bt_quote(text, quote));
    }
    memcpy(lift->takedown, text, strlen(text) + 1);
    return 0;
}

int bt_read_lifts(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_LIFTS, sizeof(struct bt_lift), read_lift};
    struct bt_publication *pub = target;
    return bt_read_list(context, value, &list, &pub->lifts, &pub->lift_count, err);
}

#define PERCENT(member, low)                                                                       \
    BT_JSON_FIELD(struct bt_limits, member, #member, BT_JSON_INT, .min = (low), .max = 100,        \
                  .optional = true)

static const struct bt_json_field limit_fields[] = {
    PERCENT(volume_percent, 0),
    PERCENT(brightness_percent, 1),
    PERCENT(province_share_percent, 1),
    BT_JSON_FIELD(struct bt_limits, live, "live", BT_JSON_BOOL, .optional = true),
    BT_WHOLE(struct bt_limits, "sound_times", bt_read_sound_times, .optional = true),
};

int bt_read_limits(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_publication *pub = target;
    int r = bt_want_layer(context, value, BT_LAYER_SCREEN, err);
    return r < 0 ? r
                 : bt_read_part(context, value, limit_fields, BT_ARRAY_LEN(limit_fields),
                                &pub->limits, err);
}

static const struct bt_json_field field_fields[] = {
    BT_LEAF(struct bt_field, name, "name", bt_read_name),
    BT_JSON_FIELD(struct bt_field, type, "type", BT_JSON_ENUM, .words = field_type_words),
    BT_JSON_FIELD(struct bt_field, max_bytes, "max_bytes", BT_JSON_INT, .min = 1,
                  .max = BT_FIELD_MAX_BYTES, .optional = true),
};

static int read_field(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    struct bt_field *field = element;
    field->max_bytes = BT_FIELD_MAX_BYTES;
    return bt_read_object(reading, value, field_fields, BT_ARRAY_LEN(field_fields), field, err);
}

static const struct bt_field *find_field(const struct bt_publication *pub, const char *name,
                                         size_t len)
{
    for (size_t i = 0; i < pub->field_count; i++) {
        if (strlen(pub->fields[i].name) == len && memcmp(pub->fields[i].name, name, len) == 0) {
            return &pub->fields[i];
        }
    }
    return NULL;
}

int bt_read_fields(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_FIELDS, sizeof(struct bt_field), read_field};
    struct bt_publication *pub = target;
    int r = bt_want_layer(context, value, BT_LAYER_EMERGENCY, err);
    r = r < 0 ? r : bt_read_list(context, value, &list, &pub->fields, &pub->field_count, err);
    for (size_t i = 0; r == 0 && i < pub->field_count; i++) {
        const struct bt_field *field = &pub->fields[i];
        if (find_field(pub, field->name, strlen(field->name)) != field) {
            return bt_fail(err, -EINVAL, "fields[%zu] is called '%s' like one before it", i,
                           field->name);
        }
    }
    return r;
}

// "{ten}" in a text stands for a value when a name stands between the braces.
static int check_text(const struct bt_publication *pub, const struct bt_item *item,
                      struct bt_error *err)
{
    for (const char *at = item->text; at != NULL && (at = strchr(at, '{')) != NULL; at++) {
        const char *end = strchr(at, '}');
        size_t len = end != NULL ? (size_t)(end - at - 1) : 0;
        char name[BT_ID_BYTES] = "";
        if (len > 0 && len < sizeof(name)) {
            memcpy(name, at + 1, len);
        }
        if (bt_is_name(name) && find_field(pub, name, len) == NULL) {
            return bt_fail(err, -EINVAL,
                           "the text of item '%s' names '{%s}', but no such field is described",
                           item->id, name);
        }
    }
    return 0;
}

static bool has_times(const struct bt_when *when)
{
    return when->from_ms != INT64_MIN || when->until_ms != INT64_MAX ||
           when->date_from_s != INT64_MIN || when->date_until_s != INT64_MAX ||
           when->time_from_s != 0 || when->time_until_s != 86400 || when->weekdays != 0x7F ||
           when->rrule != NULL;
}

int bt_check_template(const struct bt_publication *pub, struct bt_error *err)
{
    if (pub->field_count == 0) {
        return 0;
    }
    if (pub->valid_from_ms != INT64_MIN || pub->valid_until_ms != INT64_MAX) {
        return bt_fail(err, -EINVAL,
                       "'fields' and 'valid' exclude each other: who fills a "
                       "template says from when to when");
    }
    for (size_t i = 0; i < pub->rule_count; i++) {
        if (has_times(&pub->rules[i].when)) {
            return bt_fail(err, -EINVAL, "rule '%s' has times of its own, but this is a template",
                           pub->rules[i].id);
        }
    }
    for (size_t p = 0; p < pub->playlist_count; p++) {
        for (size_t i = 0; i < pub->playlists[p].item_count; i++) {
            int r = check_text(pub, &pub->playlists[p].items[i], err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}
