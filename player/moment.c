#include "player/moment.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "player/shown.h"
#include "render/output.h"
#include "render/transition.h"

static const struct bt_log logger = {"player/render"};

// Items in a row that cannot be shown before the safe card is drawn, as when playing.
#define MAX_SKIPS 64

// Frames of a fading clip are looked at this much before its end.
#define LAST_NS BT_NS_PER_MS

struct moment {
    struct bt_kitchen *kitchen;
    const struct bt_show *show;
    struct bt_timeline *timeline;
    struct bt_grid grid;
    int64_t at_ns;
    struct bt_shown now[BT_SCENE_MAX_TRACKS];
    struct bt_shown before[BT_SCENE_MAX_TRACKS];
    struct bt_scene scene;
};

// Brings a crawl to where it stands after moving since `origin_ns`.
static void move_crawl(struct bt_shown *shown, const struct bt_grid *grid, int64_t origin_ns,
                       int64_t at_ns)
{
    if (shown->prepared->strip != NULL) {
        shown->moved_px = (at_ns - origin_ns) / grid->period_ns * shown->prepared->speed_px;
        shown->step_due_ns = INT64_MAX;
    }
}

static int show_slot(const struct moment *moment, const struct bt_slot *slot, size_t track,
                     int64_t origin_ns, int64_t at_ns, struct bt_shown *out, struct bt_error *err)
{
    struct bt_prepared *prepared = NULL;
    int r = bt_prepare(moment->kitchen, moment->show, slot, bt_show_track(moment->show, track), 0,
                       at_ns - slot->start_ns, &prepared, err);
    if (r < 0) {
        return r;
    }
    bt_shown_start(out, prepared, slot->start_ns, NULL);
    move_crawl(out, &moment->grid, origin_ns, at_ns);
    (void)bt_shown_advance(out, &moment->grid, at_ns);
    return 0;
}

static int show_safe_card(const struct moment *moment, size_t track, struct bt_shown *out,
                          struct bt_error *err)
{
    struct bt_prepared *prepared = NULL;
    int r = bt_prepare_safe_card(moment->kitchen, moment->show, bt_show_track(moment->show, track),
                                 moment->at_ns, moment->at_ns + BT_NS_PER_S, &prepared, err);
    if (r == 0) {
        bt_shown_start(out, prepared, moment->at_ns, NULL);
    }
    return r;
}

static bool goes_on(const struct bt_slot *before, const struct bt_slot *slot)
{
    return before->item != NULL && before->item == slot->item && before->card == slot->card &&
           before->end_ns == slot->start_ns;
}

// The fade's old picture: the last moment of the slot before. A fade without it is a cut.
static void show_before(struct moment *moment, const struct bt_slot *before,
                        const struct bt_slot *slot, size_t track, int64_t origin_ns)
{
    const struct bt_shown *now = &moment->now[track];
    int64_t fade_ns = now->prepared->fade_ns;
    struct bt_error err;
    if (before->item == NULL || moment->at_ns - now->start_ns >= fade_ns) {
        return;
    }
    if (slot->length_ns == INT64_MAX && goes_on(before, slot)) {
        return;  // an endless item, a full hour later
    }
    if (show_slot(moment, before, track, origin_ns, before->end_ns - LAST_NS,
                  &moment->before[track], &err) < 0) {
        bt_log_debug(&logger, "Fading from nothing: %s", err.msg);
    }
}

static int find_track(struct moment *moment, size_t track, int64_t anchor_ns, struct bt_error *err)
{
    struct bt_slot slot = {.end_ns = anchor_ns}, before = {0};
    int64_t origin_ns = anchor_ns, origin_before_ns = anchor_ns;
    for (int skips = 0; skips < MAX_SKIPS;) {
        int64_t start_ns = slot.end_ns;
        before = slot;
        bt_timeline_next(moment->timeline, track, (struct bt_moment){start_ns, true}, &slot);
        if (!goes_on(&before, &slot)) {
            origin_before_ns = origin_ns;
            origin_ns = slot.start_ns;
        }
        if (slot.end_ns <= moment->at_ns) {
            continue;
        }
        if (slot.item == NULL && skips > 0) {
            break;
        }
        if (show_slot(moment, &slot, track, origin_ns, moment->at_ns, &moment->now[track], err) ==
            0) {
            show_before(moment, &before, &slot, track, origin_before_ns);
            return 0;
        }
        bt_log_warn(&logger, "%s; skipping it", err->msg);
        bt_timeline_skip(moment->timeline, track);
        slot = before;
        skips++;
    }
    return show_safe_card(moment, track, &moment->now[track], err);
}

static void view_track(struct moment *moment, size_t track)
{
    const struct bt_rect *rect = &bt_show_track(moment->show, track)->rect;
    struct bt_zone_view *view = &moment->scene.zones[track];
    const struct bt_shown *now = &moment->now[track];
    *view = (struct bt_zone_view){.rect = *rect, .mix = 1000};
    bt_shown_view(now, rect, &view->to);
    if (moment->before[track].prepared != NULL) {
        bt_shown_view(&moment->before[track], rect, &view->from);
        bt_transition_at(&now->prepared->transition, moment->at_ns - now->start_ns,
                         now->prepared->fade_ns, view);
    }
}

static int draw_scene(const struct moment *moment, enum bt_moment_picture picture,
                      struct bt_image **out, struct bt_error *err)
{
    const struct bt_canvas *canvas = bt_show_canvas(moment->show);
    const struct bt_output_options options = {.canvas_width = (int)canvas->width,
                                              .canvas_height = (int)canvas->height,
                                              .plan = bt_show_output(moment->show),
                                              .backend = BT_BACKEND_SOFT,
                                              .headless = true};
    BT_AUTO(bt_output) output = NULL;
    int r = bt_output_open(&options, &output, err);
    r = r < 0 ? r : bt_output_compose(output, &moment->scene, err);
    if (r < 0) {
        return r;
    }
    return picture == BT_MOMENT_RASTER ? bt_output_read_raster(output, out, err)
                                       : bt_output_read(output, out, err);
}

static int draw(struct moment *moment, int64_t anchor_ns, enum bt_moment_picture picture,
                struct bt_image **out, struct bt_error *err)
{
    size_t count = bt_show_track_count(moment->show);
    moment->scene.zone_count = count;
    moment->scene.background = bt_show_canvas(moment->show)->background;
    for (size_t i = 0; i < count; i++) {
        int r = find_track(moment, i, anchor_ns, err);
        if (r < 0) {
            return r;
        }
        view_track(moment, i);
    }
    return draw_scene(moment, picture, out, err);
}

int bt_moment_draw(struct bt_kitchen *kitchen, const struct bt_show *show, int64_t anchor_ns,
                   int64_t at_ns, enum bt_moment_picture picture, struct bt_image **out,
                   struct bt_error *err)
{
    if (bt_show_track_count(show) > BT_SCENE_MAX_TRACKS) {
        return bt_fail(err, -E2BIG, "The layouts have more than %d different zones",
                       BT_SCENE_MAX_TRACKS);
    }
    BT_AUTOFREE struct moment *moment = BT_NEW(struct moment);
    BT_AUTO(bt_timeline) timeline = bt_timeline_create(show, (struct bt_moment){anchor_ns, true});
    moment->kitchen = kitchen;
    moment->show = show;
    moment->timeline = timeline;
    moment->at_ns = at_ns;
    bt_grid_init(&moment->grid, BT_GRID_FREE, 0, anchor_ns);
    int r = draw(moment, anchor_ns, picture, out, err);
    for (size_t i = 0; i < bt_show_track_count(show); i++) {
        bt_prepared_destroy(bt_shown_finish(&moment->now[i]));
        bt_prepared_destroy(bt_shown_finish(&moment->before[i]));
    }
    return r;
}
