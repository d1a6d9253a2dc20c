#include "server/care/content.h"

#include "base/civil.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/str.h"

#define NEVER INT64_MAX
#define VIET_NAM_MS (7 * 3600 * 1000LL)

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static int64_t until_of(const cJSON *span)
{
    int64_t ms;
    const char *text = cJSON_GetStringValue(get(span, "until"));
    return text != NULL && bt_rfc3339_parse(text, &ms) == 0 ? ms : NEVER;
}

// The end of a rule's last day.
static int64_t last_day_of(const cJSON *rule)
{
    int64_t local_s;
    const char *text = cJSON_GetStringValue(get(rule, "last_day"));
    return text != NULL && bt_date_parse(text, &local_s) == 0
               ? local_s * 1000 + BT_MS_PER_DAY - VIET_NAM_MS
               : NEVER;
}

static const cJSON *named(const cJSON *list, const char *key, const cJSON *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (cJSON_IsString(name) &&
            bt_str_equal(cJSON_GetStringValue(get(entry, key)), name->valuestring)) {
            return entry;
        }
    }
    return NULL;
}

// A clock on an empty field is no content.
static bool is_content(const cJSON *item)
{
    const char *type = cJSON_GetStringValue(get(item, "type"));
    return !bt_str_equal(type, "clock") && !bt_str_equal(type, "colour");
}

static int64_t end_of_playlist(const cJSON *document, const cJSON *name)
{
    const cJSON *playlist = named(get(document, "playlists"), "name", name), *item;
    int64_t end = 0;
    cJSON_ArrayForEach(item, get(playlist, "items"))
    {
        const cJSON *campaign = named(get(document, "campaigns"), "id", get(item, "campaign"));
        end = is_content(item) ? BT_MAX(end, BT_MIN(until_of(item), until_of(campaign))) : end;
    }
    return end;
}

static int64_t end_of_zones(const cJSON *document, const cJSON *zones)
{
    const cJSON *zone;
    int64_t end = 0;
    cJSON_ArrayForEach(zone, zones)
    {
        end = BT_MAX(end, end_of_playlist(document, get(zone, "playlist")));
    }
    return end;
}

static int64_t end_of_schedule(const cJSON *document)
{
    const cJSON *rule;
    int64_t end = 0;
    cJSON_ArrayForEach(rule, get(document, "schedule"))
    {
        int64_t rule_end = BT_MIN(until_of(rule), last_day_of(rule));
        int64_t shown = end_of_playlist(document, get(rule, "playlist"));
        end = BT_MAX(end, BT_MIN(rule_end, shown));
    }
    return end;
}

int64_t bt_content_end(const cJSON *document)
{
    const cJSON *layout;
    int64_t end = BT_MAX(end_of_schedule(document), end_of_zones(document, get(document, "zones")));
    cJSON_ArrayForEach(layout, get(document, "layouts"))
    {
        end = BT_MAX(end, end_of_zones(document, get(layout, "zones")));
    }
    return BT_MIN(end, until_of(get(document, "valid")));
}
