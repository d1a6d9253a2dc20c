/**
 * The books: all rows that a transaction of the ingest is going to write, collected first and
 * written together. Belongs to the ingest thread.
 */
#ifndef BT_SERVER_PLAYS_BOOKS_H
#define BT_SERVER_PLAYS_BOOKS_H

#include "server/plays/counts.h"
#include "server/plays/standing.h"
#include "server/reports/first.h"

// A journal that has come further. What is borrowed lives until the books are cleared.
struct bt_step {
    struct bt_standing *standing;  // borrowed: as it stands after the step
    const struct bt_tally *tally;  // borrowed
    char **state;                  // borrowed: replaced by the tally's state when it is written
    int64_t from_seq;              // where it stood in the database
};

// A batch as it is kept; borrowed from its delivery.
struct bt_kept_batch {
    const struct bt_delivery *delivery;
    int64_t first_seq, last_seq;
    int64_t from_ms, until_ms;
};

struct bt_declared_loss {
    char player[32], journal[BT_JOURNAL_ID_BYTES], screen[32], unit[32];
    int64_t seq, plays, start_ms, end_ms;
    char cause[32];
    const char *clock;  // a literal
};

struct bt_run_mark {
    const struct bt_standing *standing;  // borrowed
    int64_t seq, at_ms, recovered;
    const char *kind, *dated;  // literals
};

struct bt_books;
struct bt_books *bt_books_create(void) BT_NODISCARD;
void bt_books_destroy(struct bt_books *books);
BT_DEFINE_AUTO(bt_books)

struct bt_counts *bt_books_counts(struct bt_books *books);
struct bt_firsts *bt_books_firsts(struct bt_books *books);
void bt_books_step(struct bt_books *books, const struct bt_step *step);  // one for each journal
void bt_books_batch(struct bt_books *books, const struct bt_kept_batch *batch);
void bt_books_loss(struct bt_books *books, const struct bt_declared_loss *loss);
void bt_books_run(struct bt_books *books, const struct bt_run_mark *run);

/**
 * Writes all of it. -EBUSY: a journal does not stand where its step begins, since another server
 * has moved it; nothing else was written.
 */
int bt_books_write(struct bt_books *books, struct bt_db *db, struct bt_error *err) BT_NODISCARD;
void bt_books_clear(struct bt_books *books, bool committed);

#endif
