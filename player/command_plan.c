#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "player/commands.h"
#include "player/show_load.h"
#include "playlists/plan.h"

static const struct bt_log logger = {"player/plan"};

// A line of the plan: a dozen short fields.
#define LINE_MAX_BYTES 8192

struct printer {
    const struct bt_show *show;
    struct bt_buf line;
};

static int print_slot(void *context, size_t track, const struct bt_slot *slot)
{
    struct printer *printer = context;
    bt_buf_clear(&printer->line);
    int r = bt_plan_write_line(&printer->line, printer->show, track, slot);
    if (r == 0 && fwrite(printer->line.data, 1, printer->line.len, stdout) != printer->line.len) {
        r = -EPIPE;  // whoever reads has seen enough
    }
    return r;
}

static int plan(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_show) show = NULL;
    int64_t from_ns, to_ns;
    bool untrusted = bt_str_equal(bt_argument(arguments, "clock"), "untrusted");
    int r = bt_show_load(arguments, &show, err);
    if (r < 0 ||
        (r = bt_moment_parse(bt_argument(arguments, "from"), bt_show_tz(show), &from_ns, err)) <
            0 ||
        (r = bt_moment_parse(bt_argument(arguments, "to"), bt_show_tz(show), &to_ns, err)) < 0) {
        return r;
    }
    struct printer printer = {.show = show};
    bt_buf_init(&printer.line, LINE_MAX_BYTES);
    r = bt_plan_run(show, (struct bt_moment){from_ns, !untrusted}, to_ns, print_slot, &printer);
    bt_buf_finish(&printer.line);
    return r < 0 && r != -EPIPE ? bt_fail(err, r, "Cannot write the plan") : 0;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    if (plan(arguments, err) < 0) {
        bt_log_error(&logger, "%s", err->msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}

static const char *const clocks[] = {"trusted", "untrusted", NULL};
static const struct bt_option options_table[] = {
    {"from", "TIME",
     "2026-10-10T19:00 (giờ của màn hình / the screen's time zone) hoặc / or "
     "2026-10-10T19:00:00+07:00; vòng phát bắt đầu lúc ấy / the loop starts",
     .required = true},
    {"to", "TIME", "đến trước lúc này / until before this", .required = true},
    {"clock", "MODE",
     "untrusted: như khi đồng hồ máy chưa tin được / as with a clock not yet trusted",
     .words = clocks},
};

static const struct bt_subcommand commands[] = {
    {NULL, "PUBLICATION…", 1, INT32_MAX,
     "Mỗi dòng JSON là một lượt: khi nào, vùng nào, nội dung nào, vì sao, kết thúc vì sao.\n"
     "A JSON line per slot: when, in which zone, what, why it starts and why it ends. The same\n"
     "timeline that plays, run dry; a month takes less than a second.",
     BT_OPTIONS(options_table), .run = run},
};

const struct bt_command_group bt_plan_commands = {
    .name = "plan",
    .summary = "Xem trước lịch phát / what would play, when and why",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
