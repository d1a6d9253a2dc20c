#include "base/compiler.h"
#include "plays/batch.h"
#include "server/http/route.h"
#include "server/plays/handlers.h"

#define PLAYER BT_WHO_PLAYER, BT_ACTION_NONE
#define DO(handler_) .handle = bt_handle_##handler_

static const struct bt_route routes[] = {
    {"GET", "/v1/player/plays", PLAYER, DO(player_plays)},
    {"POST", "/v1/player/plays", PLAYER, .body = BT_BODY_BYTES, .max_body = BT_BATCH_MAX_PACKED,
     .no_transaction = true, DO(player_plays_send)},
};

const struct bt_route_table bt_plays_routes = {routes, BT_ARRAY_LEN(routes)};
