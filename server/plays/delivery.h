/**
 * A delivery: one batch that has come, read and judged as far as that goes without knowing what is
 * already counted. Made on a worker thread, counted by the ingest thread.
 */
#ifndef BT_SERVER_PLAYS_DELIVERY_H
#define BT_SERVER_PLAYS_DELIVERY_H

#include "plays/batch.h"
#include "server/plays/sender.h"

struct bt_delivery {
    struct bt_sender sender;
    int64_t received_ms;
    void *packed;  // as it came
    size_t packed_len;
    struct bt_batch batch;
    struct bt_record *records;  // header.count of them; one that cannot be read has `seq` 0
    struct bt_sha256 *hashes;   // the chain after each
};

/**
 * Copies what it keeps. Errors: -EMSGSIZE, -EINVAL, -EBADMSG, -ENOTSUP as bt_batch_read has them;
 * -EACCES: not signed by the player it names, or by one whose key was revoked.
 */
int bt_delivery_read(struct bt_senders *senders, const char *player, const void *packed, size_t len,
                     int64_t received_ms, struct bt_delivery **out,
                     struct bt_error *err) BT_NODISCARD;
void bt_delivery_destroy(struct bt_delivery *delivery);
BT_DEFINE_AUTO(bt_delivery)

// What it takes in memory, about.
size_t bt_delivery_bytes(const struct bt_delivery *delivery);

#endif
