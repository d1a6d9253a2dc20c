/**
 * How often a schedule asks for each of its items: the timeline that plays live, run dry and
 * counted.
 *
 * What is counted is a showing that begins: a set once, whatever the number of its cards; a clip
 * that goes on after something more important cut in, not again; an endless item (clock, crawl,
 * colour) every full hour, as its plays are. Pure.
 */
#ifndef BT_SERVER_PLAN_ASKED_H
#define BT_SERVER_PLAN_ASKED_H

#include "base/error.h"
#include "playlists/show.h"
#include "server/plan/orders.h"

// More than a week of three tracks that change every tenth of a second; seconds of work.
#define BT_ASKED_MAX_SLOTS 20000000

struct bt_asked_row {
    char unit[32];                  // "" until it is known whose screen it is
    char publication[BT_ID_BYTES];  // "": the screen's own
    char item[BT_ID_BYTES];
    char campaign[BT_ID_BYTES];  // "": of none
    int priority;                // enum bt_priority
    int64_t planned;
    int64_t withheld[BT_ORDER_KINDS];  // of these, what an order kept from being shown
};

// {0} has no rows.
struct bt_asked {
    struct bt_asked_row *rows;
    size_t count, capacity;
};
void bt_asked_finish(struct bt_asked *asked);

/**
 * Nanoseconds UTC. The loop starts at `from`; what begins in [count_from, until) is counted. The
 * same item may have several rows, to be added up. Errors: -E2BIG more slots than above; what was
 * counted until then is there.
 */
struct bt_asked_span {
    int64_t from_ns, count_from_ns, until_ns;
    const struct bt_plan_order *const *orders;  // that held on the screen
    size_t order_count;
};
int bt_asked_count(const struct bt_show *show, const struct bt_asked_span *span,
                   struct bt_asked *out, struct bt_error *err) BT_NODISCARD;

// Rows of a screen of that unit, whose own document has that id.
void bt_asked_add(struct bt_asked *sum, const struct bt_asked *more, const char *unit,
                  const char *own);
void bt_asked_merge(struct bt_asked *sum);  // each key once, sorted

#endif
