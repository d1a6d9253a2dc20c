#include "render/visual.h"

#include <assert.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

struct bt_visual bt_visual_sane(const struct bt_visual *visual)
{
    struct bt_visual sane = *visual;
    if ((sane.kind == BT_VISUAL_IMAGE || sane.kind == BT_VISUAL_DETAIL) && sane.image == NULL) {
        sane.kind = BT_VISUAL_NONE;
    } else if (sane.kind == BT_VISUAL_STRIP && sane.strip == NULL) {
        sane.kind = BT_VISUAL_COLOUR;
    } else if (sane.kind == BT_VISUAL_FRAME && (sane.frame == NULL || bt_rect_empty(sane.dst))) {
        sane.kind = BT_VISUAL_COLOUR;
    }
    if (sane.kind == BT_VISUAL_FRAME && bt_rect_empty(sane.src)) {
        sane.src = (struct bt_rect){0, 0, sane.frame->av->width, sane.frame->av->height};
    }
    if (sane.kind == BT_VISUAL_COLOUR && sane.background.a == 0) {
        sane.kind = BT_VISUAL_NONE;
    }
    return sane;
}

bool bt_visual_same(const struct bt_visual *a, const struct bt_visual *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    // The pointers guard against a serial that was given twice.
    return a->kind == BT_VISUAL_NONE ||
           (a->serial == b->serial && a->image == b->image && a->frame == b->frame &&
            a->strip == b->strip && a->strip_x == b->strip_x);
}

bool bt_colour_same(struct bt_colour a, struct bt_colour b)
{
    return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

bool bt_frame_has_alpha(const struct bt_frame *frame)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->av->format);
    return format != NULL && (format->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL)) != 0;
}

struct bt_rect bt_visual_opaque(const struct bt_visual *visual, int width, int height)
{
    const struct bt_rect all = {0, 0, width, height};
    const struct bt_rect background = visual->background.a == 255 ? all : (struct bt_rect){0};
    switch (visual->kind) {
    case BT_VISUAL_NONE:
        return (struct bt_rect){0};
    case BT_VISUAL_COLOUR:
    case BT_VISUAL_STRIP:
        return background;
    case BT_VISUAL_IMAGE:
        if (!visual->image->opaque) {
            return (struct bt_rect){0};
        }
        return bt_rect_intersect(
            all, (struct bt_rect){0, 0, visual->image->width, visual->image->height});
    case BT_VISUAL_DETAIL:
        return visual->image->opaque ? all : (struct bt_rect){0};
    case BT_VISUAL_FRAME:
        if (visual->background.a == 255 || bt_frame_has_alpha(visual->frame)) {
            return background;
        }
        return bt_rect_intersect(all, visual->dst);
    }
    return (struct bt_rect){0};
}

struct bt_zone_view bt_zone_view_sane(const struct bt_zone_view *view)
{
    struct bt_zone_view sane = *view;
    sane.from = bt_visual_sane(&view->from);
    sane.to = bt_visual_sane(&view->to);
    sane.mix = BT_CLAMP(view->mix, 0, 1000);
    if (!bt_zone_view_moves(&sane)) {
        sane.way = BT_WAY_MIX;
        sane.towards = sane.edge_px = 0;
    }
    if (sane.mix == 1000) {
        sane.from = (struct bt_visual){0};
    } else if (sane.mix == 0) {
        sane.to = (struct bt_visual){0};
    }
    return sane;
}

bool bt_zone_view_same(const struct bt_zone_view *a, const struct bt_zone_view *b)
{
    return bt_rect_same(a->rect, b->rect) && a->mix == b->mix && a->way == b->way &&
           a->towards == b->towards && a->edge_px == b->edge_px &&
           bt_visual_same(&a->from, &b->from) && bt_visual_same(&a->to, &b->to);
}

bool bt_zone_view_fades(const struct bt_zone_view *view)
{
    return view->mix > 0 && view->mix < 1000 && view->way == BT_WAY_MIX;
}

bool bt_zone_view_moves(const struct bt_zone_view *view)
{
    return view->mix > 0 && view->mix < 1000 && view->way != BT_WAY_MIX;
}

// The side where `to` comes in, `edge_px` deep.
static struct bt_rect incoming(const struct bt_zone_view *view)
{
    int width = view->rect.width, height = view->rect.height;
    switch ((enum bt_towards)view->towards) {
    case BT_TOWARDS_LEFT:
        return (struct bt_rect){width - BT_CLAMP(view->edge_px, 0, width), 0,
                                BT_CLAMP(view->edge_px, 0, width), height};
    case BT_TOWARDS_RIGHT:
        return (struct bt_rect){0, 0, BT_CLAMP(view->edge_px, 0, width), height};
    case BT_TOWARDS_UP:
        return (struct bt_rect){0, height - BT_CLAMP(view->edge_px, 0, height), width,
                                BT_CLAMP(view->edge_px, 0, height)};
    case BT_TOWARDS_DOWN:
        break;
    }
    return (struct bt_rect){0, 0, width, BT_CLAMP(view->edge_px, 0, height)};
}

// What `incoming` leaves of the zone.
static struct bt_rect outgoing(const struct bt_zone_view *view, struct bt_rect in)
{
    int width = view->rect.width, height = view->rect.height;
    switch ((enum bt_towards)view->towards) {
    case BT_TOWARDS_LEFT:
        return (struct bt_rect){0, 0, width - in.width, height};
    case BT_TOWARDS_RIGHT:
        return (struct bt_rect){in.width, 0, width - in.width, height};
    case BT_TOWARDS_UP:
        return (struct bt_rect){0, 0, width, height - in.height};
    case BT_TOWARDS_DOWN:
        break;
    }
    return (struct bt_rect){0, in.height, width, height - in.height};
}

// Where the left top corner of a picture stands that lies wholly beside `rest`: at the far side of
// the zone when what it goes towards lies left or above.
static void stand_beside(const struct bt_zone_view *view, int deep, struct bt_part *part)
{
    bool across = view->towards == BT_TOWARDS_LEFT || view->towards == BT_TOWARDS_RIGHT;
    bool back = view->towards == BT_TOWARDS_RIGHT || view->towards == BT_TOWARDS_DOWN;
    int off = back ? deep : -deep;
    part->x = across ? off : 0;
    part->y = across ? 0 : off;
}

size_t bt_zone_view_parts(const struct bt_zone_view *view, struct bt_part out[2])
{
    const struct bt_rect all = {0, 0, view->rect.width, view->rect.height};
    if (!bt_zone_view_moves(view)) {
        out[0] = (struct bt_part){.visual = bt_zone_view_visual(view), .clip = all};
        return 1;
    }
    struct bt_rect in = incoming(view);
    bool across = view->towards == BT_TOWARDS_LEFT || view->towards == BT_TOWARDS_RIGHT;
    int deep = across ? in.width : in.height, extent = across ? all.width : all.height;
    out[0] = (struct bt_part){.visual = &view->from, .clip = outgoing(view, in)};
    out[1] = (struct bt_part){.visual = &view->to, .clip = in};
    if (view->way == BT_WAY_PUSH) {
        stand_beside(view, deep, &out[0]);
    }
    if (view->way != BT_WAY_WIPE) {
        stand_beside(view, deep - extent, &out[1]);
    }
    return 2;
}

const struct bt_visual *bt_zone_view_visual(const struct bt_zone_view *view)
{
    return view->mix > 0 ? &view->to : &view->from;
}

// One rectangle has to do: all of the zone, or the larger part.
static struct bt_rect moving_opaque(const struct bt_zone_view *view)
{
    int width = view->rect.width, height = view->rect.height;
    struct bt_part parts[2];
    struct bt_rect opaque[2];
    (void)bt_zone_view_parts(view, parts);
    for (int i = 0; i < 2; i++) {
        struct bt_rect covered = bt_visual_opaque(parts[i].visual, width, height);
        covered.x += parts[i].x;
        covered.y += parts[i].y;
        opaque[i] = bt_rect_intersect(covered, parts[i].clip);
    }
    if (bt_rect_contains(opaque[0], parts[0].clip) && bt_rect_contains(opaque[1], parts[1].clip)) {
        return (struct bt_rect){0, 0, width, height};
    }
    int64_t old = (int64_t)opaque[0].width * opaque[0].height;
    return old > (int64_t)opaque[1].width * opaque[1].height ? opaque[0] : opaque[1];
}

struct bt_rect bt_zone_view_opaque(const struct bt_zone_view *view)
{
    int width = view->rect.width, height = view->rect.height;
    struct bt_rect opaque = bt_visual_opaque(bt_zone_view_visual(view), width, height);
    if (bt_zone_view_moves(view)) {
        opaque = moving_opaque(view);
    } else if (bt_zone_view_fades(view)) {
        opaque = bt_rect_intersect(opaque, bt_visual_opaque(&view->from, width, height));
    }
    opaque.x += view->rect.x;
    opaque.y += view->rect.y;
    return opaque;
}

void bt_scene_take(struct bt_scene *out, const struct bt_scene *scene)
{
    assert(scene->zone_count <= BT_ARRAY_LEN(scene->zones));
    out->background = scene->background;
    out->background.a = 255;
    out->zone_count = scene->zone_count;
    for (size_t i = 0; i < scene->zone_count; i++) {
        out->zones[i] = bt_zone_view_sane(&scene->zones[i]);
    }
}

bool bt_scene_same(const struct bt_scene *a, const struct bt_scene *b)
{
    if (a->zone_count != b->zone_count || !bt_colour_same(a->background, b->background)) {
        return false;
    }
    for (size_t i = 0; i < a->zone_count; i++) {
        if (!bt_zone_view_same(&a->zones[i], &b->zones[i])) {
            return false;
        }
    }
    return true;
}
