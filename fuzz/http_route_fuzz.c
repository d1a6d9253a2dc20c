// The path of a request line: whatever is sent, what a handler gets is a part of a path and no
// path.
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "server/http/router.h"

static void check_value(const struct bt_route *route, const struct bt_pair *value)
{
    BT_AUTOFREE char *rest = bt_strf("{%s...}", value->name);
    assert(value->value[0] != '\0');
    assert(bt_utf8_valid(value->value, strlen(value->value)));
    if (strstr(route->path, rest) == NULL) {
        assert(strchr(value->value, '/') == NULL);
    }
    BT_AUTOFREE char *inside = bt_strf("/%s/", value->value);
    assert(strstr(inside, "/../") == NULL && strstr(inside, "/./") == NULL);
    assert(strstr(inside, "//") == NULL);
}

// "METHOD PATH"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    BT_AUTOFREE char *text = bt_strndup((const char *)data, size);
    char *space = strchr(text, ' ');
    if (space == NULL) {
        return 0;
    }
    *space = '\0';
    const struct bt_route *route = NULL;
    struct bt_pairs values = {0};
    char allow[BT_ALLOW_MAX_BYTES];
    if (bt_route_find(bt_all_routes, bt_all_routes_count, text, space + 1, &route, &values,
                      allow) == 0) {
        for (size_t i = 0; i < values.count; i++) {
            check_value(route, &values.list[i]);
        }
    } else {
        assert(values.count == 0);
    }
    bt_pairs_finish(&values);
    return 0;
}
