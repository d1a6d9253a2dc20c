// Sections "assets" and "campaigns".
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "playlists/publication_read.h"

// A day of 4K fits.
#define ASSET_MAX_BYTES (INT64_C(1) << 40)
#define ASSET_MAX_PX 65535

static int read_sha256(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_sha256 hash;
    if (!cJSON_IsString(value) || bt_unhex(value->valuestring, hash.bytes, BT_SHA256_BYTES) < 0) {
        return bt_fail(err, -EINVAL, "'%s' must be 64 lower-case hex digits", value->string);
    }
    *(struct bt_sha256 *)target = hash;
    return 0;
}

static int read_media_type(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789.+-";
    const char *type = cJSON_IsString(value) ? value->valuestring : "";
    size_t major = strspn(type, alphabet);
    size_t minor = type[major] == '/' ? strspn(type + major + 1, alphabet) : 0;
    if (major == 0 || minor == 0 || major + 1 + minor != strlen(type) ||
        strlen(type) >= BT_ID_BYTES) {
        return bt_fail(err, -EINVAL, "'%s' must be a media type like image/png", value->string);
    }
    memcpy(target, type, strlen(type) + 1);
    return 0;
}

static const struct bt_json_field asset_fields[] = {
    BT_LEAF(struct bt_asset, name, "name", bt_read_name),
    BT_LEAF(struct bt_asset, sha256, "sha256", read_sha256),
    BT_JSON_FIELD(struct bt_asset, size, "size", BT_JSON_INT, .min = 1, .max = ASSET_MAX_BYTES),
    BT_LEAF(struct bt_asset, type, "type", read_media_type),
    BT_JSON_FIELD(struct bt_asset, duration_ms, "duration_ms", BT_JSON_INT, .min = 1,
                  .max = BT_ITEM_MAX_MS, .optional = true),
    BT_JSON_FIELD(struct bt_asset, width, "width", BT_JSON_INT, .min = 1, .max = ASSET_MAX_PX,
                  .optional = true),
    BT_JSON_FIELD(struct bt_asset, height, "height", BT_JSON_INT, .min = 1, .max = ASSET_MAX_PX,
                  .optional = true),
};

static int read_asset(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    return bt_read_object(reading, value, asset_fields, BT_ARRAY_LEN(asset_fields), element, err);
}

int bt_read_assets(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_ASSETS, sizeof(struct bt_asset), read_asset};
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    int r = bt_read_list(reading, value, &list, &pub->assets, &pub->asset_count, err);
    if (r < 0) {
        return r;
    }
    return bt_names_build(&reading->assets, "assets", pub->assets, pub->asset_count,
                          sizeof(struct bt_asset), offsetof(struct bt_asset, name), err);
}

static const struct bt_json_field campaign_fields[] = {
    BT_LEAF(struct bt_campaign, id, "id", bt_read_name),
    BT_LEAF(struct bt_campaign, name, "name", bt_read_title, .optional = true),
    BT_LEAF(struct bt_campaign, from_ms, "from", bt_read_time, .optional = true),
    BT_LEAF(struct bt_campaign, until_ms, "until", bt_read_time, .optional = true),
    BT_JSON_FIELD(struct bt_campaign, goal_plays, "goal_plays", BT_JSON_INT, .min = 1,
                  .max = 1000000000, .optional = true),
    BT_JSON_FIELD(struct bt_campaign, weight, "weight", BT_JSON_INT, .min = 1, .max = 1000,
                  .optional = true),
};

static int read_campaign(struct bt_reading *reading, const cJSON *value, void *element,
                         struct bt_error *err)
{
    struct bt_campaign *campaign = element;
    campaign->from_ms = INT64_MIN;
    campaign->until_ms = INT64_MAX;
    int r = bt_read_object(reading, value, campaign_fields, BT_ARRAY_LEN(campaign_fields), campaign,
                           err);
    return r < 0 ? r : bt_check_span(campaign->from_ms, campaign->until_ms, err);
}

int bt_read_campaigns(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_CAMPAIGNS, sizeof(struct bt_campaign),
                                        read_campaign};
    struct bt_reading *reading = context;
    struct bt_publication *pub = target;
    int r = bt_read_list(reading, value, &list, &pub->campaigns, &pub->campaign_count, err);
    if (r < 0) {
        return r;
    }
    return bt_names_build(&reading->campaigns, "campaigns", pub->campaigns, pub->campaign_count,
                          sizeof(struct bt_campaign), offsetof(struct bt_campaign, id), err);
}
