#include "server/publications/compose.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "playlists/publication.h"

#define PICTURE "1111111111111111111111111111111111111111111111111111111111111111"
#define CLIP "2222222222222222222222222222222222222222222222222222222222222222"
#define LATE "3333333333333333333333333333333333333333333333333333333333333333"
#define TWIN "1111111111111111222222222222222222222222222222222222222222222222"

static int find_arrangement(void *context, const char *id, cJSON **out, struct bt_error *err)
{
    static const struct {
        const char *id, *body;
    } known[] = {
        {"l-CHUNG", "{\"name\": \"Chung\", \"items\": [{\"id\": \"bia\", \"type\": \"image\", "
                    "\"asset\": \"" PICTURE "\", \"seconds\": 10, \"campaign\": \"c-TET\"}]}"},
        {"l-RIENG",
         "{\"name\": \"Riêng\", \"items\": [{\"id\": \"bia\", \"type\": \"clock\", \"seconds\": 5},"
         " {\"id\": \"gio\", \"type\": \"clock\", \"seconds\": 5}]}"},
        {"c-TET", "{\"name\": \"Tết\", \"weight\": 3}"},
        {"r-SANG",
         "{\"name\": \"Sáng\", \"rules\": [{\"zone\": \"chinh\", \"playlist\": \"chung\", "
         "\"times\": \"06:00-10:00\"}]}"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(known); i++) {
        if (strcmp(known[i].id, id) == 0) {
            return bt_json_parse(known[i].body, strlen(known[i].body), out, err);
        }
    }
    return bt_fail(err, -ENOENT, "there is no '%s'", id);
}

static int find_asset(void *context, const char *sha256, struct bt_compose_asset *out,
                      struct bt_error *err)
{
    if (strcmp(sha256, LATE) == 0) {
        return bt_fail(err, -EACCES, "not ready");
    }
    bool clip = strcmp(sha256, CLIP) == 0;
    *out = (struct bt_compose_asset){.size = 1000, .duration_ms = clip ? 5000 : 0, .width = 320};
    bt_copy_cut(out->type, sizeof(out->type), clip ? "video/mp4" : "image/png");
    return strcmp(sha256, TWIN) == 0 || clip || strcmp(sha256, PICTURE) == 0
               ? 0
               : bt_fail(err, -ENOENT, "there is no asset");
}

static const struct bt_compose_sources sources = {find_arrangement, find_asset, NULL};
static const struct bt_compose_head head = {
    .id = "u.31333.quang-truong", .version = 7, .layer = "unit", .unit = "UBND xã", .title = "Thử"};

static int compose(const char *recipe_text, struct bt_buf *out, struct bt_error *err)
{
    BT_AUTOJSON *recipe = NULL;
    assert_int_equal(bt_json_parse(recipe_text, strlen(recipe_text), &recipe, err), 0);
    bt_buf_init(out, BT_PUBLICATION_MAX_BYTES);
    return bt_compose(recipe, &head, &sources, out, err);
}

static void a_recipe_becomes_a_document_that_plays(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    struct bt_error err = {0};
    int r = compose("{\"canvas\": {\"width\": 320, \"height\": 180},"
                    " \"zones\": [{\"name\": \"chinh\", \"playlist\": \"chung\"}],"
                    " \"playlists\": [{\"name\": \"chung\", \"playlist\": \"l-CHUNG\"},"
                    " {\"name\": \"clip\", \"items\": [{\"id\": \"k\", \"type\": \"video\","
                    " \"asset\": \"" CLIP "\"}]}],"
                    " \"schedule\": [\"r-SANG\", {\"zone\": \"chinh\", \"playlist\": \"clip\"}]}",
                    &text, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(
        bt_publication_parse(text.data, text.len, BT_UNKNOWN_REFUSE, &publication, &err), 0);
    assert_string_equal(publication->id, "u.31333.quang-truong");
    assert_int_equal(publication->version, 7);
    assert_int_equal(publication->layer, BT_LAYER_UNIT);
    assert_int_equal(publication->asset_count, 2);
    assert_int_equal(publication->campaign_count, 1);
    assert_string_equal(publication->campaigns[0].id, "c-TET");
    assert_string_equal(publication->campaigns[0].name, "Tết");
    assert_int_equal(publication->campaigns[0].weight, 3);
    assert_int_equal(publication->playlists[0].items[0].campaign, 0);
    // The zone's own playlist is a rule, too.
    assert_int_equal(publication->rule_count, 3);
}

static void how_items_move_is_passed_on(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    struct bt_error err = {0};
    int r = compose(
        "{\"playlists\": [{\"name\": \"a\", \"items\": [{\"id\": \"i\", \"type\": \"image\","
        " \"asset\": \"" PICTURE "\", \"seconds\": 8,"
        " \"transition\": {\"type\": \"push\", \"ms\": 800, \"towards\": \"up\"},"
        " \"motion\": {\"from\": {\"x\": 0.5, \"y\": 0.5, \"zoom\": 1},"
        " \"to\": {\"x\": 0.25, \"y\": 0.5, \"zoom\": 1.5}}}]}]}",
        &text, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(
        bt_publication_parse(text.data, text.len, BT_UNKNOWN_REFUSE, &publication, &err), 0);
    const struct bt_item *item = &publication->playlists[0].items[0];
    assert_int_equal(item->transition.type, BT_TRANSITION_PUSH);
    assert_int_equal(item->transition.towards, BT_TOWARDS_UP);
    assert_true(item->motion.moves);
    assert_int_equal(item->motion.to.zoom, 1500);
}

static void what_two_playlists_share_has_two_ids(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    struct bt_error err = {0};
    int r = compose("{\"playlists\": [{\"name\": \"a\", \"playlist\": \"l-CHUNG\"},"
                    " {\"name\": \"b\", \"playlist\": \"l-RIENG\"}]}",
                    &text, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(
        bt_publication_parse(text.data, text.len, BT_UNKNOWN_REFUSE, &publication, &err), 0);
    assert_string_equal(publication->playlists[0].items[0].id, "bia");
    assert_string_equal(publication->playlists[1].items[0].id, "bia.l-RIENG");
    assert_string_equal(publication->playlists[1].items[1].id, "gio");
}

static void a_file_that_is_used_twice_is_listed_once(void **state)
{
    (void)state;
    BT_AUTOBUF text;
    struct bt_error err = {0};
    int r = compose("{\"playlists\": [{\"name\": \"p\", \"items\": ["
                    "{\"id\": \"a\", \"type\": \"image\", \"asset\": \"" PICTURE
                    "\", \"seconds\": 5}, {\"id\": \"b\", \"type\": \"set\", \"seconds\": 5,"
                    " \"cards\": [{\"asset\": \"" PICTURE "\"}, {\"asset\": \"" PICTURE "\"}]}]}]}",
                    &text, &err);
    assert_string_equal(err.msg, "");
    assert_int_equal(r, 0);
    BT_AUTO(bt_publication) publication = NULL;
    assert_int_equal(
        bt_publication_parse(text.data, text.len, BT_UNKNOWN_REFUSE, &publication, &err), 0);
    assert_int_equal(publication->asset_count, 1);
}

static const struct refusal {
    const char *recipe, *message;
} refusals[] = {
    {"{\"version\": 9}", "'version' is not said here; the server writes it"},
    {"{\"layer\": \"emergency\"}", "'layer' is not said here; the server writes it"},
    {"{\"assets\": []}", "'assets' is not said here; the server writes it"},
    {"{\"playlsts\": []}", "the key 'playlsts' is not known here"},
    {"{\"schedule\": {}}", "'schedule' must be a list [ ]"},
    {"{\"schedule\": [\"l-CHUNG\"]}", "schedule[0]: 'l-CHUNG' is no id of a schedule"},
    {"{\"playlists\": [{\"name\": \"p\", \"playlist\": \"l-KHONG\"}]}",
     "playlists[0]: there is no 'l-KHONG'"},
    {"{\"playlists\": [{\"name\": \"p\", \"playlist\": \"c-TET\"}]}",
     "playlists[0]: 'playlist' must be the id of a playlist"},
    {"{\"playlists\": [{\"name\": \"p\", \"playlist\": \"l-CHUNG\", \"items\": []}]}",
     "playlists[0]: 'playlist' and 'items' exclude each other"},
    {"{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\", \"type\": \"image\","
     " \"asset\": \"bia\", \"seconds\": 1}]}]}",
     "playlists[0]: items[0]: 'asset' must be a SHA-256 of 64 lower-case hex digits"},
    {"{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\", \"type\": \"image\","
     " \"asset\": \"" LATE "\", \"seconds\": 1}]}]}",
     "playlists[0]: items[0]: not ready"},
    {"{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\", \"type\": \"image\","
     " \"asset\": \"" PICTURE "\", \"seconds\": 1}, {\"id\": \"b\", \"type\": \"image\","
     " \"asset\": \"" TWIN "\", \"seconds\": 1}]}]}",
     "playlists[0]: items[1]: two assets begin with 1111111111111111"},
    {"{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\", \"type\": \"text\","
     " \"text\": \"x\", \"seconds\": 1, \"campaign\": \"tet\"}]}]}",
     "playlists[0]: items[0]: 'campaign' must be the id of a campaign"},
    {"{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\", \"type\": \"image\","
     " \"asset\": \"" PICTURE "\"}]}]}",
     "playlists[0].items[0]: 'seconds' is missing, and asset '1111111111111111' has no "
     "'duration_ms'"},
};

static void a_recipe_that_does_not_play_is_refused_with_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(refusals); i++) {
        BT_AUTOBUF text;
        struct bt_error err = {0};
        assert_true(compose(refusals[i].recipe, &text, &err) < 0);
        assert_string_equal(err.msg, refusals[i].message);
        assert_int_equal(text.len, 0);
    }
}

static void the_same_document_can_bear_another_version(void **state)
{
    (void)state;
    BT_AUTOBUF first;
    BT_AUTOBUF second;
    struct bt_error err = {0};
    assert_int_equal(compose("{\"playlists\": [{\"name\": \"p\", \"items\": [{\"id\": \"a\","
                             " \"type\": \"text\", \"text\": \"x\", \"seconds\": 1.5}]}]}",
                             &first, &err),
                     0);
    bt_buf_init(&second, BT_PUBLICATION_MAX_BYTES);
    assert_int_equal(bt_compose_again(first.data, first.len, 8, &second, &err), 0);
    assert_non_null(strstr(first.data, "\"version\":7"));
    assert_non_null(strstr(second.data, "\"version\":8"));
    assert_non_null(strstr(second.data, "\"seconds\":1.5"));
    assert_int_equal(first.len, second.len);
}

static int check(const char *id, const char *body_text, struct bt_error *err)
{
    BT_AUTOJSON *body = NULL;
    assert_int_equal(bt_json_parse(body_text, strlen(body_text), &body, err), 0);
    return bt_compose_check(id, "Tên", body, &sources, err);
}

static void parts_are_judged_by_themselves(void **state)
{
    (void)state;
    static const struct {
        const char *id, *body, *message;  // "": it will do
    } cases[] = {
        {"l-1", "{\"items\": [{\"id\": \"a\", \"type\": \"clock\"}]}", ""},
        {"l-1", "{\"items\": []}", "'items' has 0 entries, outside 1..4096"},
        {"l-1", "{\"rules\": []}", "the key 'rules' is not known here"},
        {"l-1", "{}", "'items' must be a list [ ]"},
        {"c-1", "{\"from\": \"2027-02-01T00:00:00+07:00\", \"goal_plays\": 100}", ""},
        {"c-1", "{\"goal\": 100}", "the key 'goal' is not known here"},
        {"r-1",
         "{\"rules\": [{\"zone\": \"z\", \"playlist\": \"A\"},"
         " {\"zone\": \"z\", \"playlist\": \"a\", \"weight\": 3}]}",
         ""},
        {"r-1", "{\"rules\": [{\"layout\": \"dem\", \"times\": \"22:00-02:00\"}]}", ""},
        {"r-1", "{\"rules\": [{\"zone\": \"z\", \"playlist\": \"a\", \"weight\": 0}]}",
         "'weight' is 0, not a whole number in 1..1000"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_error err = {0};
        int r = check(cases[i].id, cases[i].body, &err);
        assert_int_equal(r < 0, cases[i].message[0] != '\0');
        assert_true(bt_str_ends(err.msg, cases[i].message));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipe_becomes_a_document_that_plays),
        cmocka_unit_test(how_items_move_is_passed_on),
        cmocka_unit_test(what_two_playlists_share_has_two_ids),
        cmocka_unit_test(a_file_that_is_used_twice_is_listed_once),
        cmocka_unit_test(a_recipe_that_does_not_play_is_refused_with_the_place),
        cmocka_unit_test(the_same_document_can_bear_another_version),
        cmocka_unit_test(parts_are_judged_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
