#include "base/compiler.h"
#include "server/accounts/access.h"
#include "server/accounts/handlers.h"

// Rules of their own beyond the table stand in the handlers: whoever edits an account administers
// every unit where its user has a role, and a unit moves only below one that its mover administers.

#define ANYONE .who = BT_WHO_ANYONE
#define OWN .who = BT_WHO_USER, .action = BT_ACTION_NONE
#define SEES(unit_) .who = BT_WHO_USER, .action = BT_ACTION_VIEW, .unit = (unit_)
#define RULES(unit_) .who = BT_WHO_USER, .action = BT_ACTION_ADMINISTER, .unit = (unit_)
#define JSON .body = BT_BODY_JSON, .max_body = 8192
// Hashes a password: nobody else waits for the database meanwhile.
#define BARE .no_transaction = true

static const struct bt_route routes[] = {
    {"POST", "/v1/first-administrator", ANYONE, JSON, BARE,
     .handle = bt_handle_first_administrator},
    {"POST", "/v1/login", ANYONE, JSON, BARE, .handle = bt_handle_login},
    {"POST", "/v1/logout", OWN, .handle = bt_handle_logout},
    {"GET", "/v1/me", OWN, .handle = bt_handle_me},
    {"PUT", "/v1/me/password", OWN, JSON, BARE, .handle = bt_handle_my_password},

    {"GET", "/v1/users", RULES(bt_unit_any), .handle = bt_handle_users_list},
    {"POST", "/v1/users", RULES(bt_unit_in_body), JSON, BARE, .handle = bt_handle_users_add},
    {"GET", "/v1/users/{user}", RULES(bt_unit_of_user), .handle = bt_handle_user_show},
    {"PUT", "/v1/users/{user}", RULES(bt_unit_of_user), JSON, .handle = bt_handle_user_edit},
    {"PUT", "/v1/users/{user}/password", RULES(bt_unit_of_user), JSON, BARE,
     .handle = bt_handle_user_password},
    {"GET", "/v1/users/{user}/grants", RULES(bt_unit_of_user), .handle = bt_handle_grants_list},
    {"POST", "/v1/users/{user}/grants", RULES(bt_unit_in_body), JSON,
     .handle = bt_handle_grants_add},
    {"DELETE", "/v1/users/{user}/grants/{unit}/{role}", RULES(bt_unit_of_path),
     .handle = bt_handle_grant_remove},

    {"GET", "/v1/tokens", OWN, .handle = bt_handle_tokens_list},
    {"POST", "/v1/tokens", OWN, JSON, BARE, .handle = bt_handle_tokens_add},
    {"DELETE", "/v1/tokens/{token}", OWN, .handle = bt_handle_token_remove},

    {"GET", "/v1/units", SEES(bt_unit_any), .handle = bt_handle_units_list},
    {"POST", "/v1/units", RULES(bt_parent_in_body), JSON, .handle = bt_handle_units_add},
    {"GET", "/v1/units/{unit}", SEES(bt_unit_of_path), .handle = bt_handle_unit_show},
    {"PUT", "/v1/units/{unit}", RULES(bt_unit_of_path), JSON, .handle = bt_handle_unit_edit},
    {"DELETE", "/v1/units/{unit}", RULES(bt_unit_of_path), .handle = bt_handle_unit_remove},
    {"GET", "/v1/units/{unit}/aliases", SEES(bt_unit_of_path), .handle = bt_handle_aliases_list},
    {"POST", "/v1/units/{unit}/aliases", RULES(bt_unit_of_path), JSON,
     .handle = bt_handle_aliases_add},
    {"DELETE", "/v1/units/{unit}/aliases/{alias}", RULES(bt_unit_of_path),
     .handle = bt_handle_alias_remove},

    {"GET", "/v1/audit", RULES(bt_unit_any), .handle = bt_handle_audit_list},
    {"GET", "/v1/audit/check", RULES(NULL), .handle = bt_handle_audit_check},
};

const struct bt_route_table bt_account_routes = {routes, BT_ARRAY_LEN(routes)};
