#include "server/housekeeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "server/backup/nightly.h"
#include "server/db/lease.h"
#include "server/http/metrics.h"
#include "server/plan/planner.h"
#include "server/plays/heads.h"
#include "server/publications/issuer.h"

#define ROUND_NS (60 * BT_NS_PER_S)

// Of several servers on one database one does the chores; after this it is another one's turn.
#define LEASE "chores"
#define LEASE_MS 150000

static const struct bt_log logger = {"server/housekeeper"};

struct bt_housekeeper {
    struct bt_server *server;  // borrowed
    struct bt_queue *rest;     // nothing ever comes through it; closing it ends the rest
    pthread_t thread;
    struct bt_metric *ours;
    char holder[BT_LEASE_HOLDER_BYTES];
};

static int renew(struct bt_server *server, struct bt_error *err)
{
    return bt_issuer_renew(server->issuer, server, err);
}

static const struct chore {
    const char *name;
    int (*run)(struct bt_server *server, struct bt_error *err);
    bool has_its_own_lease;
} chores[] = {
    {"renewing the timestamp", renew},
    {"the heads of the day", bt_heads_make},
    {"the plan of the days before", bt_planner_run},
    // Not every server was told where to.
    {"the backup of the night", bt_nightly_run, .has_its_own_lease = true},
};

// -EAGAIN: another server is at it.
static bool went_well(const char *name, int r, const struct bt_error *err)
{
    if (r < 0 && r != -EAGAIN) {
        bt_log_warn(&logger, "%s: %s; trying again in a minute", name, err->msg);
    }
    return r >= 0;
}

static bool is_ours(struct bt_housekeeper *housekeeper)
{
    struct bt_db *db = NULL;
    struct bt_error err = {0};
    struct bt_server *server = housekeeper->server;
    int r = bt_db_acquire(server->db, &db, &err);
    r = r < 0 ? r
              : bt_lease_take(db, LEASE, housekeeper->holder, bt_clock_wall_ms(server->clock),
                              LEASE_MS, &err);
    bt_db_release(db);
    return went_well("whose turn it is", r, &err) && r == 1;
}

// Another server takes over at its next round.
static void leave(struct bt_housekeeper *housekeeper)
{
    struct bt_db *db = NULL;
    if (bt_db_acquire(housekeeper->server->db, &db, NULL) == 0) {
        bt_lease_leave(db, LEASE, housekeeper->holder);
        bt_db_release(db);
    }
}

static void *work(void *context)
{
    struct bt_housekeeper *housekeeper = context;
    while (!bt_queue_closed(housekeeper->rest)) {
        bool ours = is_ours(housekeeper);
        bt_metric_set(housekeeper->ours, ours);
        for (size_t i = 0; i < BT_ARRAY_LEN(chores); i++) {
            struct bt_error err = {0};
            if (ours || chores[i].has_its_own_lease) {
                (void)went_well(chores[i].name, chores[i].run(housekeeper->server, &err), &err);
            }
        }
        (void)bt_queue_pop_wait(housekeeper->rest, bt_clock_mono_ns(bt_clock_real()) + ROUND_NS);
    }
    leave(housekeeper);
    return NULL;
}

int bt_housekeeper_start(struct bt_server *server, struct bt_housekeeper **out,
                         struct bt_error *err)
{
    struct bt_housekeeper *housekeeper = BT_NEW(struct bt_housekeeper);
    housekeeper->server = server;
    bt_lease_holder(server->data_dir, housekeeper->holder);
    housekeeper->ours = bt_metrics_gauge(server->metrics, "bangtin_chores", "",
                                         "1: this server does the chores of all on its database.");
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
