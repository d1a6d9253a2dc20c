/**
 * The outbox: messages wait in the database until they were sent, so that a crash loses none. One
 * that was sent in the moment of a crash is sent again: both bear its id.
 */
#ifndef BT_SERVER_CARE_OUTBOX_H
#define BT_SERVER_CARE_OUTBOX_H

#include <stdbool.h>

#include "server/db/db.h"
#include "server/ids.h"

// What may wait of a channel; then no more is written and alerts are told of later.
#define BT_OUTBOX_MAX_WAITING 2000
// 1, 2, 4 … minutes, at most 6 hours, and for three days in all.
#define BT_OUTBOX_MAX_ATTEMPTS 20

#define BT_CHANNEL_MAIL "mail"
#define BT_CHANNEL_WEBHOOK "webhook"

struct bt_letter {
    char id[16], channel[16];
    char *address, *subject, *body;
    int64_t made_ms, attempts;
};
void bt_letter_finish(struct bt_letter *letter);

// In a writing transaction. -EAGAIN: too much waits.
int bt_outbox_put(struct bt_db *db, const char *channel, const char *address, const char *subject,
                  const char *body, int64_t now_ms, struct bt_error *err) BT_NODISCARD;

// One that is tried once: whoever asked for it waits for what becomes of it.
int bt_outbox_put_trial(struct bt_db *db, const char *channel, const char *address,
                        const char *subject, const char *body, int64_t now_ms,
                        char out_id[BT_SERVER_ID_BYTES], struct bt_error *err) BT_NODISCARD;

// The next one whose time has come and that comes after `after_id`: 1 and it, or 0.
int bt_outbox_next(struct bt_db *db, const char *after_id, int64_t now_ms, struct bt_letter *out,
                   struct bt_error *err) BT_NODISCARD;

int bt_outbox_sent(struct bt_db *db, const struct bt_letter *letter, int64_t now_ms,
                   struct bt_error *err) BT_NODISCARD;

// Again later, or given up: with the reason. `final`: there is no use in trying again.
int bt_outbox_failed(struct bt_db *db, const struct bt_letter *letter, const char *why, bool final,
                     int64_t now_ms, struct bt_error *err) BT_NODISCARD;

#endif
