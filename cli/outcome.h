// What became of an order on each screen: {"screens": [{"state", "duty", …}]} of takedowns and
// emergencies.
#ifndef BT_CLI_OUTCOME_H
#define BT_CLI_OUTCOME_H

#include "cli/rest.h"

void bt_outcome_show(const struct bt_client *client, const struct bt_rest *rest, const cJSON *json);

/**
 * Waits (--wait) until every screen has answered, and shows. -ETIME when some have not: whom to
 * call stands in the list.
 */
int bt_outcome_wait(struct bt_client *client, const struct bt_arguments *arguments,
                    const struct bt_rest *rest, const char *path,
                    struct bt_error *err) BT_NODISCARD;

#endif
