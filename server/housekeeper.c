#include "server/housekeeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "server/backup/nightly.h"
#include "server/plan/planner.h"
#include "server/plays/heads.h"
#include "server/publications/issuer.h"

#define ROUND_NS (60 * BT_NS_PER_S)

static const struct bt_log logger = {"server/housekeeper"};

struct bt_housekeeper {
    struct bt_server *server;  // borrowed
    struct bt_queue *rest;     // nothing ever comes through it; closing it ends the rest
    pthread_t thread;
};

static int renew(struct bt_server *server, struct bt_error *err)
{
    return bt_issuer_renew(server->issuer, server, err);
}

static const struct chore {
    const char *name;
    int (*run)(struct bt_server *server, struct bt_error *err);
} chores[] = {
    {"renewing the timestamp", renew},
    {"the heads of the day", bt_heads_make},
    {"the plan of the days before", bt_planner_run},
    {"the backup of the night", bt_nightly_run},
};

static void *work(void *context)
{
    struct bt_housekeeper *housekeeper = context;
    while (!bt_queue_closed(housekeeper->rest)) {
        for (size_t i = 0; i < BT_ARRAY_LEN(chores); i++) {
            struct bt_error err = {0};
            // -EAGAIN: another server is at it.
            int r = chores[i].run(housekeeper->server, &err);
            if (r < 0 && r != -EAGAIN) {
                bt_log_warn(&logger, "%s: %s; trying again in a minute", chores[i].name, err.msg);
            }
        }
        (void)bt_queue_pop_wait(housekeeper->rest, bt_clock_mono_ns(bt_clock_real()) + ROUND_NS);
    }
    return NULL;
}

int bt_housekeeper_start(struct bt_server *server, struct bt_housekeeper **out,
                         struct bt_error *err)
{
    struct bt_housekeeper *housekeeper = BT_NEW(struct bt_housekeeper);
    housekeeper->server = server;
    housekeeper->rest = bt_queue_create(1, free, (struct bt_waker){0});
    int r = pthread_create(&housekeeper->thread, NULL, work, housekeeper);
    if (r != 0) {
        bt_queue_destroy(housekeeper->rest);
        free(housekeeper);
        return bt_fail(err, -r, "Cannot start the housekeeper's thread");
    }
    *out = housekeeper;
    return 0;
}

void bt_housekeeper_close(struct bt_housekeeper *housekeeper)
{
    if (housekeeper != NULL) {
        bt_queue_close(housekeeper->rest);
    }
}

void bt_housekeeper_destroy(struct bt_housekeeper *housekeeper)
{
    if (housekeeper == NULL) {
        return;
    }
    bt_housekeeper_close(housekeeper);
    pthread_join(housekeeper->thread, NULL);
    bt_queue_destroy(housekeeper->rest);
    free(housekeeper);
}
