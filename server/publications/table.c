// The routes of this folder: who may do what where.
#include "base/compiler.h"
#include "server/accounts/access.h"
#include "server/http/route.h"
#include "server/publications/desk.h"
#include "server/publications/handlers.h"
#include "trust/software.h"

// A recipe of thousands of items; a playlist of as many as one may have, of which a page of a list
// has 200; a role's metadata with its new documents.
#define CONTENT_MAX_BYTES (5 * 1024 * 1024)
#define PART_MAX_BYTES (1024 * 1024)
#define METADATA_MAX_BYTES (16 * 1024 * 1024)

#define GET(path_, action_, unit_, handle_)                                                        \
    {                                                                                              \
        .method = "GET", .path = (path_), .who = BT_WHO_USER, .action = BT_ACTION_##action_,       \
        .unit = (unit_), .handle = (handle_)                                                       \
    }
#define WRITE_UP_TO(max_, method_, path_, action_, unit_, handle_)                                 \
    {                                                                                              \
        .method = (method_), .path = (path_), .who = BT_WHO_USER, .action = BT_ACTION_##action_,   \
        .unit = (unit_), .body = BT_BODY_JSON, .max_body = (max_), .handle = (handle_)             \
    }
#define WRITE(...) WRITE_UP_TO(CONTENT_MAX_BYTES, __VA_ARGS__)
#define WRITE_PART(...) WRITE_UP_TO(PART_MAX_BYTES, __VA_ARGS__)
#define BARE(method_, path_, action_, unit_, handle_)                                              \
    {                                                                                              \
        .method = (method_), .path = (path_), .who = BT_WHO_USER, .action = BT_ACTION_##action_,   \
        .unit = (unit_), .body = BT_BODY_NONE, .handle = (handle_)                                 \
    }
#define ARRANGEMENTS(word, list, create)                                                           \
    GET("/v1/" word, VIEW, bt_unit_any, list),                                                     \
        WRITE_PART("POST", "/v1/" word, ARRANGE, bt_desk_unit_of_body, create),                    \
        GET("/v1/" word "/{id}", VIEW, bt_unit_of_arrangement, bt_handle_arrangement),             \
        WRITE_PART("PUT", "/v1/" word "/{id}", ARRANGE, bt_unit_of_arrangement,                    \
                   bt_handle_arrangement_put),                                                     \
        BARE("DELETE", "/v1/" word "/{id}", ARRANGE, bt_unit_of_arrangement,                       \
             bt_handle_arrangement_delete)

static const struct bt_route routes[] = {
    {.method = "GET",
     .path = "/tuf/metadata/{file}",
     .who = BT_WHO_ANYONE,
     .handle = bt_handle_tuf_metadata},
    {.method = "GET",
     .path = "/tuf/targets/{path...}",
     .who = BT_WHO_ANYONE,
     .handle = bt_handle_tuf_target},
    GET("/v1/repository", VIEW, bt_unit_any, bt_handle_repository),
    GET("/v1/repository/keys", NONE, NULL, bt_handle_repository_keys),
    GET("/v1/repository/metadata/{role}", NONE, NULL, bt_handle_repository_role),
    // Whoever brings them: signatures decide, and for the first root the handler.
    {.method = "POST",
     .path = "/v1/repository/metadata",
     .who = BT_WHO_USER,
     .action = BT_ACTION_NONE,
     .body = BT_BODY_JSON,
     .max_body = METADATA_MAX_BYTES,
     .handle = bt_handle_repository_metadata},
    // Kept until signed metadata name it; of no use to anybody before.
    {.method = "PUT",
     .path = "/v1/software/{hash}",
     .who = BT_WHO_USER,
     .action = BT_ACTION_ADMINISTER,
     .body = BT_BODY_BYTES,
     .max_body = BT_PACKAGE_MAX_BYTES,
     .no_transaction = true,
     .comes_again = true,
     .handle = bt_handle_software_put},
    // What a restored server lost: signatures decide.
    {.method = "POST",
     .path = "/v1/player/repository",
     .who = BT_WHO_PLAYER,
     .action = BT_ACTION_NONE,
     .body = BT_BODY_JSON,
     .max_body = METADATA_MAX_BYTES,
     .handle = bt_handle_player_repository},

    ARRANGEMENTS("playlists", bt_handle_playlists, bt_handle_playlist_create),
    ARRANGEMENTS("campaigns", bt_handle_campaigns, bt_handle_campaign_create),
    ARRANGEMENTS("schedules", bt_handle_schedules, bt_handle_schedule_create),

    GET("/v1/publications", VIEW, bt_unit_any, bt_handle_publications),
    WRITE("POST", "/v1/publications", ARRANGE, bt_desk_unit_of_body, bt_handle_publication_create),
    GET("/v1/publications/{id}", VIEW, bt_unit_of_publication, bt_handle_publication),
    WRITE("PUT", "/v1/publications/{id}", ARRANGE, bt_unit_of_publication,
          bt_handle_publication_put),
    GET("/v1/publications/{id}/document", VIEW, bt_unit_of_publication,
        bt_handle_publication_document),
    BARE("POST", "/v1/publications/{id}/withdraw", ARRANGE, bt_unit_of_publication,
         bt_handle_publication_withdraw),

    GET("/v1/proposals", VIEW, bt_unit_any, bt_handle_proposals),
    WRITE("POST", "/v1/proposals", ARRANGE, bt_unit_of_proposed_role, bt_handle_proposal_create),
    GET("/v1/proposals/{id}", VIEW, bt_unit_of_proposal, bt_handle_proposal),
    BARE("POST", "/v1/proposals/{id}/withdraw", ARRANGE, bt_unit_of_proposal,
         bt_handle_proposal_withdraw),
    GET("/v1/proposals/{id}/to-sign", VIEW, bt_unit_of_proposal, bt_handle_proposal_to_sign),
    WRITE("POST", "/v1/proposals/{id}/signatures", REVIEW, bt_unit_of_proposal,
          bt_handle_proposal_sign),
    WRITE("POST", "/v1/proposals/{id}/refuse", REVIEW, bt_unit_of_proposal,
          bt_handle_proposal_refuse),

    GET("/v1/takedowns", VIEW, bt_unit_any, bt_handle_takedowns),
    WRITE("POST", "/v1/takedowns", TAKE_DOWN, bt_desk_unit_of_body, bt_handle_takedown_issue),
    GET("/v1/takedowns/{id}", VIEW, bt_unit_of_takedown, bt_handle_takedown),

    WRITE_PART("POST", "/v1/sticks", INSTALL, bt_desk_unit_of_body, bt_handle_stick_issue),

    GET("/v1/emergencies", VIEW, bt_unit_any, bt_handle_emergencies),
    WRITE("POST", "/v1/emergencies", EMERGENCY, bt_unit_of_activation,
          bt_handle_emergency_activate),
    GET("/v1/emergencies/{id}", VIEW, bt_unit_of_emergency, bt_handle_emergency),
    BARE("POST", "/v1/emergencies/{id}/end", EMERGENCY, bt_unit_of_emergency,
         bt_handle_emergency_end),
};

const struct bt_route_table bt_publication_routes = {routes, BT_ARRAY_LEN(routes)};
