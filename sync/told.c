#include "sync/told.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define MAX_SEQ 9007199254740991LL

static const cJSON *list_of(const struct bt_told *told, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(told->json, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

static int check_list(const struct bt_told *told, const char *key, int max, struct bt_error *err)
{
    const cJSON *list = list_of(told, key);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > max) {
        return bt_fail(err, -EINVAL, "'%s' must be a list of at most %d", key, max);
    }
    return 0;
}

int bt_told_parse(const char *text, size_t len, struct bt_told *out, struct bt_error *err)
{
    struct bt_told told = {NULL};
    int r = bt_json_parse(text, len, &told.json, err);
    r = r < 0 ? r : check_list(&told, "takedowns", BT_TOLD_MAX_TAKEDOWNS, err);
    r = r < 0 ? r : check_list(&told, "counted", BT_TOLD_MAX_COUNTED, err);
    if (r < 0) {
        bt_told_finish(&told);
        return r;
    }
    *out = told;
    return 0;
}

void bt_told_finish(struct bt_told *told)
{
    cJSON_Delete(told->json);
    told->json = NULL;
}

static bool holds_in(const cJSON *takedown, const char *unit)
{
    const cJSON *units = cJSON_GetObjectItemCaseSensitive(takedown, "units"), *each;
    cJSON_ArrayForEach(each, units)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), unit)) {
            return true;
        }
    }
    return false;
}

// In the form of an order, which is what takedowns are kept in; 1 is a number like any.
static int read_takedown(const cJSON *takedown, struct bt_order **out, char **out_body)
{
    static const char *const keys[] = {"id", "assets", "items", "issued_ms"};
    BT_AUTOJSON *order = cJSON_CreateObject();
    cJSON_AddNumberToObject(order, "n", 1);
    cJSON_AddStringToObject(order, "kind", "takedown");
    for (size_t i = 0; i < BT_ARRAY_LEN(keys); i++) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(takedown, keys[i]);
        if (value != NULL) {
            cJSON_AddItemToObject(order, keys[i], cJSON_Duplicate(value, true));
        }
    }
    BT_AUTO(bt_order) read = NULL;
    int r = bt_order_read(order, &read, NULL);
    if (r < 0 || read->what != BT_INSTRUCTION_TAKEDOWN) {
        return -EINVAL;
    }
    read->n = 0;  // nobody waits for an answer
    *out_body = cJSON_PrintUnformatted(order);
    *out = BT_TAKE(read);
    return 0;
}

int bt_told_next_takedown(const struct bt_told *told, const char *unit, const cJSON **cursor,
                          struct bt_order **out, char **out_body)
{
    const cJSON *next = *cursor == NULL ? list_of(told, "takedowns")->child : (*cursor)->next;
    for (; next != NULL; next = next->next) {
        *cursor = next;
        if (holds_in(next, unit) && read_takedown(next, out, out_body) == 0) {
            return 1;
        }
    }
    return 0;
}

int bt_told_counted(const struct bt_told *told, const char *player, const char *journal,
                    int64_t *out_seq, struct bt_sha256 *out_hash)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, list_of(told, "counted"))
    {
        const char *hash = text_of(each, "hash");
        if (strcmp(text_of(each, "player"), player) == 0 &&
            strcmp(text_of(each, "journal"), journal) == 0 &&
            bt_json_whole(cJSON_GetObjectItemCaseSensitive(each, "last"), 1, MAX_SEQ, out_seq) ==
                0 &&
            strlen(hash) == BT_SHA256_HEX_BYTES - 1 &&
            bt_unhex(hash, out_hash->bytes, BT_SHA256_BYTES) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}
