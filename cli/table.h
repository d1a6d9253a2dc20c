/**
 * Lists for people: a JSON array as a table whose columns line up, one object as lines. What comes
 * from outside is made safe for a terminal.
 */
#ifndef BT_CLI_TABLE_H
#define BT_CLI_TABLE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/compiler.h"

enum bt_column_kind {
    BT_COLUMN_TEXT,  // texts, numbers, truth; arrays as "a, b"
    BT_COLUMN_TIME,  // milliseconds UTC, shown in the time zone of Viet Nam; 0 is empty
    BT_COLUMN_BYTES,
    BT_COLUMN_HASH,   // its first characters
    BT_COLUMN_STATE,  // the API's words for states, or a list of them, in both languages
};

struct bt_column {
    const char *title;  // "tiếng Việt / English"
    const char *key;    // "name", or a path such as "duty.phone"
    enum bt_column_kind kind;
};

// The value of a column as text, for free(); "" when it is not there.
char *bt_table_cell(const cJSON *object, const struct bt_column *column) BT_NODISCARD;

void bt_table_print(const cJSON *items, const struct bt_column *columns, size_t count, FILE *to);
// What is empty is left out.
void bt_table_print_object(const cJSON *object, const struct bt_column *columns, size_t count,
                           FILE *to);

// How many columns of a terminal a text takes.
size_t bt_text_columns(const char *text);

#endif
