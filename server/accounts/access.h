/**
 * Who may do what: roles are granted on a unit and hold in everything below it. One table, role ×
 * action, in access.c; the gate asks it before every handler. What a role may do here is a
 * courtesy between colleagues: what reaches a screen is decided by signatures.
 *
 * Routes for anyone: a caller who is logged in is filled in as well, and nobody is refused. An API
 * token does what its scopes say, and of the routes without an action only reads.
 */
#ifndef BT_SERVER_ACCOUNTS_ACCESS_H
#define BT_SERVER_ACCOUNTS_ACCESS_H

#include <stdbool.h>

#include "server/http/route.h"

// The unit at the top of the tree: what is nobody else's is its.
#define BT_ROOT_UNIT "vn"

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

// The roles that may do it, a blank around each: " viewer uploader ". For questions that filter by
// themselves: EXISTS (SELECT 1 FROM role_grant g JOIN unit u ON u.code = g.unit WHERE g.user_id =
// $1 AND $2 LIKE '% ' || g.role || ' %' AND substr(x.path, 1, length(u.path)) = u.path).
#define BT_ROLES_BYTES 160
void bt_roles_who_may(enum bt_action action, char out[BT_ROLES_BYTES]);

// The role of a word, or -ENOENT.
int bt_role_parse(const char *word, enum bt_role *out) BT_NODISCARD;

// Scopes of API tokens: actions as words with one space between two ("view upload").
const char *bt_action_word(enum bt_action action);
uint64_t bt_scopes_parse(const char *words);  // unknown words count for nothing

// The gate for bt_http_set_gate: sessions, tokens, players, and the table.
bool bt_access_gate(struct bt_call *call, const struct bt_route *route);

// May the caller do it in the unit?
bool bt_access_may(struct bt_call *call, enum bt_action action, const char *unit);

// May the caller do it anywhere at all?
bool bt_access_may_somewhere(struct bt_call *call, enum bt_action action);

// The rule behind both, for anybody: 1 or 0, or an error. `unit` NULL: anywhere.
int bt_access_ask(struct bt_db *db, const char *user, uint64_t scopes, enum bt_action action,
                  const char *unit, struct bt_error *err) BT_NODISCARD;

// For lists: marks "the caller's own units"; the gate lets in who may do it anywhere.
bool bt_unit_any(struct bt_call *call, char *out, size_t size);

// {unit} in the path.
bool bt_unit_of_path(struct bt_call *call, char *out, size_t size);

/**
 * The units' paths ("/vn/92/31333/") below which the caller may do it, for filtering lists:
 * NULL-terminated, for bt_access_units_free. At most 1000; who has roles in more units sees the
 * first of them.
 */
char **bt_access_units(struct bt_call *call, enum bt_action action);
void bt_access_units_free(char **units);

#endif
