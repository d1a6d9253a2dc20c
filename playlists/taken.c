#include "playlists/taken.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

void bt_taken_finish(struct bt_taken *taken)
{
    free(taken->assets);
    free(taken->items);
    *taken = (struct bt_taken){0};
}

void bt_taken_add_asset(struct bt_taken *taken, const struct bt_sha256 *asset)
{
    if (!bt_taken_has_asset(taken, asset)) {
        BT_GROW(taken->assets, taken->asset_capacity, taken->asset_count + 1);
        taken->assets[taken->asset_count++] = *asset;
    }
}

void bt_taken_add_item(struct bt_taken *taken, const char *publication, const char *item)
{
    if (bt_taken_has_item(taken, publication, item)) {
        return;
    }
    BT_GROW(taken->items, taken->item_capacity, taken->item_count + 1);
    struct bt_taken_entry *entry = &taken->items[taken->item_count++];
    bt_copy_cut(entry->publication, sizeof(entry->publication), publication);
    bt_copy_cut(entry->item, sizeof(entry->item), item);
}

void bt_taken_add_all(struct bt_taken *taken, const struct bt_taken *more)
{
    for (size_t i = 0; i < more->asset_count; i++) {
        bt_taken_add_asset(taken, &more->assets[i]);
    }
    for (size_t i = 0; i < more->item_count; i++) {
        bt_taken_add_item(taken, more->items[i].publication, more->items[i].item);
    }
}

bool bt_taken_has_asset(const struct bt_taken *taken, const struct bt_sha256 *asset)
{
    for (size_t i = 0; i < taken->asset_count; i++) {
        if (memcmp(&taken->assets[i], asset, sizeof(*asset)) == 0) {
            return true;
        }
    }
    return false;
}

bool bt_taken_has_item(const struct bt_taken *taken, const char *publication, const char *item)
{
    for (size_t i = 0; i < taken->item_count; i++) {
        if (strcmp(taken->items[i].item, item) == 0 &&
            strcmp(taken->items[i].publication, publication) == 0) {
            return true;
        }
    }
    return false;
}

bool bt_taken_hits(const struct bt_taken *taken, const struct bt_publication *publication,
                   const struct bt_item *item)
{
    for (size_t i = 0; i < item->card_count; i++) {
        int asset = item->cards[i].asset;
        if (asset >= 0 && bt_taken_has_asset(taken, &publication->assets[asset].sha256)) {
            return true;
        }
    }
    return bt_taken_has_item(taken, publication->id, item->id);
}

void bt_publication_take_down(struct bt_publication *publication, const struct bt_taken *taken)
{
    for (size_t p = 0; p < publication->playlist_count; p++) {
        struct bt_playlist *playlist = &publication->playlists[p];
        size_t kept = 0;
        for (size_t i = 0; i < playlist->item_count; i++) {
            struct bt_item *item = &playlist->items[i];
            if (bt_taken_hits(taken, publication, item)) {
                bt_item_finish(item);
            } else {
                playlist->items[kept++] = *item;
            }
        }
        playlist->item_count = kept;
    }
}
