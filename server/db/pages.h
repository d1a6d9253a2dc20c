/**
 * All rows of a table in the order of its key, a page at a time: so many that neither their number
 * nor their bytes pass a bound, whatever somebody has written into one of them. Belongs to one
 * connection.
 */
#ifndef BT_SERVER_DB_PAGES_H
#define BT_SERVER_DB_PAGES_H

#include "base/buf.h"
#include "server/db/tables.h"

struct bt_pages;
struct bt_pages *bt_pages_create(const struct bt_db_table *table) BT_NODISCARD;  // borrowed
void bt_pages_destroy(struct bt_pages *pages);
BT_DEFINE_AUTO(bt_pages)

// Goes on behind the last row that the table has in another database.
int bt_pages_skip(struct bt_pages *pages, struct bt_db *other, struct bt_error *err) BT_NODISCARD;

// The next page, all columns as in the table, borrowed until the next call; no rows: that was all.
int bt_pages_next(struct bt_pages *pages, struct bt_db *db, struct bt_db_rows **out,
                  struct bt_error *err) BT_NODISCARD;

// The value of a row as it would be written again; borrowed from the rows.
struct bt_db_value bt_pages_value(const struct bt_db_rows *row, const struct bt_db_table *table,
                                  size_t column);

// "a", "b": the names of all columns, or of the key's, quoted.
int bt_pages_names(const struct bt_db_table *table, bool keys_only, struct bt_buf *out);

#endif
