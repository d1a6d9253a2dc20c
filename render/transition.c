#include "render/transition.h"

// Colours have serials of their own, which no counter reaches.
#define COLOUR_SERIAL (UINT64_C(1) << 63)

#define PROGRESS_BITS 16

static const enum bt_way ways[] = {
    [BT_TRANSITION_CUT] = BT_WAY_MIX,   [BT_TRANSITION_CROSSFADE] = BT_WAY_MIX,
    [BT_TRANSITION_FADE] = BT_WAY_MIX,  [BT_TRANSITION_SLIDE] = BT_WAY_SLIDE,
    [BT_TRANSITION_PUSH] = BT_WAY_PUSH, [BT_TRANSITION_WIPE] = BT_WAY_WIPE,
};

static struct bt_visual plain(struct bt_colour colour)
{
    uint64_t rgba =
        (uint64_t)colour.r << 24 | (uint64_t)colour.g << 16 | (uint64_t)colour.b << 8 | colour.a;
    return (struct bt_visual){
        .kind = BT_VISUAL_COLOUR, .serial = COLOUR_SERIAL | rgba, .background = colour};
}

static int64_t eased(int64_t t)
{
    const int64_t one = INT64_C(1) << PROGRESS_BITS;
    return (t * t * (3 * one - 2 * t)) >> (2 * PROGRESS_BITS);
}

static void fade_at(struct bt_colour colour, struct bt_zone_view *view)
{
    if (view->mix < 500) {
        view->to = plain(colour);
        view->mix *= 2;
    } else {
        view->from = plain(colour);
        view->mix = view->mix * 2 - 1000;
    }
}

static int edge_at(const struct bt_transition *transition, int64_t since_ns, int64_t length_ns,
                   struct bt_rect rect)
{
    bool across = transition->towards == BT_TOWARDS_LEFT || transition->towards == BT_TOWARDS_RIGHT;
    int64_t t = (since_ns << PROGRESS_BITS) / length_ns;
    t = transition->type == BT_TRANSITION_WIPE ? t : eased(t);
    return (int)(((across ? rect.width : rect.height) * t) >> PROGRESS_BITS);
}

void bt_transition_at(const struct bt_transition *transition, int64_t since_ns, int64_t length_ns,
                      struct bt_zone_view *view)
{
    view->way = BT_WAY_MIX;
    if (since_ns >= length_ns) {
        view->mix = 1000;
        return;
    }
    since_ns = BT_MAX(since_ns, 0);
    view->mix = (int)(since_ns * 1000 / length_ns);
    if (transition->type == BT_TRANSITION_FADE) {
        fade_at(transition->colour, view);
    } else if (ways[transition->type] != BT_WAY_MIX && since_ns > 0) {
        view->way = ways[transition->type];
        view->mix = BT_MAX(view->mix, 1);
        view->towards = transition->towards;
        view->edge_px = edge_at(transition, since_ns, length_ns, view->rect);
    }
}
