// Section "output": the canvas on the raster.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "playlists/publication_read.h"

// The section as it is written; what is not said keeps its value of here.
struct draft {
    struct bt_output_plan plan;
    int64_t x, y, rotation;  // -1: not said
    bool cut, folds, split;  // "slices", "fold", "windows"
    int64_t fold_width, fold_height;
};

static int read_rotation(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    (void)context;
    int64_t rotation;
    if (bt_json_whole(value, 0, 270, &rotation) < 0 || rotation % 90 != 0) {
        return bt_fail(err, -EINVAL, "'%s' must be 0, 90, 180 or 270", value->string);
    }
    *(int64_t *)target = rotation;
    return 0;
}

#define PX(type, member, json_key, low, ...)                                                       \
    BT_JSON_FIELD(type, member, json_key, BT_JSON_INT, .min = (low), .max = BT_CANVAS_MAX_PX,      \
                  __VA_ARGS__)

static const struct bt_json_field mode_fields[] = {
    PX(struct bt_output_plan, mode_width, "width", 1),
    PX(struct bt_output_plan, mode_height, "height", 1),
    BT_JSON_FIELD(struct bt_output_plan, mode_hz, "hz", BT_JSON_INT, .min = 1, .max = 240,
                  .optional = true),
};

static int read_mode(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, mode_fields, BT_ARRAY_LEN(mode_fields), target, err);
}

struct slice_draft {
    int64_t from_x, from_y, width, height, x, y, rotation;
};

static const struct bt_json_field from_fields[] = {
    PX(struct slice_draft, from_x, "x", 0, .optional = true),
    PX(struct slice_draft, from_y, "y", 0, .optional = true),
    PX(struct slice_draft, width, "width", 1),
    PX(struct slice_draft, height, "height", 1),
};

static int read_from(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, from_fields, BT_ARRAY_LEN(from_fields), target, err);
}

static const struct bt_json_field to_fields[] = {
    PX(struct slice_draft, x, "x", 0),
    PX(struct slice_draft, y, "y", 0),
};

static int read_to(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, to_fields, BT_ARRAY_LEN(to_fields), target, err);
}

static const struct bt_json_field slice_fields[] = {
    BT_WHOLE(struct slice_draft, "from", read_from),
    BT_WHOLE(struct slice_draft, "to", read_to),
    BT_LEAF(struct slice_draft, rotation, "rotation", read_rotation, .optional = true),
};

static int read_slice(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    struct slice_draft draft = {0};
    int r = bt_read_object(reading, value, slice_fields, BT_ARRAY_LEN(slice_fields), &draft, err);
    *(struct bt_slice *)element = (struct bt_slice){
        .from = {(int)draft.from_x, (int)draft.from_y, (int)draft.width, (int)draft.height},
        .x = (int)draft.x,
        .y = (int)draft.y,
        .rotation = (int)draft.rotation,
    };
    return r;
}

static const struct bt_list slice_list = {BT_MAX_SLICES, sizeof(struct bt_slice), read_slice};

static int read_slices(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct draft *draft = target;
    BT_AUTOFREE struct bt_slice *slices = NULL;
    int r = bt_read_list(context, value, &slice_list, &slices, &draft->plan.slice_count, err);
    if (r == 0) {
        memcpy(draft->plan.slices, slices, draft->plan.slice_count * sizeof(*slices));
        draft->cut = true;
    }
    return r;
}

struct window_draft {
    char name[BT_WINDOW_NAME_BYTES];
    int64_t display, x, y, width, height;
    struct bt_slice *slices;  // owned
    size_t slice_count;
};

static int read_window_slices(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    struct window_draft *draft = target;
    return bt_read_list(context, value, &slice_list, &draft->slices, &draft->slice_count, err);
}

static const struct bt_json_field window_fields[] = {
    BT_LEAF(struct window_draft, name, "name", bt_read_name),
    BT_JSON_FIELD(struct window_draft, display, "display", BT_JSON_INT, .min = 1,
                  .max = BT_MAX_DISPLAYS, .optional = true),
    PX(struct window_draft, x, "x", 0, .optional = true),
    PX(struct window_draft, y, "y", 0, .optional = true),
    PX(struct window_draft, width, "width", 1),
    PX(struct window_draft, height, "height", 1),
    BT_WHOLE(struct window_draft, "slices", read_window_slices),
};

static int check_place(const struct window_draft *draft, struct bt_error *err)
{
    if (draft->display > 0 && (draft->x >= 0 || draft->y >= 0)) {
        return bt_fail(err, -EINVAL, "'display' and 'x', 'y' exclude each other");
    }
    if (draft->display == 0 && (draft->x < 0 || draft->y < 0)) {
        return bt_fail(err, -EINVAL, "it needs a 'display', or 'x' and 'y'");
    }
    return 0;
}

static int add_window(struct bt_output_plan *plan, const struct window_draft *draft,
                      struct bt_error *err)
{
    if (draft->slice_count > BT_MAX_SLICES - plan->slice_count) {
        return bt_fail(err, -EINVAL, "there are more than %d slices in all windows", BT_MAX_SLICES);
    }
    int index = (int)plan->window_count;
    struct bt_output_window *window = &plan->windows[plan->window_count++];
    *window = (struct bt_output_window){
        .display = (int)draft->display,
        .x = (int)BT_MAX(draft->x, 0),
        .y = (int)BT_MAX(draft->y, 0),
        .width = (int)draft->width,
        .height = (int)draft->height,
    };
    bt_copy_cut(window->name, sizeof(window->name), draft->name);
    for (size_t i = 0; i < draft->slice_count; i++) {
        struct bt_slice *slice = &plan->slices[plan->slice_count++];
        *slice = draft->slices[i];
        slice->window = index;
    }
    return 0;
}

static int read_window(struct bt_reading *reading, const cJSON *value, void *element,
                       struct bt_error *err)
{
    struct window_draft *draft = element;
    draft->x = draft->y = -1;
    int r = bt_read_object(reading, value, window_fields, BT_ARRAY_LEN(window_fields), draft, err);
    return r < 0 ? r : check_place(draft, err);
}

static int add_windows(struct bt_output_plan *plan, const struct window_draft *drafts, size_t count,
                       struct bt_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = add_window(plan, &drafts[i], err);
    }
    return r;
}

static int read_windows(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_MAX_WINDOWS, sizeof(struct window_draft), read_window};
    struct draft *draft = target;
    struct window_draft *drafts = NULL;
    size_t count = 0;
    int r = bt_read_list(context, value, &list, &drafts, &count, err);
    draft->split = true;
    draft->plan.slice_count = 0;
    r = r < 0 ? r : add_windows(&draft->plan, drafts, count, err);
    for (size_t i = 0; i < count; i++) {
        free(drafts[i].slices);
    }
    free(drafts);
    return r;
}

static const struct bt_json_field fold_fields[] = {
    PX(struct draft, fold_width, "width", 1, .optional = true),
    PX(struct draft, fold_height, "height", 1, .optional = true),
};

static int read_fold(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    ((struct draft *)target)->folds = true;
    return bt_read_part(context, value, fold_fields, BT_ARRAY_LEN(fold_fields), target, err);
}

static int read_point(struct bt_reading *reading, const cJSON *value, void *element,
                      struct bt_error *err)
{
    (void)reading;
    int64_t level;
    if (bt_json_whole(value, 0, UINT8_MAX, &level) < 0) {
        return bt_fail(err, -EINVAL, "a point of a curve is a whole number in 0..255");
    }
    *(uint8_t *)element = (uint8_t)level;
    return 0;
}

static int read_curve(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const struct bt_list list = {BT_CURVE_LEVELS, sizeof(uint8_t), read_point};
    BT_AUTOFREE uint8_t *points = NULL;
    size_t count = 0;
    int r = bt_read_list(context, value, &list, &points, &count, err);
    if (r < 0) {
        return r;
    }
    if (count < 2) {
        return bt_fail(err, -EINVAL, "'%s' has one point; a curve needs two", value->string);
    }
    for (size_t i = 1; i < count; i++) {
        if (points[i] < points[i - 1]) {
            return bt_fail(err, -EINVAL,
                           "'%s' falls from %d to %d at its point %zu; a brighter level must not "
                           "become a darker one",
                           value->string, points[i - 1], points[i], i);
        }
    }
    bt_curve_through(target, points, count);
    return 0;
}

static const struct bt_json_field curve_fields[] = {
    BT_LEAF(struct bt_output_plan, curves[0], "red", read_curve, .optional = true),
    BT_LEAF(struct bt_output_plan, curves[1], "green", read_curve, .optional = true),
    BT_LEAF(struct bt_output_plan, curves[2], "blue", read_curve, .optional = true),
};

static int read_curves(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    ((struct bt_output_plan *)target)->has_curves = true;
    return bt_read_part(context, value, curve_fields, BT_ARRAY_LEN(curve_fields), target, err);
}

static const struct bt_json_field shift_fields[] = {
    BT_JSON_FIELD(struct bt_output_plan, shift_px, "px", BT_JSON_INT, .min = 1,
                  .max = BT_PIXEL_SHIFT_MAX_PX),
    BT_JSON_FIELD(struct bt_output_plan, shift_minutes, "minutes", BT_JSON_INT, .min = 1,
                  .max = 1440),
};

static int read_shift(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    return bt_read_part(context, value, shift_fields, BT_ARRAY_LEN(shift_fields), target, err);
}

#define PLAN_PART(key, reader) BT_LEAF(struct draft, plan, key, reader, .optional = true)

static const struct bt_json_field output_fields[] = {
    PLAN_PART("mode", read_mode),
    PX(struct draft, x, "x", 0, .optional = true),
    PX(struct draft, y, "y", 0, .optional = true),
    BT_LEAF(struct draft, rotation, "rotation", read_rotation, .optional = true),
    BT_WHOLE(struct draft, "slices", read_slices, .optional = true),
    BT_WHOLE(struct draft, "fold", read_fold, .optional = true),
    BT_WHOLE(struct draft, "windows", read_windows, .optional = true),
    PLAN_PART("curves", read_curves),
    BT_JSON_FIELD(struct draft, plan.dimming_percent, "dimming_percent", BT_JSON_INT, .min = 1,
                  .max = 100, .optional = true),
    PLAN_PART("pixel_shift", read_shift),
};

// Each window says of itself what is said of a raster otherwise.
static int check_split(const struct draft *draft, struct bt_error *err)
{
    bool whole = draft->x >= 0 || draft->y >= 0 || draft->rotation >= 0;
    if (draft->cut || draft->folds || whole || draft->plan.mode_width > 0 ||
        draft->plan.shift_px > 0) {
        return bt_fail(err, -EINVAL,
                       "beside 'windows' there are only 'curves' and 'dimming_percent'");
    }
    return 0;
}

// What excludes each other.
static int check_words(const struct draft *draft, struct bt_error *err)
{
    const char *one = draft->cut ? "slices" : "fold";
    if (draft->split) {
        return check_split(draft, err);
    }
    if (draft->cut && draft->folds) {
        return bt_fail(err, -EINVAL, "'slices' and 'fold' exclude each other");
    }
    if (draft->cut && (draft->x >= 0 || draft->y >= 0)) {
        return bt_fail(err, -EINVAL, "each of 'slices' says where it stands; 'x' and 'y' do not");
    }
    if ((draft->cut || draft->folds) && draft->rotation >= 0) {
        return bt_fail(err, -EINVAL, "'%s' and 'rotation' of the whole exclude each other", one);
    }
    if ((draft->cut || draft->folds) && draft->plan.shift_px > 0) {
        return bt_fail(err, -EINVAL,
                       "'%s' and 'pixel_shift' exclude each other: only an LCD needs the one, only "
                       "an LED wall the other",
                       one);
    }
    if ((draft->cut || draft->folds) && draft->plan.mode_width == 0) {
        return bt_fail(err, -EINVAL, "'%s' needs a 'mode', the size of the raster", one);
    }
    return 0;
}

static int place(struct draft *draft, const struct bt_canvas *canvas, struct bt_error *err)
{
    struct bt_output_plan *plan = &draft->plan;
    bool any_raster = plan->mode_width == 0;
    int width = any_raster ? BT_CANVAS_MAX_PX : (int)plan->mode_width;
    int height = any_raster ? BT_CANVAS_MAX_PX : (int)plan->mode_height;
    int x = (int)BT_MAX(draft->x, 0), y = (int)BT_MAX(draft->y, 0);
    if (draft->folds) {
        int64_t widest = BT_MIN(canvas->width, width - x);
        int64_t highest = BT_MIN(canvas->height, height - y);
        const struct bt_fold fold = {
            (int)canvas->width,
            (int)canvas->height,
            width,
            height,
            x,
            y,
            (int)(draft->fold_width > 0 ? draft->fold_width : BT_MAX(widest, 1)),
            (int)(draft->fold_height > 0 ? draft->fold_height : BT_MAX(highest, 1)),
        };
        return bt_output_plan_fold(plan, &fold, err);
    }
    if (!draft->cut && !draft->split) {
        plan->slice_count = 1;
        plan->slices[0] = (struct bt_slice){.from = {0, 0, (int)canvas->width, (int)canvas->height},
                                            .x = x,
                                            .y = y,
                                            .rotation = (int)BT_MAX(draft->rotation, 0)};
    }
    return bt_output_plan_check(plan, (int)canvas->width, (int)canvas->height, width, height, err);
}

static int read_draft(struct bt_reading *reading, const cJSON *value, struct draft *draft,
                      struct bt_error *err)
{
    const struct bt_canvas *canvas = &reading->publication->canvas;
    int r = bt_read_object(reading, value, output_fields, BT_ARRAY_LEN(output_fields), draft, err);
    if (r < 0 || (r = check_words(draft, err)) < 0) {
        return r;
    }
    if (canvas->width == 0) {
        return bt_fail(err, -EINVAL, "it needs a 'canvas' in the same document");
    }
    r = place(draft, canvas, err);
    bt_output_plan_dim(&draft->plan);
    return r;
}

int bt_read_output(const cJSON *value, void *target, void *context, struct bt_error *err)
{
    static const uint8_t straight[] = {0, UINT8_MAX};
    struct bt_reading *reading = context;
    int r = bt_want_layer(reading, value, BT_LAYER_SCREEN, err);
    if (r < 0) {
        return r;
    }
    struct draft draft = {.plan.dimming_percent = 100, .x = -1, .y = -1, .rotation = -1};
    for (size_t i = 0; i < BT_ARRAY_LEN(draft.plan.curves); i++) {
        bt_curve_through(draft.plan.curves[i], straight, BT_ARRAY_LEN(straight));
    }
    size_t mark = bt_reading_enter(reading, value->string);
    r = read_draft(reading, value, &draft, err);
    if (r == 0) {
        bt_reading_leave(reading, mark);
        ((struct bt_publication *)target)->output = draft.plan;
    }
    return r;
}
