#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "player/commands.h"
#include "player/show_load.h"
#include "playlists/plan.h"

static const struct bt_log logger = {"player/plan"};

// A line of the plan: a dozen short fields.
#define LINE_MAX_BYTES 8192

static const char help[] =
    "Cách dùng / usage: bangtin-player plan PUBLICATION… --from TIME --to TIME\n"
    "\n"
    "Mỗi dòng JSON là một lượt: khi nào, vùng nào, nội dung nào, vì sao, kết thúc vì sao.\n"
    "A JSON line per slot: when, in which zone, what, why it starts and why it ends. The same\n"
    "timeline that plays, run dry; a month takes less than a second.\n"
    "\n"
    "  --from TIME         2026-10-10T19:00 (giờ của màn hình / the screen's time zone) hoặc / or\n"
    "                      2026-10-10T19:00:00+07:00; vòng phát bắt đầu lúc ấy / the loop starts\n"
    "  --to TIME           đến trước lúc này / until before this\n"
    "  --clock untrusted   như khi đồng hồ máy chưa tin được / as with a clock not yet trusted\n";

static const struct option long_options[] = {
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"clock", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct options {
    const char *from, *to;
    bool untrusted, help;
};

static int parse_options(int argc, char **argv, struct options *options)
{
    for (int key; (key = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (key) {
        case 'f':
            options->from = optarg;
            break;
        case 't':
            options->to = optarg;
            break;
        case 'c':
            options->untrusted = optarg[0] == 'u';
            break;
        case 'h':
            options->help = true;
            return 0;
        default:
            return -EINVAL;
        }
    }
    if (options->from == NULL || options->to == NULL || optind >= argc) {
        fputs("bangtin-player plan: cần PUBLICATION, --from, --to / all are needed\n", stderr);
        return -EINVAL;
    }
    return 0;
}

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

static int plan(const struct options *options, char *const *paths, int count, struct bt_error *err)
{
    BT_AUTO(bt_show) show = NULL;
    int64_t from_ns, to_ns;
    int r = bt_show_load(paths, count, &show, err);
    if (r < 0 || (r = bt_moment_parse(options->from, bt_show_tz(show), &from_ns, err)) < 0 ||
        (r = bt_moment_parse(options->to, bt_show_tz(show), &to_ns, err)) < 0) {
        return r;
    }
    struct printer printer = {.show = show};
    bt_buf_init(&printer.line, LINE_MAX_BYTES);
    r = bt_plan_run(show, (struct bt_moment){from_ns, !options->untrusted}, to_ns, print_slot,
                    &printer);
    bt_buf_finish(&printer.line);
    return r < 0 && r != -EPIPE ? bt_fail(err, r, "Cannot write the plan") : 0;
}

int bt_command_plan(int argc, char **argv)
{
    struct options options = {0};
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin-player plan --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    struct bt_error err = {""};
    if (plan(&options, argv + optind, argc - optind, &err) < 0) {
        bt_log_error(&logger, "%s", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}
