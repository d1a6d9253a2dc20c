/**
 * Lists of what lies in the units a caller may see: {"items": […], "next": CURSOR|null}, in pages
 * by id. ?unit=CODE narrows it to that unit and what lies below.
 */
#ifndef BT_SERVER_FLEET_LIST_H
#define BT_SERVER_FLEET_LIST_H

#include "server/http/call.h"
#include "server/http/route.h"

/**
 * `ask` gets rows below one unit's path ($1, a beginning: "/vn/92/") with ids after $2, at most $3
 * of them, by id; the id is the first column. `row` makes an item of one.
 */
struct bt_fleet_list {
    int (*ask)(struct bt_db *db, const char *path, const char *after, int64_t limit,
               struct bt_db_rows **out, struct bt_error *err);
    cJSON *(*row)(const struct bt_db_rows *row);
};

int bt_fleet_list_reply(struct bt_call *call, enum bt_action action,
                        const struct bt_fleet_list *list, struct bt_error *err) BT_NODISCARD;

#endif
