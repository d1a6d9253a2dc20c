#include "sync/emergencies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

static void destroy_emergency(struct bt_emergency *emergency)
{
    free(emergency->text);
    free(emergency);
}

void bt_emergencies_finish(struct bt_emergencies *emergencies)
{
    for (size_t i = 0; i < emergencies->count; i++) {
        destroy_emergency(emergencies->list[i]);
    }
    emergencies->count = 0;
}

struct bt_emergency *bt_emergencies_find(struct bt_emergencies *emergencies, const char *id)
{
    for (size_t i = 0; i < emergencies->count; i++) {
        if (strcmp(emergencies->list[i]->activation.id, id) == 0) {
            return emergencies->list[i];
        }
    }
    return NULL;
}

bool bt_emergency_in_force(const struct bt_emergency *emergency, const struct bt_instant *now)
{
    const struct bt_activation *activation = &emergency->activation;
    return emergency->text != NULL && emergency->ended_ms == 0 &&
           now->wall_ms >= activation->from_ms && now->wall_ms < activation->until_ms &&
           now->mono_ns < emergency->mono_end_ns;
}

// When the old one stopped: by an order, or by itself.
static bool has_stopped(const struct bt_emergency *old, const struct bt_instant *now,
                        int64_t *out_ms)
{
    if (old->ended_ms != 0) {
        *out_ms = old->ended_ms;
        return true;
    }
    *out_ms = old->activation.until_ms;
    return old->activation.until_ms <= now->wall_ms || old->mono_end_ns <= now->mono_ns;
}

static bool is_of_same_role(const struct bt_activation *a, const struct bt_activation *b)
{
    char one[BT_ROLE_BYTES] = "", other[BT_ROLE_BYTES] = "";
    return bt_activation_role(a, one, NULL) == bt_activation_role(b, other, NULL) &&
           strcmp(one, other) == 0;
}

static int check_renewal(const struct bt_emergency *old, const struct bt_activation *activation,
                         const struct bt_instant *now, struct bt_error *err)
{
    int64_t stopped_ms;
    if (has_stopped(old, now, &stopped_ms)) {
        return activation->from_ms > stopped_ms
                   ? 1
                   : bt_fail(err, -EALREADY, "emergency '%s' has ended", activation->id);
    }
    // A unit's officer does not put an end to the province's emergency by taking its name.
    if (!is_of_same_role(&old->activation, activation)) {
        return bt_fail(err, -EACCES, "emergency '%s' is in force by other keys", activation->id);
    }
    if (activation->until_ms > old->activation.until_ms) {
        return 1;
    }
    if (activation->until_ms == old->activation.until_ms &&
        activation->from_ms == old->activation.from_ms) {
        return 0;
    }
    return bt_fail(err, -ESTALE, "emergency '%s' is in force for longer than this one",
                   activation->id);
}

static struct bt_emergency *new_emergency(struct bt_emergencies *emergencies, const char *id)
{
    if (emergencies->count == BT_MAX_EMERGENCIES) {
        return NULL;
    }
    struct bt_emergency *emergency = BT_NEW(struct bt_emergency);
    bt_copy_cut(emergency->activation.id, sizeof(emergency->activation.id), id);
    emergencies->list[emergencies->count++] = emergency;
    return emergency;
}

int bt_emergencies_add(struct bt_emergencies *emergencies, const struct bt_activation *activation,
                       const char *text, const struct bt_instant *now, struct bt_error *err)
{
    if (activation->until_ms <= now->wall_ms) {
        return bt_fail(err, -EALREADY, "emergency '%s' is over", activation->id);
    }
    struct bt_emergency *emergency = bt_emergencies_find(emergencies, activation->id);
    int r = emergency != NULL ? check_renewal(emergency, activation, now, err) : 1;
    if (r <= 0) {
        return r;
    }
    emergency = emergency != NULL ? emergency : new_emergency(emergencies, activation->id);
    if (emergency == NULL) {
        return bt_fail(err, -ENOSPC, "more than %d emergencies", BT_MAX_EMERGENCIES);
    }
    free(emergency->text);
    emergency->text = bt_strdup(text);
    emergency->activation = *activation;
    emergency->ended_ms = 0;
    // Bounded as activations are, so that a clock far behind does not stretch it.
    int64_t left_ms = BT_MIN(activation->until_ms - now->wall_ms, 2 * BT_ACTIVATION_MAX_MS);
    emergency->mono_end_ns = now->mono_ns + left_ms * BT_NS_PER_MS;
    return 1;
}

// Ends of what was never seen leave room for what is signed, however many a server invents.
static bool may_note_end(const struct bt_emergencies *emergencies)
{
    size_t unknown = 0;
    for (size_t i = 0; i < emergencies->count; i++) {
        unknown += emergencies->list[i]->text == NULL;
    }
    return unknown < BT_MAX_EMERGENCIES / 2;
}

void bt_emergencies_end(struct bt_emergencies *emergencies, const char *id, int64_t at_ms,
                        const struct bt_instant *now)
{
    struct bt_emergency *emergency = bt_emergencies_find(emergencies, id);
    if (emergency == NULL && may_note_end(emergencies)) {
        emergency = new_emergency(emergencies, id);
    }
    if (emergency != NULL && emergency->ended_ms == 0) {
        bool said = at_ms > 0 && at_ms < now->wall_ms;
        emergency->ended_ms = BT_MAX(said ? at_ms : now->wall_ms, 1);
    }
}

const struct bt_emergency *
bt_emergencies_shown(const struct bt_emergencies *emergencies, const struct bt_instant *now,
                     bool (*usable)(const struct bt_emergency *emergency, void *context),
                     void *context)
{
    const struct bt_emergency *best = NULL;
    for (size_t i = 0; i < emergencies->count; i++) {
        const struct bt_emergency *one = emergencies->list[i];
        if (!bt_emergency_in_force(one, now) || (usable != NULL && !usable(one, context))) {
            continue;
        }
        if (best == NULL || bt_activation_compare(&one->activation, &best->activation) > 0) {
            best = one;
        }
    }
    return best;
}

int64_t bt_emergencies_next_change_ms(const struct bt_emergencies *emergencies,
                                      const struct bt_instant *now)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < emergencies->count; i++) {
        const struct bt_emergency *one = emergencies->list[i];
        if (one->text == NULL || one->ended_ms != 0) {
            continue;
        }
        int64_t mono_ms = (one->mono_end_ns - now->mono_ns) / BT_NS_PER_MS;
        const int64_t changes_ms[] = {one->activation.from_ms - now->wall_ms,
                                      one->activation.until_ms - now->wall_ms, mono_ms};
        for (size_t c = 0; c < BT_ARRAY_LEN(changes_ms); c++) {
            next_ms = changes_ms[c] > 0 ? BT_MIN(next_ms, changes_ms[c]) : next_ms;
        }
    }
    return next_ms;
}

size_t bt_emergencies_prune(struct bt_emergencies *emergencies, const struct bt_instant *now,
                            char (*out_ids)[64], size_t max)
{
    size_t pruned = 0;
    for (size_t i = 0; i < emergencies->count && pruned < max;) {
        struct bt_emergency *one = emergencies->list[i];
        int64_t stopped_ms = one->ended_ms != 0 ? one->ended_ms : one->activation.until_ms;
        // Signed before the end, it began before the end and lasts 24 hours at most.
        if (now->wall_ms - stopped_ms <= 2 * BT_ACTIVATION_MAX_MS) {
            i++;
            continue;
        }
        bt_copy_cut(out_ids[pruned++], sizeof(out_ids[0]), one->activation.id);
        destroy_emergency(one);
        emergencies->list[i] = emergencies->list[--emergencies->count];
    }
    return pruned;
}
