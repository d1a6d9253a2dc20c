// Whether two items of two publications look the same on the screen.
#ifndef BT_PLAYLISTS_ITEM_SAME_H
#define BT_PLAYLISTS_ITEM_SAME_H

#include "playlists/publication.h"

/**
 * The same id and the same content, shown in the same way for as long. Dates and campaigns, which
 * say when and why, may differ.
 */
bool bt_item_same(const struct bt_publication *pub_a, const struct bt_item *a,
                  const struct bt_publication *pub_b, const struct bt_item *b);

#endif
