#include "player/directed.h"

#include "player/director.h"
#include "player/process.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

// The canvas until a display or a show says otherwise.
#define FIRST_WIDTH_PX 1280
#define FIRST_HEIGHT_PX 720

static int open_recorder(const struct bt_directed *directed, int64_t floor_ms,
                         struct bt_recorder **out, struct bt_error *err)
{
    if (directed->plays == NULL) {
        return 0;
    }
    bool trusted = bt_clock_is_trusted(directed->screen->trust);
    int64_t wall_ms = bt_clock_wall_ms(bt_clock_real());
    const struct bt_recorder_options options = {
        .path = directed->plays,
        .screen = "",  // comes with the content
        .player = BT_VERSION,
        .wall_ms = trusted ? wall_ms : BT_MAX(wall_ms, floor_ms),
        .clock_trust = trusted ? BT_CLOCK_SYNCED : BT_CLOCK_UNKNOWN,
    };
    return bt_recorder_open(&options, out, err);
}

static struct bt_stage_options first_canvas(const struct bt_screen_options *screen)
{
    struct bt_stage_options stage = screen->stage;
    bool window = stage.output.window_width > 0;
    stage.output.canvas_width = window ? stage.output.window_width : FIRST_WIDTH_PX;
    stage.output.canvas_height = window ? stage.output.window_height : FIRST_HEIGHT_PX;
    return stage;
}

int bt_play_directed(const struct bt_directed *directed, struct bt_error *err)
{
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_frame_log) frame_log = NULL;
    BT_AUTO(bt_recorder) recorder = NULL;
    int64_t floor_ms = bt_process_last_wall_ms(directed->plays);
    int r = bt_kitchen_open(directed->assets, &kitchen, err);
    r = r < 0 ? r : bt_screen_options_receive(directed->screen, kitchen, err);
    if (r == 0 && directed->screen->frame_log != NULL) {
        r = bt_frame_log_open(directed->screen->frame_log, &frame_log, err);
    }
    if (r == 0) {
        const struct bt_damage_watch watch = {directed->source.context,
                                              directed->source.asset_is_damaged};
        bt_kitchen_watch(kitchen, &watch);
        bt_kitchen_choose_decoder(kitchen, directed->screen->decoder);
        bt_kitchen_trust_reviewed_kinds_alone(kitchen);
    }
    if (r < 0 || (r = open_recorder(directed, floor_ms, &recorder, err)) < 0) {
        return r;
    }
    const struct bt_director_options options = {
        .source = directed->source,
        .kitchen = kitchen,
        .recorder = recorder,
        .wake = directed->wake,
        .held = directed->held,
        .frames = directed->frames,
        .trust = directed->screen->trust,
        .floor_ms = floor_ms,
    };
    const struct bt_stage_options stage = first_canvas(directed->screen);
    BT_AUTO(bt_director) director = bt_director_create(&options);
    return bt_stage_direct(&stage, bt_director_guide(director), kitchen, recorder, frame_log,
                           directed->stop, err);
}
