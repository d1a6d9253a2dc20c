#include "sync/gauges.h"

#include <assert.h>
#include <string.h>

#include "base/compiler.h"
#include "base/str.h"

#define MIB (INT64_C(1) << 20)

// Numbers: moved by `step` and by so many percent of what was said, and old or new reaches `from`.
// Words and flags (step 0): any other.
static const struct gauge {
    const char *object, *key;
    int64_t step, percent, from;
} gauges[] = {
    {"display", "state"},
    {"sound", "state"},
    {"machine", "throttled"},
    {"machine", "low_power"},
    // Below this nothing is too warm, whatever the setting.
    {"machine", "celsius", .step = 3, .from = 37},
    {"storage", "free_bytes", .step = 32 * MIB, .percent = 20},
    {"clock", "trust"},
    {"clock", "offset_ms", .step = 30000, .from = INT64_MIN},
};
static_assert(BT_ARRAY_LEN(gauges) == BT_GAUGES, "one reading for each");

void bt_gauges_read(const cJSON *status, struct bt_gauges *out)
{
    *out = (struct bt_gauges){.readings = {{.there = false}}};
    for (size_t i = 0; i < BT_GAUGES; i++) {
        const cJSON *object = cJSON_GetObjectItemCaseSensitive(status, gauges[i].object);
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, gauges[i].key);
        out->readings[i].there = value != NULL;
        if (cJSON_IsString(value)) {
            bt_copy_cut(out->readings[i].word, sizeof(out->readings[i].word), value->valuestring);
        } else if (cJSON_IsNumber(value)) {
            out->readings[i].number = (int64_t)value->valuedouble;
        } else {
            out->readings[i].number = cJSON_IsTrue(value);
        }
    }
}

static bool number_moved(const struct gauge *gauge, int64_t said, int64_t now)
{
    if (gauge->step == 0) {
        return said != now;
    }
    int64_t by = now > said ? now - said : said - now;
    int64_t band = BT_MAX(gauge->step, said / 100 * gauge->percent);
    return by >= band && BT_MAX(said, now) >= gauge->from;
}

bool bt_gauges_moved(const struct bt_gauges *said, const struct bt_gauges *now)
{
    for (size_t i = 0; i < BT_GAUGES; i++) {
        if (said->readings[i].there != now->readings[i].there ||
            strcmp(said->readings[i].word, now->readings[i].word) != 0 ||
            number_moved(&gauges[i], said->readings[i].number, now->readings[i].number)) {
            return true;
        }
    }
    return false;
}

bool bt_gauge_pace_allows(struct bt_gauge_pace *pace, int64_t now_ns)
{
    while (pace->used > 0 && now_ns >= pace->at_ns) {
        pace->used--;
        pace->at_ns += BT_GAUGES_REFILL_NS;
    }
    if (pace->used == BT_GAUGES_BURST) {
        return false;
    }
    pace->at_ns = pace->used == 0 ? now_ns + BT_GAUGES_REFILL_NS : pace->at_ns;
    pace->used++;
    return true;
}
