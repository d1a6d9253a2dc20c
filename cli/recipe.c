#include "cli/recipe.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

// The zone of screens that nobody divided.
#define ONLY_ZONE "chinh"
// A document's first playlist: one that replaces it keeps the name, so that approvers are shown
// which items are new, and not that all are in another playlist.
#define ONLY_PLAYLIST "chung"

#define SHOWN_MAX_BYTES 4096

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static cJSON *list_of(cJSON *recipe, const char *key)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(recipe, key);
    return list != NULL ? list : cJSON_AddArrayToObject(recipe, key);
}

static cJSON *find_entry(const cJSON *recipe, const char *playlist)
{
    const cJSON *lists = cJSON_GetObjectItemCaseSensitive(recipe, "playlists");
    cJSON *entry;
    cJSON_ArrayForEach(entry, lists)
    {
        if (bt_str_equal(text_of(entry, "playlist"), playlist)) {
            return entry;
        }
    }
    return NULL;
}

static const char *name_in(const cJSON *recipe, const char *playlist)
{
    const cJSON *entry = find_entry(recipe, playlist);
    return entry != NULL ? text_of(entry, "name") : NULL;
}

static bool has_rule(const cJSON *rules, const char *zone, const char *name)
{
    const cJSON *rule;
    cJSON_ArrayForEach(rule, rules)
    {
        if (bt_str_equal(text_of(rule, "zone"), zone) &&
            bt_str_equal(text_of(rule, "playlist"), name)) {
            return true;
        }
    }
    return false;
}

void bt_recipe_put(cJSON *recipe, const char *playlist, const char *zone)
{
    const char *name = name_in(recipe, playlist);
    if (name != NULL && zone == NULL) {
        return;
    }
    if (name == NULL) {
        cJSON *lists = list_of(recipe, "playlists"), *entry = cJSON_CreateObject();
        name = lists->child == NULL ? ONLY_PLAYLIST : playlist;
        cJSON_AddStringToObject(entry, "name", name);
        cJSON_AddStringToObject(entry, "playlist", playlist);
        cJSON_AddItemToArray(lists, entry);
    }
    const char *where = zone != NULL ? zone : ONLY_ZONE;
    cJSON *rules = list_of(recipe, "schedule");
    if (!has_rule(rules, where, name)) {
        cJSON *rule = cJSON_CreateObject();
        cJSON_AddStringToObject(rule, "zone", where);
        cJSON_AddStringToObject(rule, "playlist", name);
        cJSON_AddItemToArray(rules, rule);
    }
}

static void drop_rules(cJSON *recipe, const char *name)
{
    cJSON *rules = cJSON_GetObjectItemCaseSensitive(recipe, "schedule");
    for (cJSON *rule = rules != NULL ? rules->child : NULL, *next; rule != NULL; rule = next) {
        next = rule->next;
        if (bt_str_equal(text_of(rule, "playlist"), name)) {
            cJSON_Delete(cJSON_DetachItemViaPointer(rules, rule));
        }
    }
}

static void add_text_once(cJSON *list, const char *text)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, list)
    {
        if (bt_str_equal(cJSON_GetStringValue(each), text)) {
            return;
        }
    }
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

void bt_recipe_schedule(cJSON *recipe, const char *playlist, const char *schedule)
{
    cJSON *entry = find_entry(recipe, playlist);
    const char *name = text_of(entry, "name");
    if (name != NULL) {
        drop_rules(recipe, name);
        cJSON_ReplaceItemInObjectCaseSensitive(entry, "name", cJSON_CreateString(playlist));
    }
    add_text_once(list_of(recipe, "schedule"), schedule);
}

bool bt_recipe_drop(cJSON *recipe, const char *playlist)
{
    cJSON *entry = find_entry(recipe, playlist);
    if (entry == NULL) {
        return false;
    }
    const char *name = text_of(entry, "name");
    if (name != NULL) {
        drop_rules(recipe, name);
    }
    cJSON_Delete(cJSON_DetachItemViaPointer(list_of(recipe, "playlists"), entry));
    return true;
}

void bt_recipe_lift(cJSON *recipe, const char *takedown)
{
    add_text_once(list_of(recipe, "lifts"), takedown);
}

char *bt_recipe_playlists(const cJSON *recipe)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, SHOWN_MAX_BYTES);
    const cJSON *entry, *lists = cJSON_GetObjectItemCaseSensitive(recipe, "playlists");
    cJSON_ArrayForEach(entry, lists)
    {
        const char *id = text_of(entry, "playlist");
        const char *name = id != NULL ? id : text_of(entry, "name");
        if (name != NULL && bt_buf_appendf(&text, "%s%s", text.len > 0 ? ", " : "", name) < 0) {
            break;  // as many as fit
        }
    }
    return bt_strdup(bt_buf_text(&text));
}
