#include "base/compiler.h"
#include "server/accounts/access.h"
#include "server/fleet/fleet.h"
#include "server/http/route.h"
#include "trust/stick.h"

#define SCREENSHOT_MAX_BYTES (4 * 1024 * 1024)

// Who has more screens in a group has the longest body: 10,000 ids.
#define GROUP_MAX_BYTES (256 * 1024)

#define VIEW BT_WHO_USER, BT_ACTION_VIEW
#define OPERATE BT_WHO_USER, BT_ACTION_OPERATE
#define INSTALL BT_WHO_USER, BT_ACTION_INSTALL
#define PUBLISH BT_WHO_USER, BT_ACTION_PUBLISH
#define ANYONE BT_WHO_ANYONE, BT_ACTION_NONE
#define PLAYER BT_WHO_PLAYER, BT_ACTION_NONE

#define OF_SCREEN .unit = bt_fleet_unit_of_screen
#define OF_GROUP .unit = bt_fleet_unit_of_group
#define OF_ENROLMENT .unit = bt_fleet_unit_of_enrolment
#define OF_PLAYER .unit = bt_fleet_unit_of_player
#define ANYWHERE .unit = bt_unit_any
#define JSON .body = BT_BODY_JSON
#define DO(handler_) .handle = bt_handle_##handler_

static const struct bt_route routes[] = {
    {"GET", "/v1/screens", VIEW, ANYWHERE, DO(screens_list)},
    {"POST", "/v1/screens", INSTALL, .unit = bt_fleet_unit_in_body, JSON, DO(screens_add)},
    {"GET", "/v1/screens/{screen}", VIEW, OF_SCREEN, DO(screen_show)},
    {"PUT", "/v1/screens/{screen}", INSTALL, OF_SCREEN, JSON, DO(screen_edit)},
    {"DELETE", "/v1/screens/{screen}", INSTALL, OF_SCREEN, DO(screen_retire)},
    {"GET", "/v1/screens/{screen}/status", VIEW, OF_SCREEN, DO(screen_status)},
    {"GET", "/v1/screens/{screen}/screenshot", VIEW, OF_SCREEN, DO(screen_screenshot)},
    {"POST", "/v1/screens/{screen}/player", INSTALL, OF_SCREEN, JSON, .no_transaction = true,
     DO(screen_player)},
    {"GET", "/v1/screens/{screen}/orders", VIEW, OF_SCREEN, DO(screen_orders_list)},
    {"POST", "/v1/screens/{screen}/orders", OPERATE, OF_SCREEN, JSON, DO(screen_orders_give)},

    {"GET", "/v1/groups", VIEW, ANYWHERE, DO(groups_list)},
    {"POST", "/v1/groups", PUBLISH, .unit = bt_fleet_unit_in_body, JSON, DO(groups_add)},
    {"GET", "/v1/groups/{group}", VIEW, OF_GROUP, DO(group_show)},
    {"PUT", "/v1/groups/{group}", PUBLISH, OF_GROUP, JSON, DO(group_edit)},
    {"DELETE", "/v1/groups/{group}", PUBLISH, OF_GROUP, DO(group_remove)},
    {"GET", "/v1/groups/{group}/screens", VIEW, OF_GROUP, DO(group_screens)},
    {"PUT", "/v1/groups/{group}/screens", PUBLISH, OF_GROUP, JSON, .max_body = GROUP_MAX_BYTES,
     DO(group_set_screens)},

    {"GET", "/v1/players", VIEW, ANYWHERE, DO(players_list)},
    {"GET", "/v1/players/{player}", VIEW, OF_PLAYER, DO(player_show)},
    {"DELETE", "/v1/players/{player}", INSTALL, OF_PLAYER, DO(player_remove)},

    {"POST", "/v1/pairings", ANYONE, JSON, DO(pairing_begin)},
    {"POST", "/v1/pairings/{pairing}/state", ANYONE, JSON, DO(pairing_state)},
    {"GET", "/v1/pairings/{code}", INSTALL, ANYWHERE, .no_transaction = true, DO(pairing_show)},
    {"POST", "/v1/pairings/{code}/claim", INSTALL, .unit = bt_fleet_screen_in_body, JSON,
     .no_transaction = true, DO(pairing_claim)},

    {"GET", "/v1/enrolments", INSTALL, ANYWHERE, DO(enrolments_list)},
    {"POST", "/v1/enrolments", INSTALL, .unit = bt_fleet_screen_in_body, JSON,
     .no_transaction = true, DO(enrolments_add)},
    {"DELETE", "/v1/enrolments/{enrolment}", INSTALL, OF_ENROLMENT, DO(enrolment_remove)},

    {"GET", "/v1/events", VIEW, ANYWHERE, .no_transaction = true, DO(events)},

    // Reads alone: ten thousand players that come again ask for it first.
    {"POST", "/v1/player/challenge", ANYONE, JSON, .no_transaction = true, DO(challenge)},
    {"POST", "/v1/player/session", ANYONE, JSON, DO(session)},
    {"GET", "/v1/player/stream", PLAYER, .no_transaction = true, DO(player_stream)},
    {"GET", "/v1/player/orders", PLAYER, DO(player_orders)},
    {"POST", "/v1/player/done", PLAYER, JSON, .max_body = 128 * 1024, DO(player_done)},
    {"POST", "/v1/player/pong", PLAYER, JSON, .max_body = 1024, .no_transaction = true,
     DO(player_pong)},
    {"POST", "/v1/player/status", PLAYER, JSON, DO(player_status)},
    {"POST", "/v1/player/screenshots/{n}", PLAYER, .body = BT_BODY_BYTES,
     .max_body = SCREENSHOT_MAX_BYTES, DO(player_screenshot)},
    // Whoever brings it: seal and signature decide.
    {"POST", "/v1/sticks/status", BT_WHO_USER, BT_ACTION_NONE, .body = BT_BODY_BYTES,
     .max_body = BT_STICK_STATUS_MAX_BYTES + 1024, DO(stick_status)},
};

const struct bt_route_table bt_fleet_routes = {routes, BT_ARRAY_LEN(routes)};
