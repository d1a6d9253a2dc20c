/**
 * What the handlers of the fleet share: reading bodies of players, the unit a request is about,
 * and the handlers' names for the table in routes.c.
 */
#ifndef BT_SERVER_FLEET_FLEET_H
#define BT_SERVER_FLEET_FLEET_H

#include "base/json.h"
#include "server/http/call.h"

// "/vn/92/31333/": eight levels of the longest code (docs/trust.md: 24 characters).
#define BT_UNIT_PATH_BYTES 256

/**
 * Reads a player's body by table. Keys we do not know are ignored, since players may be newer than
 * the server. Answers 400 itself and returns false.
 */
bool bt_fleet_read(struct bt_call *call, const struct bt_json_field *fields, size_t count,
                   void *target);

// 400 with the reader's sentence. Returns 0.
int bt_fleet_bad_request(struct bt_call *call, const struct bt_error *err);

// Of the {screen}, {group}, {player}, {enrolment} in the path, or the body's "unit" or "screen":
// for bt_route.unit.
bool bt_fleet_unit_of_screen(struct bt_call *call, char *out, size_t size);
bool bt_fleet_unit_of_group(struct bt_call *call, char *out, size_t size);
bool bt_fleet_unit_of_player(struct bt_call *call, char *out, size_t size);
bool bt_fleet_unit_of_enrolment(struct bt_call *call, char *out, size_t size);
bool bt_fleet_unit_in_body(struct bt_call *call, char *out, size_t size);
bool bt_fleet_screen_in_body(struct bt_call *call, char *out, size_t size);

// A unit's path, "" when there is no such unit that is in force.
int bt_fleet_unit_path(struct bt_call *call, const char *unit, char *out, size_t size,
                       struct bt_error *err) BT_NODISCARD;

// After the commit: tells people who watch the unit (bt_hub_tell). `data` is taken.
int bt_fleet_tell(struct bt_call *call, const char *unit, const char *event, cJSON *data,
                  struct bt_error *err) BT_NODISCARD;

// Sessions and pairings that are over; called by the hub every minute.
int bt_fleet_clean(struct bt_db *db, int64_t now_ms, struct bt_error *err) BT_NODISCARD;

// Ends a player and its sessions: `state` is replaced or revoked. After the commit the hub forgets
// it (bt_hub_forget).
int bt_fleet_end_player(struct bt_db *db, const char *player, const char *state, int64_t now_ms,
                        struct bt_error *err) BT_NODISCARD;
int bt_fleet_forget_after_commit(struct bt_call *call, const char *player,
                                 struct bt_error *err) BT_NODISCARD;

int bt_handle_challenge(struct bt_call *call, struct bt_error *err);
int bt_handle_session(struct bt_call *call, struct bt_error *err);
int bt_handle_pairing_begin(struct bt_call *call, struct bt_error *err);
int bt_handle_pairing_state(struct bt_call *call, struct bt_error *err);
int bt_handle_pairing_show(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_player(struct bt_call *call, struct bt_error *err);
int bt_handle_pairing_claim(struct bt_call *call, struct bt_error *err);

int bt_handle_enrolments_list(struct bt_call *call, struct bt_error *err);
int bt_handle_enrolments_add(struct bt_call *call, struct bt_error *err);
int bt_handle_enrolment_remove(struct bt_call *call, struct bt_error *err);

int bt_handle_player_stream(struct bt_call *call, struct bt_error *err);
int bt_handle_player_orders(struct bt_call *call, struct bt_error *err);
int bt_handle_player_done(struct bt_call *call, struct bt_error *err);
int bt_handle_player_pong(struct bt_call *call, struct bt_error *err);
int bt_handle_player_status(struct bt_call *call, struct bt_error *err);
int bt_handle_stick_status(struct bt_call *call, struct bt_error *err);
int bt_handle_player_screenshot(struct bt_call *call, struct bt_error *err);

int bt_handle_events(struct bt_call *call, struct bt_error *err);

int bt_handle_screens_list(struct bt_call *call, struct bt_error *err);
int bt_handle_screens_add(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_show(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_edit(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_retire(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_status(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_screenshot(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_orders_list(struct bt_call *call, struct bt_error *err);
int bt_handle_screen_orders_give(struct bt_call *call, struct bt_error *err);

int bt_handle_groups_list(struct bt_call *call, struct bt_error *err);
int bt_handle_groups_add(struct bt_call *call, struct bt_error *err);
int bt_handle_group_show(struct bt_call *call, struct bt_error *err);
int bt_handle_group_edit(struct bt_call *call, struct bt_error *err);
int bt_handle_group_remove(struct bt_call *call, struct bt_error *err);
int bt_handle_group_screens(struct bt_call *call, struct bt_error *err);
int bt_handle_group_set_screens(struct bt_call *call, struct bt_error *err);

int bt_handle_players_list(struct bt_call *call, struct bt_error *err);
int bt_handle_player_show(struct bt_call *call, struct bt_error *err);
int bt_handle_player_remove(struct bt_call *call, struct bt_error *err);

#endif
