/**
 * Routes: one table for each part of the server says who may do what where. The router matches, the
 * gate (server/accounts/) judges, the handler acts; nothing else decides about access.
 */
#ifndef BT_SERVER_HTTP_ROUTE_H
#define BT_SERVER_HTTP_ROUTE_H

#include <stdint.h>

#include "server/http/call.h"

enum bt_route_who {
    BT_WHO_ANYONE,  // signed or harmless things, logging in
    BT_WHO_PLAYER,  // a paired player's session
    BT_WHO_USER,    // a session or an API token, and `action` on the object's unit
};

// What a user does; which roles may is in server/accounts/access.c, and only there.
enum bt_action {
    BT_ACTION_NONE,  // any user at all: their own things
    BT_ACTION_VIEW,
    BT_ACTION_UPLOAD,   // assets
    BT_ACTION_ARRANGE,  // playlists, campaigns, schedules, proposals
    BT_ACTION_REVIEW,   // sign or refuse proposals
    BT_ACTION_PUBLISH,  // withdraw, templates, groups
    BT_ACTION_OPERATE,  // commands to screens: blank, screenshot, identify, restart, volume, light
    BT_ACTION_INSTALL,  // screens, pairing, players
    BT_ACTION_TAKE_DOWN,  // takedowns
    BT_ACTION_EMERGENCY,  // activations and their end
    BT_ACTION_REPORT,
    BT_ACTION_ADMINISTER,  // units, users, roles, keys of roles
    BT_ACTION_COUNT
};

enum bt_route_body { BT_BODY_NONE, BT_BODY_JSON, BT_BODY_BYTES, BT_BODY_STREAM };

struct bt_route {
    const char *method;  // "GET" also answers HEAD
    const char *path;    // "/v1/screens/{screen}"; a last part "{path...}" takes the rest
    enum bt_route_who who;
    enum bt_action action;

    /**
     * The unit the request is about, for USER routes with an action other than NONE: writes its
     * code, or answers 404 itself and returns false. NULL: the root unit. For lists, which show
     * what the caller may see, use bt_unit_any: any unit where the caller may will do, and the
     * handler filters with bt_access_units.
     */
    bool (*unit)(struct bt_call *call, char *out, size_t size);

    enum bt_route_body body;
    int64_t max_body;     // bytes; 0: 64 KiB
    bool no_transaction;  // the handler begins its own, of which one may write
    bool comes_again;     // more may: the request may be sent again, whatever was committed
    bool knows_caller;    // ANYONE without a transaction: it matters who, if somebody is known
    bool former_players;  // PLAYER: one that was replaced may, too
    int (*handle)(struct bt_call *call, struct bt_error *err);
};

struct bt_route_table {
    const struct bt_route *routes;
    size_t count;
};

// Each part's own table, and all of them (server/routes.c).
extern const struct bt_route_table bt_http_routes, bt_account_routes, bt_fleet_routes,
    bt_media_routes, bt_plays_routes, bt_publication_routes, bt_setting_routes, bt_report_routes,
    bt_evidence_routes, bt_care_routes;
extern const struct bt_route_table *const bt_all_routes[];
extern const size_t bt_all_routes_count;

#endif
