// Streams come and go: the hub's seats.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/fleet/hub_private.h"

struct bt_seat *bt_seat_of_player(struct bt_hub *hub, const struct bt_seat_player *player)
{
    struct bt_seat *seat = BT_NEW(struct bt_seat);
    seat->hub = hub;
    bt_copy_cut(seat->player, sizeof(seat->player), player->player);
    bt_copy_cut(seat->screen, sizeof(seat->screen), player->screen);
    seat->unit_path = bt_strdup(player->unit_path);
    seat->after = player->after;
    return seat;
}

struct bt_seat *bt_seat_of_watcher(struct bt_hub *hub, char **unit_paths)
{
    struct bt_seat *seat = BT_NEW(struct bt_seat);
    seat->hub = hub;
    seat->unit_paths = unit_paths;
    pthread_mutex_lock(&hub->lock);
    bool full = hub->watcher_count == BT_HUB_MAX_WATCHERS;
    hub->watcher_count += full ? 0 : 1;
    pthread_mutex_unlock(&hub->lock);
    if (!full) {
        return seat;
    }
    for (size_t i = 0; unit_paths[i] != NULL; i++) {
        free(unit_paths[i]);
    }
    free(unit_paths);
    free(seat);
    return NULL;
}

// A second stream of the same player ends the first.
static void take_member(struct bt_hub *hub, struct bt_seat *seat)
{
    struct bt_member *member = bt_roster_find(&hub->roster, seat->player);
    if (member == NULL) {
        member = bt_roster_add(&hub->roster, seat->player, seat->screen, seat->unit_path);
    }
    if (member->seat != NULL) {
        hub->options.close(member->seat->stream);
        bt_hub_leave_seat(hub, member);
    }
    member->seat = seat;
    seat->member = member;
    seat->since_ms = bt_clock_wall_ms(hub->options.clock);
    bt_hub_say_number(hub, BT_HUB_SEATS, seat->player, seat->since_ms);
    hub->open_players++;
    member->greeted = false;
    member->given = seat->after;
    member->wants_orders = true;
    // Whoever obeyed has to prove it in the time that is left.
    if (member->channel != BT_CHANNEL_OBEYS) {
        member->answered_ns = bt_clock_mono_ns(hub->options.clock);
    }
    bt_hub_make_dirty(hub, member);
}

static void take_place(struct bt_hub *hub, struct bt_seat *seat)
{
    seat->since_ns = bt_clock_mono_ns(hub->options.clock);
    seat->link = &hub->watchers;
    seat->next = hub->watchers;
    if (seat->next != NULL) {
        seat->next->link = &seat->next;
    }
    hub->watchers = seat;
    static const char greeting[] = "retry: 5000\n\n";
    if (hub->options.write(seat->stream, greeting, sizeof(greeting) - 1) < 0) {
        hub->options.close(seat->stream);
    }
}

void bt_seat_on_open(struct bt_stream *stream, void *context)
{
    struct bt_seat *seat = context;
    struct bt_hub *hub = seat->hub;
    pthread_mutex_lock(&hub->lock);
    seat->stream = stream;
    if (seat->unit_paths == NULL) {
        take_member(hub, seat);
    } else {
        take_place(hub, seat);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void free_seat(struct bt_seat *seat)
{
    for (size_t i = 0; seat->unit_paths != NULL && seat->unit_paths[i] != NULL; i++) {
        free(seat->unit_paths[i]);
    }
    free(seat->unit_paths);
    free(seat->unit_path);
    free(seat);
}

void bt_seat_on_close(struct bt_stream *stream, void *context)
{
    (void)stream;
    struct bt_seat *seat = context;
    struct bt_hub *hub = seat->hub;
    pthread_mutex_lock(&hub->lock);
    if (seat->member != NULL) {
        bt_hub_leave_seat(hub, seat->member);
    }
    if (seat->link != NULL) {
        *seat->link = seat->next;
        if (seat->next != NULL) {
            seat->next->link = seat->link;
        }
    }
    hub->watcher_count -= seat->unit_paths != NULL ? 1 : 0;
    pthread_mutex_unlock(&hub->lock);
    free_seat(seat);
}
