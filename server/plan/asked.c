#include "server/plan/asked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/plan.h"

struct counting {
    const struct bt_asked_span *span;
    struct bt_asked *asked;
    const struct bt_item **items;  // of each row
    size_t item_capacity;
    int64_t *last_runs;  // of each track
    int64_t slots;
};

void bt_asked_finish(struct bt_asked *asked)
{
    free(asked->rows);
    *asked = (struct bt_asked){.rows = NULL};
}

static struct bt_asked_row *add_row(struct counting *counting, const struct bt_slot *slot)
{
    struct bt_asked *asked = counting->asked;
    const struct bt_publication *p = slot->publication;
    BT_GROW(asked->rows, asked->capacity, asked->count + 1);
    BT_GROW(counting->items, counting->item_capacity, asked->count + 1);
    counting->items[asked->count] = slot->item;
    struct bt_asked_row *row = &asked->rows[asked->count++];
    *row = (struct bt_asked_row){.priority = slot->rule->priority};
    bt_copy_cut(row->publication, sizeof(row->publication),
                p->layer == BT_LAYER_SCREEN ? "" : p->id);
    bt_copy_cut(row->item, sizeof(row->item), slot->item->id);
    if (slot->item->campaign >= 0) {
        bt_copy_cut(row->campaign, sizeof(row->campaign), p->campaigns[slot->item->campaign].id);
    }
    return row;
}

static struct bt_asked_row *row_of(struct counting *counting, const struct bt_slot *slot)
{
    struct bt_asked *asked = counting->asked;
    for (size_t i = 0; i < asked->count; i++) {
        if (counting->items[i] == slot->item && asked->rows[i].priority == slot->rule->priority) {
            return &asked->rows[i];
        }
    }
    return add_row(counting, slot);
}

// A takedown explains more than an emergency, which would have been over.
static void withhold(const struct bt_asked_span *span, const struct bt_slot *slot,
                     struct bt_asked_row *row)
{
    int64_t at_ms = slot->start_ns / BT_NS_PER_MS;
    enum bt_plan_order_kind kind = BT_ORDER_KINDS;
    for (size_t i = 0; i < span->order_count; i++) {
        const struct bt_plan_order *order = span->orders[i];
        if (order->kind < kind &&
            bt_plan_order_forbids(order, slot->publication, slot->item, at_ms)) {
            kind = order->kind;
        }
    }
    if (kind < BT_ORDER_KINDS) {
        row->withheld[kind]++;
    }
}

static int take(void *context, size_t track, const struct bt_slot *slot)
{
    struct counting *counting = context;
    if (counting->slots++ == BT_ASKED_MAX_SLOTS) {
        return -E2BIG;
    }
    if (slot->item == NULL || slot->run <= counting->last_runs[track]) {
        return 0;
    }
    counting->last_runs[track] = slot->run;
    if (slot->start_ns >= counting->span->count_from_ns) {
        struct bt_asked_row *row = row_of(counting, slot);
        row->planned++;
        withhold(counting->span, slot, row);
    }
    return 0;
}

int bt_asked_count(const struct bt_show *show, const struct bt_asked_span *span,
                   struct bt_asked *out, struct bt_error *err)
{
    BT_AUTOFREE int64_t *last_runs = BT_NEW_ARRAY(int64_t, bt_show_track_count(show) + 1);
    struct counting counting = {.span = span, .asked = out, .last_runs = last_runs};
    struct bt_moment from = {.wall_ns = span->from_ns, .trusted = true};
    *out = (struct bt_asked){.rows = NULL};
    int r = bt_plan_run(show, from, span->until_ns, take, &counting);
    free(counting.items);
    return r < 0 ? bt_fail(err, r, "more than %d changes in a week", BT_ASKED_MAX_SLOTS) : 0;
}

void bt_asked_add(struct bt_asked *sum, const struct bt_asked *more, const char *unit,
                  const char *own)
{
    BT_GROW(sum->rows, sum->capacity, sum->count + more->count);
    for (size_t i = 0; i < more->count; i++) {
        struct bt_asked_row *row = &sum->rows[sum->count++];
        *row = more->rows[i];
        bt_copy_cut(row->unit, sizeof(row->unit), unit);
        if (row->publication[0] == '\0') {
            bt_copy_cut(row->publication, sizeof(row->publication), own);
        }
    }
}

static int compare_rows(const void *a, const void *b)
{
    const struct bt_asked_row *first = a, *second = b;
    int order = strcmp(first->unit, second->unit);
    order = order != 0 ? order : strcmp(first->publication, second->publication);
    order = order != 0 ? order : strcmp(first->item, second->item);
    order = order != 0 ? order : strcmp(first->campaign, second->campaign);
    return order != 0 ? order : first->priority - second->priority;
}

static void add_up(struct bt_asked_row *sum, const struct bt_asked_row *more)
{
    sum->planned += more->planned;
    for (int i = 0; i < BT_ORDER_KINDS; i++) {
        sum->withheld[i] += more->withheld[i];
    }
}

void bt_asked_merge(struct bt_asked *sum)
{
    size_t kept = 0;
    if (sum->count > 1) {
        qsort(sum->rows, sum->count, sizeof(sum->rows[0]), compare_rows);
    }
    for (size_t i = 0; i < sum->count; i++) {
        if (kept > 0 && compare_rows(&sum->rows[kept - 1], &sum->rows[i]) == 0) {
            add_up(&sum->rows[kept - 1], &sum->rows[i]);
        } else {
            sum->rows[kept++] = sum->rows[i];
        }
    }
    sum->count = kept;
}
