#include "sync/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define MINUTES_PER_DAY 1440

void bt_wanted_finish(struct bt_wanted *wanted)
{
    free(wanted->list);
    *wanted = (struct bt_wanted){0};
}

static void add(struct bt_wanted *wanted, const struct bt_asset *asset, int64_t due_ms,
                bool emergency)
{
    BT_GROW(wanted->list, wanted->capacity, wanted->count + 1);
    wanted->list[wanted->count++] = (struct bt_want){
        .sha256 = asset->sha256, .size = asset->size, .due_ms = due_ms, .emergency = emergency};
}

static int64_t publication_due_ms(const struct bt_publication *publication)
{
    int64_t due_ms = publication->valid_from_ms;
    if (publication->activate == BT_ACTIVATE_TIME) {
        due_ms = BT_MAX(due_ms, publication->activate_ms);
    }
    return due_ms;
}

static int64_t item_due_ms(const struct bt_publication *publication, const struct bt_item *item,
                           int64_t due_ms)
{
    if (item->campaign >= 0) {
        due_ms = BT_MAX(due_ms, publication->campaigns[item->campaign].from_ms);
    }
    return BT_MAX(due_ms, item->from_ms);
}

// When each asset of the publication is due; INT64_MAX: no item shows it.
static void find_due_times(const struct bt_publication *publication, int64_t *due_ms)
{
    int64_t earliest_ms = publication_due_ms(publication);
    for (size_t i = 0; i < publication->asset_count; i++) {
        due_ms[i] = INT64_MAX;
    }
    for (size_t p = 0; p < publication->playlist_count; p++) {
        const struct bt_playlist *playlist = &publication->playlists[p];
        for (size_t i = 0; i < playlist->item_count; i++) {
            const struct bt_item *item = &playlist->items[i];
            int64_t item_ms = item_due_ms(publication, item, earliest_ms);
            for (size_t c = 0; c < item->card_count; c++) {
                int asset = item->cards[c].asset;
                if (asset >= 0) {
                    due_ms[asset] = BT_MIN(due_ms[asset], item_ms);
                }
            }
        }
    }
}

void bt_wanted_add(struct bt_wanted *wanted, const struct bt_documents *documents,
                   bool (*has)(const struct bt_asset *asset, void *context), void *context)
{
    for (size_t d = 0; d < documents->count; d++) {
        const struct bt_publication *publication = documents->list[d]->publication;
        BT_AUTOFREE int64_t *due_ms = BT_NEW_ARRAY(int64_t, publication->asset_count + 1);
        bool emergency = publication->layer == BT_LAYER_EMERGENCY;
        find_due_times(publication, due_ms);
        for (size_t i = 0; i < publication->asset_count; i++) {
            if (!has(&publication->assets[i], context)) {
                add(wanted, &publication->assets[i], due_ms[i], emergency);
            }
        }
    }
}

void bt_wanted_add_last(struct bt_wanted *wanted, const struct bt_sha256 *sha256, int64_t size)
{
    const struct bt_asset asset = {.sha256 = *sha256, .size = size};
    add(wanted, &asset, INT64_MAX, false);
}

static int compare(const void *a, const void *b)
{
    const struct bt_want *x = a, *y = b;
    if (x->emergency != y->emergency) {
        return x->emergency ? -1 : 1;
    }
    if (x->due_ms != y->due_ms) {
        return x->due_ms < y->due_ms ? -1 : 1;
    }
    // The small ones first: more is ready sooner.
    if (x->size != y->size) {
        return x->size < y->size ? -1 : 1;
    }
    return memcmp(&x->sha256, &y->sha256, sizeof(x->sha256));
}

static int compare_hashes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bt_sha256));  // each begins with its hash
}

// Each hash once, with its earliest time.
static void merge(struct bt_wanted *wanted)
{
    size_t kept = 0;
    qsort(wanted->list, wanted->count, sizeof(*wanted->list), compare_hashes);
    for (size_t i = 1; i < wanted->count; i++) {
        struct bt_want *last = &wanted->list[kept];
        const struct bt_want *next = &wanted->list[i];
        if (compare_hashes(last, next) != 0) {
            wanted->list[++kept] = *next;
            continue;
        }
        last->due_ms = BT_MIN(last->due_ms, next->due_ms);
        last->emergency = last->emergency || next->emergency;
    }
    wanted->count = kept + 1;
}

void bt_wanted_sort(struct bt_wanted *wanted)
{
    if (wanted->count > 1) {
        merge(wanted);
        qsort(wanted->list, wanted->count, sizeof(*wanted->list), compare);
    }
}

bool bt_want_is_open(const struct bt_want *want, const struct bt_fetch_window *window,
                     int64_t now_ms, int32_t offset_s)
{
    if (want->emergency || window->from_min == window->until_min ||
        want->due_ms <= now_ms + window->soon_ms) {
        return true;
    }
    int64_t minute = (now_ms / 1000 + offset_s) / 60 % MINUTES_PER_DAY;
    bool inside = minute >= window->from_min && minute < window->until_min;
    bool across = window->from_min > window->until_min &&
                  (minute >= window->from_min || minute < window->until_min);
    return inside || across;
}
