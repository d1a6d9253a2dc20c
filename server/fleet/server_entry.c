#include "server/fleet/server_entry.h"

#include <string.h>

#include "base/json.h"

static int newest_targets(struct bt_db *db, cJSON **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT body FROM tuf_metadata WHERE role = 'targets'"
                      " ORDER BY version DESC LIMIT 1");
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    const char *body = bt_db_get_text(rows, 0);
    return bt_json_parse(body, strlen(body), out, err);
}

static const char *hash_of_servers(const cJSON *targets)
{
    static const char *const path[] = {"signed", "targets", "servers.json", "hashes", "sha256"};
    for (size_t i = 0; i < BT_ARRAY_LEN(path) && targets != NULL; i++) {
        targets = cJSON_GetObjectItemCaseSensitive(targets, path[i]);
    }
    return cJSON_GetStringValue(targets);
}

static int read_target(struct bt_db *db, const char *sha256, cJSON **out, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT body FROM tuf_target WHERE path = 'servers.json' AND sha256 = $1",
                      BT_TEXT(sha256));
    if (r < 0 || !bt_db_next(rows)) {
        return r;
    }
    const char *body = bt_db_get_text(rows, 0);
    return bt_json_parse(body, strlen(body), out, err);
}

int bt_fleet_server_entry(struct bt_db *db, cJSON **out, struct bt_error *err)
{
    BT_AUTOJSON *targets = NULL;
    BT_AUTOJSON *servers = NULL;
    int r = newest_targets(db, &targets, err);
    const char *sha256 = r == 0 ? hash_of_servers(targets) : NULL;
    r = r < 0 || sha256 == NULL ? r : read_target(db, sha256, &servers, err);
    if (r < 0) {
        return r;
    }
    cJSON *list = cJSON_GetObjectItemCaseSensitive(servers, "servers");
    cJSON *first = cJSON_DetachItemFromArray(list, 0);
    *out = first != NULL ? first : cJSON_CreateNull();
    return 0;
}
