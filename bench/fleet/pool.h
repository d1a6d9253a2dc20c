/**
 * Requests of the fleet over few connections, as a proxy in front of a server keeps them: who finds
 * none free waits for its turn.
 */
#ifndef BT_BENCH_FLEET_POOL_H
#define BT_BENCH_FLEET_POOL_H

#include "bench/fleet/line.h"

#define POOL_MAX_LINES 256

struct pool;
struct pool *pool_create(int epoll, const char *path) BT_NODISCARD;

typedef void (*pool_answered_fn)(const struct line_answer *answer, void *context);

// The text of the request is copied. `slow`: its answer is taken a little at a time.
void pool_ask(struct pool *pool, const struct bt_buf *text, bool slow, pool_answered_fn answered,
              void *context);
void pool_look(struct pool *pool, int64_t now_ns);
int pool_waiting(const struct pool *pool);

#endif
