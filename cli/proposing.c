#include "cli/proposing.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define RECIPE_MAX_BYTES (4 * 1024 * 1024)

const char *const bt_propose_layers[] = {"unit", "province", "screen", "template", NULL};

static int read_recipe(const char *path, cJSON **out, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, RECIPE_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    return r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
}

// The commonest document: one playlist, always, in one zone of the screen.
static cJSON *simple_recipe(const char *playlist, const char *zone)
{
    static const char name[] = "chung";
    cJSON *recipe = cJSON_CreateObject();
    cJSON *lists = cJSON_AddArrayToObject(recipe, "playlists");
    cJSON *list = cJSON_CreateObject();
    cJSON_AddItemToArray(lists, list);
    cJSON_AddStringToObject(list, "name", name);
    cJSON_AddStringToObject(list, "playlist", playlist);
    cJSON *rules = cJSON_AddArrayToObject(recipe, "schedule");
    cJSON *rule = cJSON_CreateObject();
    cJSON_AddItemToArray(rules, rule);
    cJSON_AddStringToObject(rule, "zone", zone);
    cJSON_AddStringToObject(rule, "playlist", name);
    return recipe;
}

static int make_recipe(const struct bt_arguments *arguments, cJSON **out, struct bt_error *err)
{
    const char *file = bt_argument(arguments, "recipe");
    const char *playlist = bt_argument(arguments, "playlist");
    const char *activate = bt_argument(arguments, "activate");
    const char *zone = bt_argument(arguments, "zone");
    if ((file == NULL) == (playlist == NULL)) {
        return bt_fail(err, -EINVAL, "cần một trong hai / one of the two: --playlist, --recipe");
    }
    BT_AUTOJSON *recipe = NULL;
    int r = file != NULL ? read_recipe(file, &recipe, err) : 0;
    if (r < 0) {
        return r;
    }
    if (playlist != NULL) {
        recipe = simple_recipe(playlist, zone != NULL ? zone : "chinh");
    }
    if (activate != NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(recipe, "activate");
        cJSON_AddStringToObject(recipe, "activate", activate);
    }
    size_t lifts = bt_argument_count(arguments, "lift");
    cJSON *list = lifts > 0 ? cJSON_AddArrayToObject(recipe, "lifts") : NULL;
    for (size_t i = 0; i < lifts; i++) {
        const char *takedown = bt_argument_at(arguments, "lift", i);
        cJSON_AddItemToArray(list, cJSON_CreateString(takedown));
    }
    *out = BT_TAKE(recipe);
    return 0;
}

static void add_text(cJSON *body, const char *key, const char *text)
{
    if (text != NULL) {
        cJSON_AddStringToObject(body, key, text);
    }
}

static int make_draft(struct bt_client *client, const struct bt_proposing *proposing, cJSON **out,
                      struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    add_text(body, "unit", proposing->unit);
    add_text(body, "layer", proposing->layer);
    add_text(body, "name", proposing->name);
    add_text(body, "title", proposing->title);
    cJSON_AddItemToObject(body, "recipe", proposing->recipe);
    int r = bt_client_send(client, "POST", "/v1/publications", body, &answer, err);
    if (r == 0) {
        *out = BT_TAKE(answer.json);
    }
    return r;
}

int bt_propose(struct bt_client *client, const struct bt_proposing *proposing, cJSON **out_proposal,
               struct bt_error *err)
{
    BT_AUTOJSON *draft = NULL;
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    int r = make_draft(client, proposing, &draft, err);
    if (r < 0) {
        return r;
    }
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(draft, "id"));
    const char *role = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(draft, "role"));
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

int bt_propose_arguments(struct bt_client *client, const struct bt_arguments *arguments,
                         cJSON **out_proposal, struct bt_error *err)
{
    const char *layer = bt_argument(arguments, "layer");
    struct bt_proposing proposing = {
        .unit = bt_argument(arguments, "unit"),
        .layer = layer != NULL ? layer : "unit",
        .name = bt_operand(arguments, 0),
        .title = bt_argument(arguments, "title"),
        .note = bt_argument(arguments, "note"),
    };
    int r = make_recipe(arguments, &proposing.recipe, err);
    return r < 0 ? r : bt_propose(client, &proposing, out_proposal, err);
}
