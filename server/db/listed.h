/**
 * Statements about many ids: UPDATE x … WHERE id IN (…). What an engine does for one more row costs
 * little; asking it once more for each row costs more. A list is $1 to $90, and one that is shorter
 * repeats its last id; the statement's own values follow from $91 on.
 */
#ifndef BT_SERVER_DB_LISTED_H
#define BT_SERVER_DB_LISTED_H

#include "server/db/db.h"

#define BT_LISTED_MAX 90      // ids at a time
#define BT_LISTED_MAX_OWN 10  // values of the statement's own

struct bt_listed {
    const char *ids[BT_LISTED_MAX];  // borrowed
    size_t count;
};

// For literals: "DELETE FROM x WHERE id" BT_LISTED " AND y = $91".
#define BT_LISTED_NINE_(tens)                                                                      \
    "$" tens "1, $" tens "2, $" tens "3, $" tens "4, $" tens "5, $" tens "6, $" tens "7, $" tens   \
    "8, $" tens "9, "
#define BT_LISTED_TEN_(tens) "$" tens "0, " BT_LISTED_NINE_(tens)
#define BT_LISTED                                                                                  \
    " IN (" BT_LISTED_NINE_("") BT_LISTED_TEN_("1") BT_LISTED_TEN_("2") BT_LISTED_TEN_("3")        \
        BT_LISTED_TEN_("4") BT_LISTED_TEN_("5") BT_LISTED_TEN_("6") BT_LISTED_TEN_("7")            \
            BT_LISTED_TEN_("8") "$90)"

/**
 * As bt_db_run and bt_db_ask, for all ids of the list, whose order does not matter; nothing is
 * asked for an empty one, and *out is then left alone.
 */
#define bt_listed_run(db, list, err, sql, ...)                                                     \
    bt_listed_run_values(                                                                          \
        db, list, sql, (struct bt_db_value[]){BT_NULL, ##__VA_ARGS__} + 1,                         \
        sizeof((struct bt_db_value[]){BT_NULL, ##__VA_ARGS__}) / sizeof(struct bt_db_value) - 1,   \
        err)
int64_t bt_listed_run_values(struct bt_db *db, const struct bt_listed *list, const char *sql,
                             const struct bt_db_value *own, size_t own_count,
                             struct bt_error *err) BT_NODISCARD;

int bt_listed_ask(struct bt_db *db, const struct bt_listed *list, const char *sql,
                  struct bt_db_rows **out, struct bt_error *err) BT_NODISCARD;

/**
 * A number for each id, as a table of their own: "WITH asked(id, n) AS (" BT_PAIRED ") SELECT …".
 * The ids are $1 to $90, their numbers $91 to $180, and the statement's own values follow from $181
 * on. A table that is shorter is filled up with rows of NULL, which equal nothing.
 */
struct bt_paired {
    const char *ids[BT_LISTED_MAX];  // borrowed
    int64_t numbers[BT_LISTED_MAX];
    size_t count;
};

#define BT_PAIRED_NINE_(a, b)                                                                      \
    "($" a "1, $" b "1), ($" a "2, $" b "2), ($" a "3, $" b "3), ($" a "4, $" b "4), ($" a         \
    "5, $" b "5), ($" a "6, $" b "6), ($" a "7, $" b "7), ($" a "8, $" b "8), ($" a "9, $" b       \
    "9), "
#define BT_PAIRED_TEN_(a, b) "($" a "0, $" b "0), " BT_PAIRED_NINE_(a, b)
#define BT_PAIRED                                                                                  \
    "VALUES " BT_PAIRED_NINE_("", "9") BT_PAIRED_TEN_("1", "10") BT_PAIRED_TEN_("2", "11")         \
        BT_PAIRED_TEN_("3", "12") BT_PAIRED_TEN_("4", "13") BT_PAIRED_TEN_("5", "14")              \
            BT_PAIRED_TEN_("6", "15") BT_PAIRED_TEN_("7", "16")                                    \
                BT_PAIRED_TEN_("8", "17") "($90, $180)"

#define bt_paired_run(db, pairs, err, sql, ...)                                                    \
    bt_paired_run_values(                                                                          \
        db, pairs, sql, (struct bt_db_value[]){BT_NULL, ##__VA_ARGS__} + 1,                        \
        sizeof((struct bt_db_value[]){BT_NULL, ##__VA_ARGS__}) / sizeof(struct bt_db_value) - 1,   \
        err)
int64_t bt_paired_run_values(struct bt_db *db, const struct bt_paired *pairs, const char *sql,
                             const struct bt_db_value *own, size_t own_count,
                             struct bt_error *err) BT_NODISCARD;

#define bt_paired_ask(db, pairs, out, err, sql, ...)                                               \
    bt_paired_ask_values(                                                                          \
        db, pairs, sql, (struct bt_db_value[]){BT_NULL, ##__VA_ARGS__} + 1,                        \
        sizeof((struct bt_db_value[]){BT_NULL, ##__VA_ARGS__}) / sizeof(struct bt_db_value) - 1,   \
        out, err)
int bt_paired_ask_values(struct bt_db *db, const struct bt_paired *pairs, const char *sql,
                         const struct bt_db_value *own, size_t own_count, struct bt_db_rows **out,
                         struct bt_error *err) BT_NODISCARD;

#endif
