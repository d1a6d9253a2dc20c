/**
 * What a player must not forget, in one small SQLite database: who it is, which orders it took and
 * what became of them, takedowns, emergencies, and the documents that are shown. What is committed
 * outlives the process; it outlives a power cut once it is flushed, which takes as long as the disk
 * takes and holds up nobody else. After a power cut a thing is there whole or not at all.
 *
 * Thread-safe; a transaction (begin … commit) keeps other threads out. Errors: -ENOSPC, -EROFS,
 * -EUCLEAN damaged, -ENOTSUP written by a newer version, -EIO, with SQLite's words.
 */
#ifndef BT_SYNC_STATE_H
#define BT_SYNC_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct bt_state;

int bt_state_open(const char *path, struct bt_state **out, struct bt_error *err) BT_NODISCARD;
void bt_state_destroy(struct bt_state *state);
BT_DEFINE_AUTO(bt_state)

int bt_state_begin(struct bt_state *state, struct bt_error *err) BT_NODISCARD;

// Ends the transaction: commits when `r` is 0, rolls back otherwise. Returns r or the commit's
// error.
int bt_state_end(struct bt_state *state, int r, struct bt_error *err) BT_NODISCARD;

// Waits for the disk, one caller after the other. Writes that come meanwhile are not counted as
// flushed. After a failure the next call writes all that is not in the database yet again first, as
// the system forgets what the disk refused: 0 means that the disk has it.
int bt_state_flush(struct bt_state *state, struct bt_error *err) BT_NODISCARD;
// False while a write that must not be lost could still be. "Noted" ones may be, and do not count.
bool bt_state_is_flushed(const struct bt_state *state);

// Single values. `out` must be able to hold the text; -ENOENT when it was never set, as opposed to
// one that the disk does not give.
int bt_state_get(struct bt_state *state, const char *key, char *out, size_t size) BT_NODISCARD;
int bt_state_set(struct bt_state *state, const char *key, const char *value,
                 struct bt_error *err) BT_NODISCARD;
// Noted: a power cut soon after may lose it.
int bt_state_note_int(struct bt_state *state, const char *key, int64_t value,
                      struct bt_error *err) BT_NODISCARD;
int64_t bt_state_get_int(struct bt_state *state, const char *key, int64_t absent);
int bt_state_set_int(struct bt_state *state, const char *key, int64_t value,
                     struct bt_error *err) BT_NODISCARD;

/**
 * Orders that were taken and whose result the server has not acknowledged.
 * answer: 'given' is obeyed but unanswered; the others are enum bt_order_state's words.
 */
struct bt_order_row {
    int64_t n;
    char state[12];  // "given", "done", "refused", "failed"
    int64_t at_ms;
    char detail[256];
    const char *body;  // the order as it came; borrowed during the call
};

// A server that takes no answers gives no more than it could ask about: older ones are forgotten.
#define BT_STATE_MAX_ORDERS 1024
int bt_state_put_order(struct bt_state *state, const struct bt_order_row *row,
                       struct bt_error *err) BT_NODISCARD;

// These two are noted: an order whose answer was lost is answered again.
int bt_state_answer_order(struct bt_state *state, int64_t n, const char *word, const char *detail,
                          int64_t at_ms, struct bt_error *err) BT_NODISCARD;
int bt_state_drop_order(struct bt_state *state, int64_t n, struct bt_error *err) BT_NODISCARD;
int bt_state_drop_orders(struct bt_state *state, struct bt_error *err) BT_NODISCARD;  // all

// Calls `each` in order of n, at most `max` times; its error ends it and is returned.
int bt_state_each_order(struct bt_state *state, size_t max,
                        int (*each)(const struct bt_order_row *row, void *context), void *context,
                        struct bt_error *err) BT_NODISCARD;

// Small documents by kind and name: 'takedown', 'emergency', 'current', 'template'.
struct bt_record_row {
    const char *name;  // borrowed during the call
    const char *body;  // likewise
    size_t len;
    int64_t number;
    const char *extra;
};
int bt_state_put(struct bt_state *state, const char *kind, const struct bt_record_row *row,
                 struct bt_error *err) BT_NODISCARD;
int bt_state_drop(struct bt_state *state, const char *kind, const char *name,
                  struct bt_error *err) BT_NODISCARD;
int bt_state_drop_all(struct bt_state *state, const char *kind, struct bt_error *err) BT_NODISCARD;
int bt_state_each(struct bt_state *state, const char *kind,
                  int (*each)(const struct bt_record_row *row, void *context), void *context,
                  struct bt_error *err) BT_NODISCARD;

#endif
