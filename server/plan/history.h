/**
 * Which documents were in force on a screen, and when.
 *
 * A document is a row of versions, one after the other. A version is in force from its publication
 * until the next one's, or its withdrawal; one that is to be activated at a time leaves the one
 * before in force until then, as players do. The screen's own document says which others it
 * carries. What players did not know of (they were offline) does not matter: this is what was asked
 * of them. Emergencies are not here: nobody planned them. Belongs to one thread at a time.
 */
#ifndef BT_SERVER_PLAN_HISTORY_H
#define BT_SERVER_PLAN_HISTORY_H

#include <stdbool.h>

#include "base/sha256.h"
#include "playlists/publication.h"
#include "server/db/db.h"

struct bt_plan_version {
    char target[BT_TARGET_BYTES + 8];  // "u/31333/quang-truong.json"
    char sha256[BT_SHA256_HEX_BYTES];
    int64_t published_ms, ended_ms;  // INT64_MAX: still in force
    bool was_read;                   // what follows stands in the text
    int64_t activate_ms;             // INT64_MIN: at once
    char look[BT_SHA256_HEX_BYTES];  // see bt_plan_history_piece
    struct bt_carry *carries;
    size_t carry_count;
};

/**
 * The version that is in force, of one document's in the order of their publication; *out is NULL
 * when none is. Nothing changes before *out_until_ms. `read` fills in what stands in the text, the
 * first time it is needed; its error is returned.
 */
typedef int (*bt_plan_read_fn)(void *context, struct bt_plan_version *version,
                               struct bt_error *err);
int bt_plan_in_force(struct bt_plan_version *versions, size_t count, int64_t at_ms,
                     bt_plan_read_fn read, void *context, const struct bt_plan_version **out,
                     int64_t *out_until_ms, struct bt_error *err) BT_NODISCARD;

// A time with the same documents all along. The screen's own comes first.
#define BT_PLAN_MAX_DOCUMENTS (1 + BT_MAX_CARRIES)
struct bt_plan_piece {
    int64_t from_ms, until_ms;
    const struct bt_plan_version *documents[BT_PLAN_MAX_DOCUMENTS];  // borrowed from the history
    size_t count;                                                    // 0: nothing is in force
};

struct bt_plan_history;
struct bt_plan_history *bt_plan_history_create(void) BT_NODISCARD;
void bt_plan_history_destroy(struct bt_plan_history *history);
BT_DEFINE_AUTO(bt_plan_history)

// Forgets the screen before; other documents are remembered as they are now.
int bt_plan_history_load(struct bt_plan_history *history, struct bt_db *db, const char *screen,
                         struct bt_error *err) BT_NODISCARD;

// When the screen's first document was published; INT64_MAX: never.
int64_t bt_plan_history_begin_ms(const struct bt_plan_history *history);

/**
 * The piece from at_ms on. A version's `look` is what its text comes down to for the plan: that of
 * a screen's own leaves out who it is, so that screens that are alike have the same.
 */
int bt_plan_history_piece(struct bt_plan_history *history, struct bt_db *db, int64_t at_ms,
                          struct bt_plan_piece *out, struct bt_error *err) BT_NODISCARD;

// The document itself, for bt_publication_destroy.
int bt_plan_history_read(struct bt_db *db, const struct bt_plan_version *version,
                         struct bt_publication **out, struct bt_error *err) BT_NODISCARD;

#endif
