/**
 * The keeper of alerts: holds what the rules find against the rows that are open, and writes what
 * has changed. A row is noticed, raised, calm and over, in this order (docs/server.md, "Care").
 */
#ifndef BT_SERVER_CARE_ALERTS_H
#define BT_SERVER_CARE_ALERTS_H

#include "server/care/limits.h"
#include "server/care/screens.h"
#include "server/server.h"

// A kind of alert of an object, found now or not.
struct bt_sighting {
    char object[80];
    const char *screen;  // borrowed; NULL: of none
    const char *unit;    // borrowed
    const struct bt_rule *rule;
    bool found;
    struct bt_finding finding;
};

// What becomes of an alert. Pure.
enum bt_alert_step {
    BT_ALERT_NOTHING,
    BT_ALERT_NOTICE,  // a new row, not raised yet
    BT_ALERT_RAISE,   // of the row that is there, or of a new one
    BT_ALERT_FORGET,  // it was never raised
    BT_ALERT_CALM,
    BT_ALERT_STIR,  // no longer calm
    BT_ALERT_END,
};
struct bt_alert_row {
    bool there, raised;
    int64_t seen_ms;
    int64_t calm_ms;  // BT_CARE_UNKNOWN: not calm
};
enum bt_alert_step bt_alert_step(const struct bt_rule *rule, const struct bt_alert_row *row,
                                 bool found, int64_t now_ms);

// All screens, roles and the server itself, once.
int bt_alerts_keep(struct bt_server *server, struct bt_db *db, const struct bt_all_limits *limits,
                   int64_t watched_ms, struct bt_error *err) BT_NODISCARD;

#endif
