/**
 * What a document is made of (a recipe, server/publications/compose.h), changed playlist by
 * playlist: what is not named stays as it is.
 *
 * A document's first playlist is called "chung", every other by its own id, {"name": "l-…",
 * "playlist": "l-…"}, as is one that has a schedule: schedules (`bangtin schedule`) name it so.
 * Recipes come from outside: what is not as it should be is left for the server to refuse.
 */
#ifndef BT_CLI_RECIPE_H
#define BT_CLI_RECIPE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/**
 * Puts the playlist into the recipe: in `zone`, always. One that is there keeps its name and its
 * rules; with a zone (NULL: none was said) it is shown there, too.
 */
void bt_recipe_put(cJSON *recipe, const char *playlist, const char *zone);

// Shows the playlist when `schedule` ("r-…") says, in place of the recipe's own rules for it.
void bt_recipe_schedule(cJSON *recipe, const char *playlist, const char *schedule);

// Takes the playlist out with the rules that show it; false when it is not there.
bool bt_recipe_drop(cJSON *recipe, const char *playlist);

// Ends a takedown; one that the recipe ends already is said once.
void bt_recipe_lift(cJSON *recipe, const char *takedown);

// The ids of its playlists, "l-…, l-…", for people; for free().
char *bt_recipe_playlists(const cJSON *recipe);

#endif
