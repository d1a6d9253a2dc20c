#include "server/reports/first.h"

#include <string.h>

#include "base/str.h"

void bt_firsts_add(struct bt_firsts *firsts, const char *publication, int64_t version,
                   int64_t start_ms)
{
    for (size_t i = 0; i < firsts->count; i++) {
        if (firsts->list[i].version == version &&
            strcmp(firsts->list[i].publication, publication) == 0) {
            firsts->list[i].first_ms = BT_MIN(firsts->list[i].first_ms, start_ms);
            return;
        }
    }
    if (firsts->count < BT_FIRSTS_MAX && bt_format(firsts->list[firsts->count].publication,
                                                   BT_FIRSTS_ID_BYTES, "%s", publication) == 0) {
        firsts->list[firsts->count].version = version;
        firsts->list[firsts->count++].first_ms = start_ms;
    }
}

int bt_firsts_store(struct bt_db *db, const struct bt_firsts *firsts, const char *screen,
                    struct bt_error *err)
{
    for (size_t i = 0; i < firsts->count; i++) {
        int64_t r = bt_db_run(db, err,
                              "INSERT INTO play_first(publication, version, screen, first_ms)"
                              " VALUES($1, $2, $3, $4) ON CONFLICT(publication, version, screen)"
                              " DO UPDATE SET first_ms = excluded.first_ms"
                              " WHERE excluded.first_ms < play_first.first_ms",
                              BT_TEXT(firsts->list[i].publication), BT_INT(firsts->list[i].version),
                              BT_TEXT(screen), BT_INT(firsts->list[i].first_ms));
        if (r < 0) {
            return (int)r;
        }
    }
    return 0;
}
