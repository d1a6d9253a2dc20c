/**
 * The document of a screen that its technicians sign (s/UNIT/SCREEN): what it is now, by signatures
 * we trust, and which players may show it. A server's word about either counts for nothing here.
 */
#ifndef BT_CLI_SCREEN_DOCUMENT_H
#define BT_CLI_SCREEN_DOCUMENT_H

#include <cjson/cJSON.h>

#include "cli/client.h"
#include "cli/signers.h"

/**
 * The screen's document that is in force; *out is NULL when there is none yet. For cJSON_Delete.
 */
int bt_screen_document_present(struct bt_client *client, const char *root_sha256, const char *unit,
                               const char *screen, cJSON **out, struct bt_error *err) BT_NODISCARD;

/**
 * The recipe that makes the same document again; for cJSON_Delete.
 */
cJSON *bt_screen_document_recipe(const cJSON *document) BT_NODISCARD;

// The recipe names `player` alone, or, when that is NULL, whom `present` (may be NULL) names.
void bt_screen_document_bind(cJSON *recipe, const cJSON *present, const char *player);

/**
 * Signs the screen's document once more, as it is, for that player (its public key in hex).
 * -ENOENT: there is none yet. *out is the proposal afterwards; for cJSON_Delete.
 */
int bt_screen_document_sign_for(struct bt_client *client, const struct bt_arguments *arguments,
                                const char *unit, const char *screen, const char *player,
                                const struct bt_signers *signers, cJSON **out,
                                struct bt_error *err) BT_NODISCARD;

#endif
