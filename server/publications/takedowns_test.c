#include "server/publications/takedowns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static cJSON *parse(const char *text)
{
    cJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, NULL), 0);
    return json;
}

static void a_document_that_shows_it_again_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *assets, *items;
        bool hits;
    } cases[] = {
        {"[\"11\"]", "[]", true},
        {"[\"99\", \"11\"]", "[]", true},
        {"[\"99\"]", "[]", false},
        {"[]", "[{\"publication\": \"u.1.a\", \"item\": \"bia\"}]", true},
        {"[]", "[{\"publication\": \"u.2.a\", \"item\": \"bia\"}]", false},
        {"[]", "[{\"publication\": \"u.1.a\", \"item\": \"khac\"}]", false},
        {"[]", "[]", false},
    };
    BT_AUTOJSON *document =
        parse("{\"id\": \"u.1.a\", \"lifts\": [\"t-1\"], \"assets\": [{\"name\": \"x\","
              " \"sha256\": \"11\"}], \"playlists\": [{\"name\": \"p\", \"items\":"
              " [{\"id\": \"bia\"}]}]}");
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTOJSON *assets = parse(cases[i].assets);
        BT_AUTOJSON *items = parse(cases[i].items);
        assert_int_equal(bt_takedown_hits(assets, items, document), cases[i].hits);
    }
    assert_true(bt_takedown_is_lifted(document, "t-1"));
    assert_false(bt_takedown_is_lifted(document, "t-11"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_that_shows_it_again_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
