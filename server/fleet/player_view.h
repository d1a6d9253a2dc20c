// What people see of a player in lists.
#ifndef BT_SERVER_FLEET_PLAYER_VIEW_H
#define BT_SERVER_FLEET_PLAYER_VIEW_H

#include <cjson/cJSON.h>

#include "server/db/db.h"

// A number, or null where the column is NULL.
cJSON *bt_number_or_null(const struct bt_db_rows *row, int column);

/**
 * {id, state, since_ms, seen_ms, model, version, timestamp, troubles} of the columns id, channel,
 * channel_ms, seen_ms, model, version of a player and timestamp_version, troubles of its status,
 * from `first` on. null when there is no player.
 */
cJSON *bt_player_view_json(const struct bt_db_rows *row, int first);

#endif
