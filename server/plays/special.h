/**
 * What does not happen every day: a journal begins and the ones before it end, a chain forks, an
 * ended journal goes on after all. In the transaction of one delivery.
 */
#ifndef BT_SERVER_PLAYS_SPECIAL_H
#define BT_SERVER_PLAYS_SPECIAL_H

#include "server/plays/books.h"

// Of a journal, once it was forked; who copies a card 16 times is told nothing new by the 17th.
#define BT_QUARANTINE_MAX 16

/**
 * A journal begins: the player's others are closed, with what is missing of them declared up to
 * `begin_ms`. 1: done; 0: one of them is forked and nobody has settled it, nothing was changed.
 */
int bt_special_begin(struct bt_db *db, struct bt_books *books, const struct bt_sender *sender,
                     const char *journal, int64_t begin_ms, struct bt_error *err) BT_NODISCARD;

/**
 * The first journal that is heard of from a player which says that it had others before: whatever
 * was in them is declared lost, up to `begin_ms`.
 */
int bt_special_unheard(struct bt_db *db, struct bt_books *books, const struct bt_standing *standing,
                       const struct bt_delivery *delivery, int64_t begin_ms,
                       struct bt_error *err) BT_NODISCARD;

// Records that the player had pruned before they came: from `hole_from` up to the delivery's first.
void bt_special_hole(struct bt_books *books, const struct bt_standing *standing,
                     const struct bt_delivery *delivery, int64_t hole_from);

// A closed journal has come further: what is said to be missing of it moves.
int bt_special_go_on(struct bt_db *db, struct bt_books *books, const struct bt_standing *standing,
                     struct bt_error *err) BT_NODISCARD;

/**
 * Keeps the delivery aside and, when it is the first, marks the journal as forked, with an entry in
 * the audit log. Returns 1 when it was the first.
 */
int bt_special_fork(struct bt_db *db, const struct bt_standing *standing,
                    const struct bt_delivery *delivery, struct bt_error *err) BT_NODISCARD;

#endif
