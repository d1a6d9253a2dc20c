#include "sync/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/channel_inside.h"
#include "sync/repository.h"

#define LONGEST_WAIT_MS 1000
// A flood of pings and orders, of which libcurl hands over some 160 KiB at a time, must not crowd
// out the answers to orders.
#define MAX_MESSAGES 8192
#define MAX_JITTER_MS 60000
#define DETAIL_BYTES 200

static const struct bt_log logger = {"sync/channel"};

enum message_kind {
    MESSAGE_MOVED,
    MESSAGE_LOOK,
    MESSAGE_DONE,
    MESSAGE_PONG,
    MESSAGE_SCREENSHOT,
    MESSAGE_STATUS,
    MESSAGE_FLUSHED,
};

struct message {
    enum message_kind kind;
    int64_t number;
    enum bt_order_state state;
    char *text;   // owned
    void *bytes;  // owned
    size_t len;
};

static void destroy_message(void *item)
{
    struct message *message = item;
    free(message->text);
    free(message->bytes);
    free(message);
}

int64_t bt_channel_now_ns(const struct bt_channel *channel)
{
    return bt_clock_mono_ns(channel->sync->options.clock);
}

/*
 * From other threads.
 */

static void post(struct bt_channel *channel, struct message content)
{
    struct message *message = BT_NEW(struct message);
    *message = content;
    bt_queue_offer(channel->inbox, message);
    curl_multi_wakeup(channel->multi);
}

void bt_channel_moved(struct bt_channel *channel)
{
    post(channel, (struct message){.kind = MESSAGE_MOVED});
}

void bt_channel_look(struct bt_channel *channel)
{
    post(channel, (struct message){.kind = MESSAGE_LOOK});
}

void bt_channel_done(struct bt_channel *channel, int64_t number, enum bt_order_state state,
                     const char *detail)
{
    char cut[DETAIL_BYTES];
    bt_copy_cut(cut, sizeof(cut), detail != NULL ? detail : "");
    post(channel,
         (struct message){
             .kind = MESSAGE_DONE, .number = number, .state = state, .text = bt_strdup(cut)});
}

void bt_channel_flushed(struct bt_channel *channel)
{
    post(channel, (struct message){.kind = MESSAGE_FLUSHED});
}

void bt_channel_pong(struct bt_channel *channel, int64_t ping)
{
    post(channel, (struct message){.kind = MESSAGE_PONG, .number = ping});
}

void bt_channel_screenshot(struct bt_channel *channel, int64_t number, void *bytes, size_t len)
{
    post(channel, (struct message){
                      .kind = MESSAGE_SCREENSHOT, .number = number, .bytes = bytes, .len = len});
}

void bt_channel_status(struct bt_channel *channel, const char *json)
{
    post(channel, (struct message){.kind = MESSAGE_STATUS, .text = bt_strdup(json)});
}

/*
 * The connection as a whole.
 */

static void end_stream(struct bt_channel *channel)
{
    if (channel->events == NULL) {
        return;
    }
    curl_multi_remove_handle(channel->multi, channel->stream.curl);
    bt_event_stream_destroy(BT_TAKE(channel->events));
    channel->stream_alive = false;
    channel->caught_up = false;
    channel->poll_at_ns = bt_channel_now_ns(channel);
    bt_repository_stream_is_up(channel->sync->repository, false);
}

static int64_t longest_ns(const struct bt_channel *channel)
{
    return channel->sync->options.retry_max_s * BT_NS_PER_S;
}

void bt_channel_fail(struct bt_channel *channel, const struct bt_address *address)
{
    if (address != NULL) {
        bt_servers_failed(channel->sync->servers, address);
    }
    bt_buf_clear(&channel->challenge);
    end_stream(channel);
    bt_retry_failed(&channel->retry, bt_channel_now_ns(channel), longest_ns(channel));
}

void bt_channel_put_off(struct bt_channel *channel)
{
    bt_retry_failed(&channel->retry, bt_channel_now_ns(channel), longest_ns(channel));
}

void bt_channel_is_well(struct bt_channel *channel)
{
    bt_retry_well(&channel->retry);
    bt_sync_fine(channel->sync, BT_TROUBLE_SERVER_UNREACHABLE);
}

void bt_channel_token_refused(struct bt_channel *channel)
{
    channel->token[0] = '\0';
    bt_buf_clear(&channel->challenge);
    end_stream(channel);
    bt_retry_refused(&channel->retry, bt_channel_now_ns(channel), longest_ns(channel));
}

static void stop_exchange(struct bt_channel *channel, struct bt_exchange *exchange)
{
    if (exchange->talk != BT_TALK_NONE) {
        curl_multi_remove_handle(channel->multi, exchange->wire.curl);
        channel->results_due = channel->results_due || exchange->talk == BT_TALK_RESULTS;
        exchange->talk = BT_TALK_NONE;
    }
}

// The server is elsewhere: nothing of the old connection counts.
static void move(struct bt_channel *channel)
{
    stop_exchange(channel, &channel->talk);
    end_stream(channel);
    channel->token[0] = '\0';
    bt_buf_clear(&channel->challenge);
    channel->caught_up = false;
    channel->retry = (struct bt_retry){0};
}

/*
 * Orders.
 */

static void ask_for_metadata(struct bt_channel *channel)
{
    channel->ticket = bt_repository_refresh(channel->sync->repository);
}

int bt_channel_take_order(struct bt_channel *channel, const cJSON *json, const char *body,
                          struct bt_error *err)
{
    struct bt_sync *sync = channel->sync;
    BT_AUTO(bt_order) order = NULL;
    int r = bt_order_read(json, &order, err);
    if (r < 0) {
        bt_sync_trouble(sync, BT_TROUBLE_ORDER_REFUSED, err->msg);
        return 0;  // it cannot even be answered
    }
    bt_log_info(&logger, "Order %lld: '%s' %s", (long long)order->n, order->kind, order->id);
    r = bt_standing_obey(sync->standing, order, body, err);
    if (r == -EINVAL) {
        bt_sync_trouble(sync, BT_TROUBLE_ORDER_REFUSED, err->msg);
        return 0;
    }
    if (r < 0) {
        bt_sync_disk_trouble(sync, r, err->msg);
        return r;
    }
    if (r > 0) {
        bt_sync_trouble(sync, BT_TROUBLE_ORDER_REFUSED, err->msg);
    }
    channel->results_due = true;
    channel->status_at_ns = 0;
    if (bt_standing_has_pending(sync->standing) && channel->ticket == 0) {
        ask_for_metadata(channel);
    }
    return 0;
}

// Emergencies that could not be believed: with the newest metadata, perhaps.
static void retry_pending(struct bt_channel *channel)
{
    struct bt_sync *sync = channel->sync;
    if (!bt_standing_has_pending(sync->standing)) {
        channel->ticket = 0;
        return;
    }
    if (channel->ticket == 0) {
        ask_for_metadata(channel);
    }
    bool final = bt_repository_reached(sync->repository, channel->ticket);
    if (bt_standing_retry(sync->standing, final)) {
        channel->results_due = true;
        channel->status_at_ns = 0;
    }
}

/*
 * The stream.
 */

static int handle_hint(struct bt_channel *channel, const cJSON *json, struct bt_error *err)
{
    int64_t version, jitter_ms = 0;
    const cJSON *timestamp = cJSON_GetObjectItemCaseSensitive(json, "timestamp");
    const cJSON *priority = cJSON_GetObjectItemCaseSensitive(json, "priority");
    const cJSON *jitter = cJSON_GetObjectItemCaseSensitive(json, "jitter_ms");
    if (timestamp == NULL || bt_json_whole(timestamp, 0, INT64_C(1) << 53, &version) < 0) {
        return 0;  // forged or of tomorrow: it costs nothing
    }
    bool normal = !cJSON_IsString(priority) || strcmp(priority->valuestring, "normal") == 0;
    if (!normal || jitter == NULL || bt_json_whole(jitter, 0, MAX_JITTER_MS, &jitter_ms) < 0) {
        jitter_ms = 0;
    }
    bt_repository_hint(channel->sync->repository, version, jitter_ms * BT_NS_PER_MS);
    return 0;
}

// Through the very queue that carries takedowns; when that is full, it is rightly not answered.
static int handle_ping(struct bt_channel *channel, const cJSON *json, struct bt_error *err)
{
    int64_t number;
    const cJSON *ping = cJSON_GetObjectItemCaseSensitive(json, "ping");
    channel->heard_ns = bt_channel_now_ns(channel);
    if (ping != NULL && bt_json_whole(ping, 1, INT64_C(1) << 53, &number) == 0) {
        struct bt_news *news = bt_news_create(BT_NEWS_PING);
        news->ping = number;
        bt_queue_offer(channel->sync->news, news);
    }
    return 0;
}

static void look_at_certificate(struct bt_channel *channel, struct bt_wire *wire)
{
    struct bt_sync *sync = channel->sync;
    int64_t end_ms;
    if (!bt_wire_certificate_end(wire, &end_ms)) {
        return;
    }
    if (end_ms < bt_time_floor_now(sync->time).wall_ms) {
        bt_sync_trouble(sync, BT_TROUBLE_CERTIFICATE_EXPIRED,
                        "The server's certificate is over; its key is the pinned one");
    } else {
        bt_sync_fine(sync, BT_TROUBLE_CERTIFICATE_EXPIRED);
    }
}

static void stream_is_alive(struct bt_channel *channel)
{
    struct bt_sync *sync = channel->sync;
    if (channel->stream_alive) {
        return;
    }
    channel->stream_alive = true;
    bt_log_info(&logger, "Connected to '%s'", channel->stream_address.url);
    bt_channel_is_well(channel);
    bt_sync_fine(sync, BT_TROUBLE_CAPTIVE_PORTAL);
    look_at_certificate(channel, &channel->stream);
    bt_repository_stream_is_up(sync->repository, true);
}

static int handle_event(const struct bt_event *event, void *context, struct bt_error *err)
{
    struct bt_channel *channel = context;
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(event->data, event->len, &json, err);
    if (r < 0) {
        return bt_fail_in(err, r, "The stream");
    }
    stream_is_alive(channel);
    if (strcmp(event->name, "order") == 0) {
        return bt_channel_take_order(channel, json, event->data, err);
    }
    if (strcmp(event->name, "ping") == 0) {
        return handle_ping(channel, json, err);
    }
    return strcmp(event->name, "hint") == 0 ? handle_hint(channel, json, err) : 0;
}

static size_t receive_stream(char *bytes, size_t size, size_t count, void *context)
{
    struct bt_channel *channel = context;
    long status = 0;
    curl_easy_getinfo(channel->stream.curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return size * count;  // judged when it ends
    }
    int r = bt_event_stream_feed(channel->events, bytes, size * count, &channel->stream_error);
    return r < 0 ? 0 : size * count;
}

static int begin_stream(struct bt_channel *channel, struct bt_error *err)
{
    char path[96];
    struct bt_wire *wire = &channel->stream;
    long long last = (long long)bt_standing_last_order(channel->sync->standing);
    if (!bt_servers_now(channel->sync->servers, &channel->stream_address)) {
        return bt_fail(err, -ENETUNREACH, "No server is known");
    }
    int r = bt_format(path, sizeof(path), "v1/player/stream?after=%lld", last);
    r = r < 0 ? r : bt_wire_begin(wire, &channel->stream_address, path, err);
    r = r < 0 ? r : bt_wire_add_header(wire, err, "Authorization: Bearer %s", channel->token);
    r = r < 0 ? r : bt_wire_add_header(wire, err, "Accept: text/event-stream");
    r = r < 0 ? r : bt_wire_add_header(wire, err, "Last-Event-ID: %lld", last);
    if (r < 0) {
        return r;
    }
    curl_easy_setopt(wire->curl, CURLOPT_WRITEFUNCTION, receive_stream);
    curl_easy_setopt(wire->curl, CURLOPT_WRITEDATA, channel);
    curl_easy_setopt(wire->curl, CURLOPT_LOW_SPEED_TIME, 0L);  // the ping watch sees to that
    curl_easy_setopt(wire->curl, CURLOPT_PRIVATE, wire);
    bt_wire_ready(wire);
    channel->stream_error.msg[0] = '\0';
    channel->heard_ns = bt_channel_now_ns(channel);
    channel->events = bt_event_stream_create(handle_event, channel);
    return curl_multi_add_handle(channel->multi, wire->curl) == CURLM_OK
               ? 0
               : bt_fail(err, -EIO, "libcurl cannot begin");
}

static void finish_stream(struct bt_channel *channel, CURLcode code)
{
    struct bt_error err = {0};
    enum bt_trouble trouble = BT_TROUBLE_SERVER_UNREACHABLE;
    long status = 0;
    const struct bt_address address = channel->stream_address;
    int r = bt_wire_result(&channel->stream, code, &status, &trouble, &err);
    const char *why = channel->stream_error.msg[0] != '\0' ? channel->stream_error.msg : err.msg;
    bool alive = channel->stream_alive;
    bt_log_info(&logger, "The stream has ended (%s); connecting anew",
                r < 0 ? why : "closed by the server");
    if (r < 0 && !alive && channel->stream_error.msg[0] == '\0') {
        bt_sync_trouble(channel->sync, trouble, err.msg);
    }
    if (r == 0 && status == 401) {
        bt_channel_token_refused(channel);
        return;
    }
    bt_channel_fail(channel, r < 0 && !alive ? &address : NULL);
}

static void watch_pings(struct bt_channel *channel)
{
    int64_t silent_ns = bt_channel_now_ns(channel) - channel->heard_ns;
    if (channel->events != NULL && silent_ns > channel->sync->options.ping_s * BT_NS_PER_S) {
        bt_log_warn(&logger, "No ping for %lld s; connecting anew",
                    (long long)(silent_ns / BT_NS_PER_S));
        bt_channel_fail(channel, channel->stream_alive ? NULL : &channel->stream_address);
    }
}

static void begin_stream_when_due(struct bt_channel *channel)
{
    struct bt_error err = {0};
    int64_t now_ns = bt_channel_now_ns(channel);
    if (channel->events != NULL || !channel->caught_up || channel->token[0] == '\0' ||
        now_ns < channel->retry.at_ns || now_ns >= channel->token_until_ns) {
        return;
    }
    if (begin_stream(channel, &err) < 0) {
        bt_log_warn(&logger, "%s; trying again", err.msg);
        bt_channel_fail(channel, NULL);
    }
}

/*
 * The thread.
 */

static void handle_screenshot(struct bt_channel *channel, struct message *message)
{
    if (message->bytes == NULL || message->len > BT_SCREENSHOT_MAX_BYTES) {
        bt_standing_answer(channel->sync->standing, message->number, "failed",
                           "no screenshot, or one too large");
        channel->results_due = true;
        return;
    }
    // Of two that are waiting the newer one is of use.
    if (channel->screenshot.bytes != NULL) {
        bt_standing_answer(channel->sync->standing, channel->screenshot.number, "failed",
                           "a newer one was asked for");
        free(channel->screenshot.bytes);
    }
    channel->screenshot = (struct bt_screenshot){
        .number = message->number, .bytes = BT_TAKE(message->bytes), .len = message->len};
}

static void handle_message(struct bt_channel *channel, struct message *message)
{
    static const char *const words[] = {"done", "refused", "failed"};
    switch (message->kind) {
    case MESSAGE_MOVED:
        move(channel);
        break;
    case MESSAGE_LOOK:
        channel->status_at_ns = BT_MIN(channel->status_at_ns, bt_channel_now_ns(channel));
        break;
    case MESSAGE_DONE:
        bt_standing_answer(channel->sync->standing, message->number, words[message->state],
                           message->text);
        channel->results_due = true;
        break;
    case MESSAGE_FLUSHED:
        break;  // results may be said
    case MESSAGE_PONG:
        channel->pong = message->number;
        break;
    case MESSAGE_SCREENSHOT:
        handle_screenshot(channel, message);
        break;
    case MESSAGE_STATUS:
        free(channel->player_status);
        channel->player_status = BT_TAKE(message->text);
        break;
    }
}

static void take_messages(struct bt_channel *channel)
{
    for (struct message *message = bt_queue_pop(channel->inbox); message != NULL;
         message = bt_queue_pop(channel->inbox)) {
        handle_message(channel, message);
        destroy_message(message);
    }
}

static void finish_exchange(struct bt_channel *channel, struct bt_exchange *exchange, CURLcode code)
{
    struct bt_error err = {0};
    enum bt_trouble trouble = BT_TROUBLE_SERVER_UNREACHABLE;
    long status = 0;
    int r = bt_wire_result(&exchange->wire, code, &status, &trouble, &err);
    curl_multi_remove_handle(channel->multi, exchange->wire.curl);
    if (r < 0) {
        bt_sync_trouble(channel->sync, trouble, err.msg);
    } else {
        look_at_certificate(channel, &exchange->wire);
    }
    bt_talk_finish(channel, exchange, r, status);
}

static void take_results(struct bt_channel *channel)
{
    int left;
    for (CURLMsg *msg = curl_multi_info_read(channel->multi, &left); msg != NULL;
         msg = curl_multi_info_read(channel->multi, &left)) {
        CURL *curl = msg->easy_handle;
        CURLcode code = msg->data.result;
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }
        if (curl == channel->stream.curl) {
            finish_stream(channel, code);
        } else {
            finish_exchange(
                channel, curl == channel->talk.wire.curl ? &channel->talk : &channel->upload, code);
        }
    }
}

static void begin_what_is_due(struct bt_channel *channel)
{
    if (channel->pairing.id[0] != '\0' && bt_channel_now_ns(channel) >= channel->pairing_until_ns) {
        bt_pairing_finish(&channel->pairing);
    }
    watch_pings(channel);
    bt_talk_begin_next(channel);
    bt_talk_begin_screenshot(channel);
    begin_stream_when_due(channel);
}

static int wait_ms(struct bt_channel *channel, int64_t tick_ns)
{
    int64_t wait_ns = BT_MIN(tick_ns, LONGEST_WAIT_MS * BT_NS_PER_MS);
    int64_t retry_ns = channel->retry.at_ns - bt_channel_now_ns(channel);
    if (retry_ns > 0) {
        wait_ns = BT_MIN(wait_ns, retry_ns);
    }
    return (int)((BT_MAX(wait_ns, 0) + BT_NS_PER_MS - 1) / BT_NS_PER_MS);
}

static void *run(void *context)
{
    struct bt_channel *channel = context;
    while (!atomic_load(&channel->sync->stopping)) {
        int running;
        take_messages(channel);
        retry_pending(channel);
        int64_t tick_ns = bt_standing_tick(channel->sync->standing);
        begin_what_is_due(channel);
        curl_multi_perform(channel->multi, &running);
        take_results(channel);
        begin_what_is_due(channel);
        if (!bt_state_is_flushed(channel->sync->state)) {
            bt_flusher_wake(channel->sync->flusher);
        }
        if (!atomic_load(&channel->sync->stopping)) {
            curl_multi_poll(channel->multi, NULL, 0, wait_ms(channel, tick_ns), NULL);
        }
    }
    stop_exchange(channel, &channel->talk);
    stop_exchange(channel, &channel->upload);
    end_stream(channel);
    return NULL;
}

static int init_exchange(struct bt_exchange *exchange, int64_t stall_s, struct bt_error *err)
{
    bt_buf_init(&exchange->sent, BT_ANSWER_MAX_BYTES);
    bt_buf_init(&exchange->got, BT_ANSWER_MAX_BYTES);
    return bt_wire_init(&exchange->wire, stall_s, err);
}

int bt_channel_create(struct bt_sync *sync, struct bt_channel **out, struct bt_error *err)
{
    struct bt_channel *channel = BT_NEW(struct bt_channel);
    *out = channel;
    channel->sync = sync;
    channel->inbox =
        bt_queue_create(MAX_MESSAGES, destroy_message, (struct bt_waker){.wake = NULL});
    channel->multi = curl_multi_init();
    channel->results_due = true;
    bt_buf_init(&channel->challenge, 4096);
    if (channel->multi == NULL) {
        return bt_fail(err, -ENOMEM, "libcurl cannot start");
    }
    int64_t stall_s = sync->options.stall_s;
    int r = init_exchange(&channel->talk, stall_s, err);
    r = r < 0 ? r : init_exchange(&channel->upload, stall_s, err);
    return r < 0 ? r : bt_wire_init(&channel->stream, stall_s, err);
}

int bt_channel_run(struct bt_channel *channel, struct bt_error *err)
{
    int r = -pthread_create(&channel->thread, NULL, run, channel);
    channel->started = r == 0;
    return r == 0 ? 0 : bt_fail(err, r, "Cannot start the thread of the channel");
}

void bt_channel_close(struct bt_channel *channel)
{
    if (channel != NULL && channel->multi != NULL) {
        curl_multi_wakeup(channel->multi);
    }
}

static void finish_init_exchange(struct bt_exchange *exchange)
{
    bt_wire_finish(&exchange->wire);
    bt_buf_finish(&exchange->sent);
    bt_buf_finish(&exchange->got);
}

void bt_channel_join(struct bt_channel *channel)
{
    if (channel != NULL && channel->started) {
        pthread_join(channel->thread, NULL);
        channel->started = false;
    }
}

void bt_channel_destroy(struct bt_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    finish_init_exchange(&channel->talk);
    finish_init_exchange(&channel->upload);
    bt_wire_finish(&channel->stream);
    bt_event_stream_destroy(channel->events);
    if (channel->multi != NULL) {
        curl_multi_cleanup(channel->multi);
    }
    bt_pairing_finish(&channel->pairing);
    bt_buf_finish(&channel->challenge);
    free(channel->screenshot.bytes);
    free(channel->player_status);
    bt_queue_destroy(channel->inbox);
    free(channel);
}
