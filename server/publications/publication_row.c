#include "server/publications/publication_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/publications/progress.h"
#include "server/publications/sources.h"
#include "server/publications/takedowns.h"

void bt_publication_row_destroy(struct bt_publication_row *row)
{
    if (row == NULL) {
        return;
    }
    free(row->recipe);
    free(row->document);
    free(row);
}

static int fill_row(struct bt_db *db, struct bt_db_rows *rows, struct bt_publication_row *row,
                    struct bt_error *err)
{
    bt_copy_cut(row->id, sizeof(row->id), bt_db_get_text(rows, 0));
    row->version = bt_db_get_int(rows, 3);
    bt_copy_cut(row->state, sizeof(row->state), bt_db_get_text(rows, 4));
    bt_copy_cut(row->title, sizeof(row->title), bt_db_get_text(rows, 5));
    row->recipe = bt_strdup(bt_db_get_text(rows, 6));
    row->document = bt_strdup(bt_db_get_text(rows, 7));
    bt_copy_cut(row->sha256, sizeof(row->sha256), bt_db_get_text(rows, 8));
    row->revision = bt_db_get_int(rows, 9);
    int r = bt_unit_facts(db, bt_db_get_text(rows, 1), &row->unit, err);
    return r < 0 ? r : bt_target_read(bt_db_get_text(rows, 2), &row->target, err);
}

int bt_publication_row_load(struct bt_db *db, const char *id, struct bt_publication_row **out,
                            struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = bt_db_ask(db, &rows, err,
                      "SELECT id, unit, target, version, state, title, recipe, document, sha256,"
                      " revision FROM publication WHERE id = $1",
                      BT_TEXT(id));
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return bt_fail(err, -ENOENT, "there is no publication '%.32s'", id);
    }
    BT_AUTO(bt_publication_row) row = BT_NEW(struct bt_publication_row);
    r = fill_row(db, rows, row, err);
    if (r == 0) {
        *out = BT_TAKE(row);
    }
    return r;
}

int bt_publication_row_compose(struct bt_db *db, const struct bt_publication_row *row,
                               int64_t version, struct bt_buf *out, struct bt_error *err)
{
    struct bt_source_context context = {.db = db, .unit = row->unit};
    struct bt_compose_sources sources = bt_sources(&context);
    struct bt_compose_head head = {
        .id = row->target.id,
        .version = version,
        .layer = bt_document_layer_inside(row->target.layer),
        .unit = row->unit.name,
        .title = row->title,
    };
    BT_AUTOJSON *recipe = NULL;
    int r = bt_json_parse(row->recipe, strlen(row->recipe), &recipe, err);
    r = r == 0 ? bt_compose(recipe, &head, &sources, out, err) : r;
    return r == 0 ? bt_takedowns_check(db, &row->unit, bt_buf_text(out), err) : r;
}

int bt_publication_row_step(struct bt_db *db, const char *id, const char *state, int event,
                            int64_t now_ms, struct bt_error *err)
{
    const char *next;
    int r = bt_publication_step(state, (enum bt_publication_event)event, &next, err);
    if (r < 0) {
        return bt_fail_in(err, -EBUSY, "%s", id);
    }
    int64_t changed = bt_db_run(db, err,
                                "UPDATE publication SET state = $2, changed_ms = $3,"
                                " revision = revision + 1 WHERE id = $1",
                                BT_TEXT(id), BT_TEXT(next), BT_INT(now_ms));
    return changed < 0 ? (int)changed : 0;
}

int bt_publication_row_freeze(struct bt_db *db, const char *id, int64_t version,
                              const struct bt_buf *text, struct bt_error *err)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 sha256 = bt_sha256_of(text->data, text->len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    int64_t changed = bt_db_run(
        db, err, "UPDATE publication SET version = $2, document = $3, sha256 = $4 WHERE id = $1",
        BT_TEXT(id), BT_INT(version), BT_TEXT(bt_buf_text(text)), BT_TEXT(hex));
    return changed < 0 ? (int)changed : 0;
}
