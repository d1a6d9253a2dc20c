/**
 * The ingest: one thread that counts what players send, many batches in one transaction, and
 * answers when it is on the disk. While one transaction is made durable the next deliveries gather;
 * nobody waits for a group to fill.
 *
 * Several servers may share one PostgreSQL: each has its own ingest, and a journal moves by
 * compare-and-set.
 */
#ifndef BT_SERVER_PLAYS_INGEST_H
#define BT_SERVER_PLAYS_INGEST_H

#include "server/plays/counting.h"

// What may wait, and at most in memory; beyond that players are told to come back.
#define BT_INGEST_MAX_QUEUED 2048
#define BT_INGEST_MAX_BYTES (96LL << 20)

// Of one transaction: others that write wait for its end.
#define BT_INGEST_MAX_GROUP 256

struct bt_metrics;
struct bt_ingest_options {
    struct bt_db_pool *db;
    struct bt_hub *hub;          // NULL: nobody is told of forks
    struct bt_metrics *metrics;  // NULL: none
};

struct bt_ingest;
int bt_ingest_start(const struct bt_ingest_options *options, struct bt_ingest **out,
                    struct bt_error *err) BT_NODISCARD;
void bt_ingest_close(struct bt_ingest *ingest);    // nothing new; what waits is counted
void bt_ingest_join(struct bt_ingest *ingest);     // and has been answered; after close
void bt_ingest_destroy(struct bt_ingest *ingest);  // joins
BT_DEFINE_AUTO(bt_ingest)

struct bt_senders *bt_ingest_senders(struct bt_ingest *ingest);

/**
 * Hands a delivery over; `done` is called once with what became of it, on the ingest's thread, and
 * must not wait. On an error the delivery still belongs to the caller: -EAGAIN too much waits,
 * -EPIPE closed.
 */
typedef void (*bt_ingest_done_fn)(const struct bt_counted *counted, void *context);
int bt_ingest_submit(struct bt_ingest *ingest, struct bt_delivery *delivery, bt_ingest_done_fn done,
                     void *context) BT_NODISCARD;

// The same, waiting for it. The delivery is taken in any case.
int bt_ingest_count(struct bt_ingest *ingest, struct bt_delivery *delivery,
                    struct bt_counted *out) BT_NODISCARD;

#endif
