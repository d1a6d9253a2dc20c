/**
 * Who sends plays: players with their keys, and what their plays are counted under. Kept in memory
 * for a short while, so that a batch costs no question to the database. Thread-safe.
 */
#ifndef BT_SERVER_PLAYS_SENDER_H
#define BT_SERVER_PLAYS_SENDER_H

#include <stdint.h>

#include "base/civil.h"
#include "server/db/db.h"

#define BT_SENDER_KEY_BYTES 32

enum bt_sender_state { BT_SENDER_ACTIVE, BT_SENDER_REPLACED, BT_SENDER_REVOKED };

struct bt_sender {
    char player[32], screen[32], unit[32];
    uint8_t key[BT_SENDER_KEY_BYTES];  // Ed25519
    enum bt_sender_state state;
    int64_t ended_ms;  // REPLACED, REVOKED: since then its key is no longer valid
    int64_t paired_ms;
    const struct bt_tz *tz;  // of the screen; lives as long as the senders
    int64_t every_s;         // how often it sends when nothing waits
};

struct bt_senders;
struct bt_senders *bt_senders_create(struct bt_db_pool *db) BT_NODISCARD;
void bt_senders_destroy(struct bt_senders *senders);
BT_DEFINE_AUTO(bt_senders)

// -ENOENT: no such player.
int bt_senders_find(struct bt_senders *senders, const char *player, struct bt_sender *out,
                    struct bt_error *err) BT_NODISCARD;
void bt_senders_forget(struct bt_senders *senders, const char *player);

#endif
