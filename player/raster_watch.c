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

// NULL: all is well with this window.
static char *wrong_window(const struct bt_output_plan *plan, const struct bt_output_info *info,
                          size_t index)
{
    const struct bt_output_window *asked = &plan->windows[index];
    const struct bt_size *got = &info->windows[index];
    if (index >= info->window_count) {
        return bt_strf("window '%s' is not shown: there is one output here", asked->name);
    }
    if (got->width == 0) {
        return bt_strf("window '%s': closed, or its display is missing", asked->name);
    }
    if (got->width == asked->width && got->height == asked->height) {
        return NULL;
    }
    return bt_strf("window '%s': asked %d × %d, got %d × %d", asked->name, asked->width,
                   asked->height, got->width, got->height);
}

static void look_at_windows(const struct bt_output_plan *plan, const struct bt_output_info *info,
                            char out[BT_WRONG_MODE_BYTES])
{
    for (size_t i = 0; i < plan->window_count && out[0] == '\0'; i++) {
        BT_AUTOFREE char *text = wrong_window(plan, info, i);
        bt_copy_cut(out, BT_WRONG_MODE_BYTES, text != NULL ? text : "");
    }
}

const char *bt_windows_refused(const struct bt_output_plan *plan, const struct bt_output_info *info)
{
    if (plan == NULL || plan->window_count < 2 || info == NULL || !info->drives_card) {
        return NULL;
    }
    return "Màn hình này cần nhiều cửa sổ, nhưng không có giao diện đồ họa (KMSDRM) thì chỉ có một "
           "đầu ra: chỉ chiếu cửa sổ đầu tiên. Hãy chạy trên X11 hoặc Wayland, hoặc dùng mỗi đầu "
           "ra một máy phát. / This screen asks for several windows, but without a desktop "
           "(KMSDRM) there is one output: only the first window is shown. Run on X11 or Wayland, "
           "or use one player for each output.";
}

void bt_wrong_mode(const struct bt_output_plan *plan, const struct bt_output_info *info,
                   char out[BT_WRONG_MODE_BYTES])
{
    out[0] = '\0';
    if (plan == NULL || info == NULL || info->width == 0) {
        return;
    }
    if (plan->window_count > 0) {
        look_at_windows(plan, info, out);
    }
    if (plan->mode_width == 0) {
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
