#include "server/publications/sources.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static int load_arrangement(void *opaque, const char *id, cJSON **out, struct bt_error *err)
{
    struct bt_source_context *context = opaque;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(context->db, &rows, err,
                      "SELECT a.body, a.name, u.path FROM arrangement a"
                      " JOIN unit u ON u.code = a.unit WHERE a.id = $1",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    // A unit's own and those of the offices above it.
    if (!bt_db_next(rows) || !bt_str_starts(context->unit.path, bt_db_get_text(rows, 2))) {
        return bt_fail(err, -ENOENT, "there is no '%.32s' that '%s' may use", id,
                       context->unit.code);
    }
    const char *text = bt_db_get_text(rows, 0);
    r = bt_json_parse(text, strlen(text), out, err);
    if (r == 0) {
        cJSON_AddStringToObject(*out, "name", bt_db_get_text(rows, 1));
    }
    return r;
}

static int load_asset(void *opaque, const char *sha256, struct bt_compose_asset *out,
                      struct bt_error *err)
{
    struct bt_source_context *context = opaque;
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(context->db, &rows, err,
                      "SELECT size, type, width, height, duration_ms, state FROM asset"
                      " WHERE sha256 = $1",
                      BT_TEXT(sha256));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "there is no asset %.16s…", sha256);
    }
    if (strcmp(bt_db_get_text(rows, 5), "ready") != 0) {
        return bt_fail(err, -EACCES, "asset %.16s… is not ready: %.32s", sha256,
                       bt_db_get_text(rows, 5));
    }
    *out = (struct bt_compose_asset){
        .size = bt_db_get_int(rows, 0),
        .width = bt_db_get_int(rows, 2),
        .height = bt_db_get_int(rows, 3),
        .duration_ms = bt_db_get_int(rows, 4),
    };
    bt_copy_cut(out->type, sizeof(out->type), bt_db_get_text(rows, 1));
    return 0;
}

struct bt_compose_sources bt_sources(struct bt_source_context *context)
{
    return (struct bt_compose_sources){
        .arrangement = load_arrangement, .asset = load_asset, .context = context};
}
