#include "plays/pending.h"

#include <stdlib.h>

#include "base/mem.h"

void bt_pending_init(struct bt_pending *pending)
{
    *pending = (struct bt_pending){0};
    TAILQ_INIT(&pending->open);
    TAILQ_INIT(&pending->ended);
}

static void clear(struct bt_pending_list *list)
{
    while (!TAILQ_EMPTY(list)) {
        struct bt_pending_play *play = TAILQ_FIRST(list);
        TAILQ_REMOVE(list, play, link);
        free(play);
    }
}

void bt_pending_finish(struct bt_pending *pending)
{
    clear(&pending->open);
    clear(&pending->ended);
}

static struct bt_pending_play *oldest_to_end(struct bt_pending *pending)
{
    struct bt_pending_play *play;
    TAILQ_FOREACH(play, &pending->open, link)
    {
        if (play->play.paused) {
            return play;
        }
    }
    return TAILQ_FIRST(&pending->open);
}

static void stop(struct bt_pending *pending, struct bt_pending_play *play)
{
    const struct bt_play *last = &play->play;
    if (last->paused) {
        bt_play_abandon(&play->play);
    } else {
        struct bt_play_counts counts = last->segments[last->segment_count - 1].counts;
        play->play.carried = (struct bt_play_counts){0};
        bt_play_end(&play->play, &counts, BT_PLAY_END_STOPPED);
    }
    bt_pending_changed(pending, play);
}

void bt_pending_begin(struct bt_pending *pending, uint64_t id, const struct bt_play_start *start)
{
    struct bt_pending_play *oldest = oldest_to_end(pending);
    if (oldest != NULL && pending->open_count >= BT_PENDING_MAX_OPEN) {
        stop(pending, oldest);
    }
    struct bt_pending_play *play = BT_NEW(struct bt_pending_play);
    bt_play_begin(&play->play, id, start);
    play->version = 1;
    TAILQ_INSERT_TAIL(&pending->open, play, link);
    pending->open_count++;
}

struct bt_pending_play *bt_pending_find(struct bt_pending *pending, uint64_t id)
{
    struct bt_pending_play *play;
    TAILQ_FOREACH(play, &pending->open, link)
    {
        if (play->play.id == id) {
            return play;
        }
    }
    return NULL;
}

static void remove_ended(struct bt_pending *pending, struct bt_pending_play *play)
{
    TAILQ_REMOVE(&pending->ended, play, link);
    pending->ended_count--;
    free(play);
}

static void add_loss(struct bt_loss *loss, const struct bt_play *play)
{
    int64_t end_ms = bt_play_end_wall_ms(play);
    if (loss->plays == 0) {
        loss->start_ms = play->start.wall_ms;
        loss->end_ms = end_ms;
        loss->clock_trust = play->start.clock_trust;
    }
    loss->plays++;
    loss->start_ms = BT_MIN(loss->start_ms, play->start.wall_ms);
    loss->end_ms = BT_MAX(loss->end_ms, end_ms);
    loss->clock_trust = BT_MIN(loss->clock_trust, play->start.clock_trust);
}

// One that is in the journal as open, or just on its way there, would be counted twice.
static void drop_oldest(struct bt_pending *pending)
{
    struct bt_pending_play *play;
    TAILQ_FOREACH(play, &pending->ended, link)
    {
        if (play->saved == 0 && !play->taken) {
            add_loss(&pending->loss, &play->play);
            pending->dropped++;
            remove_ended(pending, play);
            return;
        }
    }
}

void bt_pending_changed(struct bt_pending *pending, struct bt_pending_play *play)
{
    play->version++;
    if (!bt_play_closed(&play->play)) {
        return;
    }
    TAILQ_REMOVE(&pending->open, play, link);
    pending->open_count--;
    TAILQ_INSERT_TAIL(&pending->ended, play, link);
    pending->ended_count++;
    if (pending->ended_count > BT_PENDING_MAX_ENDED) {
        drop_oldest(pending);
    }
}

void bt_pending_stop_all(struct bt_pending *pending)
{
    while (!TAILQ_EMPTY(&pending->open)) {
        stop(pending, TAILQ_FIRST(&pending->open));
    }
}

static size_t take_from(struct bt_pending_list *list, struct bt_pending_copy *out, size_t max)
{
    size_t count = 0;
    struct bt_pending_play *play;
    TAILQ_FOREACH(play, list, link)
    {
        if (count == max) {
            break;
        }
        if (play->version != play->saved) {
            play->taken = true;
            out[count++] = (struct bt_pending_copy){play, play->version, play->play};
        }
    }
    return count;
}

size_t bt_pending_take(struct bt_pending *pending, struct bt_pending_copy *out, size_t max)
{
    size_t count = take_from(&pending->ended, out, max);
    return count + take_from(&pending->open, out + count, max - count);
}

void bt_pending_saved(struct bt_pending *pending, const struct bt_pending_copy *copies,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bt_pending_play *play = copies[i].from;
        play->taken = false;
        play->saved = copies[i].version;
        if (bt_play_closed(&copies[i].play)) {
            remove_ended(pending, play);
        }
    }
}

void bt_pending_returned(struct bt_pending *pending, const struct bt_pending_copy *copies,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        copies[i].from->taken = false;
    }
}

void bt_pending_forget_saved(struct bt_pending *pending)
{
    struct bt_pending_play *play;
    TAILQ_FOREACH(play, &pending->open, link)
    {
        play->saved = 0;
    }
    TAILQ_FOREACH(play, &pending->ended, link)
    {
        play->saved = 0;
    }
}

static size_t count_news(const struct bt_pending_list *list)
{
    size_t count = 0;
    const struct bt_pending_play *play;
    TAILQ_FOREACH(play, list, link)
    {
        count += play->version != play->saved;
    }
    return count;
}

size_t bt_pending_waiting(const struct bt_pending *pending)
{
    return pending->ended_count + count_news(&pending->open);
}
