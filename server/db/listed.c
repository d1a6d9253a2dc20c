#include "server/db/listed.h"

#include <assert.h>

#define VALUES (BT_LISTED_MAX + BT_LISTED_MAX_OWN)

static void fill(const struct bt_listed *list, struct bt_db_value out[VALUES])
{
    assert(list->count > 0 && list->count <= BT_LISTED_MAX);
    for (size_t i = 0; i < BT_LISTED_MAX; i++) {
        out[i] = BT_TEXT(list->ids[BT_MIN(i, list->count - 1)]);
    }
}

int64_t bt_listed_run_values(struct bt_db *db, const struct bt_listed *list, const char *sql,
                             const struct bt_db_value *own, size_t own_count, struct bt_error *err)
{
    struct bt_db_value values[VALUES];
    assert(own_count <= BT_LISTED_MAX_OWN);
    if (list->count == 0) {
        return 0;
    }
    fill(list, values);
    for (size_t i = 0; i < own_count; i++) {
        values[BT_LISTED_MAX + i] = own[i];
    }
    return bt_db_run_values(db, sql, values, BT_LISTED_MAX + own_count, err);
}

int bt_listed_ask(struct bt_db *db, const struct bt_listed *list, const char *sql,
                  struct bt_db_rows **out, struct bt_error *err)
{
    struct bt_db_value values[VALUES];
    if (list->count == 0) {
        return 0;
    }
    fill(list, values);
    return bt_db_ask_values(db, sql, values, BT_LISTED_MAX, out, err);
}

#define PAIRED_VALUES (2 * BT_LISTED_MAX + BT_LISTED_MAX_OWN)

static void fill_paired(const struct bt_paired *pairs, const struct bt_db_value *own,
                        size_t own_count, struct bt_db_value out[PAIRED_VALUES])
{
    assert(pairs->count > 0 && pairs->count <= BT_LISTED_MAX && own_count <= BT_LISTED_MAX_OWN);
    for (size_t i = 0; i < BT_LISTED_MAX; i++) {
        bool there = i < pairs->count;
        out[i] = there ? BT_TEXT(pairs->ids[i]) : BT_NULL;
        out[BT_LISTED_MAX + i] = there ? BT_INT(pairs->numbers[i]) : BT_NULL;
    }
    for (size_t i = 0; i < own_count; i++) {
        out[2 * BT_LISTED_MAX + i] = own[i];
    }
}

int64_t bt_paired_run_values(struct bt_db *db, const struct bt_paired *pairs, const char *sql,
                             const struct bt_db_value *own, size_t own_count, struct bt_error *err)
{
    struct bt_db_value values[PAIRED_VALUES];
    if (pairs->count == 0) {
        return 0;
    }
    fill_paired(pairs, own, own_count, values);
    return bt_db_run_values(db, sql, values, 2 * BT_LISTED_MAX + own_count, err);
}

int bt_paired_ask_values(struct bt_db *db, const struct bt_paired *pairs, const char *sql,
                         const struct bt_db_value *own, size_t own_count, struct bt_db_rows **out,
                         struct bt_error *err)
{
    struct bt_db_value values[PAIRED_VALUES];
    if (pairs->count == 0) {
        return 0;
    }
    fill_paired(pairs, own, own_count, values);
    return bt_db_ask_values(db, sql, values, 2 * BT_LISTED_MAX + own_count, out, err);
}
