#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "server/http/router.h"

static int handle(struct bt_call *call, struct bt_error *err)
{
    (void)call;
    (void)err;
    return 0;
}

static const struct bt_route first_routes[] = {
    {"GET", "/", .handle = handle},
    {"GET", "/v1/users", .handle = handle},
    {"POST", "/v1/users", .handle = handle},
    {"GET", "/v1/users/{user}", .handle = handle},
    {"DELETE", "/v1/users/{user}", .handle = handle},
};
static const struct bt_route second_routes[] = {
    {"PUT", "/v1/users/me", .handle = handle},
    {"GET", "/v1/users/{user}/grants/{grant}", .handle = handle},
    {"GET", "/tuf/targets/{path...}", .handle = handle},
    {"GET", "/tuf/targets/special", .handle = handle},
};
static const struct bt_route_table first = {first_routes, BT_ARRAY_LEN(first_routes)};
static const struct bt_route_table second = {second_routes, BT_ARRAY_LEN(second_routes)};
static const struct bt_route_table *const tables[] = {&first, &second};

struct found {
    int result;
    const struct bt_route *route;
    struct bt_pairs values;
    char allow[BT_ALLOW_MAX_BYTES];
};

static struct found find(const char *method, const char *path)
{
    struct found found = {0};
    found.result = bt_route_find(tables, BT_ARRAY_LEN(tables), method, path, &found.route,
                                 &found.values, found.allow);
    return found;
}

static void assert_finds(const char *method, const char *path, const char *template,
                         const char *name, const char *value)
{
    struct found found = find(method, path);
    assert_int_equal(found.result, 0);
    assert_string_equal(found.route->path, template);
    if (name != NULL) {
        assert_string_equal(bt_pairs_get(&found.values, name), value);
    }
    bt_pairs_finish(&found.values);
}

static void paths_find_their_routes(void **state)
{
    (void)state;
    assert_finds("GET", "/", "/", NULL, NULL);
    assert_finds("GET", "/v1/users", "/v1/users", NULL, NULL);
    assert_finds("HEAD", "/v1/users", "/v1/users", NULL, NULL);
    assert_finds("GET", "/v1/users/u-1", "/v1/users/{user}", "user", "u-1");
    assert_finds("GET", "/v1/users/x%C3%A3", "/v1/users/{user}", "user", "xã");
    assert_finds("GET", "/v1/users/a/grants/b", "/v1/users/{user}/grants/{grant}", "grant", "b");
    assert_finds("GET", "/tuf/targets/u/31333/HASH.a%20b.json", "/tuf/targets/{path...}", "path",
                 "u/31333/HASH.a b.json");
}

static void the_more_literal_path_is_meant(void **state)
{
    (void)state;
    assert_finds("PUT", "/v1/users/me", "/v1/users/me", NULL, NULL);
    assert_finds("GET", "/tuf/targets/special", "/tuf/targets/special", NULL, NULL);
    struct found found = find("DELETE", "/v1/users/me");
    assert_int_equal(found.result, -ENOTSUP);
    assert_string_equal(found.allow, "PUT, OPTIONS");
}

static void what_is_no_path_of_ours_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "v1/users",
        "/v1/users/",
        "/v1//users",
        "//",
        "/v1/user",
        "/v1/users/a/b",
        "/v1/users/%",
        "/v1/users/%00",
        "/v1/users/a%2Fb",
        "/v1/users/..",
        "/v1/users/%2e%2E",
        "/v1/users/.",
        "/tuf/targets/",
        "/tuf/targets/a/../b",
        "/tuf/targets/a//b",
        "/tuf/targets/a/%2e%2e/b",
        "/tuf/targets/..%2f..",
        "/V1/users",
        "http://host/v1/users",
        "*",
        "/v1/users/%ff",
        "/v1/users/a%0ab",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(paths); i++) {
        struct found found = find("GET", paths[i]);
        assert_int_equal(found.result, -ENOENT);
        assert_int_equal(found.values.count, 0);
    }
}

static void other_methods_are_told(void **state)
{
    (void)state;
    struct found found = find("PATCH", "/v1/users");
    assert_int_equal(found.result, -ENOTSUP);
    assert_string_equal(found.allow, "GET, HEAD, POST, OPTIONS");
}

static void a_path_that_is_too_long_is_not_found(void **state)
{
    (void)state;
    char path[2 * BT_PATH_MAX_BYTES] = "/v1/users/";
    memset(path + 10, 'a', sizeof(path) - 11);
    assert_int_equal(find("GET", path).result, -ENOENT);
}

static void templates_are_judged(void **state)
{
    (void)state;
    static const char *const good[] = {"/", "/a", "/a/{b}", "/a/{b...}", "/a/{b}/c"};
    static const char *const bad[] = {"", "a", "/a/", "/a//b", "/a/{b", "/a/x{b}", "/{b...}/a"};
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        const struct bt_route route = {"GET", good[i], .handle = handle};
        assert_true(bt_route_well_formed(&route));
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        const struct bt_route route = {"GET", bad[i], .handle = handle};
        assert_false(bt_route_well_formed(&route));
    }
    const struct bt_route odd = {"HEAD", "/", .handle = handle};
    assert_false(bt_route_well_formed(&odd));
}

static void all_routes_are_well_formed_and_different(void **state)
{
    (void)state;
    for (size_t i = 0; i < bt_all_routes_count; i++) {
        for (size_t k = 0; k < bt_all_routes[i]->count; k++) {
            const struct bt_route *route = &bt_all_routes[i]->routes[k];
            assert_true(bt_route_well_formed(route));
            size_t same = 0;
            for (size_t n = 0; n < bt_all_routes[i]->count; n++) {
                const struct bt_route *other = &bt_all_routes[i]->routes[n];
                same += strcmp(route->path, other->path) == 0 &&
                        strcmp(route->method, other->method) == 0;
            }
            assert_int_equal(same, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_find_their_routes),
        cmocka_unit_test(the_more_literal_path_is_meant),
        cmocka_unit_test(what_is_no_path_of_ours_is_not_found),
        cmocka_unit_test(other_methods_are_told),
        cmocka_unit_test(a_path_that_is_too_long_is_not_found),
        cmocka_unit_test(templates_are_judged),
        cmocka_unit_test(all_routes_are_well_formed_and_different),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
