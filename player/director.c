#include "player/director.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/director_parts.h"
#include "player/held.h"

static const struct bt_log logger = {"player/director"};

static void finish_on_stage(struct bt_on_stage *on)
{
    bt_content_finish(&on->content);
    *on = (struct bt_on_stage){0};
}

// Destroying a cast waits for its loaders: never here.
struct dismissal {
    struct bt_errand errand;
    struct bt_cast *cast;
};

static void run_dismissal(struct bt_errand *errand)
{
    bt_cast_destroy(BT_TAKE(((struct dismissal *)errand)->cast));
}

static void destroy_dismissal(struct bt_errand *errand)
{
    bt_cast_destroy(((struct dismissal *)errand)->cast);
    free(errand);
}

static void dismiss(void *context, struct bt_cast *cast)
{
    struct bt_director *director = context;
    struct dismissal *dismissal = BT_NEW(struct dismissal);
    dismissal->errand = (struct bt_errand){run_dismissal, NULL, destroy_dismissal};
    dismissal->cast = cast;
    bt_errands_send(director->slow, &dismissal->errand);
}

// Keeps the time since when a version is shown when it stays.
static void remember_since(struct bt_on_stage *next, const struct bt_on_stage *on)
{
    for (size_t i = 0; i < next->count; i++) {
        for (size_t j = 0; j < on->count; j++) {
            if (bt_str_equal(next->listed[i].target, on->listed[j].target) &&
                next->listed[i].version == on->listed[j].version) {
                next->since_ms[i] = on->since_ms[j];
            }
        }
    }
}

static void finish_casting(struct bt_errand *errand, void *context)
{
    struct bt_casting *casting = (struct bt_casting *)errand;
    const struct bt_desk *desk = context;
    struct bt_director *director = desk->director;
    struct bt_cast *cast = BT_TAKE(casting->cast);
    if (casting->generation != director->generation) {
        if (cast != NULL) {
            dismiss(director, cast);  // something newer is on its way
        }
        return;
    }
    director->casting = false;
    director->activate_ms = casting->next_ms;
    bt_director_note_unshown(director, casting);
    if (casting->result < 0) {
        bt_log_error(&logger, "New content is refused: %s; what is shown stays", casting->err.msg);
        return;
    }
    finish_on_stage(&director->next);
    director->next.content = casting->used;
    casting->used = (struct bt_content){0};
    director->next.count = director->next.content.count;
    memcpy(director->next.listed, casting->listed, sizeof(casting->listed));
    bt_image_destroy(director->next_mark);
    director->next_mark = BT_TAKE(casting->mark);
    bt_stage_change(desk->stage, cast, casting->content.urgent, casting->at_once);
    if (casting->held.count > 0 || director->holds) {
        director->holds = casting->held.count > 0;
        bt_errands_send(director->slow, bt_held_save(director->options.held, &casting->held));
    }
}

void bt_director_cast(struct bt_director *director, struct bt_stage *stage)
{
    struct bt_casting *casting = bt_casting_create(finish_casting);
    casting->content = bt_content_copy(&director->latest);
    casting->active = bt_content_copy(&director->on.content);
    bt_taken_add_all(&casting->taken, &director->taken);
    casting->house = bt_stage_house(stage);
    casting->trust = director->options.trust;
    casting->floor_ms = director->options.floor_ms;
    casting->wall_ms = bt_clock_wall_ms(bt_clock_real());
    casting->generation = ++director->generation;
    director->casting = true;
    bt_errands_send(director->urgent, &casting->errand);
}

static void take_taken(struct bt_director *director, struct bt_news *news)
{
    struct bt_taken taken = {0};
    for (size_t i = 0; i < news->asset_count; i++) {
        bt_taken_add_asset(&taken, &news->assets[i]);
    }
    for (size_t i = 0; i < news->item_count; i++) {
        bt_taken_add_item(&taken, news->items[i].publication, news->items[i].item);
    }
    bt_taken_finish(&director->taken);
    director->taken = taken;
}

static void handle_content(struct bt_director *director, struct bt_stage *stage,
                           struct bt_news *news)
{
    bt_content_finish(&director->latest);
    director->latest.demo = news->demo;
    director->latest.urgent = news->urgent;
    bt_copy_cut(director->latest.emergency, sizeof(director->latest.emergency), news->id);
    size_t count = BT_MIN(news->publication_count, (size_t)BT_MAX_PUBLICATIONS);
    for (size_t i = 0; i < count; i++) {
        // The last one is the emergency, if there is one.
        size_t from = i + 1 < count ? i : news->publication_count - 1;
        struct bt_news_publication *publication = &news->publications[from];
        director->latest.documents[director->latest.count++] =
            bt_document_create(publication->target, BT_TAKE(publication->text), publication->len);
    }
    if (count < news->publication_count) {
        bt_log_warn(&logger, "More than %d publications; %zu are left out", BT_MAX_PUBLICATIONS,
                    news->publication_count - count);
    }
    if (director->options.recorder != NULL) {
        bt_recorder_set_screen(director->options.recorder, news->screen);
    }
    take_taken(director, news);
    bt_stage_take_down(stage, &director->taken);
    director->content_ns = bt_director_now_ns();
    bt_director_cast(director, stage);
}

static void handle_pairing(struct bt_director *director, struct bt_stage *stage,
                           const struct bt_news *news)
{
    struct bt_pairing *pairing = &director->pairing;
    bt_copy_cut(pairing->code, sizeof(pairing->code), news->code);
    bt_copy_cut(pairing->words, sizeof(pairing->words), news->words);
    bt_copy_cut(pairing->url, sizeof(pairing->url), news->url);
    director->card = BT_CARD_PAIRING;
    director->card_width = 0;
    // It stands on the screen for everybody; here it is for those who cannot see it.
    bt_log_info(&logger, "Pair with the code '%s', words '%s'", pairing->code, pairing->words);
    bt_director_show_card(director, stage);
}

static void handle_news(struct bt_director *director, struct bt_stage *stage, struct bt_news *news)
{
    switch (news->kind) {
    case BT_NEWS_PAIRING:
        handle_pairing(director, stage, news);
        break;
    case BT_NEWS_PAIRED:
    case BT_NEWS_UNBOUND:
        director->card = BT_CARD_WAITING;
        director->waiting = news->kind == BT_NEWS_PAIRED ? BT_WAITING_CONTENT : BT_WAITING_BINDING;
        director->card_width = 0;
        break;
    case BT_NEWS_CONTENT:
        handle_content(director, stage, news);
        break;
    case BT_NEWS_ORDER:
        bt_director_obey(director, stage, news);
        break;
    case BT_NEWS_PING:
        director->options.source.pong(director->options.source.context, news->ping);
        break;
    }
}

static void look(void *context, struct bt_stage *stage)
{
    struct bt_director *director = context;
    struct bt_desk desk = {director, stage};
    bt_wake_clear(director->options.wake);
    struct bt_news *news = bt_queue_pop(director->options.source.news);
    for (; news != NULL; news = bt_queue_pop(director->options.source.news)) {
        handle_news(director, stage, news);
        bt_news_destroy(news);
    }
    bt_errands_collect(director->urgent, &desk);
    bt_errands_collect(director->slow, &desk);
    bt_director_give_up(director, stage);
    if (director->activate_ms <= bt_clock_wall_ms(bt_clock_real()) && !director->casting) {
        director->activate_ms = INT64_MAX;
        bt_director_cast(director, stage);
    }
    bt_director_show_card(director, stage);
    bt_director_watch_screen(director, stage);
    bt_director_tell_status(director, stage);
    bt_director_tell_frames(director, stage);
}

// The new cast is on the stage; the present that follows shows it.
static void changed(void *context, struct bt_stage *stage)
{
    struct bt_director *director = context;
    remember_since(&director->next, &director->on);
    finish_on_stage(&director->on);
    director->on = director->next;
    director->next = (struct bt_on_stage){0};
    bt_overlays_set(bt_stage_overlays(stage), BT_OVERLAY_MARK, BT_TAKE(director->next_mark));
    bt_director_apply_light(director, stage);
    director->fresh = true;
}

static void presented(void *context, struct bt_stage *stage, int64_t presented_ns)
{
    struct bt_director *director = context;
    (void)presented_ns;
    if (director->fresh) {
        director->fresh = false;
        int64_t wall_ms = bt_clock_wall_ms(bt_clock_real());
        for (size_t i = 0; i < director->on.count; i++) {
            if (director->on.since_ms[i] == 0) {
                director->on.since_ms[i] = wall_ms;
            }
        }
        if (!director->holds) {  // else the assets of the old are still needed
            director->options.source.content_is_on(director->options.source.context);
        }
    }
    bt_director_settle(director, stage);
}

static void ended(void *context)
{
    struct bt_director *director = context;
    bt_errands_close(director->urgent);
    bt_errands_close(director->slow);
    bt_errands_destroy(BT_TAKE(director->urgent));
    bt_errands_destroy(BT_TAKE(director->slow));
}

struct bt_director *bt_director_create(const struct bt_director_options *options)
{
    struct bt_director *director = BT_NEW(struct bt_director);
    director->options = *options;
    director->orders.source = &director->options.source;
    director->activate_ms = INT64_MAX;
    director->leave_ns = INT64_MAX;
    director->light_percent = 100;
    director->volume_percent = 100;
    director->on.content = bt_held_load(options->held);
    director->holds = director->on.content.count > 0;
    director->urgent = bt_errands_create("casting", bt_wake_waker(options->wake));
    director->slow = bt_errands_create("errands", bt_wake_waker(options->wake));
    director->guide = (struct bt_stage_guide){
        .context = director,
        .wake_fd = bt_wake_fd(options->wake),
        .look = look,
        .presented = presented,
        .changed = changed,
        .dismiss = dismiss,
        .ended = ended,
    };
    return director;
}

void bt_director_destroy(struct bt_director *director)
{
    if (director == NULL) {
        return;
    }
    bt_errands_destroy(director->urgent);
    bt_errands_destroy(director->slow);
    bt_content_finish(&director->latest);
    bt_taken_finish(&director->taken);
    finish_on_stage(&director->on);
    finish_on_stage(&director->next);
    bt_image_destroy(director->next_mark);
    free(director->unshown.why);
    free(director->told);
    free(director->told_on);
    free(director);
}

const struct bt_stage_guide *bt_director_guide(const struct bt_director *director)
{
    return &director->guide;
}
