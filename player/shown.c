#include "player/shown.h"

#include <libavutil/frame.h>
#include <string.h>

#include "base/clock.h"

// Frames later than this many of their durations are dropped.
#define MAX_LATE_FRAMES 2

// Beyond this a pixel's shape is a mistake.
#define MAX_SAR 8

// A crawl that fell behind by more refreshes than this begins to count anew.
#define MAX_LATE_STEPS 3

// How soon to look again for a frame that is missing.
#define LOOK_NS BT_NS_PER_MS
#define LIVE_LOOK_NS (10 * BT_NS_PER_MS)

static uint64_t next_serial(void)
{
    static uint64_t serial = 1;  // main thread only; 0 is never given, 1 is the empty zone
    return ++serial;
}

static void changed(struct bt_shown *shown)
{
    shown->serial = next_serial();
    shown->is_new = true;
}

static bool is_clip(const struct bt_shown *shown)
{
    return shown->prepared != NULL && shown->prepared->stream != NULL;
}

static bool is_live(const struct bt_shown *shown)
{
    return shown->prepared != NULL && shown->prepared->live != NULL;
}

static bool is_crawl(const struct bt_shown *shown)
{
    return shown->prepared != NULL && shown->prepared->strip != NULL;
}

static bool is_moving(const struct bt_shown *shown)
{
    return shown->prepared != NULL && shown->prepared->length_ns > 0;
}

void bt_shown_start(struct bt_shown *shown, struct bt_prepared *prepared, int64_t start_ns,
                    const struct bt_shown *previous)
{
    *shown = (struct bt_shown){.prepared = prepared, .start_ns = start_ns, .step_due_ns = start_ns};
    // What has a length keeps it wherever it starts; what has none ends at its hour.
    bool endless = prepared->rest_ns == INT64_MAX;
    shown->planned_end_ns = endless ? prepared->end_ns : start_ns + prepared->rest_ns;
    shown->planned_end_ns = BT_MIN(shown->planned_end_ns, prepared->limit_ns);
    shown->moved_ns = prepared->offset_ns;
    changed(shown);
    if (is_crawl(shown) && previous != NULL && is_crawl(previous) &&
        bt_prepared_same_content(prepared, previous->prepared)) {
        shown->moved_px = previous->moved_px;
        shown->step_due_ns = previous->step_due_ns;
    }
}

void bt_shown_delay(struct bt_shown *shown, int64_t by_ns)
{
    if (by_ns <= 0) {
        return;
    }
    shown->start_ns += by_ns;
    shown->step_due_ns += by_ns;
    if (shown->planned_end_ns < INT64_MAX - by_ns) {
        shown->planned_end_ns = BT_MIN(shown->planned_end_ns + by_ns, shown->prepared->limit_ns);
    }
}

void bt_shown_set_face(struct bt_shown *shown, struct bt_image *face, int64_t at_ns)
{
    bt_image_destroy(shown->face);
    shown->face = face;
    shown->face_at_ns = at_ns;
}

static void count(struct bt_shown *shown, int64_t due, int64_t missing)
{
    if (shown->counts != NULL) {
        shown->counts->due += due;
        shown->counts->missing += missing;
    }
}

// What comes later than this after its time was seen to be late.
static int64_t allowed_ns(const struct bt_grid *grid)
{
    return grid->period_ns + bt_grid_tolerance_ns(grid);
}

// A step of something that moves at every refresh.
static void count_step(struct bt_shown *shown, const struct bt_grid *grid, int64_t late_ns)
{
    int64_t skipped = late_ns > allowed_ns(grid) ? late_ns / grid->period_ns : 0;
    count(shown, 1 + skipped, skipped);
}

static int64_t due_of_frame(const struct bt_shown *shown, const struct bt_frame *frame)
{
    int64_t due_ns = shown->start_ns + frame->pts_ns - shown->prepared->offset_ns;
    if (shown->frame == NULL) {
        return BT_MAX(due_ns, shown->start_ns);
    }
    return BT_MAX(due_ns, shown->frame_shown_ns + shown->frame->duration_ns / 2);
}

// A clip ends where its last frame ends, later when that came late: it is still shown.
static int64_t end_of_clip(const struct bt_shown *shown)
{
    struct bt_stream *stream = shown->prepared->stream;
    int64_t end_ns = bt_stream_end_ns(stream);
    if (end_ns < 0) {
        return INT64_MAX;  // not decoded to its end yet: it may be longer than planned
    }
    end_ns += shown->start_ns - shown->prepared->offset_ns;
    const struct bt_frame *head;
    if (bt_stream_peek(stream, &head) == BT_STREAM_FRAME) {
        end_ns = BT_MAX(end_ns, due_of_frame(shown, head) + head->duration_ns);
    }
    return end_ns;
}

int64_t bt_shown_end_ns(const struct bt_shown *shown)
{
    if (!is_clip(shown) || !shown->prepared->own_length) {
        return shown->planned_end_ns;
    }
    return BT_MIN(end_of_clip(shown), shown->prepared->limit_ns);
}

static int64_t due_of_clip(const struct bt_shown *shown, int64_t now_ns)
{
    const struct bt_frame *head;
    switch (bt_stream_peek(shown->prepared->stream, &head)) {
    case BT_STREAM_FRAME:
        return due_of_frame(shown, head);
    case BT_STREAM_WAITING:
        break;
    case BT_STREAM_FAILED:
        return now_ns + LOOK_NS;
    case BT_STREAM_ENDED:
        return INT64_MAX;
    }
    if (shown->frame == NULL) {
        return now_ns + LOOK_NS;
    }
    int64_t expected_ns = shown->start_ns + shown->frame->pts_ns + shown->frame->duration_ns -
                          shown->prepared->offset_ns;
    return BT_MAX(expected_ns, now_ns + LOOK_NS);
}

static int64_t number_of(const struct bt_frame *frame)
{
    return frame != NULL ? frame->number : -1;
}

static int64_t due_of_live(const struct bt_shown *shown, int64_t now_ns)
{
    int64_t due_ns = bt_live_due_ns(shown->prepared->live, number_of(shown->frame));
    return due_ns == INT64_MAX ? now_ns + LIVE_LOOK_NS : due_ns;
}

int64_t bt_shown_due_ns(const struct bt_shown *shown, int64_t now_ns)
{
    if (shown->prepared == NULL) {
        return INT64_MAX;
    }
    if (is_clip(shown)) {
        return due_of_clip(shown, now_ns);
    }
    if (is_live(shown)) {
        return due_of_live(shown, now_ns);
    }
    if (is_crawl(shown) || is_moving(shown)) {
        return shown->step_due_ns;
    }
    return shown->face != NULL ? shown->face_at_ns : INT64_MAX;
}

// `late`: too late to have been seen in its time.
static void count_frame(struct bt_shown *shown, bool late)
{
    bool lost = shown->frame != NULL && shown->is_new && !shown->counted_missing;
    bool owed = shown->owed > 0;
    shown->owed -= owed;
    shown->counted_missing = owed || late;
    count(shown, !owed, lost + (late && !owed));
}

static void put_up(struct bt_shown *shown, struct bt_frame *frame, int64_t at_ns)
{
    bool was_presented = !shown->is_new;
    if (shown->old_frame == NULL && was_presented) {
        shown->old_frame = shown->frame;  // still on the screen
    } else if (shown->frame != NULL) {
        bt_frame_destroy(shown->frame);
        shown->dropped += !was_presented;
    }
    shown->frame = frame;
    shown->frame_shown_ns = at_ns;
    shown->waiting_since_ns = 0;
    changed(shown);
}

// A clip faster than the display lags until frames are left out.
static int64_t frame_allowed_ns(const struct bt_grid *grid, const struct bt_frame *frame)
{
    bool faster = frame->duration_ns < grid->period_ns;
    return allowed_ns(grid) + (faster ? MAX_LATE_FRAMES * frame->duration_ns : 0);
}

// By its own time alone: what was put off so that others were seen is late all the same.
static int64_t late_ns(const struct bt_shown *shown, const struct bt_frame *frame, int64_t at_ns)
{
    int64_t due_ns = shown->start_ns + frame->pts_ns - shown->prepared->offset_ns;
    return at_ns - (shown->frame == NULL ? BT_MAX(due_ns, shown->start_ns) : due_ns);
}

static void take_frame(struct bt_shown *shown, const struct bt_grid *grid, int64_t at_ns)
{
    struct bt_frame *frame = bt_stream_pop(shown->prepared->stream);
    count_frame(shown, late_ns(shown, frame, at_ns) > frame_allowed_ns(grid, frame));
    put_up(shown, frame, at_ns);
}

// One after the other as their times pass; before the first frame nobody knows how long one is.
static void count_owed(struct bt_shown *shown, int64_t since_ns, int64_t at_ns)
{
    int64_t owed = 1;
    if (at_ns <= since_ns) {
        return;
    }
    if (shown->frame != NULL && shown->frame->duration_ns > 0) {
        owed += (at_ns - since_ns) / shown->frame->duration_ns;
    }
    if (owed > shown->owed) {
        count(shown, owed - shown->owed, owed - shown->owed);
        shown->owed = owed;
    }
}

static enum bt_shown_state missing_frame(struct bt_shown *shown, const struct bt_grid *grid,
                                         int64_t at_ns)
{
    int64_t until_ns = shown->start_ns, patience_ns = allowed_ns(grid);
    if (shown->frame != NULL) {
        patience_ns = frame_allowed_ns(grid, shown->frame);
        until_ns += shown->frame->pts_ns + shown->frame->duration_ns - shown->prepared->offset_ns;
        if (at_ns < until_ns) {
            return BT_SHOWN_READY;  // the one on the screen is still due
        }
    }
    count_owed(shown, until_ns + patience_ns, at_ns);
    if (shown->waiting_since_ns == 0) {
        shown->waiting_since_ns = at_ns;
    }
    return BT_SHOWN_WAITING;
}

// Such a frame does not wait its turn: it only makes room for those that are still due.
static bool is_too_late(const struct bt_shown *shown, const struct bt_frame *frame, int64_t at_ns)
{
    int64_t due_ns = shown->start_ns + frame->pts_ns - shown->prepared->offset_ns;
    return at_ns - due_ns > MAX_LATE_FRAMES * frame->duration_ns;
}

static enum bt_shown_state advance_clip(struct bt_shown *shown, const struct bt_grid *grid,
                                        int64_t at_ns)
{
    int64_t tolerance_ns = bt_grid_tolerance_ns(grid);
    for (;;) {
        const struct bt_frame *head;
        enum bt_stream_state state = bt_stream_peek(shown->prepared->stream, &head);
        if (state == BT_STREAM_WAITING) {
            return missing_frame(shown, grid, at_ns);
        }
        if (state == BT_STREAM_FAILED) {
            return BT_SHOWN_FAILED;
        }
        if (state == BT_STREAM_ENDED || (!is_too_late(shown, head, at_ns) &&
                                         due_of_frame(shown, head) > at_ns + tolerance_ns)) {
            shown->waiting_since_ns = 0;
            return BT_SHOWN_READY;
        }
        take_frame(shown, grid, at_ns);
    }
}

// What does not come is not waited for: the last frame stays a while.
static enum bt_shown_state advance_live(struct bt_shown *shown, int64_t at_ns, int64_t tolerance_ns)
{
    struct bt_live *live = shown->prepared->live;
    struct bt_frame *frame = bt_live_take(live, at_ns + tolerance_ns, number_of(shown->frame));
    if (frame != NULL) {
        int64_t passed = shown->frame != NULL ? frame->number - shown->frame->number - 1 : 0;
        shown->dropped += passed;
        count(shown, passed, passed);
        count_frame(shown, false);
        put_up(shown, frame, at_ns);
    }
    bool lost = shown->frame == NULL || bt_live_silent_ns(live, at_ns) > BT_LIVE_SILENCE_NS;
    return lost ? BT_SHOWN_FAILED : BT_SHOWN_READY;
}

static void advance_crawl(struct bt_shown *shown, const struct bt_grid *grid, int64_t at_ns,
                          int64_t tolerance_ns)
{
    if (shown->step_due_ns > at_ns + tolerance_ns) {
        return;
    }
    count_step(shown, grid, at_ns - shown->step_due_ns);
    shown->moved_px += shown->prepared->speed_px;
    shown->step_due_ns += grid->period_ns;
    if (at_ns - shown->step_due_ns > MAX_LATE_STEPS * grid->period_ns) {
        shown->step_due_ns = at_ns + grid->period_ns;
    }
    // Without a grid to hold it back, a late crawl would catch up with a jump.
    shown->step_due_ns = BT_MAX(shown->step_due_ns, at_ns + grid->period_ns / 2);
    changed(shown);
}

// Late or not, it stands where it should now; nobody sees where it would have stood before.
static void advance_motion(struct bt_shown *shown, const struct bt_grid *grid, int64_t at_ns,
                           int64_t tolerance_ns)
{
    if (shown->step_due_ns > at_ns + tolerance_ns) {
        return;
    }
    count_step(shown, grid, at_ns - shown->step_due_ns);
    while (shown->step_due_ns <= at_ns + tolerance_ns) {
        shown->step_due_ns += grid->period_ns;
    }
    int64_t length_ns = shown->prepared->length_ns;
    int64_t since_ns = at_ns - shown->start_ns + shown->prepared->offset_ns;
    shown->moved_ns = BT_CLAMP(since_ns, 0, length_ns);
    if (shown->moved_ns == length_ns) {
        shown->step_due_ns = INT64_MAX;
    }
    changed(shown);
}

static void advance_clock(struct bt_shown *shown, const struct bt_grid *grid, int64_t at_ns)
{
    if (shown->face == NULL || shown->face_at_ns > at_ns + bt_grid_tolerance_ns(grid)) {
        return;
    }
    count(shown, 1, at_ns - shown->face_at_ns > allowed_ns(grid));
    bt_image_destroy(shown->old_face);
    shown->old_face = shown->prepared->image;
    shown->prepared->image = BT_TAKE(shown->face);
    changed(shown);
}

enum bt_shown_state bt_shown_advance(struct bt_shown *shown, const struct bt_grid *grid,
                                     int64_t at_ns)
{
    int64_t tolerance_ns = bt_grid_tolerance_ns(grid);
    if (is_clip(shown)) {
        return advance_clip(shown, grid, at_ns);
    }
    if (is_live(shown)) {
        return advance_live(shown, at_ns, tolerance_ns);
    }
    if (is_crawl(shown)) {
        advance_crawl(shown, grid, at_ns, tolerance_ns);
    } else if (is_moving(shown)) {
        advance_motion(shown, grid, at_ns, tolerance_ns);
    } else if (shown->prepared != NULL) {
        advance_clock(shown, grid, at_ns);
    }
    return BT_SHOWN_READY;
}

static void scale_span(int *start, int *length, int from, int to)
{
    int end = (int)(((int64_t)*start + *length) * to / from);
    *start = (int)((int64_t)*start * to / from);
    *length = BT_MAX(end - *start, 1);
}

// A rectangle of the upright picture, turned back into the frame as it was decoded.
static struct bt_rect turn_back(struct bt_rect r, int rotation, int up_width, int up_height)
{
    switch (rotation) {
    case 90:
        return (struct bt_rect){r.y, up_width - r.x - r.width, r.height, r.width};
    case 180:
        return (struct bt_rect){up_width - r.x - r.width, up_height - r.y - r.height, r.width,
                                r.height};
    case 270:
        return (struct bt_rect){up_height - r.y - r.height, r.x, r.height, r.width};
    default:
        return r;
    }
}

// A live stream's frames say it each for themselves.
static struct bt_stream_info info_of_live(const struct AVFrame *frame)
{
    AVRational sar = frame->sample_aspect_ratio;
    bool sane =
        sar.num > 0 && sar.den > 0 && sar.num / MAX_SAR <= sar.den && sar.den / MAX_SAR <= sar.num;
    return (struct bt_stream_info){.sar_num = sane ? sar.num : 1, .sar_den = sane ? sar.den : 1};
}

/*
 * The item's fit is about the picture people see: upright, with square pixels. The frame may lie
 * on its side and have other pixels.
 */
static void place_frame(const struct bt_shown *shown, const struct bt_rect *zone,
                        struct bt_visual *out)
{
    const struct bt_stream_info live = info_of_live(shown->frame->av);
    const struct bt_stream_info *info =
        is_live(shown) ? &live : bt_stream_info(shown->prepared->stream);
    int width = shown->frame->av->width, height = shown->frame->av->height;
    int up_width, up_height;
    bt_stream_upright(info, width, height, &up_width, &up_height);
    bool lies = info->rotation == 90 || info->rotation == 270;
    int square_width = lies ? up_height : up_width;
    struct bt_placement place =
        bt_place(&shown->prepared->place, up_width, up_height, zone->width, zone->height);
    out->src = turn_back(place.src, info->rotation, up_width, up_height);
    scale_span(&out->src.x, &out->src.width, square_width, width);
    out->dst = place.dst;
    out->rotation = info->rotation;
}

/*
 * A crawl comes in from the edge and repeats without end: its front is as far in the zone as it has
 * moved, until it reaches the other edge; from then on every strip's width brings the same picture.
 */
static int strip_x(const struct bt_shown *shown, int zone_width)
{
    const struct bt_prepared *prepared = shown->prepared;
    int64_t past = shown->moved_px - zone_width;
    int64_t front = past < 0 ? shown->moved_px : zone_width + past % prepared->strip->width;
    bool rightwards = prepared->towards == BT_TOWARDS_RIGHT;
    return (int)(rightwards ? front - prepared->loop.width : zone_width - front);
}

void bt_shown_view(const struct bt_shown *shown, const struct bt_rect *zone, struct bt_visual *out)
{
    const struct bt_prepared *prepared = shown->prepared;
    *out = (struct bt_visual){.kind = BT_VISUAL_NONE, .serial = shown->serial};
    if (prepared == NULL || prepared->empty) {
        out->serial = 1;
        return;
    }
    out->background = prepared->background;
    if (shown->frame != NULL) {
        out->kind = BT_VISUAL_FRAME;
        out->frame = shown->frame;
        place_frame(shown, zone, out);
    } else if (is_crawl(shown)) {
        out->kind = BT_VISUAL_STRIP;
        out->strip = &prepared->loop;
        out->strip_x = strip_x(shown, zone->width);
    } else if (is_moving(shown)) {
        out->kind = BT_VISUAL_DETAIL;
        out->image = prepared->image;
        out->detail = bt_motion_at(&prepared->path, shown->moved_ns, prepared->length_ns);
    } else if (prepared->image != NULL) {
        out->kind = BT_VISUAL_IMAGE;
        out->image = prepared->image;
    } else {
        out->kind = BT_VISUAL_COLOUR;
    }
}

void bt_shown_presented(struct bt_shown *shown)
{
    shown->is_new = false;
    bt_frame_destroy(BT_TAKE(shown->old_frame));
    bt_image_destroy(BT_TAKE(shown->old_face));
}

int64_t bt_shown_pts_ms(const struct bt_shown *shown)
{
    return shown->frame == NULL || is_live(shown) ? -1 : shown->frame->pts_ns / BT_NS_PER_MS;
}

struct bt_prepared *bt_shown_finish(struct bt_shown *shown)
{
    bt_frame_destroy(shown->frame);
    bt_frame_destroy(shown->old_frame);
    bt_image_destroy(shown->face);
    bt_image_destroy(shown->old_face);
    struct bt_prepared *prepared = shown->prepared;
    *shown = (struct bt_shown){0};
    return prepared;
}
