#include "server/care/contents.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "server/care/content.h"
#include "server/publications/target.h"

// Documents of at most 4 MiB each, in one answer.
#define PAGE 8

static int keep_carries(struct bt_db *db, const char *id, const cJSON *document,
                        struct bt_error *err)
{
    const cJSON *carry;
    int64_t r = 0;
    cJSON_ArrayForEach(carry, cJSON_GetObjectItemCaseSensitive(document, "carries"))
    {
        char target[BT_TARGET_BYTES];
        const char *said = cJSON_GetStringValue(carry);
        if (r >= 0 && said != NULL && bt_format(target, sizeof(target), "%s.json", said) == 0) {
            r = bt_db_run(db, err,
                          "INSERT INTO content_carry(publication, target) VALUES($1, $2)"
                          " ON CONFLICT (publication, target) DO NOTHING",
                          BT_TEXT(id), BT_TEXT(target));
        }
    }
    return r < 0 ? (int)r : 0;
}

static int keep(struct bt_db *db, const char *id, const char *text, struct bt_error *err)
{
    BT_AUTOJSON *document = NULL;
    // One that cannot be read shows nothing, and is not looked at again.
    int64_t end =
        bt_json_parse(text, strlen(text), &document, NULL) == 0 ? bt_content_end(document) : 0;
    int r = bt_db_begin(db, true, err);
    r = r < 0 ? r : keep_carries(db, id, document, err);
    int64_t kept = r < 0 ? r
                         : bt_db_run(db, err,
                                     "INSERT INTO content_end(publication, end_ms) VALUES($1, $2)"
                                     " ON CONFLICT (publication) DO NOTHING",
                                     BT_TEXT(id), end == INT64_MAX ? BT_NULL : BT_INT(end));
    r = kept < 0 ? (int)kept : bt_db_commit(db, err);
    if (r < 0) {
        bt_db_rollback(db);
    }
    return r;
}

int bt_contents_keep(struct bt_db *db, struct bt_error *err)
{
    int r = 0;
    for (bool more = true; more && r == 0;) {
        BT_AUTO(bt_db_rows) rows = NULL;
        r = bt_db_ask(db, &rows, err,
                      "SELECT p.id, p.document FROM publication p"
                      " LEFT JOIN content_end e ON e.publication = p.id"
                      " WHERE p.state = 'published' AND p.document IS NOT NULL"
                      " AND e.publication IS NULL ORDER BY p.id LIMIT $1",
                      BT_INT(PAGE));
        more = r == 0 && bt_db_count(rows) > 0;
        while (r == 0 && bt_db_next(rows)) {
            r = keep(db, bt_db_get_text(rows, 0), bt_db_get_text(rows, 1), err);
        }
    }
    return r;
}
