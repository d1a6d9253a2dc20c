/**
 * What was computed before: screens with the same documents are asked for the same. Keys are hashes
 * of everything that goes in. Belongs to one thread.
 */
#ifndef BT_SERVER_PLAN_MEMO_H
#define BT_SERVER_PLAN_MEMO_H

#include "base/sha256.h"
#include "server/plan/asked.h"

// Of all that is remembered, 14 MiB; when it is full, all is forgotten.
#define BT_PLAN_MEMO_MAX_ROWS 65536

struct bt_plan_memo;
struct bt_plan_memo *bt_plan_memo_create(void) BT_NODISCARD;
void bt_plan_memo_destroy(struct bt_plan_memo *memo);
BT_DEFINE_AUTO(bt_plan_memo)

// NULL when it is not known. Borrowed until the next put.
const struct bt_asked *bt_plan_memo_find(const struct bt_plan_memo *memo,
                                         const struct bt_sha256 *key);
// Takes the rows.
const struct bt_asked *bt_plan_memo_put(struct bt_plan_memo *memo, const struct bt_sha256 *key,
                                        struct bt_asked *asked);

#endif
