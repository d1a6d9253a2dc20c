// A bounded pool of threads that do whatever may wait for the database or a disk.
#ifndef BT_SERVER_HTTP_WORKERS_H
#define BT_SERVER_HTTP_WORKERS_H

#include <stdbool.h>

#include "base/error.h"

// Jobs that wait or run; the next one is refused. 503 is better than an answer after a minute.
#define BT_WORKERS_MAX_JOBS 1024
// Of those, kept for people: a takedown is not refused because ten thousand players hand in plays.
#define BT_WORKERS_PEOPLES_JOBS 256

struct bt_workers;

// `run` gets each job on one of the threads.
int bt_workers_start(int count, void (*run)(void *job), struct bt_workers **out,
                     struct bt_error *err) BT_NODISCARD;

/**
 * Room for a job (or, by its weight, for several) is taken first and given back when the job is
 * done for good, so that a job that comes again (more of a body has arrived) is never refused.
 * So many jobs as `spare` must be free besides. -EAGAIN: full; -EPIPE: closed.
 */
int bt_workers_admit(struct bt_workers *workers, int weight, int spare) BT_NODISCARD;
void bt_workers_dismiss(struct bt_workers *workers, int weight);

/**
 * Around what a job waits for elsewhere, for however long: a quarter of the threads may at once, so
 * that the others go on. -EAGAIN: as many do already.
 */
int bt_workers_begin_waiting(struct bt_workers *workers) BT_NODISCARD;
void bt_workers_end_waiting(struct bt_workers *workers);

// Of one that was admitted. After bt_workers_stop it is run at once, by whoever pushes.
void bt_workers_push(struct bt_workers *workers, void *job);

// Jobs wait, as they did when this was asked the last time, and no thread has taken one since. For
// one thread that asks at intervals.
bool bt_workers_stand_still(struct bt_workers *workers);

void bt_workers_close(struct bt_workers *workers);  // admits nothing new
void bt_workers_stop(struct bt_workers *workers);   // returns when all jobs were run
void bt_workers_destroy(struct bt_workers *workers);
BT_DEFINE_AUTO(bt_workers)

#endif
