// A publication as it lies in the database, and as the API shows it.
#ifndef BT_SERVER_PUBLICATIONS_PUBLICATION_ROW_H
#define BT_SERVER_PUBLICATIONS_PUBLICATION_ROW_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/error.h"
#include "base/sha256.h"
#include "server/db/db.h"
#include "server/ids.h"
#include "server/publications/desk.h"
#include "server/publications/target.h"

#define BT_TITLE_MAX_BYTES 255

struct bt_publication_row {
    char id[BT_SERVER_ID_BYTES];
    struct bt_unit_facts unit;
    struct bt_target target;
    int64_t version;  // of the document; 0 before it was ever proposed
    char state[16];   // enum bt_publication_state's word
    char title[BT_TITLE_MAX_BYTES + 1];
    char sha256[BT_SHA256_HEX_BYTES];  // "" while there is no document
    int64_t revision;
    char *recipe;    // JSON text
    char *document;  // the exact text, "" while there is none
};

// -ENOENT when there is none. *out is for bt_publication_row_destroy.
int bt_publication_row_load(struct bt_db *db, const char *id, struct bt_publication_row **out,
                            struct bt_error *err) BT_NODISCARD;
void bt_publication_row_destroy(struct bt_publication_row *row);
BT_DEFINE_AUTO(bt_publication_row)

/**
 * Composes the row's recipe as `version`, and refuses what was taken down and is not lifted in it
 * (-EINVAL). The text is appended.
 */
int bt_publication_row_compose(struct bt_db *db, const struct bt_publication_row *row,
                               int64_t version, struct bt_buf *out,
                               struct bt_error *err) BT_NODISCARD;

// Sets the state after an event, if that can happen: -EBUSY otherwise.
int bt_publication_row_step(struct bt_db *db, const char *id, const char *state, int event,
                            int64_t now_ms, struct bt_error *err) BT_NODISCARD;

// Freezes a document in the row: version, text, hash.
int bt_publication_row_freeze(struct bt_db *db, const char *id, int64_t version,
                              const struct bt_buf *text, struct bt_error *err) BT_NODISCARD;

#endif
