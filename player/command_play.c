#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/commands.h"
#include "player/show_load.h"
#include "player/stage.h"
#include "player/supervisor.h"
#include "plays/journal.h"

static const struct bt_log logger = {"player"};

static const char help[] =
    "Cách dùng / usage: bangtin-player play PUBLICATION… --assets DIR [lựa chọn / options]\n"
    "\n"
    "Phát các ấn phẩm (gộp theo lớp: màn hình, tỉnh, đơn vị, khẩn cấp) cho đến khi dừng.\n"
    "Shows the publications, merged as layers, until it is stopped (Ctrl-C, Escape, SIGTERM).\n"
    "\n"
    "  --assets DIR         kho tệp theo SHA-256 / the content store (bangtin new makes one)\n"
    "  --plays DB           ghi lượt phát vào sổ này / record plays in this journal\n"
    "  --window WxH[+X+Y]   trong cửa sổ / in a window instead of full screen\n"
    "  --headless           không màn hình; lượt phát ghi là mô phỏng / no display at all\n"
    "  --refresh HZ         lưới làm tươi riêng, 50 hoặc 60 / a refresh grid of our own\n"
    "  --backend NAME       auto, soft, gles2\n"
    "  --for SECONDS        dừng sau chừng ấy giây / stop after so long\n"
    "  --frame-log FILE     mỗi lần hiện một dòng JSON / one JSON line per present (- : stdout)\n"
    "  --clock MODE         auto, trusted, untrusted: tin đồng hồ máy đến đâu / how far the\n"
    "                       system clock is trusted (a Raspberry Pi has no clock battery)\n"
    "  --screen NAME        tên màn hình ghi trong sổ / the screen's name in the journal\n"
    "  --verbose            nói nhiều hơn / say more\n";

enum option_key {
    OPT_ASSETS = 256,
    OPT_PLAYS,
    OPT_WINDOW,
    OPT_HEADLESS,
    OPT_REFRESH,
    OPT_BACKEND,
    OPT_FOR,
    OPT_FRAME_LOG,
    OPT_CLOCK,
    OPT_SCREEN,
    OPT_VERBOSE,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"assets", required_argument, NULL, OPT_ASSETS},
    {"plays", required_argument, NULL, OPT_PLAYS},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"headless", no_argument, NULL, OPT_HEADLESS},
    {"refresh", required_argument, NULL, OPT_REFRESH},
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"for", required_argument, NULL, OPT_FOR},
    {"frame-log", required_argument, NULL, OPT_FRAME_LOG},
    {"clock", required_argument, NULL, OPT_CLOCK},
    {"screen", required_argument, NULL, OPT_SCREEN},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct options {
    struct bt_stage_options stage;
    const char *assets, *plays, *frame_log, *screen;
    enum bt_trust_mode trust;
    bool help;
};

static volatile sig_atomic_t stop_requested;  // allow: a signal handler has nothing else

static void handle_stop(int number)
{
    stop_requested = number;
}

static int find_word(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

// "WxH" or "WxH+X+Y".
static int parse_window(const char *text, struct bt_output_options *out)
{
    int64_t part[4] = {0, 0, -1, -1};
    static const char separators[] = "x++";
    BT_AUTOFREE char *copy = bt_strdup(text);
    char *at = copy;
    for (int i = 0; i < 4 && at != NULL; i++) {
        char *next = i < 3 ? strchr(at, separators[i]) : NULL;
        if (next != NULL) {
            *next++ = '\0';
        }
        if (bt_parse_int(at, i < 2 ? 1 : 0, BT_CANVAS_MAX_PX, &part[i]) < 0 ||
            (next == NULL && i != 1 && i != 3)) {
            return -EINVAL;
        }
        at = next;
    }
    out->fullscreen = false;
    out->window_width = (int)part[0];
    out->window_height = (int)part[1];
    out->window_x = (int)part[2];
    out->window_y = (int)part[3];
    return 0;
}

static int parse_number(const char *text, int64_t max, int64_t *out)
{
    return bt_parse_int(text, 1, max, out);
}

static int apply_words(int key, const char *value, struct options *options)
{
    static const char *const backends[] = {"auto", "soft", "gles2", NULL};
    static const char *const clocks[] = {"auto", "trusted", "untrusted", NULL};
    int word = find_word(value, key == OPT_BACKEND ? backends : clocks);
    if (word < 0) {
        return -EINVAL;
    }
    if (key == OPT_BACKEND) {
        options->stage.output.backend = (enum bt_backend)word;
    } else {
        options->trust = (enum bt_trust_mode)word;
    }
    return 0;
}

static int apply_option(int key, const char *value, struct options *options)
{
    int64_t number;
    int r = 0;
    switch (key) {
    case OPT_ASSETS:
        options->assets = value;
        return 0;
    case OPT_PLAYS:
        options->plays = value;
        return 0;
    case OPT_FRAME_LOG:
        options->frame_log = value;
        return 0;
    case OPT_SCREEN:
        options->screen = value;
        return 0;
    case OPT_WINDOW:
        return parse_window(value, &options->stage.output);
    case OPT_HEADLESS:
        options->stage.output.headless = true;
        return 0;
    case OPT_REFRESH:
        return parse_number(value, 240, &options->stage.refresh_hz);
    case OPT_FOR:
        r = parse_number(value, INT32_MAX, &number);
        options->stage.run_ns = r == 0 ? number * BT_NS_PER_S : 0;
        return r;
    case OPT_BACKEND:
    case OPT_CLOCK:
        return apply_words(key, value, options);
    case OPT_VERBOSE:
        bt_log_set_level(BT_LOG_DEBUG);
        return 0;
    default:
        options->help = true;
        return 0;
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    *options = (struct options){
        .stage.output = {.fullscreen = true, .title = "Bangtin", .window_x = -1, .window_y = -1},
        .screen = "",
    };
    int index = 0;
    for (int key; (key = getopt_long(argc, argv, "", long_options, &index)) != -1;) {
        if (key == '?') {
            return -EINVAL;
        }
        if (apply_option(key, optarg, options) < 0) {
            fprintf(stderr, "bangtin-player play: --%s không nhận / does not take '%s'\n",
                    long_options[index].name, optarg);
            return -EINVAL;
        }
    }
    if (!options->help && (options->assets == NULL || optind >= argc)) {
        fputs("bangtin-player play: cần PUBLICATION và --assets DIR / both are needed\n", stderr);
        return -EINVAL;
    }
    return 0;
}

static void prepare_process(void)
{
    // Two arenas: a loader thread per zone must not cost a heap each.
    mallopt(M_ARENA_MAX, 2);
    // Sleeps end when they were asked to; the default slack of 50 µs adds up.
    prctl(PR_SET_TIMERSLACK, 1UL);
    // Xlib reads a table of compose keys for text input, which nobody does here: 7 ms of the start.
    setenv("XCOMPOSEFILE", "/dev/null", 0);  // allow: before there are threads
    // Presents come before whatever else the machine does. Needs the right to; fine without.
    const struct sched_param priority = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) < 0) {
        bt_log_debug(&logger, "No real-time priority for presents: %m");
    }
    const struct sigaction action = {.sa_handler = handle_stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);  // allow: ignoring needs no handler
}

// The journal remembers the time for machines without a clock battery.
static int64_t last_wall_ms(const char *journal)
{
    int64_t wall_ms = 0;
    if (journal != NULL && bt_journal_last_wall_ms(journal, &wall_ms, NULL) < 0) {
        return 0;  // a new journal, or one the recorder will complain about
    }
    return wall_ms;
}

static int open_recorder(const struct options *options, struct bt_running_order *order,
                         struct bt_recorder **out, struct bt_error *err)
{
    if (options->plays == NULL) {
        return 0;
    }
    enum bt_clock_trust trust;
    int64_t wall_ms = bt_running_order_wall_ms(order, bt_clock_mono_ns(bt_clock_real()), &trust);
    const struct bt_recorder_options recorder = {.path = options->plays,
                                                 .screen = options->screen,
                                                 .player = BT_VERSION,
                                                 .wall_ms = wall_ms,
                                                 .clock_trust = (int)trust};
    return bt_recorder_open(&recorder, out, err);
}

static int play(struct options *options, char *const *paths, int count, struct bt_error *err)
{
    struct bt_show *show = NULL;
    BT_AUTO(bt_kitchen) kitchen = NULL;
    BT_AUTO(bt_frame_log) frame_log = NULL;
    BT_AUTO(bt_recorder) recorder = NULL;
    int r = bt_kitchen_open(options->assets, &kitchen, err);
    if (r == 0 && options->frame_log != NULL) {
        r = bt_frame_log_open(options->frame_log, &frame_log, err);
    }
    if (r < 0 || (r = bt_show_load(paths, count, &show, err)) < 0) {
        return r;
    }
    options->stage.output.canvas_width = (int)bt_show_canvas(show)->width;
    options->stage.output.canvas_height = (int)bt_show_canvas(show)->height;
    BT_AUTO(bt_running_order) order = NULL;
    order = bt_running_order_create(show, bt_clock_real(), options->trust,
                                    last_wall_ms(options->plays));
    r = open_recorder(options, order, &recorder, err);
    return r < 0 ? r
                 : bt_stage_play(&options->stage, order, kitchen, recorder, frame_log,
                                 &stop_requested, err);
}

int bt_command_play(int argc, char **argv)
{
    struct options options;
    if (parse_options(argc, argv, &options) < 0) {
        fputs("bangtin-player play --help\n", stderr);
        return BT_EXIT_USAGE;
    }
    if (options.help) {
        fputs(help, stdout);
        return BT_EXIT_OK;
    }
    prepare_process();
    struct bt_error err = {""};
    int r = play(&options, argv + optind, argc - optind, &err);
    bt_supervisor_stopping();
    if (r < 0) {
        bt_log_error(&logger, "%s", err.msg);
        return BT_EXIT_FAILED;
    }
    return BT_EXIT_OK;
}
