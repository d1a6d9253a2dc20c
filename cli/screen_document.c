#include "cli/screen_document.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/approve.h"
#include "cli/proposing.h"
#include "cli/trusted.h"

int bt_screen_document_present(struct bt_client *client, const char *root_sha256, const char *unit,
                               const char *screen, cJSON **out, struct bt_error *err)
{
    BT_AUTOBUF text = {0};
    BT_AUTOFREE char *path = bt_strf("s/%s/%s.json", unit, screen);
    *out = NULL;
    int r = bt_trusted_document(client, root_sha256, path, &text, err);
    if (r == -ENOENT || r == -ENODATA) {
        return 0;
    }
    return r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
}

// Recipes call a file by its hash, documents by a name.
static void name_by_hash(cJSON *owner, const cJSON *assets)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(owner, "asset");
    const cJSON *asset;
    cJSON_ArrayForEach(asset, assets)
    {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(asset, "name");
        const cJSON *hash = cJSON_GetObjectItemCaseSensitive(asset, "sha256");
        if (cJSON_IsString(name) && cJSON_IsString(own) && cJSON_IsString(hash) &&
            strcmp(name->valuestring, own->valuestring) == 0) {
            cJSON_ReplaceItemInObjectCaseSensitive(owner, "asset", cJSON_Duplicate(hash, false));
            return;
        }
    }
}

static void name_all_by_hash(const cJSON *recipe, const cJSON *assets)
{
    const cJSON *playlist;
    cJSON_ArrayForEach(playlist, cJSON_GetObjectItemCaseSensitive(recipe, "playlists"))
    {
        cJSON *item, *card;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(playlist, "items"))
        {
            name_by_hash(item, assets);
            cJSON_ArrayForEach(card, cJSON_GetObjectItemCaseSensitive(item, "cards"))
            {
                name_by_hash(card, assets);
            }
        }
    }
}

cJSON *bt_screen_document_recipe(const cJSON *document)
{
    // What the server writes itself.
    static const char *const heads[] = {"format", "id",    "version", "layer",
                                        "unit",   "title", "assets",  "campaigns"};
    cJSON *recipe = cJSON_Duplicate(document, true);
    for (size_t i = 0; i < BT_ARRAY_LEN(heads); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(recipe, heads[i]);
    }
    name_all_by_hash(recipe, cJSON_GetObjectItemCaseSensitive(document, "assets"));
    return recipe;
}

void bt_screen_document_bind(cJSON *recipe, const cJSON *present, const char *player)
{
    const cJSON *before = cJSON_GetObjectItemCaseSensitive(present, "players");
    if (player == NULL && before == NULL) {
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(recipe, "players");
    if (player == NULL) {
        cJSON_AddItemToObject(recipe, "players", cJSON_Duplicate(before, true));
    } else {
        cJSON *players = cJSON_AddArrayToObject(recipe, "players");
        cJSON_AddItemToArray(players, cJSON_CreateString(player));
    }
}

int bt_screen_document_sign_for(struct bt_client *client, const struct bt_arguments *arguments,
                                const char *unit, const char *screen, const char *player,
                                const struct bt_signers *signers, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *present = NULL, *proposal = NULL;
    int r = bt_screen_document_present(client, bt_argument(arguments, "root-sha256"), unit, screen,
                                       &present, err);
    if (r < 0 || present == NULL) {
        return r < 0 ? r : bt_fail(err, -ENOENT, "'s/%s/%s' is not signed yet", unit, screen);
    }
    const cJSON *title = cJSON_GetObjectItemCaseSensitive(present, "title");
    struct bt_proposing proposing = {
        .unit = unit, .layer = "screen", .name = screen, .title = cJSON_GetStringValue(title)};
    proposing.recipe = bt_screen_document_recipe(present);
    bt_screen_document_bind(proposing.recipe, present, player);
    r = bt_propose(client, &proposing, &proposal, err);
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(proposal, "id"));
    if (r == 0 && id == NULL) {
        r = bt_fail(err, -EREMOTEIO, "The server's answer has no proposal");
    }
    return r < 0 ? r : bt_approve(client, arguments, id, signers, out, err);
}
