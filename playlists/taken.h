/**
 * What was taken down and must not be shown although a publication names it: assets by their hash,
 * items by publication and id.
 */
#ifndef BT_PLAYLISTS_TAKEN_H
#define BT_PLAYLISTS_TAKEN_H

#include "playlists/publication.h"

struct bt_taken_entry {
    char publication[BT_ID_BYTES], item[BT_ID_BYTES];
};

// {0} is an empty list.
struct bt_taken {
    struct bt_sha256 *assets;
    size_t asset_count, asset_capacity;
    struct bt_taken_entry *items;
    size_t item_count, item_capacity;
};

void bt_taken_finish(struct bt_taken *taken);
void bt_taken_add_asset(struct bt_taken *taken, const struct bt_sha256 *asset);
void bt_taken_add_item(struct bt_taken *taken, const char *publication, const char *item);
void bt_taken_add_all(struct bt_taken *taken, const struct bt_taken *more);

bool bt_taken_has_asset(const struct bt_taken *taken, const struct bt_sha256 *asset);
bool bt_taken_has_item(const struct bt_taken *taken, const char *publication, const char *item);

// Is the publication's item on the list, or an asset it shows? Of a set one card is enough.
bool bt_taken_hits(const struct bt_taken *taken, const struct bt_publication *publication,
                   const struct bt_item *item);

// Removes every item it hits. Playlists may become empty; they then have nothing to show.
void bt_publication_take_down(struct bt_publication *publication, const struct bt_taken *taken);

#endif
