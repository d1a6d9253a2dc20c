#include "player/panel_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"

#define LOOK_NS (BT_NS_PER_S / 4)

static const struct bt_log logger = {"player/panel"};

struct bt_panel_watch {
    char *root;
    struct bt_queue *rest;  // nothing ever comes through it; closing it ends the rest
    pthread_t thread;
    pthread_mutex_t lock;  // one look at a time, so that an older one never replaces a newer
    atomic_int panel;      // enum bt_panel
    _Atomic uint64_t plugs;
    _Atomic(struct bt_backdrop *) backdrop;  // owned; to be painted
};

static struct bt_connectors look(struct bt_panel_watch *watch)
{
    struct bt_connectors connectors;
    pthread_mutex_lock(&watch->lock);
    bt_connectors_look(watch->root, &connectors);
    atomic_store(&watch->plugs, connectors.fingerprint);
    int before = atomic_exchange(&watch->panel, (int)bt_panel_look(watch->root));
    int now = atomic_load(&watch->panel);
    pthread_mutex_unlock(&watch->lock);
    if (now != before) {
        const char *word = bt_panel_word((enum bt_panel)now);
        bt_log_info(&logger, "The display is '%s' now", word[0] != '\0' ? word : "unknown");
    }
    return connectors;
}

static void paint(struct bt_panel_watch *watch)
{
    BT_AUTO(bt_backdrop) backdrop = atomic_exchange(&watch->backdrop, NULL);
    struct bt_error err;
    if (backdrop != NULL && bt_backdrop_paint(backdrop, watch->root, &err) < 0) {
        bt_log_info(&logger, "%s; a display that nobody draws on is black", err.msg);
    }
}

static void *run(void *argument)
{
    struct bt_panel_watch *watch = argument;
    while (!bt_queue_closed(watch->rest)) {
        (void)bt_queue_pop_wait(watch->rest, bt_clock_mono_ns(bt_clock_real()) + LOOK_NS);
        (void)look(watch);
        paint(watch);
    }
    return NULL;
}

static void finish(struct bt_panel_watch *watch)
{
    bt_queue_destroy(watch->rest);
    pthread_mutex_destroy(&watch->lock);
    bt_backdrop_destroy(atomic_load(&watch->backdrop));
    free(watch->root);
    free(watch);
}

struct bt_panel_watch *bt_panel_watch_start(const char *root)
{
    struct bt_panel_watch *watch = BT_NEW(struct bt_panel_watch);
    watch->root = bt_strdup(root);
    watch->rest = bt_queue_create(1, free, (struct bt_waker){0});
    pthread_mutex_init(&watch->lock, NULL);
    (void)look(watch);
    if (pthread_create(&watch->thread, NULL, run, watch) != 0) {
        bt_log_warn(&logger, "Cannot start a thread; nothing will be known of the display");
        finish(watch);
        return NULL;
    }
    return watch;
}

void bt_panel_watch_destroy(struct bt_panel_watch *watch)
{
    if (watch != NULL) {
        bt_queue_close(watch->rest);
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
    bt_backdrop_destroy(watch != NULL ? atomic_exchange(&watch->backdrop, backdrop) : backdrop);
}
