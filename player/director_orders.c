#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"
#include "player/screenshot.h"

static const struct bt_log logger = {"player/orders"};

// Answers get out in this time before a restart.
#define LEAVE_NS BT_NS_PER_S

// The largest that `identify` may ask for.
#define NAME_MAX_S 600

static const struct bt_limits *limits_of(const struct bt_stage *stage)
{
    static const struct bt_limits none = {100, 100, 100, .sound_time_count = 0};
    const struct bt_cast *cast = bt_stage_cast(stage);
    return cast != NULL ? bt_show_limits(bt_cast_show(cast)) : &none;
}

static void refuse_beyond(struct bt_director *director, int64_t number, int64_t limit)
{
    BT_AUTOFREE char *why =
        bt_strf("Vượt mức %lld %% mà màn hình cho phép / beyond the %lld %% the screen allows",
                (long long)limit, (long long)limit);
    bt_orders_answer(&director->orders, number, BT_ORDER_REFUSED, why);
}

void bt_director_apply_light(struct bt_director *director, struct bt_stage *stage)
{
    int64_t limit = limits_of(stage)->brightness_percent;
    int64_t light = BT_MIN(director->light_percent, limit);
    bt_overlays_set_light(bt_stage_overlays(stage), (int)light);
}

static void obey_takedown(struct bt_director *director, struct bt_stage *stage,
                          const struct bt_news *order)
{
    for (size_t i = 0; i < order->asset_count; i++) {
        bt_taken_add_asset(&director->taken, &order->assets[i]);
    }
    for (size_t i = 0; i < order->item_count; i++) {
        bt_taken_add_item(&director->taken, order->items[i].publication, order->items[i].item);
    }
    bt_log_info(&logger, "Takedown '%s': %zu assets, %zu items", order->id, order->asset_count,
                order->item_count);
    bt_stage_take_down(stage, &director->taken);
    if (director->latest.count > 0) {
        bt_director_cast(director, stage);
    }
    bt_orders_wait(&director->orders, order->number, order->order, bt_director_now_ns());
}

static void obey_blank(struct bt_director *director, struct bt_stage *stage,
                       const struct bt_news *order)
{
    bool blank = order->order == BT_ORDER_BLANK;
    director->blank_until_ms = blank ? order->value : 0;
    bt_stage_blank(stage, blank);
    bt_orders_wait(&director->orders, order->number, order->order, bt_director_now_ns());
}

static void obey_identify(struct bt_director *director, struct bt_stage *stage,
                          const struct bt_news *order)
{
    int64_t seconds = BT_CLAMP(order->value, 1, NAME_MAX_S);
    director->name_until_ns = bt_director_now_ns() + seconds * BT_NS_PER_S;
    bt_director_show_name(director, stage);
    bt_orders_wait(&director->orders, order->number, order->order, bt_director_now_ns());
}

static void obey_brightness(struct bt_director *director, struct bt_stage *stage,
                            const struct bt_news *order)
{
    int64_t limit = limits_of(stage)->brightness_percent;
    if (order->value < 1 || order->value > limit) {
        refuse_beyond(director, order->number, limit);
        return;
    }
    director->light_percent = order->value;
    bt_director_apply_light(director, stage);
    bt_orders_wait(&director->orders, order->number, order->order, bt_director_now_ns());
}

// Done at once: whatever is heard follows within a moment, and where nothing is, it will.
static void obey_volume(struct bt_director *director, struct bt_stage *stage,
                        const struct bt_news *order)
{
    int64_t limit = limits_of(stage)->volume_percent;
    if (order->value < 0 || order->value > limit) {
        refuse_beyond(director, order->number, limit);
        return;
    }
    director->volume_percent = order->value;
    bt_stage_set_volume(stage, order->value);
    bt_orders_answer(&director->orders, order->number, BT_ORDER_DONE, "");
}

static void obey_restart(struct bt_director *director, const struct bt_news *order)
{
    bt_log_info(&logger, "Told to restart");
    bt_orders_answer(&director->orders, order->number, BT_ORDER_DONE, "");
    director->leave_ns = bt_director_now_ns() + LEAVE_NS;
}

void bt_director_obey(struct bt_director *director, struct bt_stage *stage,
                      const struct bt_news *order)
{
    switch (order->order) {
    case BT_ORDER_TAKEDOWN:
        obey_takedown(director, stage, order);
        break;
    case BT_ORDER_BLANK:
    case BT_ORDER_UNBLANK:
        obey_blank(director, stage, order);
        break;
    case BT_ORDER_IDENTIFY:
        obey_identify(director, stage, order);
        break;
    case BT_ORDER_VOLUME:
        obey_volume(director, stage, order);
        break;
    case BT_ORDER_BRIGHTNESS:
        obey_brightness(director, stage, order);
        break;
    case BT_ORDER_RESTART:
        obey_restart(director, order);
        break;
    case BT_ORDER_EMERGENCY_END:
        bt_director_end_emergency(director, order->id);
        bt_orders_wait_for(&director->orders, order, bt_director_now_ns());
        break;
    case BT_ORDER_EMERGENCY:
        (void)bt_stage_overlays(stage);  // a present, by which it is judged
        bt_orders_wait_for(&director->orders, order, bt_director_now_ns());
        break;
    case BT_ORDER_SCREENSHOT:
        (void)bt_stage_overlays(stage);  // a present, of which it is taken
        bt_orders_wait(&director->orders, order->number, order->order, bt_director_now_ns());
        break;
    }
}

static void finish_screenshot(struct bt_errand *errand, void *context)
{
    struct bt_screenshot *shot = (struct bt_screenshot *)errand;
    struct bt_director *director = ((const struct bt_desk *)context)->director;
    const struct bt_news_source *source = &director->options.source;
    if (shot->result < 0) {
        bt_orders_answer(&director->orders, shot->number, BT_ORDER_FAILED, shot->err.msg);
        return;
    }
    source->screenshot(source->context, shot->number, BT_TAKE(shot->png), shot->len);
}

static void take_screenshots(struct bt_director *director, struct bt_stage *stage)
{
    int64_t number = bt_orders_take(&director->orders, BT_ORDER_SCREENSHOT);
    for (; number > 0; number = bt_orders_take(&director->orders, BT_ORDER_SCREENSHOT)) {
        struct bt_image *image = NULL;
        struct bt_error err;
        if (bt_stage_read(stage, &image, &err) < 0) {
            bt_orders_answer(&director->orders, number, BT_ORDER_FAILED, err.msg);
            continue;
        }
        struct bt_screenshot *shot = bt_screenshot_create(image, number, finish_screenshot);
        bt_errands_send(director->slow, &shot->errand);
    }
}

struct judge {
    const struct bt_director *director;
    struct bt_stage *stage;
};

static bool is_obeyed(const struct bt_waiting_order *order, void *context)
{
    const struct judge *judge = context;
    const struct bt_director *director = judge->director;
    const struct bt_cast *cast = bt_stage_cast(judge->stage);
    switch (order->kind) {
    case BT_ORDER_TAKEDOWN:
        return cast == NULL || !bt_cast_shows(cast, &director->taken);
    case BT_ORDER_BLANK:
        return bt_stage_is_blank(judge->stage);
    case BT_ORDER_UNBLANK:
        return !bt_stage_is_blank(judge->stage);
    case BT_ORDER_IDENTIFY:
        return bt_stage_overlays_shown(judge->stage)->images[BT_OVERLAY_NAME] != NULL;
    case BT_ORDER_EMERGENCY:
        return bt_director_shows_emergency(director, judge->stage, order->id);
    case BT_ORDER_EMERGENCY_END:
        return bt_director_emergency_is_gone(director, judge->stage, order->id);
    case BT_ORDER_BRIGHTNESS:
        return true;
    case BT_ORDER_SCREENSHOT:
    case BT_ORDER_RESTART:
    case BT_ORDER_VOLUME:
        break;
    }
    return false;
}

void bt_director_settle(struct bt_director *director, struct bt_stage *stage)
{
    struct judge judge = {director, stage};
    take_screenshots(director, stage);
    bt_orders_settle(&director->orders, is_obeyed, &judge);
}

// What ends by itself.
void bt_director_watch_screen(struct bt_director *director, struct bt_stage *stage)
{
    int64_t now_ns = bt_director_now_ns();
    if (director->name_until_ns != 0 && now_ns >= director->name_until_ns) {
        director->name_until_ns = 0;
        bt_overlays_set(bt_stage_overlays(stage), BT_OVERLAY_NAME, NULL);
    }
    if (director->blank_until_ms != 0 &&
        bt_clock_wall_ms(bt_clock_real()) >= director->blank_until_ms) {
        director->blank_until_ms = 0;
        bt_stage_blank(stage, false);
    }
    if (now_ns >= director->leave_ns) {
        bt_stage_leave(stage);
    }
}
