#include "base/compiler.h"
#include "plays/batch.h"
#include "server/accounts/access.h"
#include "server/fleet/fleet.h"
#include "server/http/route.h"
#include "server/plays/handlers.h"
#include "trust/seal.h"

#define PLAYER BT_WHO_PLAYER, BT_ACTION_NONE
#define REPORT BT_WHO_USER, BT_ACTION_REPORT
#define ADMINISTER BT_WHO_USER, BT_ACTION_ADMINISTER
#define OF_PLAYER .unit = bt_fleet_unit_of_player
#define JOURNAL "/v1/plays/journals/{player}/{journal}"
#define DO(handler_) .handle = bt_handle_##handler_

static const struct bt_route routes[] = {
    {"GET", "/v1/player/plays", PLAYER, .former_players = true, DO(player_plays)},
    {"POST", "/v1/player/plays", PLAYER, .body = BT_BODY_BYTES, .max_body = BT_BATCH_MAX_PACKED,
     .no_transaction = true, .former_players = true, DO(player_plays_send)},

    // Whoever brings them: seal and signature decide.
    {"POST", "/v1/sticks/plays", BT_WHO_USER, BT_ACTION_NONE, .body = BT_BODY_BYTES,
     .max_body = BT_BATCH_MAX_PACKED + BT_SEAL_EXTRA_BYTES, .no_transaction = true,
     DO(stick_plays)},

    {"GET", "/v1/plays/journals", REPORT, .unit = bt_unit_any, DO(plays_journals)},
    {"GET", "/v1/plays/journals/{player}", REPORT, OF_PLAYER, DO(plays_player)},
    {"GET", JOURNAL "/quarantine", REPORT, OF_PLAYER, DO(plays_quarantine)},
    {"POST", JOURNAL "/resolve", ADMINISTER, OF_PLAYER, .body = BT_BODY_JSON, DO(plays_resolve)},
};

const struct bt_route_table bt_plays_routes = {routes, BT_ARRAY_LEN(routes)};
