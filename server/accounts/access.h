/**
 * Who may do what: roles are granted on a unit and hold in everything below it. One table, role ×
 * action, in access.c; the gate asks it before every handler.
 */
#ifndef BT_SERVER_ACCOUNTS_ACCESS_H
#define BT_SERVER_ACCOUNTS_ACCESS_H

#include <stdbool.h>

#include "server/http/route.h"

enum bt_role {
    BT_ROLE_VIEWER,
    BT_ROLE_UPLOADER,
    BT_ROLE_REVIEWER,
    BT_ROLE_PUBLISHER,
    BT_ROLE_SCREEN_OPERATOR,
    BT_ROLE_TECHNICIAN,
    BT_ROLE_DUTY_OFFICER,
    BT_ROLE_REPORTER,
    BT_ROLE_ADMINISTRATOR,
    BT_ROLE_COUNT
};
const char *bt_role_word(enum bt_role role);  // "viewer", "screen-operator"…; as in the API
bool bt_role_may(enum bt_role role, enum bt_action action);

// The gate for bt_http_set_gate: sessions, tokens, players, and the table.
bool bt_access_gate(struct bt_call *call, const struct bt_route *route);

// May the caller do it in the unit?
bool bt_access_may(struct bt_call *call, enum bt_action action, const char *unit);

// For lists: marks "the caller's own units"; the gate lets in who may do it anywhere.
bool bt_unit_any(struct bt_call *call, char *out, size_t size);

// {unit} in the path.
bool bt_unit_of_path(struct bt_call *call, char *out, size_t size);

/**
 * The units' paths ("/vn/92/31333/") below which the caller may do it, for filtering lists:
 * a list for cJSON-free use, NULL-terminated, freed with bt_access_units_free.
 */
char **bt_access_units(struct bt_call *call, enum bt_action action);
void bt_access_units_free(char **units);

#endif
