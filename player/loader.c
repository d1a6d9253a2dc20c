#include "player/loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "player/awaited.h"
#include "playlists/clock_text.h"

// An 8K picture takes a good second on a small machine, and a few broken items may come first.
#define LEAD_NS (4 * BT_NS_PER_S)
#define FACE_LEAD_NS (BT_NS_PER_S / 2)

// A live stream takes its time to connect.
#define LIVE_LEAD_NS (12 * BT_NS_PER_S)

// What is left of it for preparing something else when the stream does not come.
#define LIVE_REST_NS (2 * BT_NS_PER_S)

// How often the thread looks whether a stream is ready.
#define LIVE_LOOK_NS (BT_NS_PER_S / 10)

// How often the thread looks whether the clock was set.
#define LOOK_NS BT_NS_PER_S

// After so many items in a row that cannot be shown the safe card comes, for so long.
#define MAX_SKIPS 64
#define SAFE_CARD_NS (10 * BT_NS_PER_S)

// When something may be shown again sooner, the safe card stays at least so long.
#define SAFE_CARD_MIN_NS (2 * BT_NS_PER_S)

// Problems that were told are not told again every round.
#define MAX_TOLD 16

// Main sends a few messages per item.
#define MAX_MESSAGES 64

static const struct bt_log logger = {"player/loader"};

enum message_kind {
    MESSAGE_WANT,
    MESSAGE_SUCCEED,
    MESSAGE_INTERRUPTED,
    MESSAGE_STARTED,
    MESSAGE_HURRY,
    MESSAGE_RETIRE,
};

struct message {
    enum message_kind kind;
    int64_t at_ns;                      // INTERRUPTED: the offset
    uint64_t number;                    // WANT, SUCCEED: epoch; STARTED: ticket
    int64_t run;                        // INTERRUPTED
    struct bt_inheritance inheritance;  // SUCCEED; its reference is owned
    struct bt_prepared *prepared;       // owned, RETIRE
};

struct bt_loader {
    struct bt_running_order *order;  // borrowed
    struct bt_kitchen *kitchen;      // borrowed
    const struct bt_track *track;    // borrowed from the show
    size_t index;
    struct bt_queue *messages;    // main → loader
    struct bt_queue *deliveries;  // loader → main
    pthread_t thread;
    // The thread's own.
    int64_t next_at_ns;     // when the next item is due
    bool wanted;            // it is not prepared yet
    bool ahead;             // it was delivered and is not on the screen yet
    uint64_t epoch;         // of the newest want
    uint64_t ticket;        // of the item delivered last
    int64_t serial;         // likewise
    bool cuts_in;           // the next item does not wait for the end of the one on the screen
    int64_t prepare_at_ns;  // when to begin
    uint64_t generation;
    const struct bt_item *delivered_clock;  // of the item delivered last
    const struct bt_item *clock;            // of the item on the screen
    int64_t face_at_ns;                     // its next face
    int64_t nothing_until_ns;               // of the search that ended with the safe card
    bool safe_card;                         // delivered last
    struct bt_awaited awaited;              // live streams
    char told[MAX_TOLD][BT_ERROR_MAX_BYTES];
    size_t told_count;
};

static void destroy_message(void *item)
{
    struct message *message = item;
    bt_prepared_destroy(message->prepared);
    bt_running_order_destroy(message->inheritance.from);
    free(message);
}

void bt_delivery_destroy(struct bt_delivery *delivery)
{
    if (delivery == NULL) {
        return;
    }
    bt_prepared_destroy(delivery->prepared);
    bt_image_destroy(delivery->face);
    free(delivery);
}

static void destroy_delivery(void *item)
{
    bt_delivery_destroy(item);
}

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static void log_problem(struct bt_loader *loader, const struct bt_error *err)
{
    for (size_t i = 0; i < BT_MIN(loader->told_count, (size_t)MAX_TOLD); i++) {
        if (bt_str_equal(loader->told[i], err->msg)) {
            return;
        }
    }
    bt_copy_cut(loader->told[loader->told_count++ % MAX_TOLD], BT_ERROR_MAX_BYTES, err->msg);
    bt_log_warn(&logger, "Zone '%s': %s; skipping it", loader->track->name, err->msg);
}

static int64_t lead_ns(const struct bt_loader *loader)
{
    return loader->awaited.has_streams ? LIVE_LEAD_NS : LEAD_NS;
}

static void next_slot(struct bt_loader *loader, struct bt_slot *out, int64_t *out_offset_ns)
{
    if (!bt_awaited_resume(&loader->awaited, out, out_offset_ns)) {
        bt_running_order_next(loader->order, loader->index, loader->next_at_ns, out, out_offset_ns);
    }
}

// The timeline is asked for another instant.
static void give_up_slot(struct bt_loader *loader)
{
    if (bt_awaited_drop(&loader->awaited)) {
        bt_running_order_not_yet(loader->order, loader->index, INT64_MIN);
    }
}

// True when there is time to wait for the stream.
static bool await_stream(struct bt_loader *loader, const struct bt_slot *slot, int64_t offset_ns)
{
    int64_t due_ns = slot->start_ns - offset_ns;
    if (due_ns - now_ns() > LIVE_REST_NS) {
        bt_awaited_wait(&loader->awaited, slot, offset_ns);
        return true;
    }
    bt_awaited_miss(&loader->awaited, slot, offset_ns);
    // Another item of the same instant comes, and with any later one it is its turn again.
    bt_running_order_not_yet(loader->order, loader->index, slot->start_ns + 1);
    return false;
}

// The next item that can be shown, or NULL when none is left, too many cannot, or a stream is
// awaited.
static struct bt_prepared *prepare_one(struct bt_loader *loader)
{
    loader->nothing_until_ns = INT64_MAX;
    for (int skips = 0; skips < MAX_SKIPS; skips++) {
        struct bt_slot slot;
        int64_t offset_ns;
        struct bt_error err;
        struct bt_prepared *prepared = NULL;
        next_slot(loader, &slot, &offset_ns);
        bt_awaited_keep(&loader->awaited, bt_kitchen_lives(loader->kitchen), &slot, now_ns());
        if (slot.item == NULL && skips > 0) {
            // Not nothing by plan, but nothing that can be shown.
            loader->nothing_until_ns = bt_running_order_to_mono(slot.end_ns, offset_ns);
            return NULL;
        }
        int r = bt_prepare(loader->kitchen, bt_running_order_show(loader->order), &slot,
                           loader->track, offset_ns, 0, &prepared, &err);
        if (r == 0) {
            return prepared;
        }
        if (r == -EAGAIN) {
            if (await_stream(loader, &slot, offset_ns)) {
                return NULL;
            }
            continue;
        }
        log_problem(loader, &err);
        bt_running_order_skip(loader->order, loader->index);
    }
    return NULL;
}

static struct bt_prepared *prepare_safe_card(struct bt_loader *loader)
{
    struct bt_prepared *prepared = NULL;
    struct bt_error err;
    int64_t start_ns = loader->next_at_ns;
    int64_t end_ns =
        BT_CLAMP(loader->nothing_until_ns, start_ns + SAFE_CARD_MIN_NS, start_ns + SAFE_CARD_NS);
    if (!loader->safe_card) {
        bt_log_warn(&logger, "Zone '%s': nothing can be shown; showing the safe card",
                    loader->track->name);
    }
    if (bt_prepare_safe_card(loader->kitchen, bt_running_order_show(loader->order), loader->track,
                             start_ns, end_ns, &prepared, &err) < 0) {
        bt_log_error(&logger, "Zone '%s': not even the safe card: %s", loader->track->name,
                     err.msg);
    }
    return prepared;
}

static void deliver(struct bt_loader *loader, struct bt_delivery content)
{
    struct bt_delivery *delivery = BT_NEW(struct bt_delivery);
    *delivery = content;
    delivery->epoch = loader->epoch;
    bt_queue_offer(loader->deliveries, delivery);
}

static void prepare_next(struct bt_loader *loader, bool anew)
{
    struct bt_prepared *prepared = prepare_one(loader);
    if (bt_awaited_waits(&loader->awaited)) {
        loader->prepare_at_ns = now_ns() + LIVE_LOOK_NS;
        return;
    }
    bool nothing_left = prepared == NULL;
    if (nothing_left) {
        prepared = prepare_safe_card(loader);
    }
    loader->safe_card = nothing_left;
    if (prepared == NULL) {
        loader->prepare_at_ns = now_ns() + LOOK_NS;
        return;
    }
    loader->wanted = false;
    loader->ahead = true;
    loader->delivered_clock = prepared->clock;
    prepared->immediate = anew || loader->cuts_in;
    prepared->relieves = loader->awaited.relieves;
    prepared->anew = anew;
    prepared->ticket = ++loader->ticket;
    loader->serial = prepared->serial;
    loader->cuts_in = false;
    bt_awaited_delivered(&loader->awaited, nothing_left ? NULL : prepared);
    deliver(loader, (struct bt_delivery){.prepared = prepared});
}

// A stream that lost its turn is there: it takes over from what stands in for it, or from what was
// prepared to.
static void relieve(struct bt_loader *loader)
{
    int64_t missed_ns = bt_awaited_missed_ns(&loader->awaited), at_ns = now_ns();
    give_up_slot(loader);
    if (loader->ahead) {
        bt_running_order_not_yet(loader->order, loader->index, INT64_MIN);
    }
    loader->next_at_ns = BT_MAX(missed_ns, at_ns);
    loader->cuts_in = missed_ns <= at_ns;
    loader->awaited.relieves = loader->cuts_in;
    prepare_next(loader, false);
    loader->awaited.relieves = false;
}

static void plan_face(struct bt_loader *loader, int64_t after_ns)
{
    int64_t period_ms = bt_clock_shows_seconds(loader->clock->text) ? 1000 : 60000;
    // Whole milliseconds, rounded down: the face comes less than one after its second begins.
    int64_t wall_ms = bt_running_order_wall_ms(loader->order, after_ns, NULL);
    int64_t next_ms = (wall_ms / period_ms + 1) * period_ms;
    loader->face_at_ns = after_ns + (next_ms - wall_ms) * BT_NS_PER_MS;
}

static void draw_face(struct bt_loader *loader)
{
    int64_t wall_ms = bt_running_order_wall_ms(loader->order, loader->face_at_ns, NULL);
    const struct bt_show *show = bt_running_order_show(loader->order);
    // Half a second on: which side of the minute rounding lands on does not matter then.
    int64_t local_s = bt_tz_to_local_s(bt_show_tz(show), (wall_ms + 500) / 1000);
    struct bt_image *face = NULL;
    struct bt_error err;
    if (bt_prepare_face(loader->kitchen, loader->clock, loader->track, local_s, &face, &err) < 0) {
        log_problem(loader, &err);
    } else {
        deliver(loader, (struct bt_delivery){
                            .face = face, .clock = loader->clock, .at_ns = loader->face_at_ns});
    }
    plan_face(loader, loader->face_at_ns);
}

static void handle_want(struct bt_loader *loader, int64_t at_ns, uint64_t epoch)
{
    give_up_slot(loader);
    bt_awaited_forget(&loader->awaited);
    loader->next_at_ns = at_ns;
    loader->prepare_at_ns = 0;
    loader->wanted = true;
    loader->ahead = false;
    loader->epoch = epoch;
    loader->clock = NULL;
    loader->cuts_in = false;
}

// What goes on stays to its end, as if it had been started here.
static void go_on(struct bt_loader *loader, const struct bt_slot *slot, int64_t offset_ns,
                  struct bt_verdict *verdict)
{
    verdict->end_ns = bt_running_order_to_mono(slot->end_ns, offset_ns);
    verdict->limit_ns = bt_running_order_to_mono(slot->limit_ns, offset_ns);
    verdict->why_end = slot->why_end;
    bt_volume_wish(slot->publication, slot->item, &verdict->volume);
    verdict->clock = slot->item->type == BT_ITEM_CLOCK ? slot->item : NULL;
    loader->next_at_ns = verdict->end_ns;
    loader->wanted = verdict->end_ns != INT64_MAX;
    loader->prepare_at_ns = loader->wanted ? verdict->end_ns - lead_ns(loader) : INT64_MAX;
    loader->clock = verdict->clock;
    if (loader->clock != NULL) {
        plan_face(loader, now_ns());
    }
}

static void handle_succeed(struct bt_loader *loader, const struct bt_inheritance *inheritance,
                           uint64_t epoch)
{
    int64_t at_ns = now_ns(), offset_ns;
    const struct bt_handover handover = {
        .from = inheritance->from,
        .from_track = inheritance->track,
        .serial = inheritance->serial,
        .shown_ns = BT_MAX(at_ns - inheritance->start_ns, 0),
        .urgent = inheritance->urgent,
    };
    struct bt_slot slot;
    struct bt_verdict verdict = {0};
    handle_want(loader, at_ns, epoch);
    verdict.fate =
        bt_running_order_succeed(loader->order, loader->index, &handover, at_ns, &slot, &offset_ns);
    if (verdict.fate == BT_FATE_GOES_ON) {
        go_on(loader, &slot, offset_ns, &verdict);
    } else if (verdict.fate == BT_FATE_MAY_FINISH && inheritance->end_ns != INT64_MAX) {
        loader->next_at_ns = BT_MAX(inheritance->end_ns, at_ns);
        loader->prepare_at_ns = loader->next_at_ns - lead_ns(loader);
    } else {
        loader->cuts_in = true;
    }
    deliver(loader, (struct bt_delivery){.judges = true, .verdict = verdict});
}

static void handle_started(struct bt_loader *loader, int64_t end_ns, uint64_t ticket)
{
    if (ticket != loader->ticket) {
        return;  // it is being replaced
    }
    bt_running_order_keep(loader->order, loader->index, loader->serial);
    loader->ahead = false;
    loader->next_at_ns = end_ns;
    loader->wanted = end_ns != INT64_MAX;
    loader->prepare_at_ns = loader->wanted ? end_ns - lead_ns(loader) : INT64_MAX;
    loader->clock = loader->delivered_clock;
    if (loader->clock != NULL) {
        plan_face(loader, now_ns());
    }
}

static void handle_hurry(struct bt_loader *loader, int64_t at_ns)
{
    if (!loader->ahead) {
        give_up_slot(loader);
        loader->next_at_ns = at_ns;
        loader->prepare_at_ns = 0;
        loader->wanted = true;
    }
}

static void handle_message(struct bt_loader *loader, struct message *message)
{
    switch (message->kind) {
    case MESSAGE_WANT:
        handle_want(loader, message->at_ns, message->number);
        break;
    case MESSAGE_SUCCEED:
        handle_succeed(loader, &message->inheritance, message->number);
        break;
    case MESSAGE_INTERRUPTED:
        bt_running_order_interrupted_at(loader->order, loader->index, message->run, message->at_ns);
        break;
    case MESSAGE_STARTED:
        handle_started(loader, message->at_ns, message->number);
        break;
    case MESSAGE_HURRY:
        handle_hurry(loader, message->at_ns);
        break;
    case MESSAGE_RETIRE:
        break;
    }
    destroy_message(message);
}

// True when the clock was set: what is on the screen is then replaced at once.
static bool look_at_clock(struct bt_loader *loader)
{
    uint64_t generation = bt_running_order_generation(loader->order);
    if (generation == loader->generation) {
        return false;
    }
    loader->generation = generation;
    give_up_slot(loader);
    bt_awaited_forget(&loader->awaited);
    loader->next_at_ns = now_ns();
    prepare_next(loader, true);
    return true;
}

static void work(struct bt_loader *loader)
{
    bt_awaited_sweep(&loader->awaited, now_ns());
    if (bt_awaited_relieves(&loader->awaited) && !look_at_clock(loader)) {
        relieve(loader);
    }
    if (loader->wanted && now_ns() >= loader->prepare_at_ns && !look_at_clock(loader)) {
        prepare_next(loader, false);
    }
    if (loader->clock != NULL && now_ns() >= loader->face_at_ns - FACE_LEAD_NS) {
        draw_face(loader);
    }
}

static int64_t next_work_ns(const struct bt_loader *loader)
{
    int64_t at = now_ns() + (bt_awaited_misses(&loader->awaited) ? LIVE_LOOK_NS : LOOK_NS);
    if (loader->wanted) {
        at = BT_MIN(at, loader->prepare_at_ns);
    }
    if (loader->clock != NULL) {
        at = BT_MIN(at, loader->face_at_ns - FACE_LEAD_NS);
    }
    return at;
}

static void *run(void *argument)
{
    struct bt_loader *loader = argument;
    pthread_setname_np(pthread_self(), "loader");
    struct message *message = bt_queue_pop_wait(loader->messages, INT64_MAX);
    while (message != NULL) {
        handle_message(loader, message);
        message = bt_queue_pop(loader->messages);
        while (message == NULL && !bt_queue_closed(loader->messages)) {
            work(loader);
            message = bt_queue_pop_wait(loader->messages, next_work_ns(loader));
            if (message == NULL) {
                (void)look_at_clock(loader);
            }
        }
    }
    return NULL;
}

struct bt_loader *bt_loader_create(struct bt_running_order *order, struct bt_kitchen *kitchen,
                                   size_t track)
{
    struct bt_loader *loader = BT_NEW(struct bt_loader);
    loader->order = order;
    loader->kitchen = kitchen;
    loader->index = track;
    loader->track = bt_show_track(bt_running_order_show(order), track);
    bt_awaited_init(&loader->awaited, bt_running_order_show(order));
    loader->messages = bt_queue_create(MAX_MESSAGES, destroy_message, (struct bt_waker){0});
    loader->deliveries = bt_queue_create(MAX_MESSAGES, destroy_delivery, (struct bt_waker){0});
    if (pthread_create(&loader->thread, NULL, run, loader) != 0) {
        bt_log_error(&logger, "Cannot start a loader thread; giving up");
        abort();
    }
    return loader;
}

void bt_loader_close(struct bt_loader *loader)
{
    bt_queue_close(loader->messages);
    bt_queue_close(loader->deliveries);
}

void bt_loader_destroy(struct bt_loader *loader)
{
    if (loader == NULL) {
        return;
    }
    bt_loader_close(loader);
    pthread_join(loader->thread, NULL);
    bt_queue_destroy(loader->messages);
    bt_queue_destroy(loader->deliveries);
    bt_awaited_finish(&loader->awaited);
    free(loader);
}

static void send_message(struct bt_loader *loader, struct message content)
{
    struct message *message = BT_NEW(struct message);
    *message = content;
    bt_queue_offer(loader->messages, message);
}

void bt_loader_want(struct bt_loader *loader, int64_t at_ns, uint64_t epoch)
{
    send_message(loader, (struct message){MESSAGE_WANT, .at_ns = at_ns, .number = epoch});
}

void bt_loader_succeed(struct bt_loader *loader, struct bt_inheritance inheritance, uint64_t epoch)
{
    send_message(loader,
                 (struct message){MESSAGE_SUCCEED, .number = epoch, .inheritance = inheritance});
}

void bt_loader_interrupted_at(struct bt_loader *loader, int64_t run, int64_t offset_ns)
{
    send_message(loader, (struct message){MESSAGE_INTERRUPTED, .at_ns = offset_ns, .run = run});
}

void bt_loader_started(struct bt_loader *loader, uint64_t ticket, int64_t end_ns)
{
    send_message(loader, (struct message){MESSAGE_STARTED, .at_ns = end_ns, .number = ticket});
}

void bt_loader_hurry(struct bt_loader *loader, int64_t at_ns)
{
    send_message(loader, (struct message){MESSAGE_HURRY, .at_ns = at_ns});
}

void bt_loader_retire(struct bt_loader *loader, struct bt_prepared *prepared)
{
    if (prepared != NULL) {
        send_message(loader, (struct message){MESSAGE_RETIRE, .prepared = prepared});
    }
}

struct bt_delivery *bt_loader_take(struct bt_loader *loader)
{
    return bt_queue_pop(loader->deliveries);
}
