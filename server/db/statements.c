#include "server/db/statements.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// All that a busy connection uses; a prepared statement has 5 to 10 KiB in SQLite.
#define MAX_KEPT 96

struct kept {
    const char *key;  // address of the literal, only compared
    char *sql;
    void *statement;
    uint64_t used;
};

struct bt_statements {
    void *connection;
    bt_statement_free_fn free_statement;
    struct kept kept[MAX_KEPT];
    size_t count;
    uint64_t clock;
};

struct bt_statements *bt_statements_create(void *connection, bt_statement_free_fn free_statement)
{
    struct bt_statements *statements = BT_NEW(struct bt_statements);
    statements->connection = connection;
    statements->free_statement = free_statement;
    return statements;
}

static void drop(struct bt_statements *statements, struct kept *kept)
{
    statements->free_statement(statements->connection, kept->statement);
    free(kept->sql);
    *kept = (struct kept){0};
}

void bt_statements_clear(struct bt_statements *statements)
{
    for (size_t i = 0; i < statements->count; i++) {
        drop(statements, &statements->kept[i]);
    }
    statements->count = 0;
}

void bt_statements_destroy(struct bt_statements *statements)
{
    if (statements == NULL) {
        return;
    }
    bt_statements_clear(statements);
    free(statements);
}

void *bt_statements_find(struct bt_statements *statements, const char *sql)
{
    for (size_t i = 0; i < statements->count; i++) {
        struct kept *kept = &statements->kept[i];
        if (kept->key == sql && strcmp(kept->sql, sql) == 0) {
            kept->used = ++statements->clock;
            return kept->statement;
        }
    }
    return NULL;
}

static struct kept *make_room(struct bt_statements *statements)
{
    if (statements->count < MAX_KEPT) {
        return &statements->kept[statements->count++];
    }
    struct kept *oldest = &statements->kept[0];
    for (size_t i = 1; i < MAX_KEPT; i++) {
        if (statements->kept[i].used < oldest->used) {
            oldest = &statements->kept[i];
        }
    }
    drop(statements, oldest);
    return oldest;
}

void bt_statements_keep(struct bt_statements *statements, const char *sql, void *statement)
{
    *make_room(statements) = (struct kept){
        .key = sql, .sql = bt_strdup(sql), .statement = statement, .used = ++statements->clock};
}
