#include "server/plan/day.h"

#include <errno.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/str.h"

// Grows when the same documents would be counted in another way.
#define RECKONING 1

static bool same_documents(const struct bt_plan_piece *a, const struct bt_plan_piece *b)
{
    return a->count == b->count &&
           memcmp(a->documents, b->documents, a->count * sizeof(a->documents[0])) == 0;
}

static void add_piece(struct bt_plan_day *day, const struct bt_plan_piece *piece)
{
    struct bt_plan_piece *last = day->count > 0 ? &day->pieces[day->count - 1] : NULL;
    if (last != NULL && (same_documents(last, piece) || day->count == BT_PLAN_MAX_PIECES)) {
        last->until_ms = piece->until_ms;
    } else if (last != NULL && last->until_ms <= day->from_ms) {
        *last = *piece;  // over before the day began
    } else {
        day->pieces[day->count++] = *piece;
    }
}

// An id stands for what was ordered; times change when somebody lifts or ends it.
static void hash_orders(struct bt_hasher *hasher, const struct bt_plan_day *day)
{
    for (size_t i = 0; i < day->order_count; i++) {
        const struct bt_plan_order *order = day->orders[i];
        const int64_t head[] = {order->kind, order->from_ms,
                                BT_MIN(order->until_ms, day->until_ms)};
        bt_hasher_add(hasher, head, sizeof(head));
        bt_hasher_add(hasher, order->id, strlen(order->id) + 1);
    }
}

static void hash_inputs(struct bt_plan_day *day)
{
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    const int64_t head[] = {RECKONING, day->from_ms, day->until_ms};
    bt_hasher_add(hasher, head, sizeof(head));
    for (size_t i = 0; i < day->count; i++) {
        const struct bt_plan_piece *piece = &day->pieces[i];
        const int64_t times[] = {piece->from_ms, piece->until_ms, (int64_t)piece->count};
        bt_hasher_add(hasher, times, sizeof(times));
        for (size_t k = 0; k < piece->count; k++) {
            const struct bt_plan_version *v = piece->documents[k];
            bt_hasher_add(hasher, v->target, strlen(v->target) + 1);
            bt_hasher_add(hasher, v->sha256, sizeof(v->sha256));
        }
    }
    hash_orders(hasher, day);
    struct bt_sha256 sha256 = bt_hasher_result(hasher);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), day->inputs);
}

static void find_orders(const struct bt_plan_screen *screen, struct bt_plan_day *day)
{
    day->order_count = 0;
    for (size_t i = 0; i < screen->orders->count; i++) {
        const struct bt_plan_order *order = &screen->orders->list[i];
        if (order->from_ms < day->until_ms && order->until_ms > day->from_ms &&
            day->order_count < BT_PLAN_MAX_ORDERS &&
            bt_plan_order_holds_on(order, screen->id, screen->path)) {
            day->orders[day->order_count++] = order;
        }
    }
}

int bt_plan_day_look(const struct bt_plan_screen *screen, struct bt_db *db,
                     const struct bt_plan_bounds *bounds, struct bt_plan_day *out,
                     struct bt_error *err)
{
    out->count = 0;
    out->from_ms = bounds->from_ms;
    out->until_ms = bounds->until_ms;
    for (int64_t at_ms = bounds->week_ms; at_ms < bounds->until_ms;) {
        struct bt_plan_piece piece;
        int r = bt_plan_history_piece(screen->history, db, at_ms, &piece, err);
        if (r < 0) {
            return r;
        }
        piece.until_ms = BT_MIN(piece.until_ms, bounds->until_ms);
        add_piece(out, &piece);
        at_ms = piece.until_ms;
    }
    find_orders(screen, out);
    hash_inputs(out);
    return 0;
}

// The zone that holds on the wall is that of whoever describes the canvas, the lowest layer first.
static int load_zone(struct bt_publication *const *publications, size_t count, struct bt_tz **out,
                     struct bt_error *err)
{
    const char *name = "Asia/Ho_Chi_Minh";
    int layer = BT_LAYER_EMERGENCY + 1;
    for (size_t i = 0; i < count; i++) {
        const struct bt_publication *p = publications[i];
        if (p->canvas.width > 0 && p->canvas.time_zone[0] != '\0' && p->layer < layer) {
            name = p->canvas.time_zone;
            layer = p->layer;
        }
    }
    return bt_tz_load(name, out, err);
}

static void destroy_all(struct bt_publication **publications, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bt_publication_destroy(publications[i]);
    }
}

static int make_show(const struct bt_plan_piece *piece, struct bt_db *db, struct bt_show **out,
                     struct bt_error *err)
{
    struct bt_publication *publications[BT_PLAN_MAX_DOCUMENTS] = {NULL};
    struct bt_tz *tz = NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < piece->count; i++) {
        r = bt_plan_history_read(db, piece->documents[i], &publications[i], err);
    }
    r = r < 0 ? r : load_zone(publications, piece->count, &tz, err);
    if (r < 0) {
        destroy_all(publications, piece->count);
        return r;
    }
    return bt_show_create(publications, piece->count, tz, out, err);
}

static struct bt_sha256 key_of(const struct bt_plan_day *day, const struct bt_plan_piece *piece,
                               const struct bt_asked_span *span)
{
    BT_AUTO(bt_hasher) hasher = bt_hasher_create();
    const int64_t times[] = {span->from_ns, span->count_from_ns, span->until_ns};
    bt_hasher_add(hasher, times, sizeof(times));
    hash_orders(hasher, day);
    for (size_t i = 0; i < piece->count; i++) {
        bt_hasher_add(hasher, piece->documents[i]->look, sizeof(piece->documents[i]->look));
    }
    return bt_hasher_result(hasher);
}

int bt_plan_day_ask(const struct bt_plan_day *day, size_t piece, struct bt_db *db,
                    struct bt_plan_memo *memo, const struct bt_asked **out, struct bt_error *err)
{
    const struct bt_plan_piece *p = &day->pieces[piece];
    const struct bt_asked_span span = {
        .from_ns = p->from_ms * BT_NS_PER_MS,
        .count_from_ns = BT_MAX(p->from_ms, day->from_ms) * BT_NS_PER_MS,
        .until_ns = p->until_ms * BT_NS_PER_MS,
        .orders = day->orders,
        .order_count = day->order_count,
    };
    BT_AUTO(bt_show) show = NULL;
    BT_AUTOFINISH(bt_asked_finish) struct bt_asked asked = {0};
    struct bt_sha256 key = key_of(day, p, &span);
    *out = bt_plan_memo_find(memo, &key);
    if (*out != NULL) {
        return 0;
    }
    int r = p->count == 0 ? 0 : make_show(p, db, &show, err);
    r = r < 0 || p->count == 0 ? r : bt_asked_count(show, &span, &asked, err);
    if (r == 0) {
        *out = bt_plan_memo_put(memo, &key, &asked);
    }
    return r;
}
