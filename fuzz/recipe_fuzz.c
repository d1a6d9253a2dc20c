// A recipe from outside, with every asset and arrangement there is: what comes out plays, and can
// be given another version.
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "fuzz/fuzz.h"
#include "playlists/publication.h"
#include "server/publications/compose.h"
#include "server/publications/difference.h"

static int find_arrangement(void *context, const char *id, cJSON **out, struct bt_error *err)
{
    static const char body[] =
        "{\"name\": \"a\", \"items\": [{\"id\": \"gio\", \"type\": \"clock\"}],"
        " \"rules\": [{\"zone\": \"z\", \"playlist\": \"p\"}]}";
    return bt_json_parse(body, strlen(body), out, err);
}

static int find_asset(void *context, const char *sha256, struct bt_compose_asset *out,
                      struct bt_error *err)
{
    *out = (struct bt_compose_asset){.size = 1, .duration_ms = 1000};
    bt_copy_cut(out->type, sizeof(out->type), "image/png");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct bt_compose_sources sources = {find_arrangement, find_asset, NULL};
    static const struct bt_compose_head head = {
        .id = "u.1.a", .version = 1, .layer = "unit", .unit = "Xã", .title = ""};
    struct bt_error err = {0};
    BT_AUTOJSON *recipe = NULL;
    BT_AUTOBUF text;
    BT_AUTOBUF again;
    bt_buf_init(&text, BT_PUBLICATION_MAX_BYTES);
    bt_buf_init(&again, BT_PUBLICATION_MAX_BYTES);
    if (bt_json_parse((const char *)data, size, &recipe, &err) < 0) {
        return 0;
    }
    int r = bt_compose(recipe, &head, &sources, &text, &err);
    assert((r < 0) == (err.msg[0] != '\0') && (r < 0) == (text.len == 0));
    if (r < 0) {
        return 0;
    }
    assert(bt_compose_again(text.data, text.len, 2, &again, &err) == 0);
    BT_AUTOJSON *first = cJSON_ParseWithLength(text.data, text.len);
    BT_AUTOJSON *second = cJSON_ParseWithLength(again.data, again.len);
    BT_AUTOJSON *difference = bt_difference(first, second);
    for (const cJSON *list = difference->child; list != NULL; list = list->next) {
        assert(list->child == NULL);
    }
    return 0;
}
