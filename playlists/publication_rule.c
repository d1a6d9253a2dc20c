// Sections "schedule" and "fallback".
#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication_read.h"
#include "playlists/publication_words.h"
#include "playlists/recurrence.h"

#define DAY_S 86400

struct bt_rule *bt_reading_add_rule(struct bt_reading *reading)
{
    struct bt_publication *pub = reading->publication;
    BT_GROW(pub->rules, reading->rule_capacity, pub->rule_count + 1);
    struct bt_rule *rule = &pub->rules[pub->rule_count++];
    *rule = (struct bt_rule){
        .playlist = -1,
        .priority = BT_PRIORITY_NORMAL,
        .weight = 1,
        .when = {.from_ms = INT64_MIN,
                 .until_ms = INT64_MAX,
                 .date_from_s = INT64_MIN,
                 .date_until_s = INT64_MAX,
                 .time_until_s = DAY_S,
                 .weekdays = 0x7F},
    };
    return rule;
}

static int read_date(const cJSON *value, int64_t *out_s, struct bt_error *err)
{
    if (!cJSON_IsString(value) || bt_date_parse(value->valuestring, out_s) < 0) {
        return bt_fail(err, -EINVAL, "'%s' must be a date like 2026-11-21", value->string);
    }
    return 0;
}

static int read_first_day(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return read_date(value, target, err);
}

static int read_last_day(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    int64_t *until_s = target;
    int r = read_date(value, until_s, err);
    if (r == 0) {
        *until_s += DAY_S;
    }
    return r;
}

int bt_read_times(const cJSON *value, const char *key, int64_t *out_from_s, int64_t *out_until_s,
                  struct bt_error *err)
{
    char from[16];
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    const char *dash = strchr(text, '-');
    int64_t from_s, until_s;
    if (dash == NULL || bt_format(from, sizeof(from), "%.*s", (int)(dash - text), text) < 0 ||
        bt_time_of_day_parse(from, &from_s) < 0 || bt_time_of_day_parse(dash + 1, &until_s) < 0 ||
        from_s == DAY_S) {
        return bt_fail(err, -EINVAL, "'%s' must be two times of day like 06:00-22:00", key);
    }
    if (from_s == until_s) {
        return bt_fail(err, -EINVAL, "'%s' is '%.32s', which is empty; leave it out for all day",
                       key, text);
    }
    *out_from_s = from_s;
    *out_until_s = until_s > from_s ? until_s : until_s + DAY_S;
    return 0;
}

static int read_times(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_when *when = &((struct bt_rule *)target)->when;
    return bt_read_times(value, value->string, &when->time_from_s, &when->time_until_s, err);
}

static int weekday_of(const cJSON *day)
{
    for (int i = 0; cJSON_IsString(day) && bt_weekday_words[i] != NULL; i++) {
        if (strcmp(day->valuestring, bt_weekday_words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

int bt_read_weekdays(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const char wanted[] = "must be a list of 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', "
                                 "'sun'";
    if (!cJSON_IsArray(value) || value->child == NULL) {
        return bt_fail(err, -EINVAL, "'%s' %s", value->string, wanted);
    }
    unsigned bits = 0;
    for (const cJSON *day = value->child; day != NULL; day = day->next) {
        int weekday = weekday_of(day);
        if (weekday < 0) {
            return bt_fail(err, -EINVAL, "'%s' %s", value->string, wanted);
        }
        if ((bits & 1U << weekday) != 0) {
            return bt_fail(err, -EINVAL, "'%s' names '%s' twice", value->string,
                           bt_weekday_words[weekday]);
        }
        bits |= 1U << weekday;
    }
    *(unsigned *)target = bits;
    return 0;
}

static int read_rrule(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_when *when = target;
    if (!cJSON_IsString(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a text", value->string);
    }
    int r = bt_recurrence_check(value->valuestring, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", value->string);
    }
    when->rrule = bt_strdup(value->valuestring);
    return 0;
}

// "2026-11-21T19:00", local time of the canvas.
static int read_start(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const char *text = cJSON_IsString(value) ? value->valuestring : "";
    const char *t = strchr(text, 'T');
    char date[16];
    int64_t day_s, time_s;
    if (t == NULL || bt_format(date, sizeof(date), "%.*s", (int)(t - text), text) < 0 ||
        bt_date_parse(date, &day_s) < 0 || bt_time_of_day_parse(t + 1, &time_s) < 0 ||
        time_s == DAY_S) {
        return bt_fail(err, -EINVAL, "'%s' must be a local time like 2026-11-21T19:00",
                       value->string);
    }
    *(int64_t *)target = day_s + time_s;
    return 0;
}

static const struct bt_json_field repeat_fields[] = {
    BT_WHOLE(struct bt_when, "rrule", read_rrule),
    BT_LEAF(struct bt_when, rrule_start_s, "start", read_start),
    BT_JSON_FIELD(struct bt_when, rrule_length_s, "seconds", BT_JSON_INT, .min = 1,
                  .max = 7 * DAY_S),
};

static int read_repeat(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, repeat_fields, BT_ARRAY_LEN(repeat_fields), target, err);
}

static int read_priority(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    const char *word = cJSON_IsString(value) ? value->valuestring : "";
    for (int i = BT_PRIORITY_NORMAL; bt_priority_words[i] != NULL; i++) {
        if (strcmp(word, bt_priority_words[i]) == 0) {
            *(int *)target = i;
            return 0;
        }
    }
    return bt_fail(err, -EINVAL, "'%s' must be 'normal', 'priority' or 'emergency'", value->string);
}

#define WEIGHT(member, key, most)                                                                  \
    BT_JSON_FIELD(struct bt_rule, member, key, BT_JSON_INT, .min = 1, .max = (most),               \
                  .optional = true)

static const struct bt_json_field rule_fields[] = {
    BT_LEAF(struct bt_rule, id, "id", bt_read_name, .optional = true),
    BT_LEAF(struct bt_rule, zone, "zone", bt_read_name, .optional = true),
    BT_LEAF(struct bt_rule, layout, "layout", bt_read_name, .optional = true),
    BT_LEAF(struct bt_rule, playlist, "playlist", bt_read_playlist_ref, .optional = true),
    BT_LEAF(struct bt_rule, priority, "priority", read_priority, .optional = true),
    WEIGHT(weight, "weight", 1000),
    WEIGHT(share_percent, "share_percent", 100),
    BT_LEAF(struct bt_rule, when.from_ms, "from", bt_read_time, .optional = true),
    BT_LEAF(struct bt_rule, when.until_ms, "until", bt_read_time, .optional = true),
    BT_LEAF(struct bt_rule, when.date_from_s, "first_day", read_first_day, .optional = true),
    BT_LEAF(struct bt_rule, when.date_until_s, "last_day", read_last_day, .optional = true),
    BT_WHOLE(struct bt_rule, "times", read_times, .optional = true),
    BT_LEAF(struct bt_rule, when.weekdays, "weekdays", bt_read_weekdays, .optional = true),
    BT_LEAF(struct bt_rule, when, "repeat", read_repeat, .optional = true),
};

// A rule either feeds a zone or chooses the layout.
static int check_purpose(const cJSON *value, const struct bt_rule *rule, struct bt_error *err)
{
    static const char *const of_zones[] = {"playlist", "weight", "share_percent"};
    bool zone = rule->zone[0] != '\0', layout = rule->layout[0] != '\0';
    if (zone == layout) {
        return bt_fail(err, -EINVAL, "one of 'zone' and 'layout' is wanted, not %s",
                       zone ? "both" : "none");
    }
    for (size_t i = 0; layout && i < BT_ARRAY_LEN(of_zones); i++) {
        if (cJSON_GetObjectItemCaseSensitive(value, of_zones[i]) != NULL) {
            return bt_fail(err, -EINVAL, "'%s' belongs to a rule for a zone, not for a layout",
                           of_zones[i]);
        }
    }
    return zone && rule->playlist < 0 ? bt_fail(err, -EINVAL, "'playlist' is missing") : 0;
}

static int read_rule(struct bt_reading *reading, const cJSON *value, void *element,
                     struct bt_error *err)
{
    struct bt_rule *rule = bt_reading_add_rule(reading);
    bt_copy_cut(rule->id, sizeof(rule->id), reading->path);
    if (reading->publication->layer == BT_LAYER_EMERGENCY) {
        rule->priority = BT_PRIORITY_EMERGENCY;
    }
    int r = bt_read_object(reading, value, rule_fields, BT_ARRAY_LEN(rule_fields), rule, err);
    r = r == 0 ? check_purpose(value, rule, err) : r;
    r = r == 0 ? bt_check_span(rule->when.from_ms, rule->when.until_ms, err) : r;
    if (r == 0 && rule->when.date_from_s >= rule->when.date_until_s) {
        return bt_fail(err, -EINVAL, "'last_day' is before 'first_day'");
    }
    return r;
}

static int read_rule_list(struct bt_reading *reading, const cJSON *value, size_t max,
                          int (*read)(struct bt_reading *reading, const cJSON *value, void *element,
                                      struct bt_error *err),
                          struct bt_error *err)
{
    // Rules stand in one list, whatever section they come from; readers add to it themselves.
    struct bt_list list = {max, 1, read};
    BT_AUTOFREE char *elements = NULL;
    size_t count;
    return bt_read_list(reading, value, &list, &elements, &count, err);
}

int bt_read_schedule(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_reading *reading = context;
    const struct bt_publication *pub = target;
    size_t first = pub->rule_count;
    int r = read_rule_list(reading, value, BT_MAX_RULES, read_rule, err);
    if (r < 0) {
        return r;
    }
    struct bt_names names = {0};
    r = bt_names_build(&names, value->string, pub->rules + first, pub->rule_count - first,
                       sizeof(struct bt_rule), offsetof(struct bt_rule, id), err);
    bt_free_auto(&names.sorted);
    return r;
}

static const struct bt_json_field fallback_fields[] = {
    BT_LEAF(struct bt_rule, zone, "zone", bt_read_name),
    BT_LEAF(struct bt_rule, playlist, "playlist", bt_read_playlist_ref),
};

static int read_fallback_rule(struct bt_reading *reading, const cJSON *value, void *element,
                              struct bt_error *err)
{
    struct bt_rule *rule = bt_reading_add_rule(reading);
    bt_copy_cut(rule->id, sizeof(rule->id), reading->path);
    rule->priority = BT_PRIORITY_FALLBACK;
    return bt_read_object(reading, value, fallback_fields, BT_ARRAY_LEN(fallback_fields), rule,
                          err);
}

int bt_read_fallback(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return read_rule_list(context, value, BT_MAX_ZONES * BT_MAX_LAYOUTS, read_fallback_rule, err);
}
