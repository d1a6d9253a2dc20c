#include "render/compositor.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "render/backing.h"
#include "render/paint.h"

// What is kept for one zone of the scene.
struct slot {
    struct bt_backing from, to;
    bool direct;            // its frame may be converted straight into the target
    struct bt_rect opaque;  // on the canvas
};

struct bt_compositor {
    struct bt_rect canvas;
    bool valid;             // the target shows `last`
    struct bt_scene last;   // its pointers are compared, never followed
    struct bt_scene scene;  // being drawn
    struct slot slots[BT_SCENE_MAX_ZONES];
    struct bt_region damage;
};

struct bt_compositor *bt_compositor_create(int width, int height)
{
    struct bt_compositor *compositor = BT_NEW(struct bt_compositor);
    compositor->canvas = (struct bt_rect){0, 0, width, height};
    return compositor;
}

void bt_compositor_destroy(struct bt_compositor *compositor)
{
    if (compositor == NULL) {
        return;
    }
    for (size_t i = 0; i < BT_SCENE_MAX_ZONES; i++) {
        bt_backing_finish(&compositor->slots[i].from);
        bt_backing_finish(&compositor->slots[i].to);
    }
    free(compositor);
}

void bt_compositor_invalidate(struct bt_compositor *compositor)
{
    compositor->valid = false;
}

const struct bt_region *bt_compositor_damage(const struct bt_compositor *compositor)
{
    return &compositor->damage;
}

static bool plays_clip(const struct bt_zone_view *view)
{
    return !bt_zone_view_fades(view) && !bt_zone_view_moves(view) &&
           bt_zone_view_visual(view)->kind == BT_VISUAL_FRAME;
}

static bool shows_nothing(const struct bt_zone_view *view)
{
    return view->from.kind == BT_VISUAL_NONE && view->to.kind == BT_VISUAL_NONE;
}

// Where the frame of a playing clip stands on the canvas.
static struct bt_rect frame_place(const struct bt_zone_view *view)
{
    struct bt_rect place = bt_zone_view_visual(view)->dst;
    place.x += view->rect.x;
    place.y += view->rect.y;
    return place;
}

// Something nearer lets a part of the place shine through: it is redrawn whenever that moves.
static bool lies_under_translucence(const struct bt_compositor *compositor, size_t zone,
                                    struct bt_rect place)
{
    for (size_t i = zone + 1; i < compositor->scene.zone_count; i++) {
        const struct bt_zone_view *view = &compositor->scene.zones[i];
        struct bt_rect shared = bt_rect_intersect(view->rect, place);
        if (!shows_nothing(view) && !bt_rect_empty(shared) &&
            !bt_rect_contains(compositor->slots[i].opaque, shared)) {
            return true;
        }
    }
    return false;
}

// A clip behind is converted straight through the place: it is redrawn at that clip's pace.
static bool lies_over_clip(const struct bt_compositor *compositor, size_t zone,
                           struct bt_rect place)
{
    for (size_t i = 0; i < zone; i++) {
        const struct bt_zone_view *view = &compositor->scene.zones[i];
        if (plays_clip(view) && !bt_rect_empty(bt_rect_intersect(frame_place(view), place))) {
            return true;
        }
    }
    return false;
}

// What of the rectangle in this zone can be seen: opaque nearer zones cut it.
static struct bt_region visible_part(const struct bt_compositor *compositor, size_t zone,
                                     struct bt_rect rect)
{
    struct bt_region region = {0};
    bt_region_add(&region, bt_rect_intersect(rect, compositor->canvas));
    for (size_t i = zone + 1; i < compositor->scene.zone_count; i++) {
        bt_region_subtract(&region, compositor->slots[i].opaque);
    }
    return region;
}

static bool can_convert_directly(const struct bt_compositor *compositor, size_t zone)
{
    const struct bt_zone_view *view = &compositor->scene.zones[zone];
    if (!plays_clip(view) || bt_frame_has_alpha(bt_zone_view_visual(view)->frame)) {
        return false;
    }
    struct bt_rect place = frame_place(view);
    return bt_rect_contains(bt_rect_intersect(compositor->canvas, view->rect), place) &&
           !lies_under_translucence(compositor, zone, place) &&
           !lies_over_clip(compositor, zone, place) &&
           visible_part(compositor, zone, place).count > 0;
}

static void swap_backings(struct slot *slot)
{
    struct bt_backing from = slot->from;
    slot->from = slot->to;
    slot->to = from;
}

static void take_scene(struct bt_compositor *compositor, const struct bt_scene *scene)
{
    struct bt_scene *taken = &compositor->scene;
    bt_scene_take(taken, scene);
    for (size_t i = 0; i < taken->zone_count; i++) {
        struct slot *slot = &compositor->slots[i];
        slot->opaque = bt_zone_view_opaque(&taken->zones[i]);
        // What was shown begins to fade out: its pixels and converter go along.
        if (taken->zones[i].mix < 1000 && compositor->last.zones[i].mix == 1000) {
            swap_backings(slot);
        }
    }
    for (size_t i = 0; i < taken->zone_count; i++) {
        compositor->slots[i].direct = can_convert_directly(compositor, i);
    }
}

static bool only_frame_changed(const struct bt_zone_view *before, const struct bt_zone_view *now)
{
    return bt_rect_same(before->rect, now->rect) && plays_clip(before) && plays_clip(now) &&
           bt_rect_same(frame_place(before), frame_place(now)) &&
           bt_colour_same(bt_zone_view_visual(before)->background,
                          bt_zone_view_visual(now)->background);
}

static struct bt_rect moved(struct bt_rect rect, int x, int y)
{
    rect.x += x;
    rect.y += y;
    return rect;
}

// What looks the same in both, in the zone, is no change: a wipe touches only where its edge was.
static void keep_unchanged(struct bt_region *changed, const struct bt_zone_view *before,
                           const struct bt_zone_view *now)
{
    struct bt_part then[2], parts[2];
    size_t then_count = bt_zone_view_parts(before, then);
    size_t count = bt_zone_view_parts(now, parts);
    for (size_t i = 0; i < count * then_count; i++) {
        const struct bt_part *a = &then[i / count], *b = &parts[i % count];
        if (a->x == b->x && a->y == b->y && bt_visual_same(a->visual, b->visual)) {
            struct bt_rect same = bt_rect_intersect(a->clip, b->clip);
            bt_region_subtract(changed, moved(same, now->rect.x, now->rect.y));
        }
    }
}

// On the canvas.
static struct bt_region changed_part(const struct bt_zone_view *before,
                                     const struct bt_zone_view *now)
{
    struct bt_region changed = {{bt_rect_bound(before->rect, now->rect)}, 1};
    if (only_frame_changed(before, now)) {
        changed.rects[0] = bt_rect_intersect(frame_place(now), now->rect);
    } else if (bt_rect_same(before->rect, now->rect) && !bt_zone_view_fades(before) &&
               !bt_zone_view_fades(now)) {
        keep_unchanged(&changed, before, now);
    }
    return changed;
}

static void damage_changed_zone(struct bt_compositor *compositor, size_t zone)
{
    const struct bt_zone_view *now = &compositor->scene.zones[zone];
    const struct bt_zone_view none = {0};
    const struct bt_zone_view *before =
        zone < compositor->last.zone_count ? &compositor->last.zones[zone] : &none;
    struct bt_region changed = changed_part(before, now);
    for (size_t i = 0; i < changed.count; i++) {
        struct bt_region visible = visible_part(compositor, zone, changed.rects[i]);
        bt_region_add_all(&compositor->damage, &visible);
    }
    if (compositor->slots[zone].direct) {
        // The conversion runs through below nearer zones, so these are drawn again.
        bt_region_add(&compositor->damage, frame_place(now));
    }
}

// Zones are compared by position; a zone that came or went is a change of its whole rectangle.
static void collect_damage(struct bt_compositor *compositor)
{
    const struct bt_scene *now = &compositor->scene, *before = &compositor->last;
    compositor->damage = (struct bt_region){0};
    if (!compositor->valid || !bt_colour_same(now->background, before->background)) {
        bt_region_add(&compositor->damage, compositor->canvas);
        return;
    }
    for (size_t i = 0; i < BT_MAX(now->zone_count, before->zone_count); i++) {
        if (i >= now->zone_count) {
            bt_region_add(&compositor->damage,
                          bt_rect_intersect(before->zones[i].rect, compositor->canvas));
        } else if (i >= before->zone_count ||
                   !bt_zone_view_same(&now->zones[i], &before->zones[i])) {
            damage_changed_zone(compositor, i);
        }
    }
}

// A layer of a fade: a still is its own backing.
static int layer_source(struct bt_backing *backing, const struct bt_visual *visual,
                        struct bt_rect zone, struct bt_raster_source *out, struct bt_error *err)
{
    const struct bt_image *image = visual->image;
    if (visual->kind == BT_VISUAL_IMAGE && image->width >= zone.width &&
        image->height >= zone.height) {
        bt_backing_drop_pixels(backing);
        *out = bt_raster_source_of(image, zone.x, zone.y);
        return 0;
    }
    int r = bt_backing_update(backing, visual, zone.width, zone.height, err);
    if (r < 0) {
        return r;
    }
    *out = bt_raster_source_of(backing->image, zone.x, zone.y);
    return 0;
}

static int draw_fade(struct slot *slot, const struct bt_zone_view *view,
                     const struct bt_region *region, const struct bt_raster *target,
                     struct bt_error *err)
{
    struct bt_raster_source from, to;
    int r = layer_source(&slot->from, &view->from, view->rect, &from, err);
    if (r == 0) {
        r = layer_source(&slot->to, &view->to, view->rect, &to, err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < region->count; i++) {
        bt_raster_mix(target, region->rects[i], &from, &to, view->mix);
    }
    return 0;
}

static int draw_clip(struct bt_compositor *compositor, size_t zone, const struct bt_region *region,
                     const struct bt_raster *target, struct bt_error *err)
{
    const struct bt_zone_view *view = &compositor->scene.zones[zone];
    const struct bt_visual *visual = bt_zone_view_visual(view);
    struct slot *slot = &compositor->slots[zone];
    struct bt_backing *backing = view->mix > 0 ? &slot->to : &slot->from;
    struct bt_rect place = frame_place(view);
    if (slot->direct && bt_region_covers(&compositor->damage, place)) {
        bt_backing_drop_pixels(backing);
        bt_paint(target, region, view->rect, visual);
        return bt_backing_convert(backing, visual, target, place, err);
    }
    int r = bt_backing_update(backing, visual, view->rect.width, view->rect.height, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster_source source =
        bt_raster_source_of(backing->image, view->rect.x, view->rect.y);
    bt_paint_source(target, region, &source, view->rect.width, view->rect.height);
    return 0;
}

static int draw_part(struct bt_backing *backing, const struct bt_part *part, struct bt_rect zone,
                     const struct bt_region *region, const struct bt_raster *target,
                     struct bt_error *err)
{
    struct bt_region inside = *region;
    bt_region_intersect(&inside, moved(part->clip, zone.x, zone.y));
    const struct bt_rect place = moved(zone, part->x, part->y);
    if (inside.count == 0 || part->visual->kind != BT_VISUAL_FRAME) {
        bt_paint(target, &inside, place, part->visual);
        return 0;
    }
    int r = bt_backing_update(backing, part->visual, place.width, place.height, err);
    if (r < 0) {
        return r;
    }
    const struct bt_raster_source source = bt_raster_source_of(backing->image, place.x, place.y);
    bt_paint_source(target, &inside, &source, place.width, place.height);
    return 0;
}

static int draw_parts(struct slot *slot, const struct bt_zone_view *view,
                      const struct bt_region *region, const struct bt_raster *target,
                      struct bt_error *err)
{
    struct bt_part parts[2];
    (void)bt_zone_view_parts(view, parts);
    int r = draw_part(&slot->from, &parts[0], view->rect, region, target, err);
    return r < 0 ? r : draw_part(&slot->to, &parts[1], view->rect, region, target, err);
}

static int draw_zone(struct bt_compositor *compositor, size_t zone, const struct bt_raster *target,
                     struct bt_error *err)
{
    const struct bt_zone_view *view = &compositor->scene.zones[zone];
    struct bt_region region = compositor->damage;
    bt_region_intersect(&region, view->rect);
    for (size_t i = zone + 1; i < compositor->scene.zone_count; i++) {
        bt_region_subtract(&region, compositor->slots[i].opaque);
    }
    if (region.count == 0) {
        return 0;
    }
    if (bt_zone_view_fades(view)) {
        return draw_fade(&compositor->slots[zone], view, &region, target, err);
    }
    if (bt_zone_view_moves(view)) {
        return draw_parts(&compositor->slots[zone], view, &region, target, err);
    }
    if (plays_clip(view)) {
        return draw_clip(compositor, zone, &region, target, err);
    }
    bt_paint(target, &region, view->rect, bt_zone_view_visual(view));
    return 0;
}

static void draw_background(const struct bt_compositor *compositor, const struct bt_raster *target)
{
    struct bt_region region = compositor->damage;
    for (size_t i = 0; i < compositor->scene.zone_count; i++) {
        bt_region_subtract(&region, compositor->slots[i].opaque);
    }
    for (size_t i = 0; i < region.count; i++) {
        bt_raster_fill(target, region.rects[i], compositor->scene.background);
    }
}

// Pixels that the scene has no use for any more.
static void drop_unused_backings(struct bt_compositor *compositor)
{
    for (size_t i = 0; i < BT_SCENE_MAX_ZONES; i++) {
        struct slot *slot = &compositor->slots[i];
        if (i >= compositor->scene.zone_count) {
            bt_backing_finish(&slot->from);
            bt_backing_finish(&slot->to);
            continue;
        }
        const struct bt_zone_view *view = &compositor->scene.zones[i];
        bool clip = plays_clip(view);
        bool fades = bt_zone_view_fades(view) || bt_zone_view_moves(view);
        if (!fades && !(clip && view->mix == 0)) {
            bt_backing_finish(&slot->from);
        }
        if (!fades && !(clip && view->mix == 1000)) {
            bt_backing_finish(&slot->to);
        }
    }
}

int bt_compositor_draw(struct bt_compositor *compositor, const struct bt_scene *scene,
                       const struct bt_raster *target, struct bt_error *err)
{
    assert(target->width == compositor->canvas.width &&
           target->height == compositor->canvas.height);
    take_scene(compositor, scene);
    collect_damage(compositor);
    if (compositor->damage.count == 0) {
        compositor->last = compositor->scene;
        return 0;
    }
    compositor->valid = false;
    draw_background(compositor, target);
    for (size_t i = 0; i < compositor->scene.zone_count; i++) {
        int r = draw_zone(compositor, i, target, err);
        if (r < 0) {
            return bt_fail_in(err, r, "zone %zu", i);
        }
    }
    drop_unused_backings(compositor);
    compositor->last = compositor->scene;
    compositor->valid = true;
    return 1;
}
