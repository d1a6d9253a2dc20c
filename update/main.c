// bangtin-update: root's part of a new version of the player; started by systemd when the player
// hands one over, and at every start of the machine, where a trial may have been cut off.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"
#include "update/trial.h"
#include "update/verify.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

#define STATE "/var/lib/bangtin-update"
#define PLAYER "/var/lib/bangtin-player"
#define FRAMES "/run/bangtin-player"
#define UNIT "bangtin-player.service"

static const struct bt_log logger = {"update"};

static volatile sig_atomic_t stop_requested;  // allow: a signal handler has nothing else

static void handle_stop(int number)
{
    stop_requested = number;
}

static const char *or_usual(const struct bt_arguments *arguments, const char *name,
                            const char *usual)
{
    const char *said = bt_argument(arguments, name);
    return said != NULL ? said : usual;
}

// Two at once would go on with each other's trial.
static int lock_state(const char *state, int *out_fd, struct bt_error *err)
{
    BT_AUTOFREE char *path = bt_strf("%s/lock", state);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    *out_fd = fd;
    int r = bt_file_lock(fd, BT_LOCK_PATIENCE_NS);
    return r < 0 ? bt_fail(err, r, "Another bangtin-update works in '%s'", state) : 0;
}

// The first time there is a root; a player that is not paired yet has none.
static int pin(const struct bt_arguments *arguments, const char *state, const char *player,
               struct bt_error *err)
{
    BT_AUTOFREE char *trusted = bt_strf("%s/trusted", state);
    BT_AUTOFREE char *root = bt_strf("%s/root.json", trusted);
    int r = bt_file_make_dirs(trusted, err);
    if (r < 0 || access(root, F_OK) == 0) {
        return r;
    }
    r = bt_verify_pin(player, trusted, bt_argument(arguments, "root-sha256"), err);
    if (r == 0) {
        bt_log_info(&logger, "Pinned the root of the player");
    }
    return r;
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCLOSE int lock = -1;
    const char *state = or_usual(arguments, "state", STATE);
    const char *player = or_usual(arguments, "player", PLAYER);
    const char *command = bt_argument(arguments, "restart");
    const char *const systemctl[] = {"systemctl", "restart", UNIT, NULL};
    const char *const reset[] = {"systemctl", "reset-failed", UNIT, NULL};
    const char *const other[] = {command, NULL};
    struct bt_trial_options options = {
        .state = state,
        .player = player,
        .frames_directory = or_usual(arguments, "frames", FRAMES),
        .frames_name = "frames.json",
        .platform = bt_argument(arguments, "platform"),
        .restart = command != NULL ? other : systemctl,
        .forgive = command != NULL ? NULL : reset,
        .stop = &stop_requested,
        .limits = bt_judge_usual_limits,
        .clock = bt_clock_real(),
    };
    options.limits.watch_ms = bt_argument_int(arguments, "watch", BT_WATCH_MS / 1000) * 1000;
    if (bt_version_parse(bt_argument(arguments, "installed"), &options.installed) < 0) {
        return bt_fail(err, -EINVAL, "--installed is not of the form A.B.C");
    }
    int r = bt_file_make_dirs(state, err);
    r = r < 0 ? r : lock_state(state, &lock, err);
    r = r < 0 ? r : pin(arguments, state, player, err);
    if (r == -ENOENT) {
        return 0;
    }
    return r < 0 ? r : bt_trial_run(&options, err);
}

static const struct bt_option options[] = {
    {"platform", "NAME", "nền của máy này, như debian-13-arm64 / this machine's", .required = true},
    {"installed", "A.B.C", "bản của gói đã cài / the installed package's version",
     .required = true},
    {"state", "DIR", "dữ liệu của chương trình này / its own data (" STATE ")"},
    {"player", "DIR", "dữ liệu của máy phát / the player's data (" PLAYER ")"},
    {"frames", "DIR",
     "nơi có frames.json của máy phát / where the player says its frames (" FRAMES ")"},
    {"root-sha256", "HEX", "chỉ tin gốc này / trusts no other root"},
    {"watch", "SECONDS", "theo dõi bao lâu / for how long it watches (600)", .min = 1,
     .max = 86400},
    {"restart", "PROGRAM", "khởi động lại máy phát bằng / restarts the player (systemctl)"},
};

static const struct bt_subcommand commands[] = {
    {NULL, NULL, 0, 0,
     "Cài bản mới mà máy phát đưa, nếu tỉnh đã ký; theo dõi, và quay về bản cũ nếu phát kém hơn.\n"
     "Installs what the player hands over, if the province signed it; watches it, and goes back "
     "if it plays worse.",
     BT_OPTIONS(options), .run = run},
};

static const struct bt_command_group group = {
    .name = NULL,
    .summary = "bangtin-update " BT_VERSION " — cài bản mới của máy phát, và quay về khi phát kém "
               "/ installs new versions of the player, and goes back",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};

int main(int argc, char **argv)
{
    static const struct bt_program program = {.name = "bangtin-update"};
    const struct sigaction action = {.sa_handler = handle_stop};
    sigaction(SIGTERM, &action, NULL);
    // What it makes may be read by the player, and written by nobody else.
    umask(022);
    return bt_command_group_run(&program, &group, argc, argv);
}
