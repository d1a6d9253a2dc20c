// Whether an emergency is on the screen: whoever gave it is told what a present has shown, not what
// was meant.
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"

// What has not come on the screen by then, with its content on the stage, is told as failed.
#define PATIENCE_NS (10 * BT_NS_PER_S)

void bt_director_note_unshown(struct bt_director *director, struct bt_casting *casting)
{
    struct bt_unshown *unshown = &director->unshown;
    char *why = BT_TAKE(casting->left_out);
    director->refused = casting->result < 0;
    if (director->refused && casting->content.emergency[0] != '\0') {
        free(why);
        why = bt_strf("Nội dung bị từ chối / its content is refused: %s", casting->err.msg);
    }
    bool same = why != NULL && unshown->why != NULL && bt_str_equal(why, unshown->why);
    unshown->since_ms = same ? unshown->since_ms : bt_clock_wall_ms(bt_clock_real());
    unshown->all = why != NULL && (director->refused || casting->shows_nothing);
    free(unshown->why);
    unshown->why = why;
}

static bool is_settled(const struct bt_director *director, const struct bt_stage *stage)
{
    return !director->casting && !director->fresh && !bt_stage_is_changing(stage);
}

bool bt_director_shows_emergency(const struct bt_director *director, struct bt_stage *stage,
                                 const char *id)
{
    const struct bt_on_stage *on = &director->on;
    const struct bt_cast *cast = bt_stage_cast(stage);
    if (cast == NULL || bt_stage_is_blank(stage) || !is_settled(director, stage) ||
        on->count == 0 || !bt_str_equal(on->content.emergency, id) ||
        !bt_str_equal(director->latest.emergency, id)) {
        return false;
    }
    for (size_t i = 0; i < bt_cast_count(cast); i++) {
        int64_t pts_ms;
        bool is_new;
        const struct bt_play_start *play =
            bt_zone_player_on(bt_cast_zone(cast, i), &pts_ms, &is_new);
        if (play != NULL && bt_str_equal(play->layer, bt_layer_word(BT_LAYER_EMERGENCY)) &&
            bt_str_equal(play->publication, on->listed[on->count - 1].id)) {
            return true;
        }
    }
    return false;
}

bool bt_director_emergency_is_gone(const struct bt_director *director, struct bt_stage *stage,
                                   const char *id)
{
    return is_settled(director, stage) && !bt_str_equal(director->latest.emergency, id) &&
           !bt_str_equal(director->on.content.emergency, id);
}

static const char *why_ended(const struct bt_waiting_order *order, void *context)
{
    bool ended = order->kind == BT_ORDER_EMERGENCY && bt_str_equal(order->id, context);
    return ended ? "Kết thúc trước khi thấy trên màn hình / ended before it was seen on the screen"
                 : NULL;
}

void bt_director_end_emergency(struct bt_director *director, const char *id)
{
    char ended[64];
    bt_copy_cut(ended, sizeof(ended), id);
    bt_orders_give_up(&director->orders, why_ended, ended);
}

struct look {
    const struct bt_director *director;
    const struct bt_stage *stage;
    int64_t now_ns, wall_ms;
};

static const char *why_not_shown(const struct bt_waiting_order *order, const struct look *look)
{
    const struct bt_director *director = look->director;
    if (look->wall_ms >= order->until_ms) {
        return "Hết hạn trước khi thấy trên màn hình / over before it was seen on the screen";
    }
    if (director->casting || !bt_str_equal(director->latest.emergency, order->id)) {
        return NULL;  // its turn may come
    }
    if (director->unshown.all) {
        return director->unshown.why;
    }
    int64_t since_ns = BT_MAX(order->since_ns, director->content_ns);
    if (!is_settled(director, look->stage) || look->now_ns - since_ns < PATIENCE_NS) {
        return NULL;
    }
    if (director->unshown.why != NULL) {
        return director->unshown.why;
    }
    return bt_stage_is_blank(look->stage)
               ? "Màn hình đang tắt hình theo lệnh / the screen is blank by an order"
               : "Chưa thấy trên màn hình sau 10 giây / not seen on the screen after 10 s";
}

static const char *why_failed(const struct bt_waiting_order *order, void *context)
{
    const struct look *look = context;
    const struct bt_director *director = look->director;
    if (order->kind == BT_ORDER_EMERGENCY) {
        return why_not_shown(order, look);
    }
    bool stays = order->kind == BT_ORDER_EMERGENCY_END && director->refused && !director->casting &&
                 bt_str_equal(director->on.content.emergency, order->id);
    return stays ? "Nội dung sau đó bị từ chối, tin vẫn hiện / what follows is refused, it stays"
                 : NULL;
}

void bt_director_give_up(struct bt_director *director, struct bt_stage *stage)
{
    struct look look = {director, stage, bt_director_now_ns(), bt_clock_wall_ms(bt_clock_real())};
    bt_orders_give_up(&director->orders, why_failed, &look);
}
