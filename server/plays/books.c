#include "server/plays/books.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/db/many.h"

enum { STEP_COLUMNS = 14, BATCH_COLUMNS = 10, LOSS_COLUMNS = 10, RUN_COLUMNS = 8 };

struct bt_books {
    struct bt_counts *counts;
    struct bt_firsts *firsts;
    struct bt_step *steps;
    size_t step_count, step_capacity;
    struct bt_kept_batch *batches;
    size_t batch_count, batch_capacity;
    struct bt_declared_loss *losses;
    size_t loss_count, loss_capacity;
    struct bt_run_mark *runs;
    size_t run_count, run_capacity;

    struct bt_many *write_steps, *write_batches, *write_losses, *write_runs;
    struct bt_db_value *values;
    size_t value_capacity;
    struct bt_buf texts;  // tallies and boots of the steps that are being written
};

// A tally and the offsets of each of some hundreds of journals.
#define TEXTS_MAX_BYTES ((size_t)512 * (BT_TALLY_MAX_STATE + 2048))

/*
 * The compare-and-set is the condition behind ON CONFLICT: a journal moves only from where this
 * step begins, and the number of rows says whether all of them did.
 */
static const char steps_before[] =
    "INSERT INTO play_journal(player, journal, screen, unit, state, last_seq, last_hash, tally,"
    " boots, first_ms, received_ms, known_ms, stopped, step_from)";
static const char steps_after[] =
    " ON CONFLICT (player, journal) DO UPDATE SET last_seq = excluded.last_seq,"
    " last_hash = excluded.last_hash, tally = excluded.tally, boots = excluded.boots,"
    " received_ms = excluded.received_ms, known_ms = excluded.known_ms,"
    " stopped = excluded.stopped, step_from = excluded.step_from"
    " WHERE play_journal.last_seq = excluded.step_from AND play_journal.state = excluded.state";

struct bt_books *bt_books_create(void)
{
    struct bt_books *books = BT_NEW(struct bt_books);
    books->counts = bt_counts_create();
    books->firsts = bt_firsts_create();
    books->write_steps = bt_many_create(steps_before, STEP_COLUMNS, steps_after);
    books->write_batches =
        bt_many_create("INSERT INTO play_batch(player, journal, first_seq, last_seq, received_ms,"
                       " from_ms, until_ms, body, pack_at, pack_len)",
                       BATCH_COLUMNS, "");
    books->write_losses =
        bt_many_create("INSERT INTO play_loss(player, journal, seq, screen, unit, plays, cause,"
                       " start_ms, end_ms, clock)",
                       LOSS_COLUMNS, " ON CONFLICT (player, journal, seq, cause) DO NOTHING");
    books->write_runs =
        bt_many_create("INSERT INTO play_run(player, journal, seq, screen, kind, at_ms, dated,"
                       " recovered)",
                       RUN_COLUMNS, "");
    bt_buf_init(&books->texts, TEXTS_MAX_BYTES);
    return books;
}

void bt_books_destroy(struct bt_books *books)
{
    if (books == NULL) {
        return;
    }
    bt_counts_destroy(books->counts);
    bt_firsts_destroy(books->firsts);
    bt_many_destroy(books->write_steps);
    bt_many_destroy(books->write_batches);
    bt_many_destroy(books->write_losses);
    bt_many_destroy(books->write_runs);
    bt_buf_finish(&books->texts);
    free(books->steps);
    free(books->batches);
    free(books->losses);
    free(books->runs);
    free(books->values);
    free(books);
}

struct bt_counts *bt_books_counts(struct bt_books *books)
{
    return books->counts;
}

struct bt_firsts *bt_books_firsts(struct bt_books *books)
{
    return books->firsts;
}

void bt_books_step(struct bt_books *books, const struct bt_step *step)
{
    BT_GROW(books->steps, books->step_capacity, books->step_count + 1);
    books->steps[books->step_count++] = *step;
}

void bt_books_batch(struct bt_books *books, const struct bt_kept_batch *batch)
{
    BT_GROW(books->batches, books->batch_capacity, books->batch_count + 1);
    books->batches[books->batch_count++] = *batch;
}

void bt_books_loss(struct bt_books *books, const struct bt_declared_loss *loss)
{
    BT_GROW(books->losses, books->loss_capacity, books->loss_count + 1);
    books->losses[books->loss_count++] = *loss;
}

void bt_books_run(struct bt_books *books, const struct bt_run_mark *run)
{
    BT_GROW(books->runs, books->run_capacity, books->run_count + 1);
    books->runs[books->run_count++] = *run;
}

static struct bt_db_value *room_for(struct bt_books *books, size_t values)
{
    BT_GROW(books->values, books->value_capacity, values);
    return books->values;
}

// Two texts for each step, a NUL behind each, one after the other: their addresses are taken when
// all are there.
static int write_texts(struct bt_books *books, struct bt_error *err)
{
    bt_buf_clear(&books->texts);
    int r = 0;
    for (size_t i = 0; r == 0 && i < books->step_count; i++) {
        r = bt_tally_save(books->steps[i].tally, &books->texts);
        r = r < 0 ? r : bt_buf_append(&books->texts, "", 1);
        r = r < 0 ? r : bt_standing_write_boots(books->steps[i].standing, &books->texts);
        r = r < 0 ? r : bt_buf_append(&books->texts, "", 1);
    }
    return r < 0 ? bt_fail(err, r, "A journal's tally is too long") : 0;
}

static void step_values(const struct bt_step *step, const char *hash, const char *tally,
                        const char *boots, struct bt_db_value out[STEP_COLUMNS])
{
    const struct bt_standing *standing = step->standing;
    const struct bt_db_value values[STEP_COLUMNS] = {BT_TEXT(standing->player),
                                                     BT_TEXT(standing->journal),
                                                     BT_TEXT(standing->screen),
                                                     BT_TEXT(standing->unit),
                                                     BT_TEXT(bt_standing_word(standing->state)),
                                                     BT_INT(standing->last_seq),
                                                     BT_TEXT(hash),
                                                     BT_TEXT(tally),
                                                     BT_TEXT(boots),
                                                     BT_INT(standing->first_ms),
                                                     BT_INT(standing->received_ms),
                                                     BT_INT(standing->known_ms),
                                                     BT_INT(standing->stopped),
                                                     BT_INT(step->from_seq)};
    memcpy(out, values, sizeof(values));
}

static int compare_steps(const void *a, const void *b)
{
    const struct bt_step *left = a, *right = b;
    int order = strcmp(left->standing->player, right->standing->player);
    return order != 0 ? order : strcmp(left->standing->journal, right->standing->journal);
}

static int write_steps(struct bt_books *books, struct bt_db *db, struct bt_error *err)
{
    if (books->step_count == 0) {
        return 0;
    }
    qsort(books->steps, books->step_count, sizeof(*books->steps), compare_steps);
    int r = write_texts(books, err);
    if (r < 0) {
        return r;
    }
    struct bt_db_value *values = room_for(books, books->step_count * STEP_COLUMNS);
    char(*hashes)[BT_SHA256_HEX_BYTES] = bt_alloc(books->step_count * BT_SHA256_HEX_BYTES);
    const char *at = books->texts.data;
    for (size_t i = 0; i < books->step_count; i++) {
        const char *boots = at + strlen(at) + 1;
        bt_hex(books->steps[i].standing->last_hash.bytes, BT_SHA256_BYTES, hashes[i]);
        step_values(&books->steps[i], hashes[i], at, boots, &values[i * STEP_COLUMNS]);
        free(*books->steps[i].state);
        *books->steps[i].state = bt_strdup(at);
        at = boots + strlen(boots) + 1;
    }
    int64_t moved = bt_many_run(books->write_steps, db, values, books->step_count, err);
    free(hashes);
    if (moved >= 0 && (size_t)moved != books->step_count) {
        return bt_fail(err, -EBUSY, "Another server has counted a journal further");
    }
    return moved < 0 ? (int)moved : 0;
}

static int write_batches(struct bt_books *books, struct bt_db *db, struct bt_error *err)
{
    struct bt_db_value *values = room_for(books, books->batch_count * BATCH_COLUMNS + 1);
    for (size_t i = 0; i < books->batch_count; i++) {
        const struct bt_kept_batch *batch = &books->batches[i];
        const struct bt_delivery *delivery = batch->delivery;
        const struct bt_db_value row[BATCH_COLUMNS] = {
            BT_TEXT(delivery->sender.player),
            BT_TEXT(delivery->batch.header.journal),
            BT_INT(batch->first_seq),
            BT_INT(batch->last_seq),
            BT_INT(delivery->received_ms),
            BT_INT(batch->from_ms),
            BT_INT(batch->until_ms),
            BT_BLOB(delivery->packed, delivery->packed_len),
            BT_INT(0),
            BT_INT(0)};
        memcpy(&values[i * BATCH_COLUMNS], row, sizeof(row));
    }
    int64_t r = bt_many_run(books->write_batches, db, values, books->batch_count, err);
    return r < 0 ? (int)r : 0;
}

static int write_losses(struct bt_books *books, struct bt_db *db, struct bt_error *err)
{
    struct bt_db_value *values = room_for(books, books->loss_count * LOSS_COLUMNS + 1);
    for (size_t i = 0; i < books->loss_count; i++) {
        const struct bt_declared_loss *loss = &books->losses[i];
        const struct bt_db_value row[LOSS_COLUMNS] = {BT_TEXT(loss->player), BT_TEXT(loss->journal),
                                                      BT_INT(loss->seq),     BT_TEXT(loss->screen),
                                                      BT_TEXT(loss->unit),   BT_INT(loss->plays),
                                                      BT_TEXT(loss->cause),  BT_INT(loss->start_ms),
                                                      BT_INT(loss->end_ms),  BT_TEXT(loss->clock)};
        memcpy(&values[i * LOSS_COLUMNS], row, sizeof(row));
    }
    int64_t r = bt_many_run(books->write_losses, db, values, books->loss_count, err);
    return r < 0 ? (int)r : 0;
}

static int write_runs(struct bt_books *books, struct bt_db *db, struct bt_error *err)
{
    struct bt_db_value *values = room_for(books, books->run_count * RUN_COLUMNS + 1);
    for (size_t i = 0; i < books->run_count; i++) {
        const struct bt_run_mark *run = &books->runs[i];
        const struct bt_db_value row[RUN_COLUMNS] = {BT_TEXT(run->standing->player),
                                                     BT_TEXT(run->standing->journal),
                                                     BT_INT(run->seq),
                                                     BT_TEXT(run->standing->screen),
                                                     BT_TEXT(run->kind),
                                                     BT_INT(run->at_ms),
                                                     BT_TEXT(run->dated),
                                                     BT_INT(run->recovered)};
        memcpy(&values[i * RUN_COLUMNS], row, sizeof(row));
    }
    int64_t r = bt_many_run(books->write_runs, db, values, books->run_count, err);
    return r < 0 ? (int)r : 0;
}

int bt_books_write(struct bt_books *books, struct bt_db *db, struct bt_error *err)
{
    int r = write_steps(books, db, err);
    r = r < 0 ? r : write_batches(books, db, err);
    r = r < 0 ? r : bt_counts_write(books->counts, db, err);
    r = r < 0 ? r : bt_firsts_write(books->firsts, db, err);
    r = r < 0 ? r : write_losses(books, db, err);
    return r < 0 ? r : write_runs(books, db, err);
}

void bt_books_clear(struct bt_books *books, bool committed)
{
    bt_counts_clear(books->counts, committed);
    bt_firsts_clear(books->firsts, committed);
    books->step_count = books->batch_count = books->loss_count = books->run_count = 0;
}
