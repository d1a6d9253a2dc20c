// "sound" and the "sound_times" of "limits": how loud by the hours of the day.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "playlists/publication_read.h"

static int read_hours_times(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_hours *hours = target;
    return bt_read_times(value, value->string, &hours->from_s, &hours->until_s, err);
}

static const struct bt_json_field hours_fields[] = {
    BT_WHOLE(struct bt_hours, "times", read_hours_times),
    BT_LEAF(struct bt_hours, weekdays, "weekdays", bt_read_weekdays, .optional = true),
    BT_JSON_FIELD(struct bt_hours, volume_percent, "volume_percent", BT_JSON_INT, .min = 0,
                  .max = 100),
};

static int read_hours(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    struct bt_hours *hours = element;
    hours->weekdays = 0x7F;
    return bt_read_object(reading, value, hours_fields, BT_ARRAY_LEN(hours_fields), hours, err);
}

int bt_read_sound(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_HOURS, sizeof(struct bt_hours), read_hours};
    struct bt_publication *pub = target;
    if (pub->layer != BT_LAYER_SCREEN && pub->layer != BT_LAYER_UNIT) {
        return bt_fail(err, -EINVAL, "'%s' belongs to the layers 'screen' and 'unit' alone",
                       value->string);
    }
    return bt_read_list(context, value, &list, &pub->sound, &pub->sound_count, err);
}

static int read_sound_time(struct bt_reading *reading, const cJSON *value, void *element,
                           struct bt_error *err)
{
    struct bt_hours *hours = element;
    (void)reading;
    *hours = (struct bt_hours){.weekdays = 0x7F, .volume_percent = 100};
    return bt_read_times(value, "sound_times", &hours->from_s, &hours->until_s, err);
}

int bt_read_sound_times(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_HOURS, sizeof(struct bt_hours), read_sound_time};
    struct bt_limits *limits = target;
    BT_AUTOFREE struct bt_hours *times = NULL;
    size_t count = 0;
    int r = bt_read_list(context, value, &list, &times, &count, err);
    if (r == 0) {
        memcpy(limits->sound_times, times, count * sizeof(*times));
        limits->sound_time_count = count;
    }
    return r;
}
