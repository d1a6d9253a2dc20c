#include "sync/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define DAY_S 86400
#define MAX_MS (INT64_C(1) << 53)

static int read_hash(const cJSON *value, struct bt_sha256 *out, struct bt_error *err)
{
    if (!cJSON_IsString(value) || strlen(value->valuestring) != BT_SHA256_HEX_BYTES - 1 ||
        bt_unhex(value->valuestring, out->bytes, BT_SHA256_BYTES) < 0) {
        return bt_fail(err, -EINVAL, "it is not a SHA-256 in hex");
    }
    return 0;
}

static int list_count(const cJSON *value, size_t max, size_t *out, struct bt_error *err)
{
    if (!cJSON_IsArray(value)) {
        return bt_fail(err, -EINVAL, "'%s' must be a list", value->string);
    }
    size_t count = 0;
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        count++;
    }
    if (count > max) {
        return bt_fail(err, -EINVAL, "'%s' has more than %zu entries", value->string, max);
    }
    *out = count;
    return 0;
}

static int read_assets(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_order *order = context;
    size_t count = 0;
    int r = list_count(value, BT_ORDER_MAX_ASSETS, &count, err);
    if (r < 0 || count == 0) {
        return r;
    }
    order->assets = BT_NEW_ARRAY(struct bt_sha256, count);
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        r = read_hash(entry, &order->assets[order->asset_count], err);
        if (r < 0) {
            return bt_fail_in(err, r, "assets[%zu]", order->asset_count);
        }
        order->asset_count++;
    }
    return 0;
}

static const struct bt_json_field item_fields[] = {
    BT_JSON_FIELD(struct bt_taken_item, publication, "publication", BT_JSON_STRING, .min = 1,
                  .max = 63),
    BT_JSON_FIELD(struct bt_taken_item, item, "item", BT_JSON_STRING, .min = 1, .max = 63),
};

static int read_items(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_order *order = context;
    size_t count = 0;
    int r = list_count(value, BT_ORDER_MAX_ITEMS, &count, err);
    if (r < 0 || count == 0) {
        return r;
    }
    order->items = BT_NEW_ARRAY(struct bt_taken_item, count);
    for (const cJSON *entry = value->child; entry != NULL; entry = entry->next) {
        r = bt_json_read(entry, item_fields, BT_ARRAY_LEN(item_fields),
                         &order->items[order->item_count], NULL, err);
        if (r < 0) {
            return bt_fail_in(err, r, "items[%zu]", order->item_count);
        }
        order->item_count++;
    }
    return 0;
}

// The signed text, or the same as an object; what is signed is its canonical form.
static int read_activation(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct bt_order *order = context;
    if (cJSON_IsString(value)) {
        order->activation = bt_strdup(value->valuestring);
    } else if (cJSON_IsObject(value)) {
        char *text = cJSON_PrintUnformatted(value);
        order->activation = bt_strdup(text != NULL ? text : "");
        cJSON_free(text);
    } else {
        return bt_fail(err, -EINVAL, "'activation' must be a text");
    }
    if (strlen(order->activation) > BT_ACTIVATION_MAX_BYTES) {
        return bt_fail(err, -EINVAL, "'activation' has more than %d bytes",
                       BT_ACTIVATION_MAX_BYTES);
    }
    return 0;
}

#define ID BT_JSON_FIELD(struct bt_order, id, "id", BT_JSON_STRING, .min = 1, .max = 63)
#define VALUE(key_, min_, max_, ...)                                                               \
    BT_JSON_FIELD(struct bt_order, value, key_, BT_JSON_INT, .min = (min_), .max = (max_),         \
                  __VA_ARGS__)
#define LIST(key_, reader_)                                                                        \
    {                                                                                              \
        .key = (key_), .kind = BT_JSON_CUSTOM, .read = (reader_), .optional = true                 \
    }

static const struct bt_json_field takedown_fields[] = {ID, LIST("assets", read_assets),
                                                       LIST("items", read_items)};
static const struct bt_json_field emergency_fields[] = {
    {.key = "activation", .kind = BT_JSON_CUSTOM, .read = read_activation}};
static const struct bt_json_field end_fields[] = {ID, VALUE("at_ms", 0, MAX_MS, .optional = true)};
static const struct bt_json_field blank_fields[] = {VALUE("until_ms", 0, MAX_MS, .optional = true)};
static const struct bt_json_field identify_fields[] = {VALUE("seconds", 1, 3600)};
static const struct bt_json_field percent_fields[] = {VALUE("percent", 0, 100)};

static const struct {
    const char *kind;
    const struct bt_json_field *fields;
    size_t field_count;
    int news;  // enum bt_order_kind, or -1
    bool removes;
} instructions[] = {
    [BT_INSTRUCTION_TAKEDOWN] = {"takedown", takedown_fields, BT_ARRAY_LEN(takedown_fields),
                                 BT_ORDER_TAKEDOWN, true},
    [BT_INSTRUCTION_EMERGENCY] = {"emergency", emergency_fields, BT_ARRAY_LEN(emergency_fields), -1,
                                  false},
    [BT_INSTRUCTION_EMERGENCY_END] = {"emergency_end", end_fields, BT_ARRAY_LEN(end_fields),
                                      BT_ORDER_EMERGENCY_END, true},
    [BT_INSTRUCTION_SCREENSHOT] = {"screenshot", NULL, 0, BT_ORDER_SCREENSHOT, false},
    [BT_INSTRUCTION_BLANK] = {"blank", blank_fields, BT_ARRAY_LEN(blank_fields), BT_ORDER_BLANK,
                              true},
    [BT_INSTRUCTION_UNBLANK] = {"unblank", NULL, 0, BT_ORDER_UNBLANK, false},
    [BT_INSTRUCTION_IDENTIFY] = {"identify", identify_fields, BT_ARRAY_LEN(identify_fields),
                                 BT_ORDER_IDENTIFY, false},
    [BT_INSTRUCTION_RESTART] = {"restart", NULL, 0, BT_ORDER_RESTART, false},
    [BT_INSTRUCTION_VOLUME] = {"volume", percent_fields, BT_ARRAY_LEN(percent_fields),
                               BT_ORDER_VOLUME, false},
    [BT_INSTRUCTION_BRIGHTNESS] = {"brightness", percent_fields, BT_ARRAY_LEN(percent_fields),
                                   BT_ORDER_BRIGHTNESS, false},
};

bool bt_instruction_removes(enum bt_instruction what)
{
    return what < BT_ARRAY_LEN(instructions) && instructions[what].removes;
}

static void read_instruction(const cJSON *object, struct bt_order *order)
{
    struct bt_error err = {0};
    order->what = BT_INSTRUCTION_UNKNOWN;
    for (size_t i = 0; i < BT_ARRAY_LEN(instructions); i++) {
        if (strcmp(instructions[i].kind, order->kind) != 0) {
            continue;
        }
        if (bt_json_read(object, instructions[i].fields, instructions[i].field_count, order, order,
                         &err) == 0) {
            order->what = (enum bt_instruction)i;
        } else {
            bt_copy_cut(order->problem, sizeof(order->problem), err.msg);
        }
        return;
    }
    bt_copy_cut(order->problem, sizeof(order->problem), "unknown kind of order");
}

int bt_order_read(const cJSON *object, struct bt_order **out, struct bt_error *err)
{
    BT_AUTO(bt_order) order = BT_NEW(struct bt_order);
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(object, "n");
    if (n == NULL || bt_json_whole(n, 1, MAX_MS, &order->n) < 0) {
        return bt_fail(err, -EINVAL, "An order has no number");
    }
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(object, "kind");
    bt_copy_cut(order->kind, sizeof(order->kind), cJSON_IsString(kind) ? kind->valuestring : "");
    read_instruction(object, order);
    *out = BT_TAKE(order);
    return 0;
}

void bt_order_destroy(struct bt_order *order)
{
    if (order == NULL) {
        return;
    }
    free(order->assets);
    free(order->items);
    free(order->activation);
    free(order);
}

static void *copy_array(const void *array, size_t count, size_t size)
{
    if (count == 0) {
        return NULL;
    }
    void *copy = bt_alloc_array(count, size);
    memcpy(copy, array, count * size);
    return copy;
}

struct bt_news *bt_order_news(const struct bt_order *order)
{
    if (order->what >= BT_INSTRUCTION_UNKNOWN || instructions[order->what].news < 0) {
        return NULL;
    }
    struct bt_news *news = bt_news_create(BT_NEWS_ORDER);
    news->order = (enum bt_order_kind)instructions[order->what].news;
    news->number = order->n;
    news->value = order->value;
    bt_copy_cut(news->id, sizeof(news->id), order->id);
    news->assets = copy_array(order->assets, order->asset_count, sizeof(*order->assets));
    news->asset_count = order->asset_count;
    news->items = copy_array(order->items, order->item_count, sizeof(*order->items));
    news->item_count = order->item_count;
    return news;
}
