#include "player/panel_watch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/wake.h"
#include "render/uevents.h"

#define LOOK_MS 250  // also where the kernel's events do not reach us

// A console may come a moment after the display, and clears what lies there when it comes.
#define PAINTS 3

static const struct bt_log logger = {"player/panel"};

struct bt_panel_watch {
    char *root;
    struct bt_wake *wake;        // ends the rest
    struct bt_uevents *uevents;  // the thread's; NULL: the kernel tells us nothing
    pthread_t thread;
    atomic_bool ends;
    atomic_int panel;  // enum bt_panel
    _Atomic uint64_t plugs;
    pthread_mutex_t lock;  // one look at a time, so that an older one never replaces a newer
    // Protected by lock.
    uint64_t fingerprint;                 // of the last look
    _Atomic(struct bt_backdrop *) given;  // owned; the next backdrop
    // The thread's.
    struct bt_backdrop *backdrop;  // owned; NULL: none yet
    int paints;                    // so often it is still to be painted
    uint64_t painted_plugs;        // `plugs` at the last paint
};

static struct bt_connectors look(struct bt_panel_watch *watch)
{
    struct bt_connectors connectors;
    pthread_mutex_lock(&watch->lock);
    bt_connectors_look(watch->root, &connectors);
    // What went and came back between two looks of the main loop counts as well.
    if (connectors.fingerprint != watch->fingerprint) {
        watch->fingerprint = connectors.fingerprint;
        atomic_fetch_add(&watch->plugs, 1);
    }
    int before = atomic_exchange(&watch->panel, (int)bt_panel_look(watch->root));
    int now = atomic_load(&watch->panel);
    pthread_mutex_unlock(&watch->lock);
    if (now != before) {
        const char *word = bt_panel_word((enum bt_panel)now);
        bt_log_info(&logger, "The display is '%s' now", word[0] != '\0' ? word : "unknown");
    }
    return connectors;
}

static void take_given(struct bt_panel_watch *watch)
{
    struct bt_backdrop *given = atomic_exchange(&watch->given, NULL);
    uint64_t plugs = atomic_load(&watch->plugs);
    if (given != NULL) {
        bt_backdrop_destroy(watch->backdrop);
        watch->backdrop = given;
    }
    if (given != NULL || plugs != watch->painted_plugs) {
        watch->painted_plugs = plugs;
        watch->paints = PAINTS;
    }
}

static void paint(struct bt_panel_watch *watch)
{
    struct bt_error err;
    take_given(watch);
    if (watch->backdrop == NULL || watch->paints == 0) {
        return;
    }
    watch->paints--;
    if (bt_backdrop_paint(watch->backdrop, watch->root, &err) < 0 && watch->paints == 0) {
        bt_log_info(&logger, "%s; a display that nobody draws on is black", err.msg);
    }
}

// Until it is time to look again, or the kernel says that there is something to see.
static void rest(struct bt_panel_watch *watch)
{
    bool hurry = false;
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + LOOK_MS * BT_NS_PER_MS;
    int64_t left_ms = LOOK_MS;
    while (!hurry && left_ms > 0 && !atomic_load(&watch->ends)) {
        struct pollfd fds[] = {
            {.fd = bt_wake_fd(watch->wake), .events = POLLIN},
            {.fd = watch->uevents != NULL ? bt_uevents_fd(watch->uevents) : -1, .events = POLLIN},
        };
        (void)poll(fds, BT_ARRAY_LEN(fds), (int)left_ms);
        hurry = watch->uevents != NULL && bt_uevents_take(watch->uevents);
        left_ms = (until_ns - bt_clock_mono_ns(bt_clock_real())) / BT_NS_PER_MS;
    }
}

static void *run(void *argument)
{
    struct bt_panel_watch *watch = argument;
    while (!atomic_load(&watch->ends)) {
        rest(watch);
        (void)look(watch);
        paint(watch);
    }
    return NULL;
}

static void finish(struct bt_panel_watch *watch)
{
    bt_wake_destroy(watch->wake);
    bt_uevents_destroy(watch->uevents);
    pthread_mutex_destroy(&watch->lock);
    bt_backdrop_destroy(atomic_load(&watch->given));
    bt_backdrop_destroy(watch->backdrop);
    free(watch->root);
    free(watch);
}

struct bt_panel_watch *bt_panel_watch_start(const char *root)
{
    struct bt_panel_watch *watch = BT_NEW(struct bt_panel_watch);
    struct bt_error err;
    watch->root = bt_strdup(root);
    pthread_mutex_init(&watch->lock, NULL);
    if (bt_uevents_open(&watch->uevents, &err) < 0) {
        bt_log_info(&logger, "%s; looking at the plugs four times a second", err.msg);
    }
    (void)look(watch);
    if (bt_wake_open(&watch->wake, NULL) < 0 ||
        pthread_create(&watch->thread, NULL, run, watch) != 0) {
        bt_log_warn(&logger, "Cannot start a thread; nothing will be known of the display");
        finish(watch);
        return NULL;
    }
    return watch;
}

void bt_panel_watch_destroy(struct bt_panel_watch *watch)
{
    if (watch != NULL) {
        struct bt_waker waker = bt_wake_waker(watch->wake);
        atomic_store(&watch->ends, true);
        waker.wake(waker.context);
        pthread_join(watch->thread, NULL);
        finish(watch);
    }
}

enum bt_panel bt_panel_watch_now(const struct bt_panel_watch *watch)
{
    return watch != NULL ? (enum bt_panel)atomic_load(&watch->panel) : BT_PANEL_UNKNOWN;
}

uint64_t bt_panel_watch_plugs(const struct bt_panel_watch *watch)
{
    return watch != NULL ? atomic_load(&watch->plugs) : 0;
}

struct bt_connectors bt_panel_watch_look(struct bt_panel_watch *watch)
{
    return watch != NULL ? look(watch) : (struct bt_connectors){.card_count = 0};
}

void bt_panel_watch_paint(struct bt_panel_watch *watch, struct bt_backdrop *backdrop)
{
    bt_backdrop_destroy(watch != NULL ? atomic_exchange(&watch->given, backdrop) : backdrop);
}
