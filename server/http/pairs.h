/**
 * Names with values: header fields, a query's parameters, what stood for {name} in a path. Copies
 * what it is given; small, so it is searched from the front.
 */
#ifndef BT_SERVER_HTTP_PAIRS_H
#define BT_SERVER_HTTP_PAIRS_H

#include <stddef.h>

#include "base/compiler.h"

// More header fields than any client of ours sends; the connection's memory ends earlier.
#define BT_PAIRS_MAX 100

struct bt_pair {
    char *name;
    char *value;
};

struct bt_pairs {  // all zero is empty
    struct bt_pair *list;
    size_t count, capacity;
};

void bt_pairs_finish(struct bt_pairs *pairs);
int bt_pairs_add(struct bt_pairs *pairs, const char *name,
                 const char *value) BT_NODISCARD;  // -EMSGSIZE when there are too many

// Replaces what has the name already.
int bt_pairs_set(struct bt_pairs *pairs, const char *name, const char *value) BT_NODISCARD;

// The first with the name, letters' case ignored (HTTP's own rule), or NULL.
const char *bt_pairs_get(const struct bt_pairs *pairs, const char *name);
size_t bt_pairs_count_of(const struct bt_pairs *pairs, const char *name);

#endif
