/**
 * A region: a set of pixels as few disjoint rectangles. When a region would need more than
 * BT_REGION_MAX_RECTS it grows to cover more than asked (its bounding box), never less.
 */
#ifndef BT_RENDER_REGION_H
#define BT_RENDER_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "playlists/publication.h"

// Sixteen zones, each with a few notches, stay below this.
#define BT_REGION_MAX_RECTS 64

struct bt_region {
    struct bt_rect rects[BT_REGION_MAX_RECTS];
    size_t count;
};

bool bt_rect_empty(struct bt_rect rect);
bool bt_rect_same(struct bt_rect a, struct bt_rect b);
bool bt_rect_contains(struct bt_rect outer, struct bt_rect inner);
struct bt_rect bt_rect_intersect(struct bt_rect a, struct bt_rect b);  // empty: 0 × 0
struct bt_rect bt_rect_bound(struct bt_rect a, struct bt_rect b);

// {0} is the empty region.
void bt_region_add(struct bt_region *region, struct bt_rect rect);
void bt_region_add_all(struct bt_region *region, const struct bt_region *other);
void bt_region_subtract(struct bt_region *region, struct bt_rect rect);
void bt_region_intersect(struct bt_region *region, struct bt_rect rect);
bool bt_region_covers(const struct bt_region *region, struct bt_rect rect);
bool bt_region_touches(const struct bt_region *region, struct bt_rect rect);

#endif
