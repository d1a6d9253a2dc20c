#include "cli/proposing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/recipe.h"
#include "cli/rest.h"
#include "cli/screen_document.h"

#define RECIPE_MAX_BYTES (4 * 1024 * 1024)
#define ID_BYTES 64

const char *const bt_propose_layers[] = {"unit", "province", "screen", "template", NULL};

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static int read_recipe(const char *path, cJSON **out, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, RECIPE_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    return r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
}

// Among publications: the document's newest, by its number.
static void take_newest(const cJSON *publications, const struct bt_proposing *proposing,
                        char id[ID_BYTES], double *version)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, publications)
    {
        double number = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(each, "version"));
        if (bt_str_equal(text_of(each, "name"), proposing->name) &&
            bt_str_equal(text_of(each, "layer"), proposing->layer) && number > *version) {
            *version = number;
            bt_copy_cut(id, ID_BYTES, text_of(each, "id"));
        }
    }
}

/*
 * The document as it is published, or as it will be when what waits to be signed is: who proposes
 * now must not undo what somebody proposed before. *out stays NULL when there is none.
 */
static int find_present(struct bt_client *client, const struct bt_proposing *proposing, cJSON **out,
                        struct bt_error *err)
{
    static const char *const states[] = {"published", "approved", "proposed"};
    char id[ID_BYTES] = "";
    double version = -1;
    BT_AUTOFREE char *unit = bt_path_part(proposing->unit);
    for (size_t i = 0; i < BT_ARRAY_LEN(states); i++) {
        BT_AUTOJSON *list = NULL;
        BT_AUTOFREE char *path = bt_strf("/v1/publications?unit=%s&state=%s", unit, states[i]);
        int r = bt_rest_list(client, path, &list, err);
        if (r < 0) {
            return r;
        }
        take_newest(list, proposing, id, &version);
    }
    if (id[0] == '\0') {
        return 0;
    }
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *part = bt_path_part(id);
    BT_AUTOFREE char *path = bt_strf("/v1/publications/%s", part);
    int r = bt_client_get(client, path, &answer, err);
    if (r == 0) {
        *out = BT_TAKE(answer.json);
    }
    return r;
}

static int change_playlists(const struct bt_arguments *arguments, cJSON *recipe,
                            struct bt_error *err)
{
    const char *schedule = bt_argument(arguments, "schedule");
    for (size_t i = 0; i < bt_argument_count(arguments, "without"); i++) {
        const char *playlist = bt_argument_at(arguments, "without", i);
        if (!bt_recipe_drop(recipe, playlist)) {
            BT_AUTOFREE char *has = bt_recipe_playlists(recipe);
            return bt_fail(err, -ENOENT, "--without %s: văn bản chỉ có / the document has: %s",
                           playlist, has);
        }
    }
    for (size_t i = 0; i < bt_argument_count(arguments, "playlist"); i++) {
        const char *playlist = bt_argument_at(arguments, "playlist", i);
        bt_recipe_put(recipe, playlist, bt_argument(arguments, "zone"));
        if (schedule != NULL) {
            bt_recipe_schedule(recipe, playlist, schedule);
        }
    }
    return 0;
}

// The document that there is, with the playlists that were named; nothing else of it changes.
static int merge(struct bt_client *client, const struct bt_arguments *arguments,
                 struct bt_proposing *proposing, struct bt_error *err)
{
    cJSON *present = NULL;
    if (!bt_argument_flag(arguments, "replace")) {
        int r = find_present(client, proposing, &present, err);
        if (r < 0) {
            return r;
        }
    }
    proposing->present = present;
    proposing->recipe = cJSON_DetachItemFromObjectCaseSensitive(present, "recipe");
    if (!cJSON_IsObject(proposing->recipe)) {
        cJSON_Delete(proposing->recipe);
        proposing->recipe = cJSON_CreateObject();
    } else if (!bt_client_json(client)) {
        BT_AUTOFREE char *has = bt_recipe_playlists(proposing->recipe);
        printf("Giữ những gì bản %.0f có / keeping what version %.0f has: %s\n",
               cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(present, "version")),
               cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(present, "version")), has);
    }
    // When to change over was said for that version alone.
    cJSON_DeleteItemFromObjectCaseSensitive(proposing->recipe, "activate");
    if (proposing->title == NULL) {
        proposing->title = text_of(present, "title");
    }
    return change_playlists(arguments, proposing->recipe, err);
}

static int check_content(const struct bt_arguments *arguments, struct bt_error *err)
{
    static const char *const of_playlists[] = {"zone", "schedule", "without", "replace"};
    bool playlists = bt_argument_flag(arguments, "playlist");
    bool file = bt_argument_flag(arguments, "recipe");
    if (!file && !playlists && !bt_argument_flag(arguments, "without")) {
        return bt_fail(err, -EINVAL, "đề nghị gì? / propose what? --playlist, --without, --recipe");
    }
    if (file && playlists) {
        return bt_fail(err, -EINVAL, "chỉ một trong hai / one of the two: --playlist, --recipe");
    }
    for (size_t i = 0; file && i < BT_ARRAY_LEN(of_playlists); i++) {
        if (bt_argument_flag(arguments, of_playlists[i])) {
            return bt_fail(err, -EINVAL,
                           "--%s đi với --playlist; --recipe luôn thay toàn bộ / goes with "
                           "--playlist; --recipe always replaces everything",
                           of_playlists[i]);
        }
    }
    if (!playlists && bt_argument_flag(arguments, "replace")) {
        return bt_fail(err, -EINVAL, "--replace cần / needs --playlist");
    }
    return 0;
}

static int make_recipe(struct bt_client *client, const struct bt_arguments *arguments,
                       struct bt_proposing *proposing, struct bt_error *err)
{
    const char *file = bt_argument(arguments, "recipe");
    const char *activate = bt_argument(arguments, "activate");
    int r = check_content(arguments, err);
    if (r == 0) {
        r = file != NULL ? read_recipe(file, &proposing->recipe, err)
                         : merge(client, arguments, proposing, err);
    }
    if (r < 0) {
        return r;
    }
    cJSON *recipe = proposing->recipe;
    if (activate != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(recipe, "activate");
        cJSON_AddStringToObject(recipe, "activate", activate);
    }
    for (size_t i = 0; i < bt_argument_count(arguments, "lift"); i++) {
        bt_recipe_lift(recipe, bt_argument_at(arguments, "lift", i));
    }
    return 0;
}

static void add_text(cJSON *body, const char *key, const char *text)
{
    if (text != NULL) {
        cJSON_AddStringToObject(body, key, text);
    }
}

static int make_draft(struct bt_client *client, struct bt_proposing *proposing, cJSON **out,
                      struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    add_text(body, "unit", proposing->unit);
    add_text(body, "layer", proposing->layer);
    add_text(body, "name", proposing->name);
    add_text(body, "title", proposing->title);
    cJSON_AddItemToObject(body, "recipe", BT_TAKE(proposing->recipe));
    int r = bt_client_send(client, "POST", "/v1/publications", body, &answer, err);
    if (r == 0) {
        *out = BT_TAKE(answer.json);
    }
    return r;
}

int bt_propose(struct bt_client *client, struct bt_proposing *proposing, cJSON **out_proposal,
               struct bt_error *err)
{
    BT_AUTOJSON *draft = NULL;
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    int r = make_draft(client, proposing, &draft, err);
    if (r < 0) {
        return r;
    }
    const char *id = text_of(draft, "id"), *role = text_of(draft, "role");
    if (id == NULL || role == NULL) {
        return bt_fail(err, -EREMOTEIO, "The server's answer has no draft");
    }
    cJSON_AddStringToObject(body, "role", role);
    cJSON *list = cJSON_AddArrayToObject(body, "publications");
    cJSON_AddItemToArray(list, cJSON_CreateString(id));
    add_text(body, "note", proposing->note);
    r = bt_client_send(client, "POST", "/v1/proposals", body, &answer, err);
    if (r == 0) {
        *out_proposal = BT_TAKE(answer.json);
    }
    return r;
}

static void finish(struct bt_proposing *proposing)
{
    cJSON_Delete(proposing->recipe);
    cJSON_Delete(proposing->present);
}

// Who writes a screen's document anew leaves it to the players that may show it, by what is signed.
static int keep_players(struct bt_client *client, struct bt_proposing *proposing,
                        struct bt_error *err)
{
    BT_AUTOJSON *present = NULL;
    int r =
        bt_screen_document_present(client, NULL, proposing->unit, proposing->name, &present, err);
    if (r == 0) {
        bt_screen_document_bind(proposing->recipe, present, NULL);
    }
    return r;
}

static bool says_players(const struct bt_arguments *arguments, const struct bt_proposing *proposing)
{
    return bt_argument(arguments, "recipe") != NULL &&
           cJSON_GetObjectItemCaseSensitive(proposing->recipe, "players") != NULL;
}

int bt_propose_arguments(struct bt_client *client, const struct bt_arguments *arguments,
                         cJSON **out_proposal, struct bt_error *err)
{
    const char *layer = bt_argument(arguments, "layer");
    BT_AUTOFINISH(finish)
    struct bt_proposing proposing = {
        .unit = bt_argument(arguments, "unit"),
        .layer = layer != NULL ? layer : "unit",
        .name = bt_operand(arguments, 0),
        .title = bt_argument(arguments, "title"),
        .note = bt_argument(arguments, "note"),
    };
    int r = make_recipe(client, arguments, &proposing, err);
    if (r == 0 && strcmp(proposing.layer, "screen") == 0 && !says_players(arguments, &proposing)) {
        r = keep_players(client, &proposing, err);
    }
    return r < 0 ? r : bt_propose(client, &proposing, out_proposal, err);
}
