/**
 * A thread behind all others of this machine, for processor and disk, that does one job at a time
 * for one asker. What it does takes no lock that others wait for, and so allocates nothing and has
 * nothing to do with SQLite, whose memory is under locks that all threads share: somebody so far
 * behind could hold them for long. The one exception is a job that was abandoned: it frees what it
 * has when it returns.
 *
 * A job that may never return, such as reading a stick that hangs, is tried: when the asker's
 * patience ends it is abandoned and the thread with it. The thread then ends by itself when the job
 * returns, be that never.
 */
#ifndef BT_SYNC_GENTLE_H
#define BT_SYNC_GENTLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_gentle;

int bt_gentle_start(struct bt_gentle **out, struct bt_error *err) BT_NODISCARD;
void bt_gentle_destroy(struct bt_gentle *gentle);  // waits for nobody who was abandoned
BT_DEFINE_AUTO(bt_gentle)

typedef void (*bt_gentle_fn)(void *context);

// Does it and waits until it is done.
void bt_gentle_do(struct bt_gentle *gentle, bt_gentle_fn work, void *context);

/**
 * Does it and waits for at most `patience_ns`, or until `stop`; for longer while the job only waits
 * for the processor. -ETIMEDOUT, -ECANCELED: it was
 * abandoned, and *gentle is NULL; the context is the job's now and `let_go` gets it when it
 * returns.
 */
int bt_gentle_try(struct bt_gentle **gentle, bt_gentle_fn work, bt_gentle_fn let_go, void *context,
                  int64_t patience_ns, const atomic_bool *stop) BT_NODISCARD;

// For how long all its jobs so far waited for nothing but the processor; 0 where the kernel does
// not say.
int64_t bt_gentle_kept_ns(struct bt_gentle *gentle);

#endif
