#include "render/region.h"

#include <stdint.h>

bool bt_rect_empty(struct bt_rect rect)
{
    return rect.width <= 0 || rect.height <= 0;
}

bool bt_rect_same(struct bt_rect a, struct bt_rect b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

bool bt_rect_contains(struct bt_rect outer, struct bt_rect inner)
{
    return bt_rect_same(bt_rect_intersect(outer, inner), inner);
}

static struct bt_rect rect_of_edges(int left, int top, int right, int bottom)
{
    if (right <= left || bottom <= top) {
        return (struct bt_rect){0};
    }
    return (struct bt_rect){left, top, right - left, bottom - top};
}

struct bt_rect bt_rect_intersect(struct bt_rect a, struct bt_rect b)
{
    return rect_of_edges(BT_MAX(a.x, b.x), BT_MAX(a.y, b.y), BT_MIN(a.x + a.width, b.x + b.width),
                         BT_MIN(a.y + a.height, b.y + b.height));
}

struct bt_rect bt_rect_bound(struct bt_rect a, struct bt_rect b)
{
    if (bt_rect_empty(a)) {
        return b;
    }
    if (bt_rect_empty(b)) {
        return a;
    }
    return rect_of_edges(BT_MIN(a.x, b.x), BT_MIN(a.y, b.y), BT_MAX(a.x + a.width, b.x + b.width),
                         BT_MAX(a.y + a.height, b.y + b.height));
}

// What is left of `rect` around `hole`, which lies inside it: above, below, left, right.
static size_t split_around(struct bt_rect rect, struct bt_rect hole, struct bt_rect pieces[4])
{
    int right = rect.x + rect.width, bottom = rect.y + rect.height;
    int hole_right = hole.x + hole.width, hole_bottom = hole.y + hole.height;
    const struct bt_rect all[4] = {
        rect_of_edges(rect.x, rect.y, right, hole.y),
        rect_of_edges(rect.x, hole_bottom, right, bottom),
        rect_of_edges(rect.x, hole.y, hole.x, hole_bottom),
        rect_of_edges(hole_right, hole.y, right, hole_bottom),
    };
    size_t count = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(all); i++) {
        if (!bt_rect_empty(all[i])) {
            pieces[count++] = all[i];
        }
    }
    return count;
}

// The exact difference, or false (and nothing changed) when it does not fit.
static bool try_subtract(struct bt_region *region, struct bt_rect rect)
{
    struct bt_region rest = {0};
    for (size_t i = 0; i < region->count; i++) {
        struct bt_rect pieces[4] = {region->rects[i]};
        struct bt_rect hole = bt_rect_intersect(region->rects[i], rect);
        size_t count = bt_rect_empty(hole) ? 1 : split_around(region->rects[i], hole, pieces);
        if (rest.count + count > BT_REGION_MAX_RECTS) {
            return false;
        }
        for (size_t k = 0; k < count; k++) {
            rest.rects[rest.count++] = pieces[k];
        }
    }
    *region = rest;
    return true;
}

void bt_region_subtract(struct bt_region *region, struct bt_rect rect)
{
    // Covering too much is allowed, so a difference that does not fit is not made.
    (void)try_subtract(region, rect);
}

static void collapse(struct bt_region *region, struct bt_rect with)
{
    struct bt_rect bound = with;
    for (size_t i = 0; i < region->count; i++) {
        bound = bt_rect_bound(bound, region->rects[i]);
    }
    region->rects[0] = bound;
    region->count = 1;
}

void bt_region_add(struct bt_region *region, struct bt_rect rect)
{
    if (bt_rect_empty(rect) || bt_region_covers(region, rect)) {
        return;
    }
    // The old rectangles are cut rather than the new one: the newest stays whole, which keeps
    // the usual case (the same zones again and again) at one rectangle each.
    struct bt_region cut = *region;
    if (!try_subtract(&cut, rect) || cut.count == BT_REGION_MAX_RECTS) {
        collapse(region, rect);
        return;
    }
    cut.rects[cut.count++] = rect;
    *region = cut;
}

void bt_region_add_all(struct bt_region *region, const struct bt_region *other)
{
    for (size_t i = 0; i < other->count; i++) {
        bt_region_add(region, other->rects[i]);
    }
}

void bt_region_intersect(struct bt_region *region, struct bt_rect rect)
{
    size_t count = 0;
    for (size_t i = 0; i < region->count; i++) {
        struct bt_rect part = bt_rect_intersect(region->rects[i], rect);
        if (!bt_rect_empty(part)) {
            region->rects[count++] = part;
        }
    }
    region->count = count;
}

static int64_t covered_area(const struct bt_region *region, struct bt_rect rect)
{
    int64_t area = 0;
    for (size_t i = 0; i < region->count; i++) {
        struct bt_rect part = bt_rect_intersect(region->rects[i], rect);
        area += (int64_t)part.width * part.height;
    }
    return area;
}

bool bt_region_covers(const struct bt_region *region, struct bt_rect rect)
{
    return covered_area(region, rect) == (int64_t)rect.width * rect.height;
}

bool bt_region_touches(const struct bt_region *region, struct bt_rect rect)
{
    return covered_area(region, rect) > 0;
}
