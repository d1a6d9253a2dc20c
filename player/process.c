#include "player/process.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"

static const struct bt_log logger = {"player"};

static volatile sig_atomic_t stop_requested;  // allow: a signal handler has nothing else

static void handle_stop(int number)
{
    stop_requested = number;
}

// SDL looks for D-Bus as it opens a display. Where there is none, libdbus forks to start one, which
// may hang in a process with threads, and waits for it without an end. Nothing here needs a bus.
static void keep_off_the_buses(void)
{
    static const char *const names[] = {"DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
        setenv(names[i], "disabled:", 1);  // allow: before there are threads
    }
}

// Where libpulse finds no sound server it forks to start one, unless it was told where to look: at
// the places it looks by itself.
static void start_no_sound_server(void)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): likewise
    BT_AUTOFREE char *own = bt_strf("unix:%s/pulse/native ", dir != NULL ? dir : "");
    BT_AUTOFREE char *all = bt_strf("%sunix:/run/pulse/native", dir != NULL ? own : "");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
    setenv("PULSE_SERVER", all, 0);  // allow: before there are threads
}

const volatile int *bt_process_prepare(void)
{
    // Two arenas: a loader thread per zone must not cost a heap each.
    mallopt(M_ARENA_MAX, 2);  // NOLINT(concurrency-mt-unsafe): no other thread is there yet
    // Sleeps end when they were asked to; the default slack of 50 µs adds up.
    prctl(PR_SET_TIMERSLACK, 1UL);
    // Xlib reads a table of compose keys for text input, which nobody does here: 7 ms of the start.
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
    setenv("XCOMPOSEFILE", "/dev/null", 0);  // allow: before there are threads
    keep_off_the_buses();
    start_no_sound_server();
    // Presents come before whatever else the machine does. Needs the right to; fine without.
    const struct sched_param priority = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) < 0) {
        bt_log_debug(&logger, "No real-time priority for presents: %m");
    }
    const struct sigaction action = {.sa_handler = handle_stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);  // allow: ignoring needs no handler
    return &stop_requested;
}

int64_t bt_process_last_wall_ms(const char *journal)
{
    int64_t wall_ms = 0;
    if (journal != NULL && bt_journal_last_wall_ms(journal, &wall_ms, NULL) < 0) {
        return 0;  // a new journal, or one the recorder will complain about
    }
    return wall_ms;
}
