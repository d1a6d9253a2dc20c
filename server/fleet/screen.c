#include "server/fleet/screen.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/str.h"
#include "server/fleet/player_view.h"

static const char *const kind_words[] = {
    [BT_SCREEN_LED] = "led", [BT_SCREEN_LCD] = "lcd", [BT_SCREEN_GATE] = "gate", NULL};

#define DAY_MIN (24 * 60)
#define DEFAULT_TIME_ZONE "Asia/Ho_Chi_Minh"

static int read_duty(const cJSON *value, void *target, void *context, struct bt_error *err);
static int read_hours(const cJSON *value, void *target, void *context, struct bt_error *err);
static int read_limits(const cJSON *value, void *target, void *context, struct bt_error *err);
static int read_location(const cJSON *value, void *target, void *context, struct bt_error *err);
static int read_time_zone(const cJSON *value, void *target, void *context, struct bt_error *err);

// A part of the screen that is an object of its own in JSON; the reader gets the whole screen.
#define PART(key_, read_, ...)                                                                     \
    {                                                                                              \
        .key = (key_), .kind = BT_JSON_CUSTOM, .offset = 0, .size = sizeof(struct bt_screen),      \
        .read = (read_), __VA_ARGS__                                                               \
    }

static const struct bt_json_field screen_fields[] = {
    BT_JSON_FIELD(struct bt_screen, unit, "unit", BT_JSON_STRING, .min = 1, .max = 31),
    BT_JSON_FIELD(struct bt_screen, name, "name", BT_JSON_STRING, .min = 1, .max = 128),
    BT_JSON_FIELD(struct bt_screen, kind, "kind", BT_JSON_ENUM, .words = kind_words,
                  .optional = true),
    BT_JSON_FIELD(struct bt_screen, width, "width", BT_JSON_INT, .min = 1, .max = 16384),
    BT_JSON_FIELD(struct bt_screen, height, "height", BT_JSON_INT, .min = 1, .max = 16384),
    BT_JSON_FIELD(struct bt_screen, place, "place", BT_JSON_STRING, .max = 256, .optional = true),
    BT_JSON_FIELD(struct bt_screen, note, "note", BT_JSON_STRING, .max = 1024, .optional = true),
    PART("duty", read_duty, .optional = true),
    PART("hours", read_hours, .optional = true),
    PART("limits", read_limits, .optional = true),
    PART("location", read_location, .optional = true),
    PART("time_zone", read_time_zone, .optional = true),
};

static const struct bt_json_field duty_fields[] = {
    BT_JSON_FIELD(struct bt_screen, duty_name, "name", BT_JSON_STRING, .max = 128),
    BT_JSON_FIELD(struct bt_screen, duty_phone, "phone", BT_JSON_STRING, .max = 32),
};

static const struct bt_json_field hours_fields[] = {
    BT_JSON_FIELD(struct bt_screen, open_min, "from_min", BT_JSON_INT, .min = 0, .max = DAY_MIN),
    BT_JSON_FIELD(struct bt_screen, close_min, "until_min", BT_JSON_INT, .min = 0, .max = DAY_MIN),
};

static const struct bt_json_field limits_fields[] = {
    BT_JSON_FIELD(struct bt_screen, volume_max_percent, "volume_max_percent", BT_JSON_INT, .min = 0,
                  .max = 100),
    BT_JSON_FIELD(struct bt_screen, brightness_max_percent, "brightness_max_percent", BT_JSON_INT,
                  .min = 1, .max = 100),
};

static const struct bt_json_field location_fields[] = {
    BT_JSON_FIELD(struct bt_screen, latitude_e6, "latitude_e6", BT_JSON_INT, .min = -90000000,
                  .max = 90000000),
    BT_JSON_FIELD(struct bt_screen, longitude_e6, "longitude_e6", BT_JSON_INT, .min = -180000000,
                  .max = 180000000),
};

static int read_part(const cJSON *value, const struct bt_json_field *fields, size_t count,
                     void *target, struct bt_error *err)
{
    const char *unknown = cJSON_IsObject(value) ? bt_json_unknown_key(value, fields, count) : NULL;
    int r = unknown != NULL ? bt_fail(err, -EINVAL, "the key '%.64s' is not known here", unknown)
                            : bt_json_read(value, fields, count, target, NULL, err);
    return r < 0 ? bt_fail_in(err, r, "%s", value->string) : 0;
}

static int read_duty(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    return read_part(value, duty_fields, BT_ARRAY_LEN(duty_fields), target, err);
}

static int read_hours(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    return read_part(value, hours_fields, BT_ARRAY_LEN(hours_fields), target, err);
}

static int read_limits(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    return read_part(value, limits_fields, BT_ARRAY_LEN(limits_fields), target, err);
}

static int read_location(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_screen *screen = target;
    screen->located = !cJSON_IsNull(value);
    return screen->located
               ? read_part(value, location_fields, BT_ARRAY_LEN(location_fields), target, err)
               : 0;
}

static int read_time_zone(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    struct bt_screen *screen = target;
    BT_AUTO(bt_tz) tz = NULL;
    const char *name = cJSON_GetStringValue(value);
    if (name == NULL || strlen(name) >= sizeof(screen->time_zone)) {
        return bt_fail(err, -EINVAL, "'time_zone' is not the name of a time zone");
    }
    int r = bt_tz_load(name, &tz, err);
    if (r < 0) {
        return bt_fail_in(err, -EINVAL, "time_zone");
    }
    bt_copy_cut(screen->time_zone, sizeof(screen->time_zone), name);
    return 0;
}

bool bt_screen_read(struct bt_call *call, struct bt_screen *out)
{
    // Silent until somebody says otherwise.
    struct bt_screen screen = {
        .brightness_max_percent = 100, .revision = out->revision, .time_zone = DEFAULT_TIME_ZONE};
    memcpy(screen.id, out->id, sizeof(screen.id));
    if (!bt_call_read(call, screen_fields, BT_ARRAY_LEN(screen_fields), &screen)) {
        return false;
    }
    *out = screen;
    return true;
}

#define COLUMNS                                                                                    \
    "s.id, s.unit, s.name, s.kind, s.width, s.height, s.place, s.latitude_e6, s.longitude_e6,"     \
    " s.duty_name, s.duty_phone, s.open_min, s.close_min, s.volume_max_percent,"                   \
    " s.brightness_max_percent, s.note, s.revision, s.time_zone"
enum { FIRST_PLAYER_COLUMN = 18 };

#define PLAYER_COLUMNS                                                                             \
    " p.id, p.channel, p.channel_ms, p.seen_ms, p.model, p.version, t.timestamp_version,"          \
    " t.troubles"
#define WITH_PLAYER                                                                                \
    " LEFT JOIN player p ON p.screen = s.id AND p.state = 'active'"                                \
    " LEFT JOIN player_status t ON t.player = p.id"

static void take_row(const struct bt_db_rows *row, struct bt_screen *out)
{
    *out = (struct bt_screen){.width = bt_db_get_int(row, 4),
                              .height = bt_db_get_int(row, 5),
                              .located = !bt_db_is_null(row, 7),
                              .latitude_e6 = bt_db_get_int(row, 7),
                              .longitude_e6 = bt_db_get_int(row, 8),
                              .open_min = bt_db_get_int(row, 11),
                              .close_min = bt_db_get_int(row, 12),
                              .volume_max_percent = bt_db_get_int(row, 13),
                              .brightness_max_percent = bt_db_get_int(row, 14),
                              .revision = bt_db_get_int(row, 16)};
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(row, 0));
    bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(row, 1));
    bt_copy_cut(out->name, sizeof(out->name), bt_db_get_text(row, 2));
    bt_copy_cut(out->place, sizeof(out->place), bt_db_get_text(row, 6));
    bt_copy_cut(out->duty_name, sizeof(out->duty_name), bt_db_get_text(row, 9));
    bt_copy_cut(out->duty_phone, sizeof(out->duty_phone), bt_db_get_text(row, 10));
    bt_copy_cut(out->note, sizeof(out->note), bt_db_get_text(row, 15));
    bt_copy_cut(out->time_zone, sizeof(out->time_zone), bt_db_get_text(row, 17));
    for (int i = 0; kind_words[i] != NULL; i++) {
        if (bt_str_equal(kind_words[i], bt_db_get_text(row, 3))) {
            out->kind = i;
        }
    }
}

int bt_screen_find(struct bt_db *db, const char *id, struct bt_screen *out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT " COLUMNS " FROM screen s WHERE s.id = $1 AND s.retired_ms IS NULL",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "There is no screen '%.32s'", id);
    }
    take_row(rows, out);
    return 0;
}

static struct bt_db_value located(const struct bt_screen *screen, int64_t value)
{
    return screen->located ? BT_INT(value) : BT_NULL;
}

int bt_screen_insert(struct bt_db *db, const struct bt_screen *screen, int64_t now_ms,
                     struct bt_error *err)
{
    int64_t r = bt_db_run(
        db, err,
        "INSERT INTO screen(id, unit, name, kind, width, height, place, latitude_e6,"
        " longitude_e6, duty_name, duty_phone, open_min, close_min, volume_max_percent,"
        " brightness_max_percent, note, revision, created_ms, time_zone)"
        " VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
        " $19)",
        BT_TEXT(screen->id), BT_TEXT(screen->unit), BT_TEXT(screen->name),
        BT_TEXT(kind_words[screen->kind]), BT_INT(screen->width), BT_INT(screen->height),
        BT_TEXT(screen->place), located(screen, screen->latitude_e6),
        located(screen, screen->longitude_e6), BT_TEXT(screen->duty_name),
        BT_TEXT(screen->duty_phone), BT_INT(screen->open_min), BT_INT(screen->close_min),
        BT_INT(screen->volume_max_percent), BT_INT(screen->brightness_max_percent),
        BT_TEXT(screen->note), BT_INT(screen->revision), BT_INT(now_ms),
        BT_TEXT(screen->time_zone));
    return r < 0 ? (int)r : 0;
}

int bt_screen_update(struct bt_db *db, const struct bt_screen *screen, struct bt_error *err)
{
    int64_t r = bt_db_run(
        db, err,
        "UPDATE screen SET unit = $2, name = $3, kind = $4, width = $5, height = $6, place = $7,"
        " latitude_e6 = $8, longitude_e6 = $9, duty_name = $10, duty_phone = $11, open_min = $12,"
        " close_min = $13, volume_max_percent = $14, brightness_max_percent = $15, note = $16,"
        " revision = $17, time_zone = $18 WHERE id = $1",
        BT_TEXT(screen->id), BT_TEXT(screen->unit), BT_TEXT(screen->name),
        BT_TEXT(kind_words[screen->kind]), BT_INT(screen->width), BT_INT(screen->height),
        BT_TEXT(screen->place), located(screen, screen->latitude_e6),
        located(screen, screen->longitude_e6), BT_TEXT(screen->duty_name),
        BT_TEXT(screen->duty_phone), BT_INT(screen->open_min), BT_INT(screen->close_min),
        BT_INT(screen->volume_max_percent), BT_INT(screen->brightness_max_percent),
        BT_TEXT(screen->note), BT_INT(screen->revision), BT_TEXT(screen->time_zone));
    return r < 0 ? (int)r : 0;
}

static void add_location(cJSON *json, const struct bt_screen *screen)
{
    if (!screen->located) {
        cJSON_AddNullToObject(json, "location");
        return;
    }
    cJSON *location = cJSON_AddObjectToObject(json, "location");
    cJSON_AddNumberToObject(location, "latitude_e6", (double)screen->latitude_e6);
    cJSON_AddNumberToObject(location, "longitude_e6", (double)screen->longitude_e6);
}

cJSON *bt_screen_json(const struct bt_screen *screen)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "id", screen->id);
    cJSON_AddStringToObject(json, "unit", screen->unit);
    cJSON_AddStringToObject(json, "name", screen->name);
    cJSON_AddStringToObject(json, "kind", kind_words[screen->kind]);
    cJSON_AddNumberToObject(json, "width", (double)screen->width);
    cJSON_AddNumberToObject(json, "height", (double)screen->height);
    cJSON_AddStringToObject(json, "place", screen->place);
    add_location(json, screen);
    cJSON *duty = cJSON_AddObjectToObject(json, "duty");
    cJSON_AddStringToObject(duty, "name", screen->duty_name);
    cJSON_AddStringToObject(duty, "phone", screen->duty_phone);
    cJSON *hours = cJSON_AddObjectToObject(json, "hours");
    cJSON_AddNumberToObject(hours, "from_min", (double)screen->open_min);
    cJSON_AddNumberToObject(hours, "until_min", (double)screen->close_min);
    cJSON *limits = cJSON_AddObjectToObject(json, "limits");
    cJSON_AddNumberToObject(limits, "volume_max_percent", (double)screen->volume_max_percent);
    cJSON_AddNumberToObject(limits, "brightness_max_percent",
                            (double)screen->brightness_max_percent);
    cJSON_AddStringToObject(json, "note", screen->note);
    cJSON_AddStringToObject(json, "time_zone", screen->time_zone);
    cJSON_AddNumberToObject(json, "revision", (double)screen->revision);
    return json;
}

int bt_screen_rows(struct bt_db *db, const char *path, const char *after, int64_t limit,
                   struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT " COLUMNS "," PLAYER_COLUMNS
                     " FROM screen s JOIN unit u ON u.code = s.unit" WITH_PLAYER
                     " WHERE substr(u.path, 1, length($1)) = $1 AND s.id > $2"
                     " AND s.retired_ms IS NULL ORDER BY s.id LIMIT $3",
                     BT_TEXT(path), BT_TEXT(after), BT_INT(limit));
}

int bt_screen_row(struct bt_db *db, const char *id, struct bt_db_rows **out, struct bt_error *err)
{
    return bt_db_ask(db, out, err,
                     "SELECT " COLUMNS "," PLAYER_COLUMNS " FROM screen s" WITH_PLAYER
                     " WHERE s.id = $1 AND s.retired_ms IS NULL",
                     BT_TEXT(id));
}

cJSON *bt_screen_row_json(const struct bt_db_rows *row)
{
    struct bt_screen screen;
    take_row(row, &screen);
    cJSON *json = bt_screen_json(&screen);
    cJSON_AddItemToObject(json, "player", bt_player_view_json(row, FIRST_PLAYER_COLUMN));
    return json;
}
