#include "player/stage.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/panel_watch.h"
#include "player/raster_watch.h"
#include "player/speaker.h"
#include "player/supervisor.h"

// The same picture is presented again this often when nothing changes.
#define EVIDENCE_NS (2 * BT_NS_PER_S)

// How long before its instant a picture is composed: longer than composing takes.
#define COMPOSE_AHEAD_NS (20 * BT_NS_PER_MS)

// Pictures to come are uploaded only while so much time is left: 4 ms of it, and composing.
#define UPLOAD_ROOM_NS (8 * BT_NS_PER_MS)
#define MAX_SOON 64

// While nothing is due the loop looks at events and deliveries this often.
#define LOOK_NS (50 * BT_NS_PER_MS)

// How often a frame that is due and not decoded yet is looked for.
#define MISSING_LOOK_NS (BT_NS_PER_MS / 2)

// At the start the zones are waited for so long, so that they appear together.
#define GATHER_NS (BT_NS_PER_S / 2)
#define GATHER_LOOK_NS (BT_NS_PER_MS / 2)

#define DISPLAY_RETRY_NS BT_NS_PER_S

// While another cast gets ready.
#define CHANGING_LOOK_NS (4 * BT_NS_PER_MS)

// Zones that had only just begun to change are given so long; then the change takes place.
#define CHANGE_PATIENCE_NS (10 * BT_NS_PER_S)

// Serials of zones count up from 2; this one they never reach.
#define SAFE_CARD_SERIAL UINT64_MAX

static const struct bt_log logger = {"player/stage"};

// Another cast, on its way to the stage.
struct change {
    struct bt_cast *cast;  // owned; NULL: none
    bool urgent;
    bool waits;  // for a boundary of the whole stage, since its zones are others
    int64_t boundary_ns;
    int64_t since_ns;
};

struct bt_stage {
    const struct bt_stage_options *options;
    const struct bt_stage_guide *guide;  // NULL: one cast for ever
    struct bt_cast_house house;
    struct bt_frame_log *frame_log;
    const volatile int *stop;
    const struct bt_clock *clock;
    struct bt_output *output;  // owned; NULL: no display
    int canvas_width, canvas_height;
    const struct bt_output_plan *plan;  // borrowed from the cast's show; NULL: none
    int64_t shift_step;                 // of the pixel shift, as it is on the screen
    char wrong_mode[BT_WRONG_MODE_BYTES];
    int64_t wrong_mode_ms;               // wall clock; since when it is that
    struct bt_panel_watch *panel_watch;  // owned; NULL: nothing is known
    uint64_t plugs;                      // its count when the output was opened
    struct bt_speaker *speaker;          // owned; NULL: nothing is heard
    int64_t volume_percent;              // the most that is allowed
    struct bt_grid grid;
    double grid_hz;           // what it was asked for
    struct bt_cast *cast;     // owned; NULL: nothing to play yet
    struct bt_cast *leaving;  // owned; replaced, and on the screen until the next present
    struct change change;
    struct bt_overlays overlays;
    const struct bt_taken *taken;  // borrowed
    bool blank, begins;            // begins: it is to end as soon as there is something to show
    int64_t begins_since_ns;
    struct bt_scene scene;
    int64_t anchor_ns, presented;
    int64_t dropped;  // by casts that are gone
    struct bt_frame_counts counts;
    int64_t presented_ns;           // the last present
    int64_t ends_ns;                // when the time is over
    struct bt_prepared *safe_card;  // owned; made when it is first needed
    bool repaint;                   // present even if nothing changed
    bool opened;                    // the next present is the display's first
    bool backdrop_due;              // paint it after the next present
};

static int64_t now_ns(const struct bt_stage *stage)
{
    return bt_clock_mono_ns(stage->clock);
}

static bool is_over(const struct bt_stage *stage)
{
    return *stage->stop != 0 || now_ns(stage) >= stage->ends_ns;
}

// Sleeps until the instant, or until there is news for the guide.
static void sleep_until(const struct bt_stage *stage, int64_t until_ns)
{
    if (stage->guide == NULL || stage->guide->wake_fd < 0) {
        bt_clock_sleep_until(stage->clock, until_ns);
        return;
    }
    int64_t length_ns = BT_MAX(until_ns - now_ns(stage), 0);
    struct pollfd fd = {.fd = stage->guide->wake_fd, .events = POLLIN};
    const struct timespec length = {length_ns / BT_NS_PER_S, length_ns % BT_NS_PER_S};
    (void)ppoll(&fd, 1, &length, NULL);
}

static void look(struct bt_stage *stage)
{
    if (stage->guide != NULL) {
        stage->guide->look(stage->guide->context, stage);
    }
}

static void begin_cast(struct bt_stage *stage)
{
    if (stage->cast != NULL && !stage->blank) {
        bt_cast_begin(stage->cast, true, now_ns(stage));
    }
}

// So that the zones appear together and not one after the other.
static void gather_first_items(struct bt_stage *stage)
{
    int64_t until_ns = now_ns(stage) + GATHER_NS;
    while (stage->cast != NULL && !stage->blank &&
           bt_cast_receive(stage->cast) < bt_cast_count(stage->cast) && now_ns(stage) < until_ns) {
        bt_clock_sleep_until(stage->clock, now_ns(stage) + GATHER_LOOK_NS);
    }
}

static void stop_cast(struct bt_stage *stage, enum bt_end_reason why)
{
    if (stage->cast != NULL) {
        bt_cast_stop(stage->cast, why, now_ns(stage));
    }
}

// Whether presents wait for the display is known after the first one.
static void choose_grid(struct bt_stage *stage)
{
    const struct bt_output_info *info = bt_output_info(stage->output);
    int64_t asked = stage->options->refresh_hz;
    enum bt_grid_kind kind = info->vsync ? BT_GRID_VSYNC : asked > 0 ? BT_GRID_TIMED : BT_GRID_FREE;
    double hz = asked > 0 ? (double)asked : info->display_hz;
    // NOLINTNEXTLINE(clang-diagnostic-float-equal): the same number or another
    if (stage->grid.period_ns == 0 || stage->grid.kind != kind || stage->grid_hz != hz) {
        bt_grid_init(&stage->grid, kind, hz, now_ns(stage));
        stage->grid_hz = hz;
    }
}

static void log_output(const struct bt_stage *stage)
{
    static const char *const words[] = {"none", "our own", "the display's"};
    const struct bt_output_info *info = bt_output_info(stage->output);
    bt_log_info(&logger, "Output: %s on %s%s%s; refresh grid: %s, %.2f Hz", info->backend,
                info->video_driver, info->renderer[0] != '\0' ? ", " : "", info->renderer,
                words[stage->grid.kind], (double)BT_NS_PER_S / (double)stage->grid.period_ns);
}

static enum bt_evidence kind_of_evidence(const struct bt_stage *stage)
{
    if (stage->options->output.headless) {
        return BT_EVIDENCE_SIMULATED;
    }
    return stage->grid.kind == BT_GRID_VSYNC ? BT_EVIDENCE_PAGE_FLIP : BT_EVIDENCE_PRESENT;
}

// Some drivers look at their plugs only when they are opened; then what they found counts.
static int open_display(struct bt_stage *stage, struct bt_error *err)
{
    struct bt_connectors before = bt_panel_watch_look(stage->panel_watch);
    stage->plugs = bt_panel_watch_plugs(stage->panel_watch);
    int r = bt_output_open(&stage->options->output, &stage->output, err);
    if (before.card_count == 0) {
        (void)bt_panel_watch_look(stage->panel_watch);
        stage->plugs = bt_panel_watch_plugs(stage->panel_watch);
    }
    return r;
}

// Said once, and in every status; nothing is ever scaled to make up for it.
static void look_at_mode(struct bt_stage *stage)
{
    char now[BT_WRONG_MODE_BYTES];
    bt_wrong_mode(stage->plan, bt_output_info(stage->output), now);
    if (!stage->options->output.fullscreen || bt_str_equal(now, stage->wrong_mode)) {
        return;
    }
    memcpy(stage->wrong_mode, now, sizeof(now));
    stage->wrong_mode_ms = bt_clock_wall_ms(stage->clock);
    if (now[0] != '\0') {
        bt_log_warn(&logger, "%s: %s; drawing 1:1, what does not fit is cut off",
                    stage->plan->window_count > 0 ? "Not every window is as it was asked for"
                                                  : "The display has another mode",
                    now);
    }
}

// The canvas and where it stands are the stage's from now on.
static int lay_out(struct bt_stage *stage, struct bt_error *err)
{
    int r = bt_output_resize(stage->output, stage->canvas_width, stage->canvas_height, stage->plan,
                             err);
    look_at_mode(stage);
    const char *refused = bt_windows_refused(stage->plan, bt_output_info(stage->output));
    if (refused != NULL) {
        bt_log_error(&logger, "%s", refused);
    }
    stage->shift_step = 0;
    if (stage->plan != NULL && stage->plan->dimming_percent < 100) {
        bt_log_warn(&logger,
                    "Dimming to %d %% in software costs levels of grey; a sender or display "
                    "that can dim does it better",
                    (int)stage->plan->dimming_percent);
    }
    return r;
}

// Between items; or after a whole step in vain.
static int shift_pixels(struct bt_stage *stage, bool between, struct bt_error *err)
{
    int64_t step = bt_pixel_shift_step(stage->plan, now_ns(stage) - stage->anchor_ns);
    if (step == stage->shift_step || (!between && step < stage->shift_step + 2)) {
        return 0;
    }
    int x, y;
    stage->shift_step = step;
    bt_pixel_shift_at(stage->plan, step, &x, &y);
    return bt_output_shift(stage->output, x, y, err);
}

static int open_output(struct bt_stage *stage, struct bt_error *err)
{
    int r = open_display(stage, err);
    if (r < 0) {
        return r;
    }
    choose_grid(stage);
    const struct bt_output_info *info = bt_output_info(stage->output);
    if (stage->guide != NULL && stage->cast == NULL && info->width > 0) {
        // Until a show says otherwise all of the display is the canvas.
        stage->canvas_width = BT_MIN(info->width, BT_CANVAS_MAX_PX);
        stage->canvas_height = BT_MIN(info->height, BT_CANVAS_MAX_PX);
    }
    // The content may have changed while there was no display.
    r = lay_out(stage, err);
    stage->repaint = stage->opened = true;
    return r;
}

static bool plugs_changed(const struct bt_stage *stage)
{
    return bt_panel_watch_plugs(stage->panel_watch) != stage->plugs;
}

// Sleeps until it is time to try again, something is plugged in, or to stop.
static void rest(struct bt_stage *stage, int64_t length_ns)
{
    int64_t until_ns = now_ns(stage) + length_ns;
    while (now_ns(stage) < until_ns && !plugs_changed(stage) && !is_over(stage)) {
        look(stage);
        sleep_until(stage, BT_MIN(now_ns(stage) + LOOK_NS, until_ns));
    }
}

static int64_t next_due_ns(const struct bt_stage *stage)
{
    int64_t now = now_ns(stage);
    int64_t due_ns = stage->repaint ? now : stage->presented_ns + EVIDENCE_NS;
    if (stage->cast != NULL && !stage->blank) {
        due_ns = BT_MIN(due_ns, bt_cast_due_ns(stage->cast, now));
    }
    return BT_MAX(due_ns, now);
}

// A frame that is due may arrive until the last moment; zones that have theirs go on without it.
static void advance_until(struct bt_stage *stage, int64_t at_ns, int64_t until_ns)
{
    if (stage->cast == NULL || stage->blank) {
        return;
    }
    while (!bt_cast_advance(stage->cast, at_ns) && now_ns(stage) + MISSING_LOOK_NS < until_ns) {
        bt_clock_sleep_until(stage->clock, now_ns(stage) + MISSING_LOOK_NS);
    }
}

// Of the whole canvas. NULL: not even that.
static struct bt_prepared *make_safe_card(const struct bt_stage *stage)
{
    const struct bt_track whole = {.name = "canvas",
                                   .rect = {0, 0, stage->canvas_width, stage->canvas_height}};
    struct bt_prepared *card = NULL;
    struct bt_error err;
    if (bt_prepare_safe_card(stage->house.kitchen, bt_cast_show(stage->cast), &whole, 0, INT64_MAX,
                             &card, &err) < 0) {
        bt_log_error(&logger, "Not even the safe card: %s", err.msg);
    }
    return card;
}

// When no zone has anything to show. Made here: nothing moves that could wait.
static void show_safe_card(struct bt_stage *stage)
{
    stage->safe_card = stage->safe_card != NULL ? stage->safe_card : make_safe_card(stage);
    if (stage->safe_card == NULL) {
        return;
    }
    stage->scene.zone_count = 1;
    stage->scene.zones[0] = (struct bt_zone_view){
        .rect = {0, 0, stage->canvas_width, stage->canvas_height},
        .to = {.kind = BT_VISUAL_IMAGE,
               .serial = SAFE_CARD_SERIAL,
               .image = stage->safe_card->image},
        .mix = 1000,
    };
}

// So that no console is seen when we are killed. Made when the display has just been opened, the
// first show arrives or the canvas stands elsewhere, when a moment more does not matter.
static void paint_backdrop(struct bt_stage *stage)
{
    bool card_is_ours = stage->output != NULL ? bt_output_info(stage->output)->drives_card
                                              : bt_output_expects_card();
    if (stage->cast == NULL || !card_is_ours) {
        return;
    }
    BT_AUTO(bt_prepared) card = make_safe_card(stage);
    if (card != NULL) {
        bt_panel_watch_paint(stage->panel_watch,
                             bt_backdrop_create(BT_TAKE(card->image), stage->plan));
    }
}

// Waits for a display for as long as it takes. 0 as well when told to stop: output is NULL then.
static int wait_for_display(struct bt_stage *stage, struct bt_error *err)
{
    bt_log_warn(&logger, "%s; waiting for a display", err->msg);
    paint_backdrop(stage);  // seen when one comes, until ours is drawn
    int r = -ENODEV;
    while (r == -ENODEV && !is_over(stage)) {
        bt_supervisor_alive();
        rest(stage, DISPLAY_RETRY_NS);
        r = open_output(stage, err);
    }
    return is_over(stage) ? 0 : r;
}

static bool has_switched(const struct bt_stage *stage)
{
    return stage->leaving != NULL ||
           (stage->cast != NULL && !stage->blank && bt_cast_switched(stage->cast));
}

static void build_scene(struct bt_stage *stage, int64_t at_ns)
{
    stage->scene.zone_count = 0;
    if (stage->blank) {
        return;
    }
    if (stage->cast != NULL && bt_cast_view(stage->cast, at_ns, &stage->scene)) {
        show_safe_card(stage);
    }
    bt_overlays_view(&stage->overlays, stage->canvas_width, stage->canvas_height, &stage->scene);
}

static void log_present(struct bt_stage *stage, int64_t slot_ns)
{
    int64_t slot = stage->grid.kind == BT_GRID_FREE
                       ? -1
                       : (slot_ns - stage->grid.phase_ns) / stage->grid.period_ns;
    bt_frame_log_begin(stage->frame_log, stage->presented_ns, slot);
    if (stage->cast != NULL && !stage->blank) {
        bt_cast_log(stage->cast, stage->frame_log);
    }
    bt_frame_log_end(stage->frame_log);
}

static void dismiss(struct bt_stage *stage, struct bt_cast *cast)
{
    if (cast != NULL) {
        bt_cast_close(cast);
        stage->guide->dismiss(stage->guide->context, cast);
    }
}

// What this present replaced is over.
static void close_the_old(struct bt_stage *stage)
{
    if (stage->leaving != NULL) {
        bt_cast_stop(stage->leaving, BT_END_REMOVED, stage->presented_ns);
        stage->dropped += bt_cast_dropped(stage->leaving);
        dismiss(stage, BT_TAKE(stage->leaving));
    }
    if (stage->blank && !stage->begins && stage->cast != NULL) {
        bt_cast_stop(stage->cast, BT_END_REMOVED, stage->presented_ns);
    }
}

// The display's first present has measured it.
static void know_display(struct bt_stage *stage)
{
    stage->opened = false;
    stage->backdrop_due = true;
    choose_grid(stage);
    log_output(stage);
    if (stage->cast != NULL) {
        bt_cast_set_evidence(stage->cast, kind_of_evidence(stage));
    }
}

static int present(struct bt_stage *stage, int64_t slot_ns, struct bt_error *err)
{
    int r = bt_output_present(stage->output, &stage->presented_ns, err);
    if (r < 0) {
        return r;
    }
    if (stage->opened) {
        know_display(stage);
    }
    bt_grid_presented(&stage->grid, stage->presented_ns);
    stage->presented++;
    if (stage->frame_log != NULL) {
        log_present(stage, slot_ns);
    }
    if (stage->cast != NULL && !stage->blank) {
        bt_cast_set_panel(stage->cast, bt_panel_watch_now(stage->panel_watch));
        bt_cast_presented(stage->cast, stage->presented_ns);
    }
    close_the_old(stage);
    bt_overlays_presented(&stage->overlays);
    stage->repaint = false;
    bt_supervisor_presented(stage->presented_ns);
    if (stage->backdrop_due) {
        stage->backdrop_due = false;
        paint_backdrop(stage);
    }
    const struct bt_present_listener *listener = &stage->options->listener;
    if (listener->presented != NULL) {
        listener->presented(listener->context, stage, stage->presented_ns);
    }
    if (stage->guide != NULL) {
        stage->guide->presented(stage->guide->context, stage, stage->presented_ns);
    }
    return 0;
}

// Sleeps towards the instant in steps short enough for events and deliveries.
static bool sleep_towards(struct bt_stage *stage, int64_t until_ns)
{
    int64_t now = now_ns(stage);
    if (until_ns - now <= COMPOSE_AHEAD_NS) {
        return false;
    }
    bool hurried = stage->change.cast != NULL || stage->begins;
    int64_t look_ns = hurried ? CHANGING_LOOK_NS : LOOK_NS;
    sleep_until(stage, BT_MIN(until_ns - COMPOSE_AHEAD_NS, now + look_ns));
    return true;
}

static bool stands_as(const struct bt_stage *stage, const struct bt_canvas *canvas,
                      const struct bt_output_plan *plan)
{
    bool same_plan = plan == NULL || stage->plan == NULL ? plan == stage->plan
                                                         : bt_output_plan_same(plan, stage->plan);
    return same_plan && canvas->width == stage->canvas_width &&
           canvas->height == stage->canvas_height;
}

static int take_canvas(struct bt_stage *stage, struct bt_error *err)
{
    const struct bt_canvas *canvas = bt_show_canvas(bt_cast_show(stage->cast));
    const struct bt_output_plan *plan = bt_show_output(bt_cast_show(stage->cast));
    stage->backdrop_due = stage->backdrop_due || !stands_as(stage, canvas, plan);
    stage->canvas_width = (int)canvas->width;
    stage->canvas_height = (int)canvas->height;
    stage->scene.background = canvas->background;
    bt_prepared_destroy(BT_TAKE(stage->safe_card));
    stage->plan = plan;
    return lay_out(stage, err);
}

// The new cast is on the stage; the picture of the old one stays until the next present.
static int take_over(struct bt_stage *stage, struct bt_error *err)
{
    struct bt_cast *old = stage->cast;
    stage->cast = BT_TAKE(stage->change.cast);
    bt_cast_set_evidence(stage->cast, kind_of_evidence(stage));
    if (old != NULL) {
        bt_cast_take_over(stage->cast, old);
        dismiss(stage, BT_TAKE(stage->leaving));
        stage->leaving = old;
    } else {
        stage->anchor_ns = now_ns(stage);
        stage->backdrop_due = true;
    }
    if (stage->taken != NULL) {
        bt_cast_take_down(stage->cast, stage->taken);
    }
    bt_overlays_set(&stage->overlays, BT_OVERLAY_CARD, NULL);
    stage->repaint = true;
    int r = take_canvas(stage, err);
    stage->guide->changed(stage->guide->context, stage);
    return r;
}

static bool may_take_over(struct bt_stage *stage, int64_t at_ns)
{
    const struct change *change = &stage->change;
    bool patient = at_ns - change->since_ns < CHANGE_PATIENCE_NS;
    if (stage->cast == NULL) {
        bool all = bt_cast_receive(change->cast) == bt_cast_count(change->cast);
        return all || at_ns - change->since_ns > GATHER_NS;
    }
    bool ready = bt_cast_can_take_over(change->cast, stage->cast, change->urgent, at_ns);
    if (change->waits && at_ns + COMPOSE_AHEAD_NS < change->boundary_ns) {
        return false;
    }
    return ready || !patient;
}

// The show goes on behind a blank screen that is to end.
static void end_blank_when_ready(struct bt_stage *stage, int64_t at_ns)
{
    if (!stage->begins) {
        return;
    }
    bool ready = stage->cast == NULL || bt_cast_receive(stage->cast) == bt_cast_count(stage->cast);
    if (ready || at_ns - stage->begins_since_ns > GATHER_NS) {
        stage->blank = stage->begins = false;
        stage->repaint = true;
    }
}

// What is shown next, so that it lies in the GPU's memory by then.
static void upload_ahead(struct bt_stage *stage, int64_t until_ns)
{
    const struct bt_image *images[MAX_SOON];
    size_t count = 0;
    if (until_ns - now_ns(stage) < UPLOAD_ROOM_NS) {
        return;
    }
    const struct bt_cast *casts[] = {stage->change.cast, stage->cast};
    for (size_t i = 0; i < BT_ARRAY_LEN(casts); i++) {
        if (casts[i] != NULL) {
            count += bt_cast_soon(casts[i], images + count, MAX_SOON - count);
        }
    }
    (void)bt_output_ahead(stage->output, images, count);
}

static int present_next(struct bt_stage *stage, struct bt_error *err)
{
    if (stage->cast != NULL && !stage->blank) {
        (void)bt_cast_receive(stage->cast);
    }
    end_blank_when_ready(stage, now_ns(stage));
    if (stage->change.cast != NULL && may_take_over(stage, now_ns(stage))) {
        int taken = take_over(stage, err);
        if (taken < 0) {
            return taken;
        }
    }
    int64_t slot_ns = bt_grid_slot(&stage->grid, next_due_ns(stage));
    int64_t submit_ns = bt_grid_submit_ns(&stage->grid, slot_ns);
    upload_ahead(stage, submit_ns);
    if (sleep_towards(stage, submit_ns)) {
        return 0;
    }
    advance_until(stage, slot_ns, submit_ns);
    build_scene(stage, slot_ns);
    int r = shift_pixels(stage, has_switched(stage), err);
    if (r < 0) {
        return r;
    }
    int changed = bt_output_compose(stage->output, &stage->scene, err);
    if (changed < 0) {
        return changed;
    }
    bt_clock_sleep_until(stage->clock, submit_ns);
    bool evidence_due = slot_ns >= stage->presented_ns + EVIDENCE_NS;
    if (changed > 0 || evidence_due || stage->repaint || has_switched(stage)) {
        return present(stage, slot_ns, err);
    }
    return 0;
}

// A desktop handles that for us; without one the display is opened anew, in the mode it has now.
static bool display_was_swapped(const struct bt_stage *stage)
{
    return bt_output_info(stage->output)->drives_card && plugs_changed(stage);
}

static int handle_events(struct bt_stage *stage, struct bt_error *err)
{
    if (display_was_swapped(stage)) {
        return bt_fail(err, -ENODEV, "The display was unplugged or exchanged");
    }
    switch (bt_output_poll(stage->output)) {
    case BT_OUTPUT_NONE:
        return 0;
    case BT_OUTPUT_EXPOSED:
        stage->repaint = true;
        look_at_mode(stage);
        return 0;
    case BT_OUTPUT_LOST:
        return bt_fail(err, -ENODEV, "The display went away");
    case BT_OUTPUT_QUIT:
        break;
    }
    stage->ends_ns = 0;
    return 0;
}

// Plays on one display until it is over (0) or the display goes away (-ENODEV).
static int play_on_display(struct bt_stage *stage, struct bt_error *err)
{
    int r = 0;
    while (r == 0 && !is_over(stage)) {
        look(stage);
        r = handle_events(stage, err);
        r = r < 0 ? r : present_next(stage, err);
    }
    return r;
}

// Opens the display while the zones prepare their first items: both take their time.
static int begin(struct bt_stage *stage, struct bt_error *err)
{
    begin_cast(stage);
    int r = open_output(stage, err);
    if (r == -ENODEV) {
        // What was prepared grows old while there is nothing to show it on.
        stop_cast(stage, BT_END_DISPLAY);
        r = wait_for_display(stage, err);
        begin_cast(stage);
    }
    if (stage->output != NULL) {
        gather_first_items(stage);
    }
    return r;
}

static int run(struct bt_stage *stage, struct bt_error *err)
{
    for (;;) {
        int r = begin(stage, err);
        if (r < 0 || is_over(stage)) {
            return r;
        }
        if (stage->options->run_ns > 0 && stage->ends_ns == INT64_MAX) {
            stage->ends_ns = now_ns(stage) + stage->options->run_ns;
        }
        r = play_on_display(stage, err);
        stop_cast(stage, r == -ENODEV ? BT_END_DISPLAY : BT_END_STOPPED);
        bt_output_destroy(BT_TAKE(stage->output));
        if (r != -ENODEV) {
            return r;
        }
    }
}

static void finish(struct bt_stage *stage)
{
    struct bt_cast *casts[] = {stage->cast, stage->leaving, stage->change.cast};
    for (size_t i = 0; i < BT_ARRAY_LEN(casts); i++) {
        if (casts[i] != NULL) {
            bt_cast_close(casts[i]);
        }
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(casts); i++) {
        bt_cast_destroy(casts[i]);
    }
    bt_kitchen_set_speaker(stage->house.kitchen, NULL);
    bt_speaker_destroy(stage->speaker);
    bt_output_destroy(stage->output);
    bt_prepared_destroy(stage->safe_card);
    bt_overlays_finish(&stage->overlays);
    bt_panel_watch_destroy(stage->panel_watch);
}

static struct bt_stage *create(const struct bt_stage_options *options, struct bt_kitchen *kitchen,
                               struct bt_recorder *recorder, struct bt_frame_log *frame_log,
                               const volatile int *stop)
{
    struct bt_stage *stage = BT_NEW(struct bt_stage);
    *stage = (struct bt_stage){
        .options = options,
        .house = {.kitchen = kitchen,
                  .recorder = recorder,
                  .grid = &stage->grid,
                  .counts = &stage->counts},
        .frame_log = frame_log,
        .stop = stop,
        .clock = bt_clock_real(),
        .canvas_width = options->output.canvas_width,
        .canvas_height = options->output.canvas_height,
        .plan = options->output.plan,
        .scene.background = {16, 42, 67, 255},
        .ends_ns = INT64_MAX,
        .volume_percent = 100,
    };
    bt_overlays_init(&stage->overlays);
    if (!options->mute) {
        const struct bt_speaker_options sound = {.delay_ns = options->sound_delay_ns};
        stage->speaker = bt_speaker_create(&sound);
        bt_kitchen_set_speaker(kitchen, stage->speaker);
    }
    if (!options->output.headless) {
        stage->panel_watch = bt_panel_watch_start(options->root != NULL ? options->root : "");
    }
    return stage;
}

int bt_stage_play(const struct bt_stage_options *options, struct bt_running_order *order,
                  struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                  struct bt_frame_log *frame_log, const volatile int *stop, struct bt_error *err)
{
    BT_AUTOFREE struct bt_stage *stage = create(options, kitchen, recorder, frame_log, stop);
    stage->scene.background = bt_show_canvas(bt_running_order_show(order))->background;
    int r = bt_cast_create(bt_running_order_ref(order), &stage->house, &stage->cast, err);
    r = r < 0 ? r : run(stage, err);
    finish(stage);
    return r;
}

int bt_stage_direct(const struct bt_stage_options *options, const struct bt_stage_guide *guide,
                    struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                    struct bt_frame_log *frame_log, const volatile int *stop, struct bt_error *err)
{
    BT_AUTOFREE struct bt_stage *stage = create(options, kitchen, recorder, frame_log, stop);
    stage->guide = guide;
    int r = run(stage, err);
    guide->ended(guide->context);
    finish(stage);
    return r;
}

const struct bt_cast_house *bt_stage_house(const struct bt_stage *stage)
{
    return &stage->house;
}

struct bt_cast *bt_stage_cast(const struct bt_stage *stage)
{
    return stage->cast;
}

void bt_stage_change(struct bt_stage *stage, struct bt_cast *cast, bool urgent, bool at_once)
{
    int64_t now = now_ns(stage);
    dismiss(stage, BT_TAKE(stage->change.cast));
    stage->change = (struct change){.cast = cast, .urgent = urgent, .since_ns = now};
    if (stage->cast == NULL) {
        bt_cast_begin(cast, true, now);
        return;
    }
    stage->change.waits =
        !urgent && !at_once && !stage->blank && !bt_cast_same_stage(cast, stage->cast);
    stage->change.boundary_ns = bt_cast_boundary_ns(stage->cast, now);
    bt_cast_succeed(cast, stage->cast, urgent);
}

bool bt_stage_is_changing(const struct bt_stage *stage)
{
    return stage->change.cast != NULL || stage->leaving != NULL;
}

struct bt_overlays *bt_stage_overlays(struct bt_stage *stage)
{
    stage->repaint = true;  // whatever is changed there is to be seen
    return &stage->overlays;
}

const struct bt_overlays *bt_stage_overlays_shown(const struct bt_stage *stage)
{
    return &stage->overlays;
}

void bt_stage_blank(struct bt_stage *stage, bool blank)
{
    stage->repaint = true;
    if (blank) {
        stage->blank = true;
        stage->begins = false;
    } else if (stage->blank && !stage->begins) {
        stage->begins = true;
        stage->begins_since_ns = now_ns(stage);
        if (stage->cast != NULL) {
            bt_cast_begin(stage->cast, false, now_ns(stage));
        }
    }
}

bool bt_stage_is_blank(const struct bt_stage *stage)
{
    return stage->blank;
}

void bt_stage_take_down(struct bt_stage *stage, const struct bt_taken *taken)
{
    stage->taken = taken;
    stage->repaint = true;
    if (stage->cast != NULL) {
        bt_cast_take_down(stage->cast, taken);
    }
}

void bt_stage_set_volume(struct bt_stage *stage, int64_t percent)
{
    stage->volume_percent = percent;
    if (stage->speaker != NULL) {
        bt_speaker_set_ceiling(stage->speaker, percent * 10);
    }
}

static bool is_heard_as(const struct bt_stage *stage, enum bt_heard heard)
{
    for (size_t i = 0; stage->cast != NULL && i < bt_cast_count(stage->cast); i++) {
        if (bt_zone_player_heard(bt_cast_zone(stage->cast, i)) == heard) {
            return true;
        }
    }
    return false;
}

enum bt_stage_sound bt_stage_sound(const struct bt_stage *stage)
{
    if (stage->blank || stage->output == NULL) {
        return BT_STAGE_SOUND_NONE;
    }
    if (is_heard_as(stage, BT_HEARD)) {
        if (stage->speaker == NULL || stage->volume_percent == 0) {
            return BT_STAGE_SOUND_LIMITED;
        }
        bool missing = bt_speaker_state(stage->speaker) == BT_SPEAKER_NO_DEVICE;
        return missing ? BT_STAGE_SOUND_NO_DEVICE : BT_STAGE_SOUND_OK;
    }
    if (is_heard_as(stage, BT_HEARD_CURFEW)) {
        return BT_STAGE_SOUND_CURFEW;
    }
    return is_heard_as(stage, BT_HEARD_LIMITED) ? BT_STAGE_SOUND_LIMITED : BT_STAGE_SOUND_NONE;
}

void bt_stage_info(const struct bt_stage *stage, struct bt_stage_info *out)
{
    *out = (struct bt_stage_info){
        .canvas_width = stage->canvas_width,
        .canvas_height = stage->canvas_height,
        .output = stage->output != NULL ? bt_output_info(stage->output) : NULL,
        .wrong_mode = stage->output != NULL ? stage->wrong_mode : "",
        .wrong_mode_ms = stage->wrong_mode_ms,
        .refresh_hz =
            stage->grid.period_ns > 0 ? (double)BT_NS_PER_S / (double)stage->grid.period_ns : 0,
        .anchor_ns = stage->anchor_ns,
        .presented = stage->presented,
        .dropped = stage->dropped + (stage->cast != NULL ? bt_cast_dropped(stage->cast) : 0),
        .frames = stage->counts,
        .panel = stage->output != NULL ? bt_panel_watch_now(stage->panel_watch) : BT_PANEL_NONE,
    };
}

int bt_stage_read(struct bt_stage *stage, struct bt_image **out, struct bt_error *err)
{
    return bt_output_read(stage->output, out, err);
}

void bt_stage_leave(struct bt_stage *stage)
{
    stage->ends_ns = 0;
}
