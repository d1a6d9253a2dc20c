// Slices from outside: any plan that the check lets through is copied without a step outside, onto
// a raster of whatever size the display has, whatever changed and wherever it is shifted to.
#include <assert.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "render/mapping.h"

enum { CANVAS_W = 61, CANVAS_H = 37, SIDE = 64 };

struct bytes {
    const uint8_t *data;
    size_t left;
};

static int take(struct bytes *bytes, int below)
{
    if (bytes->left == 0) {
        return 0;
    }
    bytes->left--;
    return *bytes->data++ % below;
}

static void read_plan(struct bytes *bytes, struct bt_mapping *mapping)
{
    size_t count = (size_t)take(bytes, BT_MAX_SLICES + 1);
    mapping->plan.has_curves = take(bytes, 2) == 1;
    mapping->shift_x = take(bytes, 200) - 100;
    mapping->shift_y = take(bytes, 200) - 100;
    for (size_t i = 0; i < count; i++) {
        mapping->plan.slices[mapping->plan.slice_count++] = (struct bt_slice){
            .from = {take(bytes, 70), take(bytes, 50), take(bytes, 70), take(bytes, 50)},
            .x = take(bytes, 70),
            .y = take(bytes, 70),
            .rotation = 90 * take(bytes, 4)};
    }
}

static void copy(struct bytes *bytes, const struct bt_mapping *mapping)
{
    BT_AUTO(bt_image) canvas = bt_image_create(CANVAS_W, CANVAS_H);
    BT_AUTO(bt_image) raster = bt_image_create(1 + take(bytes, SIDE), 1 + take(bytes, SIDE));
    assert(canvas != NULL && raster != NULL);
    memset(canvas->pixels, 7, canvas->stride * CANVAS_H);
    const struct bt_raster from = bt_raster_of(canvas), to = bt_raster_of(raster);
    const struct bt_rect all = {0, 0, CANVAS_W, CANVAS_H};
    struct bt_region changed = {0};
    for (int i = take(bytes, 6); i > 0; i--) {
        const struct bt_rect rect = {take(bytes, CANVAS_W), take(bytes, CANVAS_H),
                                     take(bytes, CANVAS_W), take(bytes, CANVAS_H)};
        bt_region_add(&changed, bt_rect_intersect(rect, all));
    }
    struct bt_rect bound;
    bt_mapping_copy(mapping, &from, &changed, &to, &bound);
    assert(bt_rect_empty(bound) ||
           bt_rect_contains((struct bt_rect){0, 0, to.width, to.height}, bound));
    bt_mapping_copy_all(mapping, &from, &to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    struct bt_mapping mapping = {0};
    struct bt_error err = {0};
    read_plan(&bytes, &mapping);
    int r = bt_output_plan_check(&mapping.plan, CANVAS_W, CANVAS_H, SIDE, SIDE, &err);
    if (r == 0) {
        copy(&bytes, &mapping);
    } else {
        assert(err.msg[0] != '\0');
    }
    const struct bt_fold fold = {1 + take(&bytes, 200),
                                 1 + take(&bytes, 200),
                                 SIDE,
                                 SIDE,
                                 take(&bytes, 70),
                                 take(&bytes, 70),
                                 1 + take(&bytes, 70),
                                 1 + take(&bytes, 70)};
    r = bt_output_plan_fold(&mapping.plan, &fold, &err);
    assert(r < 0 || bt_output_plan_check(&mapping.plan, fold.canvas_width, fold.canvas_height, SIDE,
                                         SIDE, &err) == 0);
    return 0;
}
