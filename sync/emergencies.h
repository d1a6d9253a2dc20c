/**
 * The emergencies a player knows of: which is shown, which have ended and may not come back.
 * Believed activations come in (sync/activation.h); time is a parameter. Pure, bounded.
 *
 * Of several in force the highest level is shown, of equal ones the newest. The same id with a
 * later end renews. One that has ended comes back only with a from_ms later than its end; such ends
 * are remembered for as long as an activation signed before them could still be in force.
 *
 * The wall clock says when one begins and ends. A clock that is set back does not prolong it: the
 * monotonic clock ends it as well.
 */
#ifndef BT_SYNC_EMERGENCIES_H
#define BT_SYNC_EMERGENCIES_H

#include "sync/activation.h"

// Those that have ended are kept for two days, so that they do not return: more than a day of
// drills, 10 KiB each.
#define BT_MAX_EMERGENCIES 256

struct bt_instant {
    int64_t wall_ms, mono_ns;
};

struct bt_emergency {
    struct bt_activation activation;
    char *text;           // as it was signed; NULL when only its end is known; owned
    int64_t ended_ms;     // by an order; 0: not
    int64_t mono_end_ns;  // of this process
};

struct bt_emergencies {
    struct bt_emergency *list[BT_MAX_EMERGENCIES];  // owned
    size_t count;
};

void bt_emergencies_finish(struct bt_emergencies *emergencies);

/**
 * Adds or renews; `text` is copied. 1: something changed, 0: known already. Errors: -EALREADY it
 * has ended or passed, -ESTALE a newer one of this id is there, -ENOSPC too many.
 */
int bt_emergencies_add(struct bt_emergencies *emergencies, const struct bt_activation *activation,
                       const char *text, const struct bt_instant *now,
                       struct bt_error *err) BT_NODISCARD;

// Ends it, known or not.
void bt_emergencies_end(struct bt_emergencies *emergencies, const char *id, int64_t at_ms,
                        const struct bt_instant *now);

struct bt_emergency *bt_emergencies_find(struct bt_emergencies *emergencies, const char *id);
bool bt_emergency_in_force(const struct bt_emergency *emergency, const struct bt_instant *now);

// What is shown now, or NULL. `usable` may pass over one (its template is not there); may be NULL.
const struct bt_emergency *
bt_emergencies_shown(const struct bt_emergencies *emergencies, const struct bt_instant *now,
                     bool (*usable)(const struct bt_emergency *emergency, void *context),
                     void *context);

// How long until the next one begins or ends; INT64_MAX: never.
int64_t bt_emergencies_next_change_ms(const struct bt_emergencies *emergencies,
                                      const struct bt_instant *now);

// Forgets what can no longer matter. Writes the ids it forgot; returns how many.
size_t bt_emergencies_prune(struct bt_emergencies *emergencies, const struct bt_instant *now,
                            char (*out_ids)[64], size_t max);

#endif
