/**
 * Enrolments: secrets on the cards of players that were prepared beforehand. Each pairs one player,
 * of one key, with one screen, once. The secret itself is kept nowhere. In the call's transaction.
 */
#ifndef BT_SERVER_FLEET_ENROLMENT_H
#define BT_SERVER_FLEET_ENROLMENT_H

#include "server/fleet/pairing.h"

#define BT_ENROLMENT_MAX_DAYS 30

// Ended ones are shown for so long.
#define BT_ENROLMENT_SHOWN_MS (30 * BT_MS_PER_DAY)

/**
 * A player that begins to pair brings a secret: it gets its screen at once. *out_used is false when
 * that must not be, and nothing happened then.
 */
int bt_enrolment_use(struct bt_call *call, const char *secret, const struct bt_pairing *pairing,
                     bool *out_used, struct bt_error *err) BT_NODISCARD;

int bt_enrolment_clean(struct bt_db *db, int64_t now_ms, struct bt_error *err) BT_NODISCARD;

#endif
