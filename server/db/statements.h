/**
 * The statements a connection has prepared, found by the address of their text. The text itself is
 * compared too, so that a text built at run time is merely slow. The one used longest ago makes
 * room. Not thread-safe.
 */
#ifndef BT_SERVER_DB_STATEMENTS_H
#define BT_SERVER_DB_STATEMENTS_H

#include "base/compiler.h"

typedef void (*bt_statement_free_fn)(void *connection, void *statement);

struct bt_statements;
struct bt_statements *bt_statements_create(void *connection,
                                           bt_statement_free_fn free_statement) BT_NODISCARD;
void bt_statements_destroy(struct bt_statements *statements);
void bt_statements_clear(struct bt_statements *statements);

void *bt_statements_find(struct bt_statements *statements, const char *sql);  // or NULL

// The statement is owned from here on.
void bt_statements_keep(struct bt_statements *statements, const char *sql, void *statement);

#endif
