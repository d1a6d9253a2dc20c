#include "server/publications/needed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

#define NOW INT64_C(1795240000000)  // in November 2026

static void add(struct bt_needed *needed, const char *assets, const char *items)
{
    BT_AUTOJSON *hashes = cJSON_Parse(assets);
    BT_AUTOJSON *named = cJSON_Parse(items);
    bt_needed_add(needed, hashes, named);
}

static void see(struct bt_needed *needed, const char *text)
{
    BT_AUTOJSON *document = cJSON_Parse(text);
    assert_non_null(document);
    bt_needed_see(needed, document, NOW);
}

static void takedowns_of_what_can_still_be_shown_are_needed(void **state)
{
    (void)state;
    static const bool expected[] = {true, false, true, true, false, false, true, false};
    BT_AUTO(bt_needed) needed = bt_needed_create();
    add(needed, "[\"11\"]", "[]");
    add(needed, "[\"22\"]", "[]");  // over
    add(needed, "[\"99\",\"11\"]", "[]");
    add(needed, "[]", "[{\"publication\":\"u.1.a\",\"item\":\"bia\"}]");
    add(needed, "[]", "[{\"publication\":\"u.2.a\",\"item\":\"bia\"}]");
    add(needed, "[\"99\"]", "[]");
    add(needed, "[\"33\"]", "[]");  // until later
    add(needed, "[]", "[]");
    see(needed, "{\"id\":\"u.1.a\",\"assets\":[{\"sha256\":\"11\"}],"
                "\"playlists\":[{\"items\":[{\"id\":\"bia\"}]}]}");
    see(needed, "{\"id\":\"u.1.b\",\"valid\":{\"until\":\"2026-10-01T00:00:00+07:00\"},"
                "\"assets\":[{\"sha256\":\"22\"}]}");
    see(needed, "{\"id\":\"u.1.b\",\"valid\":{\"until\":\"2026-12-01T00:00:00+07:00\"},"
                "\"assets\":[{\"sha256\":\"33\"}]}");
    see(needed, "[]");
    for (size_t i = 0; i < BT_ARRAY_LEN(expected); i++) {
        assert_int_equal(bt_needed_has(needed, i), expected[i]);
    }
    assert_false(bt_needed_has(needed, BT_ARRAY_LEN(expected)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takedowns_of_what_can_still_be_shown_are_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
