// What became of orders: kept until the server knows; taken up again at the start.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/standing_inside.h"

// The server takes so many at once; more stay for the next answer.
#define MAX_RESULTS 100

static const struct bt_log logger = {"sync/standing"};

int bt_standing_copy_order(const char *body, struct bt_order **out)
{
    BT_AUTOJSON *json = NULL;
    int r = bt_json_parse(body, strlen(body), &json, NULL);
    return r < 0 ? r : bt_order_read(json, out, NULL);
}

bool bt_standing_add_pending(struct bt_standing *standing, const char *body)
{
    return standing->pending_count < BT_MAX_PENDING &&
           bt_standing_copy_order(body, &standing->pending[standing->pending_count]) == 0 &&
           ++standing->pending_count > 0;
}

static void tell_order(struct bt_standing *standing, enum bt_order_kind order, int64_t value)
{
    struct bt_news *news = bt_news_create(BT_NEWS_ORDER);
    news->order = order;
    news->value = value;
    bt_queue_offer(standing->parts.news, news);
}

// Orders that were taken and not answered before the player went down are carried out now.
static int tell_unanswered(const struct bt_order_row *row, void *context)
{
    struct bt_standing *standing = context;
    BT_AUTOJSON *json = NULL;
    BT_AUTO(bt_order) order = NULL;
    if (strcmp(row->state, "given") != 0 ||
        bt_json_parse(row->body, strlen(row->body), &json, NULL) < 0 ||
        bt_order_read(json, &order, NULL) < 0) {
        return 0;
    }
    struct bt_news *news = bt_order_news(order);
    if (news != NULL) {
        bt_queue_offer(standing->parts.news, news);
    }
    return 0;
}

struct unfinished {
    int64_t restarts[MAX_RESULTS];
    size_t restart_count;
    struct bt_standing *standing;
};

// Asked of the screen again, or looked at again by whoever learns keys and templates.
static void take_up_emergency(struct bt_standing *standing, const struct bt_order *order,
                              const char *body)
{
    struct bt_instant now = bt_standing_now(standing);
    struct bt_activation activation;
    if (bt_activation_parse(order->activation, strlen(order->activation), &activation, NULL) < 0) {
        return;
    }
    const struct bt_emergency *known = bt_emergencies_find(&standing->emergencies, activation.id);
    bool waits = known == NULL ||
                 (bt_emergency_in_force(known, &now) && !bt_standing_has_template(known, standing));
    if (waits || bt_standing_tell_emergency(standing, order->n, &activation) < 0) {
        bt_standing_add_pending(standing, body);
    }
}

// A restart is done when we are here again.
static int sort_unfinished(const struct bt_order_row *row, void *context)
{
    struct unfinished *unfinished = context;
    BT_AUTO(bt_order) order = NULL;
    if (strcmp(row->state, "given") != 0 || bt_standing_copy_order(row->body, &order) < 0) {
        return 0;
    }
    if (order->what == BT_INSTRUCTION_RESTART) {
        unfinished->restarts[unfinished->restart_count++] = order->n;
    } else if (order->what == BT_INSTRUCTION_EMERGENCY) {
        take_up_emergency(unfinished->standing, order, row->body);
    }
    return 0;
}

static void finish_what_the_start_did(struct bt_standing *standing)
{
    BT_AUTOFREE struct unfinished *unfinished = BT_NEW(struct unfinished);
    unfinished->standing = standing;
    if (bt_state_each_order(standing->parts.state, MAX_RESULTS, sort_unfinished, unfinished, NULL) <
        0) {
        return;
    }
    for (size_t i = 0; i < unfinished->restart_count; i++) {
        bt_standing_answer(standing, unfinished->restarts[i], "done", "");
    }
}

static void tell_kept(struct bt_standing *standing, const char *key, enum bt_order_kind order)
{
    int64_t value = bt_state_get_int(standing->parts.state, key, -1);
    if (value >= 0) {
        tell_order(standing, order, value);
    }
}

void bt_standing_begin(struct bt_standing *standing)
{
    struct bt_error err;
    finish_what_the_start_did(standing);
    tell_kept(standing, "blank", BT_ORDER_BLANK);
    tell_kept(standing, "volume", BT_ORDER_VOLUME);
    tell_kept(standing, "brightness", BT_ORDER_BRIGHTNESS);
    bt_standing_lock(standing);
    bt_standing_announce(standing, false);
    bt_standing_unlock(standing);
    if (bt_state_each_order(standing->parts.state, MAX_RESULTS, tell_unanswered, standing, &err) <
        0) {
        bt_log_warn(&logger, "Cannot look for unanswered orders: %s", err.msg);
    }
}

void bt_standing_answer(struct bt_standing *standing, int64_t n, const char *word,
                        const char *detail)
{
    struct bt_error err;
    if (n <= 0) {
        return;  // told at the start, nobody waits for it
    }
    if (bt_state_answer_order(standing->parts.state, n, word, detail,
                              bt_standing_now(standing).wall_ms, &err) < 0) {
        bt_log_warn(&logger, "Cannot keep the answer to order %lld: %s; it is asked again",
                    (long long)n, err.msg);
    }
}

struct results {
    struct bt_buf *out;
    size_t count;
};

static int append_result(const struct bt_order_row *row, void *context)
{
    struct results *results = context;
    if (strcmp(row->state, "given") == 0) {
        return 0;
    }
    int r = bt_buf_appendf(
        results->out, "%s{\"n\": %lld, \"state\": \"%s\", \"at_ms\": %lld, \"detail\": ",
        results->count++ == 0 ? "" : ", ", (long long)row->n, row->state, (long long)row->at_ms);
    r = r < 0 ? r : bt_json_append_string(results->out, row->detail);
    return r < 0 ? r : bt_buf_append(results->out, "}", 1);
}

bool bt_standing_results(struct bt_standing *standing, struct bt_buf *out)
{
    struct results results = {.out = out};
    if (bt_buf_appendf(out, "{\"results\": [") < 0 ||
        bt_state_each_order(standing->parts.state, MAX_RESULTS, append_result, &results, NULL) <
            0 ||
        bt_buf_appendf(out, "]}") < 0) {
        return false;
    }
    return results.count > 0;
}

void bt_standing_results_sent(struct bt_standing *standing, const struct bt_buf *sent)
{
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse(bt_buf_text(sent), sent->len, &json, NULL) < 0) {
        return;
    }
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(json, "results"))
    {
        int64_t n;
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(entry, "n");
        if (bt_json_whole(number, 1, INT64_C(1) << 53, &n) == 0 &&
            bt_state_drop_order(standing->parts.state, n, NULL) < 0) {
            return;  // sent again at the next start, which changes nothing
        }
    }
}
