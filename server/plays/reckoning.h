/**
 * Counts one delivery into the books: every record once, dated as well as it can be. Touches no
 * database.
 */
#ifndef BT_SERVER_PLAYS_RECKONING_H
#define BT_SERVER_PLAYS_RECKONING_H

#include "server/plays/books.h"

// Counts the records from number `from` on; the standing and the tally move with them.
int bt_reckon(struct bt_books *books, struct bt_standing *standing, struct bt_tally *tally,
              const struct bt_delivery *delivery, int64_t from, struct bt_error *err) BT_NODISCARD;

// When the first record of a delivery began, as well as the standing knows; its receipt when it has
// none.
int64_t bt_reckon_begin_ms(const struct bt_standing *standing, const struct bt_delivery *delivery);

// A sink for showings that end with their journal.
struct bt_reckon_place {
    struct bt_counts *counts;
    const struct bt_standing *standing;
};
int bt_reckon_sink(const struct bt_tally_key *key, const struct bt_tally_counts *delta,
                   void *context, struct bt_error *err);

#endif
