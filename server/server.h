/**
 * What the parts of the server share. Made by main, borrowed by everyone, thread-safe where used by
 * several.
 */
#ifndef BT_SERVER_SERVER_H
#define BT_SERVER_SERVER_H

#include <stdbool.h>

#include "base/clock.h"

struct bt_db_pool;
struct bt_accounts;   // server/accounts/accounts.h: what logging in needs in memory
struct bt_blobs;      // server/media/blobs.h: content by hash
struct bt_hub;        // server/fleet/hub.h: open hint streams
struct bt_ingest;     // server/plays/ingest.h: counts what players send
struct bt_inspector;  // server/media/inspector.h: looks at what was uploaded
struct bt_issuer;     // server/publications/issuer.h: snapshot and timestamp keys
struct bt_metrics;    // server/http/metrics.h: what /metrics says
struct bt_nightly;    // server/backup/nightly.h: the backup of each night; the housekeeper's
struct bt_planner;    // server/plan/planner.h: what schedules asked for; the housekeeper's

struct bt_server {
    const char *data_dir;
    const struct bt_clock *clock;
    struct bt_db_pool *db;
    struct bt_blobs *blobs;
    struct bt_hub *hub;
    struct bt_ingest *ingest;
    struct bt_issuer *issuer;
    struct bt_metrics *metrics;
    struct bt_inspector *inspector;
    struct bt_accounts *accounts;
    bool webhooks_inside;  // server/care/: webhooks may go to this machine
    struct bt_planner *planner;
    struct bt_nightly *nightly;
};

#endif
