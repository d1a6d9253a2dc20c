#include "player/raster_watch.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define MINUTE_NS (60 * BT_NS_PER_S)

static bool wrong_rate(const struct bt_output_plan *plan, const struct bt_output_info *info)
{
    return plan->mode_hz > 0 && info->display_hz > 0 &&
           fabs(info->display_hz - (double)plan->mode_hz) >= 1;
}

void bt_wrong_mode(const struct bt_output_plan *plan, const struct bt_output_info *info,
                   char out[BT_WRONG_MODE_BYTES])
{
    out[0] = '\0';
    if (plan == NULL || info == NULL || plan->mode_width == 0 || info->width == 0) {
        return;
    }
    int asked_hz = (int)plan->mode_hz, hz = (int)(info->display_hz + 0.5);
    BT_AUTOFREE char *text = NULL;
    if (info->width != plan->mode_width || info->height != plan->mode_height) {
        text = bt_strf("asked %d × %d, got %d × %d", (int)plan->mode_width, (int)plan->mode_height,
                       info->width, info->height);
    } else if (wrong_rate(plan, info)) {
        text = bt_strf("asked %d × %d at %d Hz, got %d Hz", (int)plan->mode_width,
                       (int)plan->mode_height, asked_hz, hz);
    }
    bt_copy_cut(out, BT_WRONG_MODE_BYTES, text != NULL ? text : "");
}

int64_t bt_pixel_shift_step(const struct bt_output_plan *plan, int64_t since_ns)
{
    return plan != NULL && plan->shift_px > 0 ? since_ns / (plan->shift_minutes * MINUTE_NS) : 0;
}

void bt_pixel_shift_at(const struct bt_output_plan *plan, int64_t step, int *out_x, int *out_y)
{
    static const int walk[][2] = {{0, 0},  {1, 0},   {1, 1},  {0, 1}, {-1, 1},
                                  {-1, 0}, {-1, -1}, {0, -1}, {1, -1}};
    const int *at = walk[(size_t)step % BT_ARRAY_LEN(walk)];
    *out_x = at[0] * (int)plan->shift_px;
    *out_y = at[1] * (int)plan->shift_px;
}
