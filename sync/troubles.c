#include "sync/troubles.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define DETAIL_BYTES 256

struct bt_troubles {
    pthread_mutex_t lock;  // leaf lock: nothing is called while it is held
    // Protected by lock.
    struct {
        bool there;
        char detail[DETAIL_BYTES];
        int64_t since_ms;
    } list[BT_TROUBLE_COUNT];
    uint64_t generation;
};

static const char *const codes[BT_TROUBLE_COUNT] = {
    [BT_TROUBLE_DISK_FULL] = "disk-full",
    [BT_TROUBLE_CLOCK_WRONG] = "clock-wrong",
    [BT_TROUBLE_CERTIFICATE_EXPIRED] = "certificate-expired",
    [BT_TROUBLE_METADATA_EXPIRED] = "metadata-expired",
    [BT_TROUBLE_CAPTIVE_PORTAL] = "captive-portal",
    [BT_TROUBLE_SERVER_UNREACHABLE] = "server-unreachable",
    [BT_TROUBLE_SIGNATURE_REFUSED] = "signature-refused",
    [BT_TROUBLE_PUBLICATION_REFUSED] = "publication-refused",
    [BT_TROUBLE_ASSET_DAMAGED] = "asset-damaged",
    [BT_TROUBLE_ORDER_REFUSED] = "order-refused",
    [BT_TROUBLE_PLAYS_FORKED] = "plays-forked",
    [BT_TROUBLE_PLAYS_REFUSED] = "plays-refused",
    [BT_TROUBLE_NOT_PAIRED] = "not-paired",
    [BT_TROUBLE_NOT_BOUND] = "not-bound",
};

const char *bt_trouble_code(enum bt_trouble trouble)
{
    return codes[trouble];
}

struct bt_troubles *bt_troubles_create(void)
{
    struct bt_troubles *troubles = BT_NEW(struct bt_troubles);
    pthread_mutex_init(&troubles->lock, NULL);
    return troubles;
}

void bt_troubles_destroy(struct bt_troubles *troubles)
{
    if (troubles == NULL) {
        return;
    }
    pthread_mutex_destroy(&troubles->lock);
    free(troubles);
}

bool bt_troubles_raise(struct bt_troubles *troubles, enum bt_trouble trouble, const char *detail,
                       int64_t now_ms)
{
    char text[DETAIL_BYTES];
    bt_copy_cut(text, sizeof(text), detail);
    pthread_mutex_lock(&troubles->lock);
    bool is_new = !troubles->list[trouble].there;
    if (is_new) {
        troubles->list[trouble].there = true;
        troubles->list[trouble].since_ms = now_ms;
    }
    bool changed = is_new || strcmp(troubles->list[trouble].detail, text) != 0;
    if (changed) {
        memcpy(troubles->list[trouble].detail, text, sizeof(text));
        troubles->generation++;
    }
    pthread_mutex_unlock(&troubles->lock);
    return changed;
}

bool bt_troubles_clear(struct bt_troubles *troubles, enum bt_trouble trouble)
{
    pthread_mutex_lock(&troubles->lock);
    bool was_there = troubles->list[trouble].there;
    troubles->list[trouble].there = false;
    troubles->list[trouble].detail[0] = '\0';
    troubles->generation += was_there;
    pthread_mutex_unlock(&troubles->lock);
    return was_there;
}

uint64_t bt_troubles_generation(struct bt_troubles *troubles)
{
    pthread_mutex_lock(&troubles->lock);
    uint64_t generation = troubles->generation;
    pthread_mutex_unlock(&troubles->lock);
    return generation;
}

cJSON *bt_troubles_json(struct bt_troubles *troubles)
{
    cJSON *list = cJSON_CreateArray();
    pthread_mutex_lock(&troubles->lock);
    for (int i = 0; i < BT_TROUBLE_COUNT; i++) {
        if (!troubles->list[i].there) {
            continue;
        }
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "code", codes[i]);
        cJSON_AddStringToObject(entry, "detail", troubles->list[i].detail);
        cJSON_AddNumberToObject(entry, "since_ms", (double)troubles->list[i].since_ms);
        cJSON_AddItemToArray(list, entry);
    }
    pthread_mutex_unlock(&troubles->lock);
    return list;
}
