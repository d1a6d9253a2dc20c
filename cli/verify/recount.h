/**
 * The recount: what the tally counts, put into rows as a report has them. A plan says which days,
 * which units, and by what; every thread fills rows of its own, which are put together at the end.
 */
#ifndef BT_CLI_VERIFY_RECOUNT_H
#define BT_CLI_VERIFY_RECOUNT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "plays/dimension.h"
#include "plays/tally.h"

#define BT_RECOUNT_MAX_BY 6
#define BT_RECOUNT_MAX_ROWS 2000000
#define BT_RECOUNT_VALUE_BYTES 136  // "publication/item"
#define BT_RECOUNT_KEY_BYTES 1024

struct bt_recount_plan {
    int64_t from_day, until_day;  // since 1970-01-01, included
    enum bt_dimension by[BT_RECOUNT_MAX_BY];
    size_t by_count;
    char filter[BT_DIMENSIONS][BT_RECOUNT_VALUE_BYTES];  // "": everything
};

// Where a journal's plays belong.
struct bt_recount_place {
    const char *unit, *screen;
};

// The values of `by` with a BT_RECOUNT_END after each: ids, words, "2026-11-21", "2026-11", "07";
// of an item its asset, or "publication/item" when it is drawn. False: the plan leaves it out.
#define BT_RECOUNT_END 0x1F
bool bt_recount_key(const struct bt_recount_plan *plan, const struct bt_recount_place *place,
                    const struct bt_tally_key *key, char out[BT_RECOUNT_KEY_BYTES]);

struct bt_recount_row {
    char *key;  // owned
    struct bt_tally_counts counts;
    bool met;  // for whoever compares
};

struct bt_recount;
struct bt_recount *bt_recount_create(void) BT_NODISCARD;
void bt_recount_destroy(struct bt_recount *recount);
BT_DEFINE_AUTO(bt_recount)

// -EMSGSIZE: too many rows.
int bt_recount_add(struct bt_recount *recount, const char *key,
                   const struct bt_tally_counts *counts, struct bt_error *err) BT_NODISCARD;
// Adds all of `from`.
int bt_recount_merge(struct bt_recount *recount, const struct bt_recount *from,
                     struct bt_error *err) BT_NODISCARD;

struct bt_recount_row *bt_recount_find(struct bt_recount *recount, const char *key);  // or NULL
size_t bt_recount_count(const struct bt_recount *recount);
struct bt_recount_row *bt_recount_at(struct bt_recount *recount, size_t index);

#endif
