#include "player/stage.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "player/supervisor.h"
#include "player/zone_player.h"

// The same picture is presented again this often when nothing changes.
#define EVIDENCE_NS (2 * BT_NS_PER_S)

// How long before its instant a picture is composed: longer than composing takes.
#define COMPOSE_AHEAD_NS (20 * BT_NS_PER_MS)

// While nothing is due the loop looks at events and deliveries this often.
#define LOOK_NS (50 * BT_NS_PER_MS)

// How often a frame that is due and not decoded yet is looked for.
#define MISSING_LOOK_NS (BT_NS_PER_MS / 2)

// At the start the zones are waited for so long, so that they appear together.
#define GATHER_NS (BT_NS_PER_S / 2)
#define GATHER_LOOK_NS (BT_NS_PER_MS / 2)

#define DISPLAY_RETRY_NS BT_NS_PER_S

// Serials of zones count up from 2; this one they never reach.
#define SAFE_CARD_SERIAL UINT64_MAX

static const struct bt_log logger = {"player/stage"};

struct stage {
    const struct bt_stage_options *options;
    struct bt_running_order *order;
    struct bt_kitchen *kitchen;
    struct bt_recorder *recorder;
    struct bt_frame_log *frame_log;
    const volatile int *stop;
    const struct bt_clock *clock;
    struct bt_output *output;  // owned; NULL: no display
    struct bt_grid grid;
    struct bt_zone_player **zones;  // owned
    size_t zone_count;
    struct bt_scene scene;
    int64_t presented_ns;           // the last present
    int64_t ends_ns;                // when the time is over
    struct bt_prepared *safe_card;  // owned; made when it is first needed
    bool repaint;                   // present even if nothing changed
};

static int64_t now_ns(const struct stage *stage)
{
    return bt_clock_mono_ns(stage->clock);
}

static bool is_over(const struct stage *stage)
{
    return *stage->stop != 0 || now_ns(stage) >= stage->ends_ns;
}

static void begin_zones(struct stage *stage)
{
    bt_running_order_start(stage->order, now_ns(stage));
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_begin(stage->zones[i], now_ns(stage));
    }
}

// So that the zones appear together and not one after the other.
static void gather_first_items(struct stage *stage)
{
    int64_t until_ns = now_ns(stage) + GATHER_NS;
    for (;;) {
        size_t ready = 0;
        for (size_t i = 0; i < stage->zone_count; i++) {
            ready += bt_zone_player_receive(stage->zones[i]);
        }
        if (ready == stage->zone_count || now_ns(stage) >= until_ns) {
            return;
        }
        bt_clock_sleep_until(stage->clock, now_ns(stage) + GATHER_LOOK_NS);
    }
}

static void stop_zones(struct stage *stage, enum bt_end_reason why)
{
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_stop(stage->zones[i], why, now_ns(stage));
    }
}

static void choose_grid(struct stage *stage)
{
    const struct bt_output_info *info = bt_output_info(stage->output);
    int64_t asked = stage->options->refresh_hz;
    enum bt_grid_kind kind = info->vsync ? BT_GRID_VSYNC : asked > 0 ? BT_GRID_TIMED : BT_GRID_FREE;
    double hz = asked > 0 ? (double)asked : info->display_hz;
    if (stage->grid.period_ns == 0 || stage->grid.kind != kind) {
        static const char *const words[] = {"none", "our own", "the display's"};
        bt_grid_init(&stage->grid, kind, hz, now_ns(stage));
        bt_log_info(&logger, "Output: %s on %s%s%s; refresh grid: %s, %.2f Hz", info->backend,
                    info->video_driver, info->renderer[0] != '\0' ? ", " : "", info->renderer,
                    words[kind], (double)BT_NS_PER_S / (double)stage->grid.period_ns);
    }
}

static enum bt_evidence kind_of_evidence(const struct stage *stage)
{
    if (stage->options->output.headless) {
        return BT_EVIDENCE_SIMULATED;
    }
    return stage->grid.kind == BT_GRID_VSYNC ? BT_EVIDENCE_PAGE_FLIP : BT_EVIDENCE_PRESENT;
}

static int open_output(struct stage *stage, struct bt_error *err)
{
    int r = bt_output_open(&stage->options->output, &stage->output, err);
    if (r < 0) {
        return r;
    }
    choose_grid(stage);
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_evidence(stage->zones[i])->kind = kind_of_evidence(stage);
    }
    stage->repaint = true;
    return 0;
}

// Sleeps until it is time to try again, or to stop.
static void rest(struct stage *stage, int64_t length_ns)
{
    int64_t until_ns = now_ns(stage) + length_ns;
    while (now_ns(stage) < until_ns && !is_over(stage)) {
        bt_clock_sleep_until(stage->clock, now_ns(stage) + LOOK_NS);
    }
}

// Waits for a display for as long as it takes. 0 as well when told to stop: output is NULL then.
static int wait_for_display(struct stage *stage, struct bt_error *err)
{
    bt_log_warn(&logger, "%s; waiting for a display", err->msg);
    int r = -ENODEV;
    while (r == -ENODEV && !is_over(stage)) {
        bt_supervisor_alive();
        rest(stage, DISPLAY_RETRY_NS);
        r = open_output(stage, err);
    }
    return is_over(stage) ? 0 : r;
}

static int64_t next_due_ns(const struct stage *stage)
{
    int64_t now = now_ns(stage);
    int64_t due_ns = stage->repaint ? now : stage->presented_ns + EVIDENCE_NS;
    for (size_t i = 0; i < stage->zone_count; i++) {
        due_ns = BT_MIN(due_ns, bt_zone_player_due_ns(stage->zones[i], now));
    }
    return BT_MAX(due_ns, now);
}

static void receive_all(struct stage *stage)
{
    for (size_t i = 0; i < stage->zone_count; i++) {
        (void)bt_zone_player_receive(stage->zones[i]);
    }
}

static bool advance_all(struct stage *stage, int64_t at_ns)
{
    bool complete = true;
    for (size_t i = 0; i < stage->zone_count; i++) {
        complete = bt_zone_player_advance(stage->zones[i], at_ns) && complete;
    }
    return complete;
}

// A frame that is due may arrive until the last moment; zones that have theirs go on without it.
static void advance_until(struct stage *stage, int64_t at_ns, int64_t until_ns)
{
    while (!advance_all(stage, at_ns) && now_ns(stage) + MISSING_LOOK_NS < until_ns) {
        bt_clock_sleep_until(stage->clock, now_ns(stage) + MISSING_LOOK_NS);
    }
}

// The whole canvas, when no zone has anything to show. Made here: nothing moves that could wait.
static void show_safe_card(struct stage *stage)
{
    const struct bt_show *show = bt_running_order_show(stage->order);
    const struct bt_canvas *canvas = bt_show_canvas(show);
    const struct bt_track whole = {.name = "canvas",
                                   .rect = {0, 0, (int)canvas->width, (int)canvas->height}};
    struct bt_error err;
    if (stage->safe_card == NULL && bt_prepare_safe_card(stage->kitchen, show, &whole, 0, INT64_MAX,
                                                         &stage->safe_card, &err) < 0) {
        bt_log_error(&logger, "Not even the safe card: %s", err.msg);
        return;
    }
    stage->scene.zone_count = 1;
    stage->scene.zones[0] = (struct bt_zone_view){
        .rect = whole.rect,
        .to = {.kind = BT_VISUAL_IMAGE,
               .serial = SAFE_CARD_SERIAL,
               .image = stage->safe_card->image},
        .mix = 1000,
    };
}

static bool has_switched(const struct stage *stage)
{
    for (size_t i = 0; i < stage->zone_count; i++) {
        if (bt_zone_player_switched(stage->zones[i])) {
            return true;
        }
    }
    return false;
}

static void build_scene(struct stage *stage, int64_t at_ns)
{
    bool empty = true;
    stage->scene.zone_count = stage->zone_count;
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_view(stage->zones[i], at_ns, &stage->scene.zones[i]);
        empty = empty && stage->scene.zones[i].to.kind == BT_VISUAL_NONE;
    }
    if (empty) {
        show_safe_card(stage);
    }
}

static void log_present(struct stage *stage, int64_t slot_ns)
{
    int64_t slot = stage->grid.kind == BT_GRID_FREE
                       ? -1
                       : (slot_ns - stage->grid.phase_ns) / stage->grid.period_ns;
    bt_frame_log_begin(stage->frame_log, stage->presented_ns, slot);
    for (size_t i = 0; i < stage->zone_count; i++) {
        int64_t pts_ms;
        bool is_new;
        const struct bt_play_start *on = bt_zone_player_on(stage->zones[i], &pts_ms, &is_new);
        if (on != NULL) {
            bt_frame_log_zone(stage->frame_log, on, pts_ms, is_new);
        }
    }
    bt_frame_log_end(stage->frame_log);
}

static int present(struct stage *stage, int64_t slot_ns, struct bt_error *err)
{
    int r = bt_output_present(stage->output, &stage->presented_ns, err);
    if (r < 0) {
        return r;
    }
    bt_grid_presented(&stage->grid, stage->presented_ns);
    if (stage->frame_log != NULL) {
        log_present(stage, slot_ns);
    }
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_presented(stage->zones[i], stage->presented_ns);
    }
    stage->repaint = false;
    bt_supervisor_presented(stage->presented_ns);
    return 0;
}

// Sleeps towards the instant in steps short enough for events and deliveries.
static bool sleep_towards(struct stage *stage, int64_t until_ns)
{
    int64_t now = now_ns(stage);
    if (until_ns - now <= COMPOSE_AHEAD_NS) {
        return false;
    }
    bt_clock_sleep_until(stage->clock, BT_MIN(until_ns - COMPOSE_AHEAD_NS, now + LOOK_NS));
    return true;
}

static int present_next(struct stage *stage, struct bt_error *err)
{
    receive_all(stage);
    int64_t slot_ns = bt_grid_slot(&stage->grid, next_due_ns(stage));
    int64_t submit_ns = bt_grid_submit_ns(&stage->grid, slot_ns);
    if (sleep_towards(stage, submit_ns)) {
        return 0;
    }
    advance_until(stage, slot_ns, submit_ns);
    build_scene(stage, slot_ns);
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

static int handle_events(struct stage *stage, struct bt_error *err)
{
    switch (bt_output_poll(stage->output)) {
    case BT_OUTPUT_NONE:
        return 0;
    case BT_OUTPUT_EXPOSED:
        stage->repaint = true;
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
static int play_on_display(struct stage *stage, struct bt_error *err)
{
    int r = 0;
    while (r == 0 && !is_over(stage)) {
        r = handle_events(stage, err);
        r = r < 0 ? r : present_next(stage, err);
    }
    return r;
}

// Opens the display while the zones prepare their first items: both take their time.
static int begin(struct stage *stage, struct bt_error *err)
{
    begin_zones(stage);
    int r = open_output(stage, err);
    if (r == -ENODEV) {
        // What was prepared grows old while there is nothing to show it on.
        stop_zones(stage, BT_END_DISPLAY);
        r = wait_for_display(stage, err);
        begin_zones(stage);
    }
    if (stage->output != NULL) {
        gather_first_items(stage);
    }
    return r;
}

static int run(struct stage *stage, struct bt_error *err)
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
        stop_zones(stage, r == -ENODEV ? BT_END_DISPLAY : BT_END_STOPPED);
        bt_output_destroy(BT_TAKE(stage->output));
        if (r != -ENODEV) {
            return r;
        }
    }
}

static void create_zones(struct stage *stage)
{
    const struct bt_show *show = bt_running_order_show(stage->order);
    stage->zone_count = bt_show_track_count(show);
    stage->zones = BT_NEW_ARRAY(struct bt_zone_player *, stage->zone_count);
    for (size_t i = 0; i < stage->zone_count; i++) {
        struct bt_loader *loader = bt_loader_create(stage->order, stage->kitchen, i);
        stage->zones[i] = bt_zone_player_create(bt_show_track(show, i), loader, &stage->grid);
        bt_evidence_init(bt_zone_player_evidence(stage->zones[i]), stage->recorder, stage->order,
                         BT_EVIDENCE_PRESENT);
    }
}

static void destroy_zones(struct stage *stage)
{
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_close(stage->zones[i]);
    }
    for (size_t i = 0; i < stage->zone_count; i++) {
        bt_zone_player_destroy(stage->zones[i]);
    }
    bt_free_auto(&stage->zones);
}

int bt_stage_play(const struct bt_stage_options *options, struct bt_running_order *order,
                  struct bt_kitchen *kitchen, struct bt_recorder *recorder,
                  struct bt_frame_log *frame_log, const volatile int *stop, struct bt_error *err)
{
    const struct bt_show *show = bt_running_order_show(order);
    if (bt_show_track_count(show) > BT_ARRAY_LEN(((struct bt_scene *)NULL)->zones)) {
        return bt_fail(err, -E2BIG, "The layouts have more than %zu different zones",
                       BT_ARRAY_LEN(((struct bt_scene *)NULL)->zones));
    }
    struct stage *stage = BT_NEW(struct stage);
    *stage = (struct stage){
        .options = options,
        .order = order,
        .kitchen = kitchen,
        .recorder = recorder,
        .frame_log = frame_log,
        .stop = stop,
        .clock = bt_clock_real(),
        .ends_ns = INT64_MAX,
    };
    stage->scene.background = bt_show_canvas(show)->background;
    create_zones(stage);
    int r = run(stage, err);
    destroy_zones(stage);
    bt_output_destroy(stage->output);
    bt_prepared_destroy(stage->safe_card);
    bt_free_auto(&stage);
    return r;
}
