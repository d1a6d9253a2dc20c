// The single requests of the channel: when each is due, what it says, what its answer means.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/channel_inside.h"
#include "sync/enrolment.h"
#include "sync/pace.h"
#include "sync/repository.h"
#include "sync/status.h"
#include "trust/tuf_client.h"

#define JSON "application/json"
#define STATUS_LEAST_NS (5 * BT_NS_PER_S)
#define STATUS_MOST_NS (600 * BT_NS_PER_S)
#define SHORTEST_PAUSE_NS (100 * BT_NS_PER_MS)

// The token is renewed a little before it ends.
#define TOKEN_MARGIN_S 30

// A first refusal may be a nonce that took too long.
#define MAX_STRIKES 2

// Time that differs by more is worth saying.
#define CLOCK_WRONG_MS (5 * 60 * 1000)

static const struct bt_log logger = {"sync/channel"};

/*
 * What is due.
 */

static bool is_paired(const struct bt_channel *channel)
{
    return bt_standing_identity(channel->sync->standing).player[0] != '\0';
}

static bool has_token(const struct bt_channel *channel)
{
    return channel->token[0] != '\0' && bt_channel_now_ns(channel) < channel->token_until_ns;
}

/*
 * A server that refuses our login does not know us: it forgot, or our pairing was ended. What was
 * approved plays on, and beside logging in now and then the player waits to be paired again.
 */
static bool is_unknown(const struct bt_channel *channel)
{
    return channel->strikes >= MAX_STRIKES;
}

static bool wants_pairing(const struct bt_channel *channel)
{
    return !is_paired(channel) || is_unknown(channel);
}

static bool pair_due(const struct bt_channel *channel)
{
    return wants_pairing(channel) && channel->pairing.id[0] == '\0';
}

static bool claim_due(const struct bt_channel *channel)
{
    return wants_pairing(channel) && channel->pairing.id[0] != '\0' &&
           bt_channel_now_ns(channel) >= channel->claim_at_ns;
}

static bool challenge_due(const struct bt_channel *channel)
{
    return is_paired(channel) && !has_token(channel) && channel->challenge.len == 0 &&
           (!is_unknown(channel) || bt_channel_now_ns(channel) >= channel->login_at_ns);
}

static bool session_due(const struct bt_channel *channel)
{
    return is_paired(channel) && !has_token(channel) && channel->challenge.len > 0;
}

static bool orders_due(const struct bt_channel *channel)
{
    return has_token(channel) &&
           (!channel->caught_up ||
            (!channel->stream_alive && bt_channel_now_ns(channel) >= channel->poll_at_ns));
}

static bool pong_due(const struct bt_channel *channel)
{
    return has_token(channel) && channel->pong != 0;
}

static bool results_due(const struct bt_channel *channel)
{
    // Kept before it is answered; the flusher wakes us.
    return has_token(channel) && channel->results_due &&
           bt_channel_now_ns(channel) >= channel->results_at_ns &&
           bt_state_is_flushed(channel->sync->state);
}

static bool status_due(const struct bt_channel *channel)
{
    return has_token(channel) && channel->caught_up &&
           bt_channel_now_ns(channel) >= channel->status_at_ns;
}

/*
 * What is said.
 */

// A player that was paired before keeps the root of then; one with a card's secret is given the
// card's, since nobody compares anything.
static struct bt_pairing_request pairing_request(const struct bt_channel *channel,
                                                 const char *token)
{
    const struct bt_sync_options *options = &channel->sync->options;
    return (struct bt_pairing_request){
        .model = options->model,
        .version = options->version,
        .token = token,
        .root_sha256 = options->root_sha256,
        .newer = options->root_sha256[0] != '\0' && !is_paired(channel) && !channel->enrolling,
    };
}

static int write_pair(struct bt_channel *channel, struct bt_exchange *exchange,
                      struct bt_error *err)
{
    const struct bt_sync_options *options = &channel->sync->options;
    char token[BT_ENROLMENT_BYTES] = "";
    // People compare no words then, so whoever prepared the player must have told it the root.
    if (options->root_sha256[0] != '\0' && !is_paired(channel)) {
        bt_enrolment_read(options->directory, token);
    }
    channel->enrolling = token[0] != '\0';
    const struct bt_pairing_request request = pairing_request(channel, token);
    return bt_pairing_write(channel->sync->key, &request, &exchange->sent, err);
}

static int write_claim(struct bt_channel *channel, struct bt_exchange *exchange,
                       struct bt_error *err)
{
    return bt_claim_write(channel->sync->key, channel->pairing.id, &exchange->sent, err);
}

static int write_challenge(struct bt_channel *channel, struct bt_exchange *exchange,
                           struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(channel->sync->standing);
    return bt_challenge_write(identity.player, &exchange->sent, err);
}

static int write_session(struct bt_channel *channel, struct bt_exchange *exchange,
                         struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(channel->sync->standing);
    int r = bt_session_write(channel->sync->key, identity.player, bt_buf_text(&channel->challenge),
                             channel->challenge.len, &exchange->sent, err);
    bt_buf_clear(&channel->challenge);
    return r;
}

static int write_nothing(struct bt_channel *channel, struct bt_exchange *exchange,
                         struct bt_error *err)
{
    return 0;
}

static int write_pong(struct bt_channel *channel, struct bt_exchange *exchange,
                      struct bt_error *err)
{
    exchange->number = channel->pong;
    channel->pong = 0;
    return bt_buf_appendf(&exchange->sent, "{\"ping\": %lld}", (long long)exchange->number);
}

static int write_results(struct bt_channel *channel, struct bt_exchange *exchange,
                         struct bt_error *err)
{
    channel->results_due = false;
    if (!bt_standing_results(channel->sync->standing, &exchange->sent)) {
        return bt_fail(err, -ENODATA, "Nothing to say");
    }
    return 0;
}

static void plan_status(struct bt_channel *channel, int64_t now_ns)
{
    channel->status_at_ns = now_ns + STATUS_LEAST_NS;
}

static bool is_worth_saying(struct bt_channel *channel, const struct bt_status_said *now,
                            int64_t now_ns)
{
    const struct bt_status_said *said = &channel->status_said;
    return memcmp(&said->calm, &now->calm, sizeof(now->calm)) != 0 ||
           now_ns - channel->status_said_ns >= STATUS_MOST_NS ||
           (bt_gauges_moved(&said->gauges, &now->gauges) &&
            bt_gauge_pace_allows(&channel->gauge_pace, now_ns));
}

static int write_status(struct bt_channel *channel, struct bt_exchange *exchange,
                        struct bt_error *err)
{
    int64_t now_ns = bt_channel_now_ns(channel);
    struct bt_status_said said;
    plan_status(channel, now_ns);
    int r = bt_status_write(channel->sync, channel->player_status, channel->clock_offset_ms,
                            &exchange->sent, &said, err);
    if (r == 0 && !is_worth_saying(channel, &said, now_ns)) {
        return bt_fail(err, -ENODATA, "Nothing to say");
    }
    channel->status_sent = said;
    return r;
}

/*
 * What the answers mean.
 */

static void show_code(struct bt_channel *channel, const char *url)
{
    struct bt_news *news = bt_news_create(BT_NEWS_PAIRING);
    bt_copy_cut(news->code, sizeof(news->code), channel->pairing.code);
    bt_copy_cut(news->words, sizeof(news->words), channel->pairing.words);
    if (bt_format(news->url, sizeof(news->url), "%s/#pair=%s", url, channel->pairing.code) < 0) {
        news->url[0] = '\0';
    }
    // Whoever reads the log stands before the screen, which shows the same.
    bt_log_info(&logger, "Waiting to be paired: code '%s', words '%s'", news->code, news->words);
    bt_queue_offer(channel->sync->news, news);
}

static int read_pair(struct bt_channel *channel, struct bt_exchange *exchange, struct bt_error *err)
{
    bt_pairing_finish(&channel->pairing);
    const struct bt_pairing_request asked = pairing_request(channel, "");
    int r = bt_pairing_read(channel->sync->key, &asked, bt_buf_text(&exchange->got),
                            exchange->got.len, &channel->pairing, err);
    if (r < 0) {
        bt_pairing_finish(&channel->pairing);
        return r;
    }
    int64_t now_ns = bt_channel_now_ns(channel);
    channel->pairing_until_ns = now_ns + channel->pairing.expires_s * BT_NS_PER_S;
    channel->claim_at_ns = now_ns;
    if (!channel->enrolling) {
        channel->claim_at_ns += channel->pairing.poll_s * BT_NS_PER_S;
        show_code(channel, exchange->address.url);
    }
    return 0;
}

/*
 * What was there of a pairing that did not come to its end is of no use. A player that was paired
 * before keeps the root of then: no server talks it into another.
 */
static int pin_root(struct bt_channel *channel, struct bt_error *err)
{
    if (is_paired(channel)) {
        return 0;
    }
    const char *directory = channel->sync->metadata_directory;
    const struct bt_pairing *pairing = &channel->pairing;
    int r = bt_tuf_client_pin(directory, pairing->root, pairing->root_len, err);
    if (r != -EEXIST) {
        return r;
    }
    r = bt_sync_clear_directory(directory, err);
    return r < 0 ? r : bt_tuf_client_pin(directory, pairing->root, pairing->root_len, err);
}

static int read_claim(struct bt_channel *channel, struct bt_exchange *exchange,
                      struct bt_error *err)
{
    struct bt_sync *sync = channel->sync;
    struct bt_claim claim;
    int r = bt_claim_read(bt_buf_text(&exchange->got), exchange->got.len, &claim, err);
    if (r == 0 && !claim.claimed && channel->enrolling) {
        // A server that knows nothing of enrolments: people claim it.
        channel->enrolling = false;
        show_code(channel, exchange->address.url);
    }
    if (r < 0 || !claim.claimed) {
        channel->claim_at_ns = bt_channel_now_ns(channel) + channel->pairing.poll_s * BT_NS_PER_S;
        return r;
    }
    struct bt_addresses addresses = {.count = 1};
    addresses.list[0] = claim.server.url[0] != '\0' ? claim.server : exchange->address;
    // Who we are is written last: what comes before can be done again.
    r = pin_root(channel, err);
    if (r == 0 && !is_paired(channel)) {
        bt_servers_set(sync->servers, &addresses, err);
    }
    if (r == 0) {
        r = bt_standing_pair(sync->standing, &claim.identity, err);
    }
    if (r == 0) {
        bt_log_info(&logger, "Paired as '%s' for screen '%s'", claim.identity.player,
                    claim.identity.screen);
        bt_pairing_finish(&channel->pairing);
        bt_enrolment_forget(sync->options.directory);
        bt_sync_fine(sync, BT_TROUBLE_NOT_PAIRED);
        channel->strikes = 0;
        bt_repository_refresh(sync->repository);
    }
    return r;
}

static int read_challenge(struct bt_channel *channel, struct bt_exchange *exchange,
                          struct bt_error *err)
{
    return bt_buf_append(&channel->challenge, bt_buf_text(&exchange->got), exchange->got.len);
}

static void compare_clocks(struct bt_channel *channel, int64_t server_ms)
{
    struct bt_sync *sync = channel->sync;
    int64_t bound_ms = bt_repository_expires_ms(sync->repository);
    channel->clock_offset_ms = bt_time_floor_hear(sync->time, server_ms, bound_ms);
    if (channel->clock_offset_ms > CLOCK_WRONG_MS || channel->clock_offset_ms < -CLOCK_WRONG_MS) {
        BT_AUTOFREE char *detail = bt_strf("The clock is %lld s away from the server's",
                                           (long long)(channel->clock_offset_ms / 1000));
        bt_sync_trouble(sync, BT_TROUBLE_CLOCK_WRONG, detail);
    } else {
        bt_sync_fine(sync, BT_TROUBLE_CLOCK_WRONG);
    }
    if (bt_state_note_int(sync->state, "known_ms", bt_time_floor_known_ms(sync->time), NULL) < 0) {
        return;  // the time of the last start counts again
    }
}

// For new versions of the player alone. Lost, they come again with the next session.
static void note_hours(struct bt_sync *sync, const struct bt_session *session)
{
    int from = (int)session->open_from, until = (int)session->open_until;
    if (from == atomic_load(&sync->open_from) && until == atomic_load(&sync->open_until)) {
        return;
    }
    atomic_store(&sync->open_from, from);
    atomic_store(&sync->open_until, until);
    if (bt_state_note_int(sync->state, "open_from", from, NULL) < 0 ||
        bt_state_note_int(sync->state, "open_until", until, NULL) < 0) {
        bt_log_warn(&logger, "The opening hours cannot be kept; the next session says them again");
    }
}

static int read_session(struct bt_channel *channel, struct bt_exchange *exchange,
                        struct bt_error *err)
{
    struct bt_session session;
    int r = bt_session_read(bt_buf_text(&exchange->got), exchange->got.len, &session, err);
    if (r < 0) {
        return r;
    }
    int64_t lasts_s = BT_MAX(session.expires_s - TOKEN_MARGIN_S, 1);
    bt_copy_cut(channel->token, sizeof(channel->token), session.token);
    channel->token_until_ns = bt_channel_now_ns(channel) + lasts_s * BT_NS_PER_S;
    channel->results_due = true;
    channel->strikes = 0;
    bt_sync_fine(channel->sync, BT_TROUBLE_NOT_PAIRED);
    if (channel->pairing.id[0] != '\0') {
        bt_pairing_finish(&channel->pairing);  // it knows us after all
    }
    note_hours(channel->sync, &session);
    compare_clocks(channel, session.now_ms);
    return 0;
}

static int take_orders(struct bt_channel *channel, const cJSON *orders, size_t *out_count,
                       struct bt_error *err)
{
    *out_count = 0;
    for (const cJSON *order = orders->child; order != NULL; order = order->next) {
        char *body = cJSON_PrintUnformatted(order);
        int r = body == NULL ? -ENOMEM : bt_channel_take_order(channel, order, body, err);
        cJSON_free(body);
        if (r < 0) {
            return r;
        }
        ++*out_count;
    }
    return 0;
}

static int read_orders(struct bt_channel *channel, struct bt_exchange *exchange,
                       struct bt_error *err)
{
    struct bt_sync *sync = channel->sync;
    BT_AUTOJSON *json = NULL;
    size_t count;
    int64_t timestamp, before = bt_standing_last_order(sync->standing);
    int r = bt_json_parse(bt_buf_text(&exchange->got), exchange->got.len, &json, err);
    const cJSON *orders = cJSON_GetObjectItemCaseSensitive(json, "orders");
    if (r < 0 || !cJSON_IsArray(orders)) {
        return bt_fail(err, -EINVAL, "The answer has no list of orders");
    }
    r = take_orders(channel, orders, &count, err);
    if (r < 0) {
        return r;
    }
    // Until one comes back without a new order there may be more.
    channel->caught_up = count == 0 || bt_standing_last_order(sync->standing) == before;
    channel->poll_at_ns =
        bt_channel_now_ns(channel) + bt_pace_about_ns(sync->options.poll_s * BT_NS_PER_S);
    const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "timestamp");
    if (channel->caught_up && version != NULL &&
        bt_json_whole(version, 0, INT64_C(1) << 53, &timestamp) == 0) {
        bt_repository_hint(sync->repository, timestamp, 0);
    }
    return 0;
}

static int read_nothing(struct bt_channel *channel, struct bt_exchange *exchange,
                        struct bt_error *err)
{
    return 0;
}

// One that did not arrive is said again.
static int note_status(struct bt_channel *channel, struct bt_exchange *exchange,
                       struct bt_error *err)
{
    channel->status_said = channel->status_sent;
    channel->status_said_ns = bt_channel_now_ns(channel);
    return 0;
}

static int read_results(struct bt_channel *channel, struct bt_exchange *exchange,
                        struct bt_error *err)
{
    bt_standing_results_sent(channel->sync->standing, &exchange->sent);
    channel->results_put_off = 0;
    channel->results_due = true;  // there may be more than one answer takes
    return 0;
}

static int read_screenshot(struct bt_channel *channel, struct bt_exchange *exchange,
                           struct bt_error *err)
{
    bt_standing_answer(channel->sync->standing, exchange->number, "done", "");
    channel->results_due = true;
    return 0;
}

static const struct {
    const char *path;  // with the order's number, the pairing's id, the last order
    bool (*due)(const struct bt_channel *channel);
    int (*write)(struct bt_channel *channel, struct bt_exchange *exchange, struct bt_error *err);
    int (*read)(struct bt_channel *channel, struct bt_exchange *exchange, struct bt_error *err);
    bool with_token, get;
} talks[BT_TALK_COUNT] = {
    // The order of importance.
    [BT_TALK_PAIR] = {"v1/pairings", pair_due, write_pair, read_pair, false, false},
    [BT_TALK_CLAIM] = {"v1/pairings/%s/state", claim_due, write_claim, read_claim, false, false},
    [BT_TALK_CHALLENGE] = {"v1/player/challenge", challenge_due, write_challenge, read_challenge,
                           false, false},
    [BT_TALK_SESSION] = {"v1/player/session", session_due, write_session, read_session, false,
                         false},
    [BT_TALK_ORDERS] = {"v1/player/orders?after=%lld", orders_due, write_nothing, read_orders, true,
                        true},
    [BT_TALK_PONG] = {"v1/player/pong", pong_due, write_pong, read_nothing, true, false},
    [BT_TALK_RESULTS] = {"v1/player/done", results_due, write_results, read_results, true, false},
    [BT_TALK_STATUS] = {"v1/player/status", status_due, write_status, note_status, true, false},
    [BT_TALK_SCREENSHOT] = {"v1/player/screenshots/%lld", NULL, NULL, read_screenshot, true, false},
};

/*
 * Sending and receiving.
 */

static int path_of(struct bt_channel *channel, const struct bt_exchange *exchange, char *out,
                   size_t size)
{
    switch (exchange->talk) {
    case BT_TALK_CLAIM:
        return bt_format(out, size, "v1/pairings/%s/state", channel->pairing.id);
    case BT_TALK_ORDERS:
        return bt_format(out, size, "v1/player/orders?after=%lld",
                         (long long)bt_standing_last_order(channel->sync->standing));
    case BT_TALK_SCREENSHOT:
        return bt_format(out, size, "v1/player/screenshots/%lld", (long long)exchange->number);
    case BT_TALK_NONE:
    case BT_TALK_PAIR:
    case BT_TALK_CHALLENGE:
    case BT_TALK_SESSION:
    case BT_TALK_PONG:
    case BT_TALK_RESULTS:
    case BT_TALK_STATUS:
    case BT_TALK_COUNT:
        break;
    }
    return bt_format(out, size, "%s", talks[exchange->talk].path);
}

static int send_exchange(struct bt_channel *channel, struct bt_exchange *exchange, const char *type,
                         struct bt_error *err)
{
    char path[192];
    if (!bt_servers_now(channel->sync->servers, &exchange->address)) {
        return bt_fail(err, -ENETUNREACH, "No server is known");
    }
    int r = path_of(channel, exchange, path, sizeof(path));
    r = r < 0 ? r : bt_wire_begin(&exchange->wire, &exchange->address, path, err);
    if (r == 0 && talks[exchange->talk].with_token) {
        r = bt_wire_add_header(&exchange->wire, err, "Authorization: Bearer %s", channel->token);
    }
    if (r < 0) {
        return r;
    }
    if (!talks[exchange->talk].get) {
        bt_wire_post(&exchange->wire, type, bt_buf_text(&exchange->sent), exchange->sent.len);
    }
    bt_wire_receive(&exchange->wire, &exchange->got);
    bt_wire_ready(&exchange->wire);
    curl_easy_setopt(exchange->wire.curl, CURLOPT_PRIVATE, exchange);
    return curl_multi_add_handle(channel->multi, exchange->wire.curl) == CURLM_OK
               ? 0
               : bt_fail(err, -EIO, "libcurl cannot begin");
}

static int begin(struct bt_channel *channel, enum bt_talk talk)
{
    struct bt_exchange *exchange = &channel->talk;
    struct bt_error err = {0};
    exchange->talk = talk;
    bt_buf_clear(&exchange->sent);
    bt_buf_clear(&exchange->got);
    int r = talks[talk].write(channel, exchange, &err);
    r = r < 0 ? r : send_exchange(channel, exchange, JSON, &err);
    if (r < 0) {
        exchange->talk = BT_TALK_NONE;
    }
    if (r < 0 && r != -ENODATA) {
        bt_log_warn(&logger, "Cannot say anything: %s; trying again", err.msg);
        bt_channel_fail(channel, &exchange->address);
    }
    return r;
}

bool bt_talk_begin_next(struct bt_channel *channel)
{
    if (channel->talk.talk != BT_TALK_NONE || bt_channel_now_ns(channel) < channel->retry.at_ns) {
        return false;
    }
    for (int talk = BT_TALK_PAIR; talk < BT_TALK_SCREENSHOT; talk++) {
        if (talks[talk].due(channel)) {
            int r = begin(channel, (enum bt_talk)talk);
            if (r != -ENODATA) {
                return r == 0;
            }
        }
    }
    return false;
}

static void fail_screenshot(struct bt_channel *channel, const struct bt_exchange *exchange,
                            const char *why)
{
    bt_standing_answer(channel->sync->standing, exchange->number, "failed", why);
    channel->results_due = true;
}

bool bt_talk_begin_screenshot(struct bt_channel *channel)
{
    struct bt_exchange *exchange = &channel->upload;
    struct bt_error err = {0};
    static const char png[] = "\x89PNG";
    if (exchange->talk != BT_TALK_NONE || channel->screenshot.bytes == NULL ||
        !has_token(channel) || bt_channel_now_ns(channel) < channel->retry.at_ns) {
        return false;
    }
    exchange->talk = BT_TALK_SCREENSHOT;
    exchange->number = channel->screenshot.number;
    bt_buf_clear(&exchange->sent);
    bt_buf_clear(&exchange->got);
    int r = bt_buf_append(&exchange->sent, channel->screenshot.bytes, channel->screenshot.len);
    free(BT_TAKE(channel->screenshot.bytes));
    bool is_png = exchange->sent.len > 4 && memcmp(exchange->sent.data, png, 4) == 0;
    r = r < 0 ? r : send_exchange(channel, exchange, is_png ? "image/png" : "image/jpeg", &err);
    if (r < 0) {
        exchange->talk = BT_TALK_NONE;
        fail_screenshot(channel, exchange, "the screenshot could not be sent");
    }
    return r == 0;
}

// False: it may be the nonce's fault, or that of the way here.
static bool is_sent_away(struct bt_channel *channel, const struct bt_exchange *exchange,
                         long status)
{
    struct bt_sync *sync = channel->sync;
    if (exchange->talk != BT_TALK_SESSION || status != 401 || ++channel->strikes < MAX_STRIKES) {
        return false;
    }
    channel->strikes = MAX_STRIKES;
    channel->login_at_ns =
        bt_channel_now_ns(channel) + bt_pace_about_ns(sync->options.poll_s * BT_NS_PER_S);
    bt_sync_trouble(sync, BT_TROUBLE_NOT_PAIRED,
                    "The server does not know this player; it waits to be paired again");
    return true;
}

/*
 * A token that is refused once is refused for ever: people pair this player. Any other 403 may be
 * that of something on the way.
 */
static bool loses_token(struct bt_channel *channel, const struct bt_exchange *exchange, long status)
{
    if (exchange->talk != BT_TALK_PAIR || status != 403 || !channel->enrolling ||
        !bt_wire_is_problem(&exchange->got, "urn:bangtin:token-refused")) {
        return false;
    }
    bt_log_warn(&logger, "The server refuses this player's enrolment; pairing by code");
    bt_enrolment_forget(channel->sync->options.directory);
    return true;
}

// Kept for a server that has no time for them, which is asked later each time.
static void put_off_results(struct bt_channel *channel)
{
    int64_t longest_ns = channel->sync->options.retry_max_s * BT_NS_PER_S;
    channel->results_due = true;
    channel->results_at_ns =
        bt_channel_now_ns(channel) +
        bt_pace_backoff_ns(++channel->results_put_off, SHORTEST_PAUSE_NS, longest_ns);
}

static bool has_no_time(long status)
{
    return status >= 500 || status == 408 || status == 429;
}

static void handle_refused_results(struct bt_channel *channel, const struct bt_exchange *exchange,
                                   long status)
{
    if (has_no_time(status)) {
        put_off_results(channel);
    } else if (status >= 400 && status != 401) {
        // It does not want to hear them; saying them for ever would help nobody.
        bt_standing_results_sent(channel->sync->standing, &exchange->sent);
    }
}

// An answer that is no success: whose fault, and what now?
static void handle_refusal(struct bt_channel *channel, struct bt_exchange *exchange, long status)
{
    bool token_refused = status == 401 && talks[exchange->talk].with_token;
    if (status == 401) {
        channel->token[0] = '\0';
        bt_buf_clear(&channel->challenge);
    }
    if (exchange->talk == BT_TALK_CLAIM && status == 404) {
        bt_pairing_finish(&channel->pairing);  // it has expired: a new code
        return;
    }
    if (is_sent_away(channel, exchange, status) || loses_token(channel, exchange, status)) {
        return;
    }
    if (exchange->talk == BT_TALK_SCREENSHOT) {
        fail_screenshot(channel, exchange, "the server refused the screenshot");
        return;
    }
    bt_log_info(&logger, "The server answers %ld to '%s'; trying again", status,
                talks[exchange->talk].path);
    if (status != 401) {
        BT_AUTOFREE char *detail =
            bt_strf(status == 404 ? "The server does not know this player (%ld)"
                                  : "The server cannot answer (%ld)",
                    status);
        bt_sync_trouble(channel->sync, BT_TROUBLE_SERVER_UNREACHABLE, detail);
    }
    if (exchange->talk == BT_TALK_RESULTS) {
        handle_refused_results(channel, exchange, status);
    }
    if (token_refused) {
        bt_channel_token_refused(channel);
    } else if (channel->stream_alive && has_no_time(status)) {
        bt_channel_put_off(channel);
    } else {
        bt_channel_fail(channel, NULL);
    }
}

void bt_talk_finish(struct bt_channel *channel, struct bt_exchange *exchange, int r, long status)
{
    struct bt_error err = {0};
    enum bt_talk talk = exchange->talk;
    if (r < 0) {
        exchange->talk = BT_TALK_NONE;
        channel->results_due = channel->results_due || talk == BT_TALK_RESULTS;
        if (talk == BT_TALK_SCREENSHOT) {
            fail_screenshot(channel, exchange,
                            "the connection broke before the screenshot was taken");
        }
        bt_channel_fail(channel, &exchange->address);
        return;
    }
    if (status / 100 != 2) {
        handle_refusal(channel, exchange, status);
        exchange->talk = BT_TALK_NONE;
        return;
    }
    r = talks[talk].read(channel, exchange, &err);
    exchange->talk = BT_TALK_NONE;
    if (r < 0) {
        bt_log_warn(&logger, "%s; trying again", err.msg);
        bt_channel_fail(channel, NULL);
    } else if (channel->stream_alive) {
        bt_channel_is_well(channel);
    }
}
