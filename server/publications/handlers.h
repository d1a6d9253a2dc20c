// The handlers of server/publications/, for its table of routes alone.
#ifndef BT_SERVER_PUBLICATIONS_HANDLERS_H
#define BT_SERVER_PUBLICATIONS_HANDLERS_H

#include <stddef.h>

#include "base/error.h"
#include "server/http/call.h"

// The repository as players fetch it (tuf_routes.c).
int bt_handle_tuf_metadata(struct bt_call *call, struct bt_error *err);
int bt_handle_tuf_target(struct bt_call *call, struct bt_error *err);

// Keys and metadata made elsewhere (repository_routes.c).
int bt_handle_repository(struct bt_call *call, struct bt_error *err);
int bt_handle_repository_keys(struct bt_call *call, struct bt_error *err);
int bt_handle_repository_role(struct bt_call *call, struct bt_error *err);
int bt_handle_repository_metadata(struct bt_call *call, struct bt_error *err);
int bt_handle_player_repository(struct bt_call *call, struct bt_error *err);

// Packages of the programs (software_routes.c).
int bt_handle_software_put(struct bt_call *call, struct bt_error *err);

// Playlists, campaigns, schedules (arrangement_routes.c).
int bt_handle_playlists(struct bt_call *call, struct bt_error *err);
int bt_handle_campaigns(struct bt_call *call, struct bt_error *err);
int bt_handle_schedules(struct bt_call *call, struct bt_error *err);
int bt_handle_playlist_create(struct bt_call *call, struct bt_error *err);
int bt_handle_campaign_create(struct bt_call *call, struct bt_error *err);
int bt_handle_schedule_create(struct bt_call *call, struct bt_error *err);
int bt_handle_arrangement(struct bt_call *call, struct bt_error *err);
int bt_handle_arrangement_put(struct bt_call *call, struct bt_error *err);
int bt_handle_arrangement_delete(struct bt_call *call, struct bt_error *err);
bool bt_unit_of_arrangement(struct bt_call *call, char *out, size_t size);

// Publications (publication_routes.c).
int bt_handle_publications(struct bt_call *call, struct bt_error *err);
int bt_handle_publication_create(struct bt_call *call, struct bt_error *err);
int bt_handle_publication(struct bt_call *call, struct bt_error *err);
int bt_handle_publication_put(struct bt_call *call, struct bt_error *err);
int bt_handle_publication_document(struct bt_call *call, struct bt_error *err);
int bt_handle_publication_withdraw(struct bt_call *call, struct bt_error *err);
bool bt_unit_of_publication(struct bt_call *call, char *out, size_t size);

// Proposals (proposal_routes.c, signing_routes.c).
int bt_handle_proposals(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal_create(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal_withdraw(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal_refuse(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal_to_sign(struct bt_call *call, struct bt_error *err);
int bt_handle_proposal_sign(struct bt_call *call, struct bt_error *err);
bool bt_unit_of_proposal(struct bt_call *call, char *out, size_t size);
bool bt_unit_of_proposed_role(struct bt_call *call, char *out, size_t size);

// Takedowns (takedown_routes.c) and emergencies (emergency_routes.c).
int bt_handle_takedowns(struct bt_call *call, struct bt_error *err);
int bt_handle_takedown_issue(struct bt_call *call, struct bt_error *err);
int bt_handle_takedown(struct bt_call *call, struct bt_error *err);
int bt_handle_stick_issue(struct bt_call *call, struct bt_error *err);  // (stick_routes.c)
bool bt_unit_of_takedown(struct bt_call *call, char *out, size_t size);
int bt_handle_emergencies(struct bt_call *call, struct bt_error *err);
int bt_handle_emergency_activate(struct bt_call *call, struct bt_error *err);
int bt_handle_emergency(struct bt_call *call, struct bt_error *err);
int bt_handle_emergency_end(struct bt_call *call, struct bt_error *err);
bool bt_unit_of_emergency(struct bt_call *call, char *out, size_t size);
bool bt_unit_of_activation(struct bt_call *call, char *out, size_t size);

#endif
