/**
 * When each version of a document was first shown on a screen: what "minutes from approval to the
 * first play" is computed from. Whoever counts a batch of records collects them here and stores
 * them in the same transaction; what was stored already is kept when it is earlier.
 */
#ifndef BT_SERVER_REPORTS_FIRST_H
#define BT_SERVER_REPORTS_FIRST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/db/db.h"

// A batch has records of one or two documents; of more than these the others come with later ones.
#define BT_FIRSTS_MAX 64
#define BT_FIRSTS_ID_BYTES 64

struct bt_firsts {
    size_t count;
    struct {
        char publication[BT_FIRSTS_ID_BYTES];
        int64_t version, first_ms;
    } list[BT_FIRSTS_MAX];
};

// A play of this version began at start_ms (bt_tally_start_ms). Begin with {.count = 0}.
void bt_firsts_add(struct bt_firsts *firsts, const char *publication, int64_t version,
                   int64_t start_ms);
int bt_firsts_store(struct bt_db *db, const struct bt_firsts *firsts, const char *screen,
                    struct bt_error *err) BT_NODISCARD;

#endif
