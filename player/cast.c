#include "player/cast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct bt_cast {
    struct bt_running_order *order;  // one reference
    struct bt_zone_player *zones[BT_SCENE_MAX_TRACKS];
    size_t count;
};

int bt_cast_create(struct bt_running_order *order, const struct bt_cast_house *house,
                   struct bt_cast **out, struct bt_error *err)
{
    const struct bt_show *show = bt_running_order_show(order);
    size_t count = bt_show_track_count(show);
    if (count > BT_SCENE_MAX_TRACKS) {
        bt_running_order_destroy(order);
        return bt_fail(err, -E2BIG, "The layouts have more than %d different zones",
                       BT_SCENE_MAX_TRACKS);
    }
    struct bt_cast *cast = BT_NEW(struct bt_cast);
    cast->order = order;
    cast->count = count;
    for (size_t i = 0; i < count; i++) {
        struct bt_loader *loader = bt_loader_create(order, house->kitchen, i);
        cast->zones[i] = bt_zone_player_create(bt_show_track(show, i), loader, house->grid);
        bt_zone_player_count_in(cast->zones[i], house->counts);
        bt_evidence_init(bt_zone_player_evidence(cast->zones[i]), house->recorder, order,
                         BT_EVIDENCE_PRESENT);
    }
    *out = cast;
    return 0;
}

void bt_cast_close(struct bt_cast *cast)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_close(cast->zones[i]);
    }
}

void bt_cast_destroy(struct bt_cast *cast)
{
    if (cast == NULL) {
        return;
    }
    bt_cast_close(cast);
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_destroy(cast->zones[i]);
    }
    bt_running_order_destroy(cast->order);
    free(cast);
}

struct bt_running_order *bt_cast_order(const struct bt_cast *cast)
{
    return cast->order;
}

const struct bt_show *bt_cast_show(const struct bt_cast *cast)
{
    return bt_running_order_show(cast->order);
}

size_t bt_cast_count(const struct bt_cast *cast)
{
    return cast->count;
}

struct bt_zone_player *bt_cast_zone(const struct bt_cast *cast, size_t index)
{
    return cast->zones[index];
}

void bt_cast_begin(struct bt_cast *cast, bool anew, int64_t now_ns)
{
    if (anew) {
        bt_running_order_start(cast->order, now_ns);
    }
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_begin(cast->zones[i], now_ns);
    }
}

size_t bt_cast_receive(struct bt_cast *cast)
{
    size_t ready = 0;
    for (size_t i = 0; i < cast->count; i++) {
        ready += bt_zone_player_receive(cast->zones[i]);
    }
    return ready;
}

void bt_cast_stop(struct bt_cast *cast, enum bt_end_reason why, int64_t at_ns)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_stop(cast->zones[i], why, at_ns);
    }
}

void bt_cast_set_evidence(struct bt_cast *cast, enum bt_evidence kind)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_evidence(cast->zones[i])->kind = kind;
    }
}

void bt_cast_set_panel(struct bt_cast *cast, enum bt_panel panel)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_evidence(cast->zones[i])->panel = panel;
    }
}

int64_t bt_cast_due_ns(const struct bt_cast *cast, int64_t now_ns)
{
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < cast->count; i++) {
        due_ns = BT_MIN(due_ns, bt_zone_player_due_ns(cast->zones[i], now_ns));
    }
    return BT_MAX(due_ns, now_ns);
}

bool bt_cast_advance(struct bt_cast *cast, int64_t at_ns)
{
    bool complete = true;
    for (size_t i = 0; i < cast->count; i++) {
        complete = bt_zone_player_advance(cast->zones[i], at_ns) && complete;
    }
    return complete;
}

bool bt_cast_switched(const struct bt_cast *cast)
{
    for (size_t i = 0; i < cast->count; i++) {
        if (bt_zone_player_switched(cast->zones[i])) {
            return true;
        }
    }
    return false;
}

bool bt_cast_view(const struct bt_cast *cast, int64_t at_ns, struct bt_scene *scene)
{
    bool empty = true;
    scene->zone_count = cast->count;
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_view(cast->zones[i], at_ns, &scene->zones[i]);
        empty = empty && scene->zones[i].to.kind == BT_VISUAL_NONE;
    }
    return empty;
}

size_t bt_cast_soon(const struct bt_cast *cast, const struct bt_image **out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < cast->count; i++) {
        count += bt_zone_player_soon(cast->zones[i], out + count, room - count);
    }
    return count;
}

void bt_cast_presented(struct bt_cast *cast, int64_t presented_ns)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_presented(cast->zones[i], presented_ns);
    }
}

int64_t bt_cast_dropped(const struct bt_cast *cast)
{
    int64_t dropped = 0;
    for (size_t i = 0; i < cast->count; i++) {
        dropped += bt_zone_player_dropped(cast->zones[i]);
    }
    return dropped;
}

void bt_cast_log(const struct bt_cast *cast, struct bt_frame_log *frame_log)
{
    for (size_t i = 0; i < cast->count; i++) {
        int64_t pts_ms;
        bool is_new;
        const struct bt_play_start *on = bt_zone_player_on(cast->zones[i], &pts_ms, &is_new);
        if (on != NULL) {
            bt_frame_log_zone(frame_log, on, pts_ms, is_new);
        }
    }
}

static bool same_rect(const struct bt_rect *a, const struct bt_rect *b)
{
    return a->x == b->x && a->y == b->y && a->width == b->width && a->height == b->height;
}

/*
 * The old zone that this one follows: of the same name and place, else of the same name, which
 * then hands over where it stands but not what it shows. -1: it is new.
 */
static int find_before(const struct bt_cast *cast, size_t index, const struct bt_cast *old,
                       bool *out_adopts)
{
    const struct bt_track *track = bt_show_track(bt_cast_show(cast), index);
    int found = -1;
    *out_adopts = false;
    for (size_t i = 0; i < old->count; i++) {
        const struct bt_track *other = bt_show_track(bt_cast_show(old), i);
        if (!bt_str_equal(track->name, other->name)) {
            continue;
        }
        if (same_rect(&track->rect, &other->rect)) {
            *out_adopts = true;
            return (int)i;
        }
        found = found < 0 ? (int)i : found;
    }
    return found;
}

static bool describe_before(const struct bt_cast *cast, size_t index, const struct bt_cast *old,
                            bool urgent, struct bt_zone_before *out)
{
    bool adopts;
    int found = find_before(cast, index, old, &adopts);
    if (found < 0) {
        return false;
    }
    *out = (struct bt_zone_before){
        .zone = old->zones[found],
        .order = old->order,
        .track = (size_t)found,
        .adopts = adopts,
        .urgent = urgent,
    };
    return true;
}

void bt_cast_succeed(struct bt_cast *cast, const struct bt_cast *old, bool urgent)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    bt_running_order_start(cast->order, now_ns);
    for (size_t i = 0; i < cast->count; i++) {
        struct bt_zone_before before;
        if (describe_before(cast, i, old, urgent, &before)) {
            bt_zone_player_succeed(cast->zones[i], &before);
        } else {
            bt_zone_player_begin(cast->zones[i], now_ns);
        }
    }
}

bool bt_cast_can_take_over(struct bt_cast *cast, const struct bt_cast *old, bool urgent,
                           int64_t now_ns)
{
    bool all = true;
    for (size_t i = 0; i < cast->count; i++) {
        struct bt_zone_before before;
        bool ready = bt_zone_player_receive(cast->zones[i]);
        if (describe_before(cast, i, old, urgent, &before)) {
            ready = bt_zone_player_can_take_over(cast->zones[i], &before, now_ns);
        }
        all = ready && all;
    }
    return all;
}

void bt_cast_take_over(struct bt_cast *cast, struct bt_cast *old)
{
    for (size_t i = 0; i < cast->count; i++) {
        bool adopts;
        int found = find_before(cast, i, old, &adopts);
        enum bt_evidence kind = BT_EVIDENCE_PRESENT;
        if (old->count > 0) {
            kind = bt_zone_player_evidence(old->zones[0])->kind;
        }
        bt_zone_player_evidence(cast->zones[i])->kind = kind;
        if (found >= 0 && adopts) {
            bt_zone_player_take_over(cast->zones[i], old->zones[found], cast->order);
        }
    }
}

bool bt_cast_same_stage(const struct bt_cast *a, const struct bt_cast *b)
{
    const struct bt_canvas *canvas = bt_show_canvas(bt_cast_show(a));
    const struct bt_canvas *other = bt_show_canvas(bt_cast_show(b));
    if (a->count != b->count || canvas->width != other->width || canvas->height != other->height) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        bool adopts;
        if (find_before(a, i, b, &adopts) < 0 || !adopts) {
            return false;
        }
    }
    return true;
}

int64_t bt_cast_boundary_ns(const struct bt_cast *cast, int64_t now_ns)
{
    int64_t largest_px = -1, boundary_ns = now_ns;
    for (size_t i = 0; i < cast->count; i++) {
        const struct bt_rect *rect = &bt_show_track(bt_cast_show(cast), i)->rect;
        int64_t px = (int64_t)rect->width * rect->height;
        if (px > largest_px) {
            largest_px = px;
            boundary_ns = bt_zone_player_end_ns(cast->zones[i], now_ns);
        }
    }
    return boundary_ns;
}

void bt_cast_take_down(struct bt_cast *cast, const struct bt_taken *taken)
{
    for (size_t i = 0; i < cast->count; i++) {
        bt_zone_player_take_down(cast->zones[i], taken);
    }
}

bool bt_cast_shows(const struct bt_cast *cast, const struct bt_taken *taken)
{
    for (size_t i = 0; i < cast->count; i++) {
        if (bt_zone_player_shows(cast->zones[i], taken)) {
            return true;
        }
    }
    return false;
}
