#include "sync/takedowns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static void finish_takedown(struct bt_takedown *takedown)
{
    bt_order_destroy(takedown->order);
    cJSON_Delete(takedown->versions);
}

void bt_takedowns_finish(struct bt_takedowns *takedowns)
{
    for (size_t i = 0; i < takedowns->count; i++) {
        finish_takedown(&takedowns->list[i]);
    }
    free(takedowns->list);
    *takedowns = (struct bt_takedowns){0};
}

static bool has_asset(const struct bt_order *order, const struct bt_sha256 *asset)
{
    for (size_t i = 0; i < order->asset_count; i++) {
        if (memcmp(&order->assets[i], asset, sizeof(*asset)) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_item(const struct bt_order *order, const struct bt_taken_item *item)
{
    for (size_t i = 0; i < order->item_count; i++) {
        if (strcmp(order->items[i].publication, item->publication) == 0 &&
            strcmp(order->items[i].item, item->item) == 0) {
            return true;
        }
    }
    return false;
}

// Does it name all that the one before named? An order may remove more, and never less.
static bool covers(const struct bt_order *order, const struct bt_order *before)
{
    for (size_t i = 0; i < before->asset_count; i++) {
        if (!has_asset(order, &before->assets[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < before->item_count; i++) {
        if (!has_item(order, &before->items[i])) {
            return false;
        }
    }
    return true;
}

// Where the id is, or where it would stand.
static size_t place_of(const struct bt_takedowns *takedowns, const char *id)
{
    size_t low = 0, high = takedowns->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(takedowns->list[middle].order->id, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct bt_takedown *bt_takedowns_find(const struct bt_takedowns *takedowns, const char *id)
{
    size_t place = place_of(takedowns, id);
    return place < takedowns->count && strcmp(takedowns->list[place].order->id, id) == 0
               ? &takedowns->list[place]
               : NULL;
}

void bt_takedowns_note_unkept(struct bt_takedowns *takedowns, const char *id)
{
    if (bt_takedowns_find(takedowns, id) != NULL) {
        takedowns->list[place_of(takedowns, id)].unkept = true;
    }
}

// The versions of then are some 25 short texts.
#define VERSIONS_BYTES 4096

static size_t bytes_of(const struct bt_order *order)
{
    return VERSIONS_BYTES + sizeof(*order) + order->asset_count * sizeof(*order->assets) +
           order->item_count * sizeof(*order->items);
}

static struct bt_takedown *slot_for(struct bt_takedowns *takedowns, const char *id)
{
    size_t place = place_of(takedowns, id);
    if (bt_takedowns_find(takedowns, id) != NULL) {
        takedowns->bytes -= bytes_of(takedowns->list[place].order);
        finish_takedown(&takedowns->list[place]);
        return &takedowns->list[place];
    }
    BT_GROW(takedowns->list, takedowns->capacity, takedowns->count + 1);
    struct bt_takedown *slot = &takedowns->list[place];
    memmove(slot + 1, slot, (takedowns->count - place) * sizeof(*slot));
    takedowns->count++;
    return slot;
}

static cJSON *versions_of(const struct bt_documents *current)
{
    cJSON *versions = cJSON_CreateObject();
    for (size_t i = 0; i < current->count; i++) {
        cJSON_AddNumberToObject(versions, current->list[i]->target,
                                (double)current->list[i]->publication->version);
    }
    return versions;
}

static void add(struct bt_takedowns *takedowns, struct bt_order *order, cJSON *versions)
{
    struct bt_takedown *slot = slot_for(takedowns, order->id);
    *slot = (struct bt_takedown){.order = order, .versions = versions};
    takedowns->bytes += bytes_of(order);
}

int bt_takedowns_check(const struct bt_takedowns *takedowns, const struct bt_order *order,
                       struct bt_error *err)
{
    const struct bt_takedown *before = bt_takedowns_find(takedowns, order->id);
    size_t freed = before != NULL ? bytes_of(before->order) : 0;
    if (before != NULL && !covers(order, before->order)) {
        return bt_fail(err, -EEXIST, "takedown '%s' came before and names more", order->id);
    }
    if (before == NULL && takedowns->count == BT_MAX_TAKEDOWNS) {
        return bt_fail(err, -ENOSPC, "more than %d takedowns", BT_MAX_TAKEDOWNS);
    }
    if (takedowns->bytes - freed + bytes_of(order) > BT_TAKEDOWNS_MAX_BYTES) {
        return bt_fail(err, -ENOSPC, "takedowns of more than %d bytes", BT_TAKEDOWNS_MAX_BYTES);
    }
    return 0;
}

int bt_takedowns_add(struct bt_takedowns *takedowns, struct bt_order *order,
                     const struct bt_documents *current, struct bt_error *err)
{
    int r = bt_takedowns_check(takedowns, order, err);
    if (r < 0) {
        bt_order_destroy(order);
        return r;
    }
    add(takedowns, order, versions_of(current));
    return 0;
}

static bool names(const struct bt_publication *publication, const char *takedown)
{
    for (size_t i = 0; i < publication->lift_count; i++) {
        if (strcmp(publication->lifts[i].takedown, takedown) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct bt_documents *documents, const char *takedown)
{
    for (size_t i = 0; i < documents->count; i++) {
        if (names(documents->list[i]->publication, takedown)) {
            return true;
        }
    }
    return false;
}

bool bt_takedown_is_lifted(const struct bt_takedown *takedown, const struct bt_documents *documents)
{
    for (size_t i = 0; i < documents->count; i++) {
        const struct bt_document *document = documents->list[i];
        const cJSON *then = cJSON_GetObjectItemCaseSensitive(takedown->versions, document->target);
        int64_t version = 0;
        if (then != NULL && bt_json_whole(then, 0, INT64_C(1) << 53, &version) < 0) {
            continue;
        }
        if (document->publication->version > version &&
            names(document->publication, takedown->order->id)) {
            return true;
        }
    }
    return false;
}

bool bt_takedowns_settled(const struct bt_takedowns *takedowns, const struct bt_order *order,
                          const struct bt_documents *documents)
{
    const struct bt_takedown *before = bt_takedowns_find(takedowns, order->id);
    return before != NULL ? !before->unkept && covers(before->order, order)
                          : is_named(documents, order->id);
}

void bt_takedowns_forget_lifted(struct bt_takedowns *takedowns,
                                const struct bt_documents *documents)
{
    size_t kept = 0;
    for (size_t i = 0; i < takedowns->count; i++) {
        struct bt_takedown *takedown = &takedowns->list[i];
        if (bt_takedown_is_lifted(takedown, documents)) {
            takedowns->bytes -= bytes_of(takedown->order);
            finish_takedown(takedown);
        } else {
            takedowns->list[kept++] = *takedown;
        }
    }
    takedowns->count = kept;
}

struct bt_sha256 *bt_takedowns_hashes(const struct bt_takedowns *takedowns,
                                      const struct bt_documents *newest, size_t *out_count)
{
    struct bt_sha256 *hashes = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < takedowns->count; i++) {
        const struct bt_order *order = takedowns->list[i].order;
        if (newest != NULL && bt_takedown_is_lifted(&takedowns->list[i], newest)) {
            continue;
        }
        BT_GROW(hashes, capacity, count + order->asset_count + 1);
        for (size_t a = 0; a < order->asset_count; a++) {
            hashes[count++] = order->assets[a];
        }
    }
    *out_count = count;
    return hashes;
}

void bt_takedowns_fill(const struct bt_takedowns *takedowns, struct bt_news *news)
{
    size_t capacity = 0;
    news->assets = bt_takedowns_hashes(takedowns, NULL, &news->asset_count);
    for (size_t i = 0; i < takedowns->count; i++) {
        const struct bt_order *order = takedowns->list[i].order;
        BT_GROW(news->items, capacity, news->item_count + order->item_count + 1);
        for (size_t n = 0; n < order->item_count; n++) {
            news->items[news->item_count++] = order->items[n];
        }
    }
}

int bt_takedown_keep(const struct bt_takedown *takedown, const char *body, struct bt_state *state,
                     struct bt_error *err)
{
    char *versions = cJSON_PrintUnformatted(takedown->versions);
    const struct bt_record_row row = {.name = takedown->order->id,
                                      .body = body,
                                      .len = strlen(body),
                                      .number = takedown->order->n,
                                      .extra = versions};
    int r = bt_state_put(state, "takedown", &row, err);
    cJSON_free(versions);
    return r;
}

static int load_one(const struct bt_record_row *row, void *context)
{
    BT_AUTOJSON *body = NULL;
    BT_AUTOJSON *versions = NULL;
    BT_AUTO(bt_order) order = NULL;
    if (bt_json_parse(row->body, row->len, &body, NULL) < 0 ||
        bt_order_read(body, &order, NULL) < 0 ||
        bt_json_parse(row->extra, strlen(row->extra), &versions, NULL) < 0) {
        return -EUCLEAN;
    }
    // What was accepted stays, also if a later program takes less.
    add(context, BT_TAKE(order), BT_TAKE(versions));
    return 0;
}

int bt_takedowns_load(struct bt_takedowns *takedowns, struct bt_state *state, struct bt_error *err)
{
    int r = bt_state_each(state, "takedown", load_one, takedowns, err);
    return r == -EUCLEAN ? bt_fail(err, r, "A takedown on the disk cannot be read") : r;
}
