#include "server/plan/memo.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// A power of two; where two keys meet, the newer one stays.
#define SLOTS 4096

struct known {
    bool used;
    struct bt_sha256 key;
    struct bt_asked asked;
};

struct bt_plan_memo {
    struct known slots[SLOTS];
    size_t rows;
};

struct bt_plan_memo *bt_plan_memo_create(void)
{
    return BT_NEW(struct bt_plan_memo);
}

static void forget(struct bt_plan_memo *memo, struct known *known)
{
    memo->rows -= known->used ? known->asked.count : 0;
    bt_asked_finish(&known->asked);
    known->used = false;
}

static void forget_all(struct bt_plan_memo *memo)
{
    for (size_t i = 0; i < SLOTS; i++) {
        forget(memo, &memo->slots[i]);
    }
}

void bt_plan_memo_destroy(struct bt_plan_memo *memo)
{
    if (memo != NULL) {
        forget_all(memo);
        free(memo);
    }
}

static size_t place_of(const struct bt_sha256 *key)
{
    return ((size_t)key->bytes[0] << 8 | key->bytes[1]) % SLOTS;
}

const struct bt_asked *bt_plan_memo_find(const struct bt_plan_memo *memo,
                                         const struct bt_sha256 *key)
{
    const struct known *known = &memo->slots[place_of(key)];
    return known->used && memcmp(&known->key, key, sizeof(*key)) == 0 ? &known->asked : NULL;
}

const struct bt_asked *bt_plan_memo_put(struct bt_plan_memo *memo, const struct bt_sha256 *key,
                                        struct bt_asked *asked)
{
    if (memo->rows + asked->count > BT_PLAN_MEMO_MAX_ROWS) {
        forget_all(memo);
    }
    struct known *known = &memo->slots[place_of(key)];
    forget(memo, known);
    *known = (struct known){.used = true, .key = *key, .asked = *asked};
    memo->rows += asked->count;
    *asked = (struct bt_asked){.rows = NULL};
    return &known->asked;
}
