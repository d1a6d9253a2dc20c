#include "cli/recipe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"

static cJSON *parse(const char *text)
{
    cJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

static void assert_json(const cJSON *json, const char *expected)
{
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, expected);
    cJSON_free(text);
}

static void the_first_playlist_makes_the_document(void **state)
{
    (void)state;
    BT_AUTOJSON *recipe = cJSON_CreateObject();
    bt_recipe_put(recipe, "l-A", NULL);
    assert_json(recipe, "{\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"}],"
                        "\"schedule\":[{\"zone\":\"chinh\",\"playlist\":\"chung\"}]}");
}

static void another_playlist_leaves_what_is_there(void **state)
{
    (void)state;
    BT_AUTOJSON *recipe =
        parse("{\"canvas\":{\"width\":1},\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"},"
              "{\"name\":\"chu\",\"items\":[]}],"
              "\"schedule\":[\"r-1\",{\"zone\":\"tren\",\"playlist\":\"chung\",\"weight\":3}]}");
    bt_recipe_put(recipe, "l-B", "duoi");
    assert_json(
        recipe,
        "{\"canvas\":{\"width\":1},\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"},"
        "{\"name\":\"chu\",\"items\":[]},{\"name\":\"l-B\",\"playlist\":\"l-B\"}],"
        "\"schedule\":[\"r-1\",{\"zone\":\"tren\",\"playlist\":\"chung\",\"weight\":3},"
        "{\"zone\":\"duoi\",\"playlist\":\"l-B\"}]}");
    BT_AUTOFREE char *shown = bt_recipe_playlists(recipe);
    assert_string_equal(shown, "l-A, chu, l-B");
}

static void a_playlist_that_is_there_keeps_its_rules(void **state)
{
    (void)state;
    static const char text[] =
        "{\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"}],"
        "\"schedule\":[{\"zone\":\"tren\",\"playlist\":\"chung\",\"times\":\"06:00-22:00\"}]}";
    BT_AUTOJSON *recipe = parse(text);
    bt_recipe_put(recipe, "l-A", NULL);
    assert_json(recipe, text);
    bt_recipe_put(recipe, "l-A", "tren");
    assert_json(recipe, text);
    bt_recipe_put(recipe, "l-A", "duoi");
    assert_json(recipe, "{\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"}],\"schedule\":["
                        "{\"zone\":\"tren\",\"playlist\":\"chung\",\"times\":\"06:00-22:00\"},"
                        "{\"zone\":\"duoi\",\"playlist\":\"chung\"}]}");
}

static void a_schedule_says_when_in_place_of_the_rules(void **state)
{
    (void)state;
    BT_AUTOJSON *recipe = cJSON_CreateObject();
    bt_recipe_put(recipe, "l-A", NULL);
    bt_recipe_put(recipe, "l-B", NULL);
    bt_recipe_schedule(recipe, "l-B", "r-1");
    bt_recipe_schedule(recipe, "l-B", "r-1");
    assert_json(cJSON_GetObjectItem(recipe, "schedule"),
                "[{\"zone\":\"chinh\",\"playlist\":\"chung\"},\"r-1\"]");
    // A schedule knows a playlist by its id alone.
    bt_recipe_schedule(recipe, "l-A", "r-2");
    assert_json(recipe, "{\"playlists\":[{\"name\":\"l-A\",\"playlist\":\"l-A\"},"
                        "{\"name\":\"l-B\",\"playlist\":\"l-B\"}],\"schedule\":[\"r-1\",\"r-2\"]}");
}

static void a_playlist_goes_with_its_rules_and_no_others(void **state)
{
    (void)state;
    BT_AUTOJSON *recipe =
        parse("{\"playlists\":[{\"name\":\"chung\",\"playlist\":\"l-A\"},{\"name\":\"l-B\","
              "\"playlist\":\"l-B\"}],\"schedule\":[{\"zone\":\"a\",\"playlist\":\"chung\"},"
              "{\"zone\":\"a\",\"playlist\":\"l-B\"},{\"zone\":\"b\",\"playlist\":\"chung\"}]}");
    assert_false(bt_recipe_drop(recipe, "l-C"));
    assert_true(bt_recipe_drop(recipe, "l-A"));
    assert_json(recipe, "{\"playlists\":[{\"name\":\"l-B\",\"playlist\":\"l-B\"}],"
                        "\"schedule\":[{\"zone\":\"a\",\"playlist\":\"l-B\"}]}");
}

static void a_takedown_is_ended_once(void **state)
{
    (void)state;
    BT_AUTOJSON *recipe = parse("{\"lifts\":[\"t-1\"]}");
    bt_recipe_lift(recipe, "t-2");
    bt_recipe_lift(recipe, "t-1");
    assert_json(recipe, "{\"lifts\":[\"t-1\",\"t-2\"]}");
}

static void recipes_that_are_none_are_left_for_the_server(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"playlists\":3,\"schedule\":\"r-1\",\"lifts\":{}}",
        "{\"playlists\":[1,null,{\"playlist\":\"l-A\"}],\"schedule\":[[],{\"playlist\":7}]}",
        "{\"playlists\":{\"playlist\":\"l-A\"},\"schedule\":{}}",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        BT_AUTOJSON *recipe = parse(texts[i]);
        bt_recipe_put(recipe, "l-A", "chinh");
        bt_recipe_schedule(recipe, "l-A", "r-2");
        bt_recipe_lift(recipe, "t-1");
        BT_AUTOFREE char *shown = bt_recipe_playlists(recipe);
        bt_recipe_drop(recipe, "l-A");
        assert_non_null(shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_playlist_makes_the_document),
        cmocka_unit_test(another_playlist_leaves_what_is_there),
        cmocka_unit_test(a_playlist_that_is_there_keeps_its_rules),
        cmocka_unit_test(a_schedule_says_when_in_place_of_the_rules),
        cmocka_unit_test(a_playlist_goes_with_its_rules_and_no_others),
        cmocka_unit_test(a_takedown_is_ended_once),
        cmocka_unit_test(recipes_that_are_none_are_left_for_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
