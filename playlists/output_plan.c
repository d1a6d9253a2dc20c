#include "playlists/output_plan.h"

#include <errno.h>
#include <string.h>

struct bt_rect bt_slice_place(const struct bt_slice *slice)
{
    bool upright = slice->rotation % 180 == 0;
    return (struct bt_rect){slice->x, slice->y, upright ? slice->from.width : slice->from.height,
                            upright ? slice->from.height : slice->from.width};
}

int bt_output_plan_left(const struct bt_output_plan *plan, const struct bt_slice *slice)
{
    int left = 0;
    for (int i = 0; plan->window_count > 0 && i < slice->window; i++) {
        left += plan->windows[i].width;
    }
    return left;
}

void bt_output_plan_window(const struct bt_output_plan *plan, size_t window,
                           struct bt_output_plan *out)
{
    *out = *plan;
    out->window_count = out->slice_count = 0;
    out->mode_width = plan->windows[window].width;
    out->mode_height = plan->windows[window].height;
    for (size_t i = 0; i < plan->slice_count; i++) {
        if (plan->slices[i].window == (int)window) {
            out->slices[out->slice_count++] = plan->slices[i];
        }
    }
}

static bool inside(struct bt_rect rect, int width, int height)
{
    return rect.x >= 0 && rect.y >= 0 && rect.width > 0 && rect.height > 0 && rect.x < width &&
           rect.y < height && rect.width <= width - rect.x && rect.height <= height - rect.y;
}

static bool overlap(struct bt_rect a, struct bt_rect b)
{
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

// Where the next piece stands: below the last, or on top of the next column.
struct column {
    int x, y, width;
};

static bool stand(struct column *column, const struct bt_fold *fold, int width, int height)
{
    if (height > fold->raster_height - column->y) {
        column->x += column->width;
        column->y = fold->y;
        column->width = 0;
    }
    column->width = BT_MAX(column->width, width);
    return width <= fold->raster_width - column->x && height <= fold->raster_height - column->y;
}

static int add_piece(struct bt_output_plan *plan, const struct bt_fold *fold, struct column *column,
                     struct bt_rect piece, struct bt_error *err)
{
    if (plan->slice_count == BT_MAX_SLICES) {
        return bt_fail(err, -EINVAL, "pieces of %d × %d are more than %d of a canvas of %d × %d",
                       fold->piece_width, fold->piece_height, BT_MAX_SLICES, fold->canvas_width,
                       fold->canvas_height);
    }
    if (!stand(column, fold, piece.width, piece.height)) {
        return bt_fail(err, -EINVAL,
                       "a canvas of %d × %d in pieces of %d × %d does not fit on a raster of "
                       "%d × %d",
                       fold->canvas_width, fold->canvas_height, fold->piece_width,
                       fold->piece_height, fold->raster_width, fold->raster_height);
    }
    plan->slices[plan->slice_count++] =
        (struct bt_slice){.from = piece, .x = column->x, .y = column->y};
    column->y += piece.height;
    return 0;
}

int bt_output_plan_fold(struct bt_output_plan *plan, const struct bt_fold *fold,
                        struct bt_error *err)
{
    struct column column = {fold->x, fold->y, 0};
    plan->slice_count = 0;
    for (int y = 0; y < fold->canvas_height; y += fold->piece_height) {
        int height = BT_MIN(fold->piece_height, fold->canvas_height - y);
        for (int x = 0; x < fold->canvas_width; x += fold->piece_width) {
            int width = BT_MIN(fold->piece_width, fold->canvas_width - x);
            int r = add_piece(plan, fold, &column, (struct bt_rect){x, y, width, height}, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static int check_slice(const struct bt_slice *slice, int canvas_width, int canvas_height,
                       int raster_width, int raster_height, struct bt_error *err)
{
    const struct bt_rect *from = &slice->from;
    struct bt_rect to = bt_slice_place(slice);
    if (!inside(*from, canvas_width, canvas_height)) {
        return bt_fail(err, -EINVAL, "%d × %d at %d,%d is not all on the canvas of %d × %d",
                       from->width, from->height, from->x, from->y, canvas_width, canvas_height);
    }
    if (!inside(to, raster_width, raster_height)) {
        return bt_fail(err, -EINVAL, "%d × %d at %d,%d is not all on the raster of %d × %d",
                       to.width, to.height, to.x, to.y, raster_width, raster_height);
    }
    return 0;
}

static int check_overlaps(const struct bt_output_plan *plan, size_t slice, struct bt_error *err)
{
    const struct bt_slice *this = &plan->slices[slice];
    for (size_t k = 0; k < slice; k++) {
        const struct bt_slice *other = &plan->slices[k];
        if (other->window == this->window && overlap(bt_slice_place(other), bt_slice_place(this))) {
            return bt_fail(err, -EINVAL,
                           "slices[%zu] and slices[%zu] stand on the same pixels of the raster", k,
                           slice);
        }
    }
    return 0;
}

static int check_raster(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                        int raster_width, int raster_height, struct bt_error *err)
{
    for (size_t i = 0; i < plan->slice_count; i++) {
        int r = check_slice(&plan->slices[i], canvas_width, canvas_height, raster_width,
                            raster_height, err);
        if (r < 0) {
            return plan->slice_count > 1 ? bt_fail_in(err, r, "slices[%zu]", i) : r;
        }
        r = check_overlaps(plan, i, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static bool windows_collide(const struct bt_output_window *a, const struct bt_output_window *b)
{
    if (a->display > 0 || b->display > 0) {
        return a->display == b->display;
    }
    return overlap((struct bt_rect){a->x, a->y, a->width, a->height},
                   (struct bt_rect){b->x, b->y, b->width, b->height});
}

static int check_window(const struct bt_output_plan *plan, size_t window, struct bt_error *err)
{
    const struct bt_output_window *this = &plan->windows[window];
    for (size_t k = 0; k < window; k++) {
        const struct bt_output_window *other = &plan->windows[k];
        if (strcmp(this->name, other->name) == 0) {
            return bt_fail(err, -EINVAL, "two windows are called '%s'", this->name);
        }
        if (windows_collide(this, other)) {
            return bt_fail(err, -EINVAL, "windows '%s' and '%s' stand on the same pixels",
                           other->name, this->name);
        }
    }
    return 0;
}

static int check_windows(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                         struct bt_error *err)
{
    struct bt_output_plan part;
    for (size_t i = 0; i < plan->window_count; i++) {
        const struct bt_output_window *window = &plan->windows[i];
        bt_output_plan_window(plan, i, &part);
        int r =
            check_raster(&part, canvas_width, canvas_height, window->width, window->height, err);
        if (r < 0) {
            return bt_fail_in(err, r, "window '%s'", window->name);
        }
        r = check_window(plan, i, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int bt_output_plan_check(const struct bt_output_plan *plan, int canvas_width, int canvas_height,
                         int raster_width, int raster_height, struct bt_error *err)
{
    return plan->window_count > 0
               ? check_windows(plan, canvas_width, canvas_height, err)
               : check_raster(plan, canvas_width, canvas_height, raster_width, raster_height, err);
}

static bool same_slice(const struct bt_slice *a, const struct bt_slice *b)
{
    return a->from.x == b->from.x && a->from.y == b->from.y && a->from.width == b->from.width &&
           a->from.height == b->from.height && a->x == b->x && a->y == b->y &&
           a->rotation == b->rotation && a->window == b->window;
}

static bool same_window(const struct bt_output_window *a, const struct bt_output_window *b)
{
    return strcmp(a->name, b->name) == 0 && a->display == b->display && a->x == b->x &&
           a->y == b->y && a->width == b->width && a->height == b->height;
}

bool bt_output_plan_same(const struct bt_output_plan *a, const struct bt_output_plan *b)
{
    bool same = a->mode_width == b->mode_width && a->mode_height == b->mode_height &&
                a->mode_hz == b->mode_hz && a->slice_count == b->slice_count &&
                a->has_curves == b->has_curves && a->dimming_percent == b->dimming_percent &&
                a->shift_px == b->shift_px && a->shift_minutes == b->shift_minutes &&
                a->window_count == b->window_count &&
                memcmp(a->curves, b->curves, sizeof(a->curves)) == 0;
    for (size_t i = 0; same && i < a->window_count; i++) {
        same = same_window(&a->windows[i], &b->windows[i]);
    }
    for (size_t i = 0; same && i < a->slice_count; i++) {
        same = same_slice(&a->slices[i], &b->slices[i]);
    }
    return same;
}

void bt_curve_through(uint8_t curve[BT_CURVE_LEVELS], const uint8_t *points, size_t count)
{
    const size_t top = BT_CURVE_LEVELS - 1;
    for (size_t level = 0; level <= top; level++) {
        size_t at = level * (count - 1), k = at / top, part = at % top;
        size_t next = BT_MIN(k + 1, count - 1);
        curve[level] = (uint8_t)((points[k] * (top - part) + points[next] * part + top / 2) / top);
    }
}

void bt_output_plan_dim(struct bt_output_plan *plan)
{
    if (plan->dimming_percent == 100) {
        return;
    }
    plan->has_curves = true;
    for (size_t i = 0; i < BT_ARRAY_LEN(plan->curves); i++) {
        for (size_t level = 0; level < BT_CURVE_LEVELS; level++) {
            int64_t light = plan->curves[i][level] * plan->dimming_percent;
            plan->curves[i][level] = (uint8_t)((light + 50) / 100);
        }
    }
}
