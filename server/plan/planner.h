/**
 * The planner: what the schedule asked for on each day that is over, screen by screen, kept in
 * plan_daily beside what was shown (docs/plays.md, "Scheduled").
 *
 * Every quarter of an hour it goes over all screens, newest day first, and computes what is missing
 * and whose documents or orders were other ones than it took them for; a bite at a time, so that
 * nobody else waits. Belongs to one thread.
 */
#ifndef BT_SERVER_PLAN_PLANNER_H
#define BT_SERVER_PLAN_PLANNER_H

#include "server/db/db.h"
#include "server/server.h"

// Days before these are not computed; what is known of them stays.
#define BT_PLAN_MAX_DAYS 400
// Of days older than this nothing changes any more.
#define BT_PLAN_CHECKED_DAYS 35

struct bt_planner;
struct bt_planner *bt_planner_create(void) BT_NODISCARD;
void bt_planner_destroy(struct bt_planner *planner);
BT_DEFINE_AUTO(bt_planner)

/**
 * One bite: ends when everything is done, or after the first screen's day with which `budget_ns`
 * are used up. *out_more (may be NULL): there is more to do at once.
 */
int bt_planner_bite(struct bt_planner *planner, struct bt_db *db, int64_t now_ms, int64_t budget_ns,
                    bool *out_more, struct bt_error *err) BT_NODISCARD;

// The housekeeper's chore.
int bt_planner_run(struct bt_server *server, struct bt_error *err) BT_NODISCARD;

#endif
