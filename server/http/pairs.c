#include "server/http/pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"

void bt_pairs_finish(struct bt_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->list[i].name);
        free(pairs->list[i].value);
    }
    free(pairs->list);
    *pairs = (struct bt_pairs){0};
}

int bt_pairs_add(struct bt_pairs *pairs, const char *name, const char *value)
{
    if (pairs->count == BT_PAIRS_MAX) {
        return -EMSGSIZE;
    }
    BT_GROW(pairs->list, pairs->capacity, pairs->count + 1);
    pairs->list[pairs->count++] =
        (struct bt_pair){.name = bt_strdup(name), .value = bt_strdup(value)};
    return 0;
}

static struct bt_pair *find(const struct bt_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcasecmp(pairs->list[i].name, name) == 0) {
            return &pairs->list[i];
        }
    }
    return NULL;
}

int bt_pairs_set(struct bt_pairs *pairs, const char *name, const char *value)
{
    struct bt_pair *pair = find(pairs, name);
    if (pair == NULL) {
        return bt_pairs_add(pairs, name, value);
    }
    free(pair->value);
    pair->value = bt_strdup(value);
    return 0;
}

const char *bt_pairs_get(const struct bt_pairs *pairs, const char *name)
{
    const struct bt_pair *pair = find(pairs, name);
    return pair == NULL ? NULL : pair->value;
}

size_t bt_pairs_count_of(const struct bt_pairs *pairs, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        count += strcasecmp(pairs->list[i].name, name) == 0;
    }
    return count;
}
