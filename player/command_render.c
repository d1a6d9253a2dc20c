#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "player/commands.h"
#include "player/moment.h"
#include "player/show_load.h"

static const struct bt_log logger = {"player/render"};

static int64_t midnight_before_ns(const struct bt_tz *tz, int64_t at_ns)
{
    const int64_t day_s = 86400;
    int64_t local_s = bt_tz_to_local_s(tz, at_ns / BT_NS_PER_S);
    return bt_tz_to_utc_s(tz, local_s - local_s % day_s) * BT_NS_PER_S;
}

static int render(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_show) show = NULL;
    BT_AUTO(bt_image) image = NULL;
    enum bt_moment_picture picture =
        bt_argument_flag(arguments, "raster") ? BT_MOMENT_RASTER : BT_MOMENT_CANVAS;
    const char *anchor = bt_argument(arguments, "anchor");
    int64_t at_ns, anchor_ns;
    int r = bt_show_load(arguments, &show, err);
    if (r < 0 ||
        (r = bt_moment_parse(bt_argument(arguments, "at"), bt_show_tz(show), &at_ns, err)) < 0) {
        return r;
    }
    anchor_ns = midnight_before_ns(bt_show_tz(show), at_ns);
    if (anchor != NULL && (r = bt_moment_parse(anchor, bt_show_tz(show), &anchor_ns, err)) < 0) {
        return r;
    }
    if (anchor_ns > at_ns) {
        return bt_fail(err, -EINVAL, "--anchor comes after --at");
    }
    if ((r = bt_kitchen_open(bt_argument(arguments, "assets"), &kitchen, err)) < 0 ||
        (r = bt_moment_draw(kitchen, show, anchor_ns, at_ns, picture, &image, err)) < 0) {
        return r;
    }
    return bt_image_write_png(image, bt_argument(arguments, "out"), err);
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    if (render(arguments, err) < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const struct bt_option options_table[] = {
    {"assets", "DIR", "kho tệp theo SHA-256 / the content store", .required = true},
    {"at", "TIME",
     "2026-10-10T19:00 (giờ của màn hình / the screen's time zone) hoặc / or "
     "2026-10-10T19:00:00+07:00",
     .required = true},
    {"out", "PNG", "tệp ảnh / the picture", .required = true},
    {"raster", NULL,
     "cả khung mà màn hình nhận, không chỉ nội dung / all that the display is given, not the "
     "canvas "
     "alone"},
    {"anchor", "TIME",
     "vòng phát bắt đầu lúc nào; mặc định: 0 giờ ngày ấy / when the loop started; default: "
     "midnight of that day"},
};

static const struct bt_subcommand commands[] = {
    {NULL, "PUBLICATION…", 1, INT32_MAX,
     "Vẽ đúng khung hình của thời điểm ấy, qua cùng bộ dựng hình với khi phát.\n"
     "Draws the exact canvas of that moment, through the compositor that plays.",
     BT_OPTIONS(options_table), .run = run},
};

const struct bt_command_group bt_render_commands = {
    .name = "render",
    .summary = "Vẽ một thời điểm ra tệp PNG / draw one moment to a PNG",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
