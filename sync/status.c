#include "sync/status.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "sync/machine.h"
#include "sync/plays.h"
#include "sync/repository.h"

// Differ each time without anything having happened; of some the gauges say when it has.
static const char *const restless[] = {"at_ms",   "clock", "presented", "dropped",
                                       "storage", "plays", "machine"};

static cJSON *player_part(const char *text)
{
    BT_AUTOJSON *json = NULL;
    if (text == NULL || bt_json_parse(text, strlen(text), &json, NULL) < 0 ||
        !cJSON_IsObject(json)) {
        return cJSON_CreateObject();
    }
    return BT_TAKE(json);
}

static bool has_display(const cJSON *status)
{
    const cJSON *display = cJSON_GetObjectItemCaseSensitive(status, "display");
    const cJSON *width = cJSON_GetObjectItemCaseSensitive(display, "width");
    return cJSON_IsNumber(width) && width->valuedouble > 0;
}

static void add_clock(cJSON *status, int64_t offset_ms)
{
    cJSON *clock = cJSON_GetObjectItemCaseSensitive(status, "clock");
    if (!cJSON_IsObject(clock)) {
        cJSON_DeleteItemFromObjectCaseSensitive(status, "clock");
        clock = cJSON_AddObjectToObject(status, "clock");
    }
    cJSON_DeleteItemFromObjectCaseSensitive(clock, "offset_ms");
    cJSON_AddNumberToObject(clock, "offset_ms", (double)offset_ms);
}

static void add_storage(struct bt_sync *sync, cJSON *status)
{
    int64_t available, used;
    if (bt_store_usage(sync->store, &available, &used, NULL) == 0) {
        cJSON *storage = cJSON_AddObjectToObject(status, "storage");
        cJSON_AddNumberToObject(storage, "free_bytes", (double)available);
        cJSON_AddNumberToObject(storage, "assets_bytes", (double)used);
    }
}

static void add_machine(const struct bt_sync *sync, cJSON *status)
{
    struct bt_machine said;
    bt_machine_look(sync->options.root, &said);
    if (!said.has_celsius && !said.has_throttled) {
        return;
    }
    cJSON *machine = cJSON_AddObjectToObject(status, "machine");
    if (said.has_celsius) {
        cJSON_AddNumberToObject(machine, "celsius", (double)said.celsius);
    }
    if (said.has_throttled) {
        cJSON_AddBoolToObject(machine, "throttled", said.throttled);
        cJSON_AddBoolToObject(machine, "low_power", said.low_power);
    }
}

// The main loop may have found trouble of its own.
static void add_troubles(struct bt_sync *sync, cJSON *status)
{
    cJSON *mine = bt_troubles_json(sync->troubles);
    cJSON *theirs = cJSON_DetachItemFromObjectCaseSensitive(status, "troubles");
    while (cJSON_IsArray(theirs) && theirs->child != NULL) {
        cJSON_AddItemToArray(mine, cJSON_DetachItemFromArray(theirs, 0));
    }
    cJSON_Delete(theirs);
    cJSON_AddItemToObject(status, "troubles", mine);
}

// Since when each is on the screen, only the main loop knows.
static void add_since(cJSON *publications, const cJSON *told)
{
    cJSON *entry;
    cJSON_ArrayForEach(entry, publications)
    {
        const cJSON *target = cJSON_GetObjectItemCaseSensitive(entry, "target");
        const cJSON *version = cJSON_GetObjectItemCaseSensitive(entry, "version");
        const cJSON *one;
        cJSON_ArrayForEach(one, told)
        {
            const cJSON *since = cJSON_GetObjectItemCaseSensitive(one, "since_ms");
            if (cJSON_Compare(target, cJSON_GetObjectItemCaseSensitive(one, "target"), true) &&
                cJSON_Compare(version, cJSON_GetObjectItemCaseSensitive(one, "version"), true) &&
                cJSON_IsNumber(since)) {
                cJSON_ReplaceItemInObjectCaseSensitive(entry, "since_ms",
                                                       cJSON_CreateNumber(since->valuedouble));
            }
        }
    }
}

static void add_ours(struct bt_sync *sync, cJSON *status)
{
    cJSON *told = cJSON_DetachItemFromObjectCaseSensitive(status, "publications");
    cJSON *shown = cJSON_DetachItemFromObjectCaseSensitive(status, "emergency");
    cJSON_DeleteItemFromObjectCaseSensitive(status, "takedowns");
    cJSON_DeleteItemFromObjectCaseSensitive(status, "waiting");
    cJSON_DeleteItemFromObjectCaseSensitive(status, "at_ms");
    cJSON_AddNumberToObject(status, "at_ms", (double)bt_time_floor_now(sync->time).wall_ms);
    if (cJSON_GetObjectItemCaseSensitive(status, "version") == NULL) {
        cJSON_AddStringToObject(status, "version", sync->options.version);
    }
    cJSON_AddNumberToObject(status, "timestamp", (double)bt_repository_timestamp(sync->repository));
    bt_standing_status(sync->standing, status);
    bt_repository_status(sync->repository, status);
    bt_plays_status(sync->plays, status);
    add_since(cJSON_GetObjectItemCaseSensitive(status, "publications"), told);
    cJSON_Delete(told);
    if (shown != NULL) {  // by the screen itself
        cJSON_ReplaceItemInObjectCaseSensitive(status, "emergency", shown);
    }
}

static int print(const cJSON *status, struct bt_buf *out, struct bt_error *err)
{
    char *text = cJSON_PrintUnformatted(status);
    int r = text != NULL ? bt_buf_append(out, text, strlen(text)) : -ENOMEM;
    cJSON_free(text);
    return r < 0 ? bt_fail(err, r, "The status is too long") : 0;
}

int bt_status_write(struct bt_sync *sync, const char *player, int64_t clock_offset_ms,
                    struct bt_buf *out, struct bt_status_said *out_said, struct bt_error *err)
{
    BT_AUTOJSON *status = player_part(player);
    if (player != NULL) {  // a stick's status has no part of the main loop, and says nothing of it
        atomic_store(&sync->shows, has_display(status));
    }
    add_ours(sync, status);
    add_clock(status, clock_offset_ms);
    add_troubles(sync, status);
    add_storage(sync, status);
    add_machine(sync, status);
    int r = print(status, out, err);
    if (r < 0) {
        return r;
    }
    bt_gauges_read(status, &out_said->gauges);
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(status, "display"),
                                            "state");
    for (size_t i = 0; i < BT_ARRAY_LEN(restless); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(status, restless[i]);
    }
    BT_AUTOBUF calm;
    bt_buf_init(&calm, out->limit);
    r = print(status, &calm, err);
    out_said->calm = bt_sha256_of(bt_buf_text(&calm), calm.len);
    return r;
}
