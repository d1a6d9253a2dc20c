#include "trust/delegation.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static void patterns_stop_at_slashes(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"*", "a", true},
        {"*", "", true},
        {"*", "a/b", false},
        {"*", "/", false},
        {"", "", true},
        {"", "a", false},
        {"u/31333/*", "u/31333/a.json", true},
        {"u/31333/*", "u/31333/", true},
        {"u/31333/*", "u/31333", false},
        {"u/31333/*", "u/31333/a/b", false},
        {"u/31333/*", "u/313330/a", false},
        {"u/31333/*", "u/31334/a", false},
        {"*/*", "a/b", true},
        {"*/*", "a/b/c", false},
        {"*.zip", "x.zip", true},
        {"*.zip", "x.zip.zip", true},
        {"*.zip", "x.zipx", false},
        {"a*b*c", "aXbbYc", true},
        {"a*b*c", "aXbbY", false},
        {"r/*/y*.zip", "r/x/yy.zip", true},
        {"r/*/y*.zip", "r/x/zy.zip", false},
        {"*b/c", "b/b/c", false},
        {"?", "a", true},
        {"?", "/", false},
        {"?", "", false},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[!a-c]x", "/x", false},
        {"[]]", "]", true},
        {"[a-]", "-", true},
        {"[a", "[a", true},
        {"[", "[", true},
        {"[!", "[!", true},
        {"a**", "abc", true},
        {"**/x", "a/x", true},
        {"a\\*", "a\\b", true},
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        if (bt_path_matches(cases[i].pattern, cases[i].path) != cases[i].matches) {
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].path);
        }
    }
}

// With backtracking into every star this would take longer than the test may.
static void hostile_patterns_stay_cheap(void **state)
{
    char pattern[1001], path[1001];
    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        pattern[i] = i % 2 == 0 ? '*' : 'a';
        path[i] = 'a';
    }
    pattern[999] = 'b';
    pattern[1000] = path[1000] = '\0';
    assert_false(bt_path_matches(pattern, path));
}

static int check(const char *text)
{
    struct bt_error err = {""};
    BT_AUTOJSON *json = NULL;
    assert_int_equal(bt_json_parse(text, strlen(text), &json, &err), 0);
    int r = bt_delegation_check(json, &err);
    assert_true((r < 0) == (err.msg[0] != '\0'));
    return r;
}

static void delegations_of_no_good_shape_are_refused(void **state)
{
    static const char *const refused[] = {
        "{}",
        "[]",
        "{\"name\":1,\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"\",\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"root\",\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"timestamp\",\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"snapshot\",\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"targets\",\"terminating\":true,\"paths\":[]}",
        "{\"name\":\"a\",\"paths\":[]}",
        "{\"name\":\"a\",\"terminating\":0,\"paths\":[]}",
        "{\"name\":\"a\",\"terminating\":true}",
        "{\"name\":\"a\",\"terminating\":true,\"paths\":\"*\"}",
        "{\"name\":\"a\",\"terminating\":true,\"paths\":[1]}",
        "{\"name\":\"a\",\"terminating\":true,\"paths\":[],\"path_hash_prefixes\":[]}",
        ("{\"name\":\"0123456789012345678901234567890123456789012345678901234567890123\","
         "\"terminating\":true,\"paths\":[]}"),
    };
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(refused); i++) {
        assert_int_equal(check(refused[i]), -EINVAL);
    }
    assert_int_equal(check("{\"name\":\"em-1\",\"terminating\":true,\"paths\":[],\"x\":1}"), 0);
    assert_int_equal(check("{\"name\":\"a\",\"terminating\":false,\"path_hash_prefixes\":[\"0\"]}"),
                     0);
}

static bool covers(const char *prefix, const char *path)
{
    BT_AUTOJSON *delegation = cJSON_CreateObject();
    cJSON *prefixes = cJSON_AddArrayToObject(delegation, "path_hash_prefixes");
    cJSON_AddItemToArray(prefixes, cJSON_CreateString("zz"));
    cJSON_AddItemToArray(prefixes, cJSON_CreateString(prefix));
    return bt_delegation_covers(delegation, path);
}

// printf 'u/31333/a.json' | sha256sum → bf7d…
static void hash_prefixes_are_of_the_path(void **state)
{
    (void)state;
    assert_true(covers("bf7d", "u/31333/a.json"));
    assert_true(covers("", "u/31333/a.json"));
    assert_false(covers("bf7x", "u/31333/a.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_stop_at_slashes),
        cmocka_unit_test(hostile_patterns_stay_cheap),
        cmocka_unit_test(delegations_of_no_good_shape_are_refused),
        cmocka_unit_test(hash_prefixes_are_of_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
