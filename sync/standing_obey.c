// Orders: obeyed once, kept, told.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/standing_inside.h"
#include "sync/template.h"

// The numbers of a server that lost its mind would make all later orders look old; in such steps,
// each of which is kept on the disk, it takes years to pass what a good server can count on from.
#define MAX_NUMBER_STEP (INT64_C(1) << 20)

static const struct bt_log logger = {"sync/standing"};

static int keep_order(struct bt_standing *standing, const struct bt_order *order, const char *body,
                      const char *word, const char *detail, struct bt_error *err)
{
    struct bt_order_row row = {
        .n = order->n, .at_ms = bt_standing_now(standing).wall_ms, .body = body};
    bt_copy_cut(row.state, sizeof(row.state), word);
    bt_copy_cut(row.detail, sizeof(row.detail), detail);
    int r = bt_state_put_order(standing->parts.state, &row, err);
    return r < 0 ? r : bt_state_set_int(standing->parts.state, "last_order", order->n, err);
}

static int keep_emergency(struct bt_standing *standing, const char *id, struct bt_error *err)
{
    const struct bt_emergency *emergency = bt_emergencies_find(&standing->emergencies, id);
    if (emergency == NULL) {
        return 0;
    }
    const char *text = emergency->text != NULL ? emergency->text : "";
    const struct bt_record_row row = {
        .name = id, .body = text, .len = strlen(text), .number = emergency->ended_ms};
    return bt_state_put(standing->parts.state, "emergency", &row, err);
}

static int keep_takedown(struct bt_standing *standing, const char *id, const char *body,
                         struct bt_error *err)
{
    const struct bt_takedown *takedown = bt_takedowns_find(&standing->takedowns, id);
    return takedown != NULL ? bt_takedown_keep(takedown, body, standing->parts.state, err) : 0;
}

static int keep_effect(struct bt_standing *standing, const struct bt_order *order, const char *body,
                       struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    switch (order->what) {
    case BT_INSTRUCTION_TAKEDOWN:
        return keep_takedown(standing, order->id, body, err);
    case BT_INSTRUCTION_EMERGENCY_END:
        return keep_emergency(standing, order->id, err);
    case BT_INSTRUCTION_BLANK:
        return bt_state_set_int(state, "blank", order->value, err);
    case BT_INSTRUCTION_UNBLANK:
        return bt_state_set_int(state, "blank", -1, err);
    case BT_INSTRUCTION_VOLUME:
        return bt_state_set_int(state, "volume", order->value, err);
    case BT_INSTRUCTION_BRIGHTNESS:
        return bt_state_set_int(state, "brightness", order->value, err);
    case BT_INSTRUCTION_EMERGENCY:
    case BT_INSTRUCTION_SCREENSHOT:
    case BT_INSTRUCTION_IDENTIFY:
    case BT_INSTRUCTION_RESTART:
    case BT_INSTRUCTION_UNKNOWN:
        break;
    }
    return 0;
}

static int keep(struct bt_standing *standing, const struct bt_order *order, const char *body,
                const char *word, const char *detail, struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    r = keep_effect(standing, order, body, err);
    r = r < 0 ? r : keep_order(standing, order, body, word, detail, err);
    r = bt_state_end(state, r, err);
    if (r == 0) {
        standing->last_order = order->n;
        standing->generation++;
    }
    return r;
}

static int tell(struct bt_standing *standing, const struct bt_order *order)
{
    struct bt_news *news = bt_order_news(order);
    int r = bt_queue_push(standing->parts.news, news);
    if (r < 0) {
        bt_news_destroy(news);
    }
    return r;
}

int bt_standing_tell_emergency(struct bt_standing *standing, int64_t n,
                               const struct bt_activation *activation)
{
    struct bt_news *news = bt_news_create(BT_NEWS_ORDER);
    news->order = BT_ORDER_EMERGENCY;
    news->number = n;
    news->value = activation->until_ms;
    bt_copy_cut(news->id, sizeof(news->id), activation->id);
    int r = bt_queue_push(standing->parts.news, news);
    if (r < 0) {
        bt_news_destroy(news);
    }
    return r;
}

// In memory and on the screen at once; the disk comes after.
static int remove_now(struct bt_standing *standing, const struct bt_order *order, const char *body,
                      struct bt_error *err)
{
    struct bt_instant now = bt_standing_now(standing);
    bool takedown = order->what == BT_INSTRUCTION_TAKEDOWN;
    int r = takedown ? bt_takedowns_check(&standing->takedowns, order, err) : 0;
    if (r < 0) {
        return r;
    }
    r = tell(standing, order);
    if (r < 0) {
        return bt_fail(err, -EAGAIN, "The player's main loop does not answer");
    }
    if (takedown) {
        struct bt_order *copy = NULL;
        r = bt_standing_copy_order(body, &copy);
        r = r < 0 ? bt_fail(err, -EINVAL, "The order cannot be read again")
                  : bt_takedowns_add(&standing->takedowns, copy, &standing->content, err);
    } else if (order->what == BT_INSTRUCTION_EMERGENCY_END) {
        bt_emergencies_end(&standing->emergencies, order->id, order->value, &now);
        bt_standing_announce(standing, true);
    }
    return r;
}

static void forbid(struct bt_standing *standing, const struct bt_documents *newest)
{
    struct bt_error err;
    size_t count;
    BT_AUTOFREE struct bt_sha256 *hashes =
        bt_takedowns_hashes(&standing->takedowns, newest, &count);
    if (bt_store_set_forbidden(standing->parts.store, hashes, count, &err) < 0) {
        bt_log_error(&logger, "What was taken down is still on the disk: %s; it is not shown",
                     err.msg);
    }
}

void bt_standing_forbid(struct bt_standing *standing, const struct bt_documents *newest)
{
    bt_standing_lock(standing);
    forbid(standing, newest);
    bt_standing_unlock(standing);
}

// Refused with the sentence in `err`: its answer is kept, and what stood before stays. 1, or the
// disk's error.
static int keep_order_alone(struct bt_standing *standing, const struct bt_order *order,
                            const char *body, struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    const struct bt_error why = *err;
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    r = bt_state_end(state, keep_order(standing, order, body, "refused", why.msg, err), err);
    if (r < 0) {
        return r;
    }
    standing->last_order = order->n;
    standing->generation++;
    *err = why;
    return 1;
}

static int obey_removal(struct bt_standing *standing, const struct bt_order *order,
                        const char *body, struct bt_error *err)
{
    int r = remove_now(standing, order, body, err);
    if (r < 0 && r != -EAGAIN) {
        return keep_order_alone(standing, order, body, err);
    }
    if (r < 0) {
        return r;
    }
    r = keep(standing, order, body, "given", "", err);
    if (order->what != BT_INSTRUCTION_TAKEDOWN) {
        return r;
    }
    if (r == 0) {
        forbid(standing, NULL);
    } else {
        bt_takedowns_note_unkept(&standing->takedowns, order->id);
    }
    return r;
}

// Known to be signed by who may: 0. -EKEYREJECTED: not by a key we know. -EINPROGRESS: it is not
// known yet whether we are who the server says.
static int believe(struct bt_standing *standing, const struct bt_order *order,
                   struct bt_activation *out, struct bt_error *err)
{
    struct bt_instant now = bt_standing_now(standing);
    size_t len = strlen(order->activation);
    char role[BT_ROLE_BYTES];
    int r = bt_activation_parse(order->activation, len, out, err);
    r = r < 0 ? r : bt_activation_role(out, role, err);
    if (r < 0) {
        return r;
    }
    if (!bt_target_is_mine(out->template_target, standing->identity.unit,
                           standing->identity.screen) ||
        !bt_activation_concerns(out, standing->identity.unit, standing->identity.screen)) {
        return bt_fail(err, -EACCES, "it is not for this screen");
    }
    if (!standing->bound) {
        return bt_fail(err, -EINPROGRESS, "the screen's document does not name this player yet");
    }
    const struct bt_keyring *ring =
        strcmp(role, "em-p") == 0 ? &standing->keys.province : &standing->keys.unit;
    r = bt_activation_verify(order->activation, len, out, ring, now.wall_ms, err);
    return r == -EACCES ? -EKEYREJECTED : r;
}

// Values that do not fit its template, when that is there, are refused like a false signature.
static int check_values(struct bt_standing *standing, const struct bt_activation *activation,
                        struct bt_error *err)
{
    const struct bt_emergency asked = {.activation = *activation};
    if (!bt_standing_has_template(&asked, standing)) {
        return 0;
    }
    const struct bt_document *document =
        bt_documents_find(&standing->templates, activation->template_target);
    BT_AUTOFREE char *filled = NULL;
    return bt_template_fill(document->text, document->len, activation, &filled, err);
}

// Begins what is believed. 1: it is shown when its turn comes; 0: its template is not there yet.
static int try_emergency(struct bt_standing *standing, const struct bt_order *order,
                         struct bt_activation *out, struct bt_error *err)
{
    struct bt_instant now = bt_standing_now(standing);
    int r = believe(standing, order, out, err);
    r = r < 0 ? r : check_values(standing, out, err);
    r = r < 0 ? r : bt_emergencies_add(&standing->emergencies, out, order->activation, &now, err);
    if (r < 0) {
        return r;
    }
    if (r > 0) {
        bt_standing_announce(standing, true);
    }
    const struct bt_emergency *emergency = bt_emergencies_find(&standing->emergencies, out->id);
    return emergency != NULL && bt_standing_has_template(emergency, standing) ? 1 : 0;
}

static int keep_emergency_order(struct bt_standing *standing, const struct bt_order *order,
                                const char *body, const char *id, struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    r = keep_emergency(standing, id, err);
    r = r < 0 ? r : keep_order(standing, order, body, "given", "", err);
    r = bt_state_end(state, r, err);
    if (r == 0) {
        standing->last_order = order->n;
    }
    return r;
}

// It is answered from the screen; what cannot be asked there yet is looked at again.
static int obey_emergency(struct bt_standing *standing, const struct bt_order *order,
                          const char *body, struct bt_error *err)
{
    struct bt_activation activation = {0};
    int r = try_emergency(standing, order, &activation, err);
    // Nobody signed it whom we know yet: newer metadata may say otherwise.
    bool may_come = r == 0 || r == -EKEYREJECTED || r == -EINPROGRESS;
    if (r < 0 && !may_come) {
        return keep(standing, order, body, "refused", err->msg, err);
    }
    bool begun = r > 0;
    r = keep_emergency_order(standing, order, body, activation.id, err);
    if (r < 0 || (begun && bt_standing_tell_emergency(standing, order->n, &activation) == 0)) {
        return r;
    }
    if (!bt_standing_add_pending(standing, body)) {
        bt_standing_answer(standing, order->n, "failed", "too many emergencies wait");
    }
    return r;
}

// 0: stays pending.
static bool retry_one(struct bt_standing *standing, const struct bt_order *order, bool final)
{
    struct bt_error err = {0};
    struct bt_activation activation;
    int r = try_emergency(standing, order, &activation, &err);
    if (r == 0 || r == -EINPROGRESS || (r == -EKEYREJECTED && !final)) {
        return false;
    }
    if (r > 0 && keep_emergency(standing, activation.id, &err) < 0) {
        bt_log_warn(&logger, "%s; keeping emergency '%s' in memory", err.msg, activation.id);
    }
    if (r > 0) {
        return bt_standing_tell_emergency(standing, order->n, &activation) == 0;
    }
    bt_standing_answer(standing, order->n, "refused", err.msg);
    return true;
}

bool bt_standing_retry(struct bt_standing *standing, bool final)
{
    bool answered = false;
    bt_standing_lock(standing);
    for (size_t i = 0; i < standing->pending_count;) {
        if (!retry_one(standing, standing->pending[i], final)) {
            i++;
            continue;
        }
        answered = true;
        bt_order_destroy(standing->pending[i]);
        standing->pending[i] = standing->pending[--standing->pending_count];
    }
    bt_standing_unlock(standing);
    return answered;
}

bool bt_standing_has_pending(struct bt_standing *standing)
{
    bt_standing_lock(standing);
    bool pending = standing->pending_count > 0;
    bt_standing_unlock(standing);
    return pending;
}

static int obey_rest(struct bt_standing *standing, const struct bt_order *order, const char *body,
                     struct bt_error *err)
{
    if (order->what == BT_INSTRUCTION_UNKNOWN) {
        return keep(standing, order, body, "refused", order->problem, err);
    }
    int r = keep(standing, order, body, "given", "", err);
    if (r < 0) {
        return r;
    }
    if (tell(standing, order) < 0) {
        bt_standing_answer(standing, order->n, "failed", "the main loop does not answer");
    }
    return 0;
}

int bt_standing_obey(struct bt_standing *standing, const struct bt_order *order, const char *body,
                     struct bt_error *err)
{
    int r = 0;
    bt_standing_lock(standing);
    if (order->n <= standing->last_order) {
        r = 0;  // it was taken; its answer is on the way
    } else if (order->n > standing->last_order + MAX_NUMBER_STEP) {
        r = bt_fail(err, -EINVAL, "order %lld is far from the last, %lld", (long long)order->n,
                    (long long)standing->last_order);
    } else if (bt_instruction_removes(order->what)) {
        r = obey_removal(standing, order, body, err);
    } else if (order->what == BT_INSTRUCTION_EMERGENCY) {
        r = obey_emergency(standing, order, body, err);
    } else {
        r = obey_rest(standing, order, body, err);
    }
    bt_standing_unlock(standing);
    return r;
}

/*
 * Takedowns of a stick: in memory and on the screen one by one, in the store and on the disk all at
 * once.
 */

static int take_down_one(struct bt_standing *standing, struct bt_stick_takedown *takedown,
                         bool *all_told, struct bt_error *err)
{
    struct bt_order *copy = NULL;
    if (bt_takedowns_settled(&standing->takedowns, takedown->order, &standing->content)) {
        return 0;
    }
    int r = bt_standing_copy_order(takedown->body, &copy);
    r = r < 0 ? bt_fail(err, -EINVAL, "The order cannot be read again")
              : bt_takedowns_add(&standing->takedowns, copy, &standing->content, err);
    if (r == 0) {
        takedown->is_new = true;
        *all_told = *all_told && tell(standing, takedown->order) == 0;
    }
    return r;
}

static int keep_new(struct bt_standing *standing, const struct bt_stick_takedown *list,
                    size_t count, struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        r = list[i].is_new ? keep_takedown(standing, list[i].order->id, list[i].body, err) : 0;
    }
    return bt_state_end(state, r, err);
}

static void note_unkept(struct bt_standing *standing, struct bt_stick_takedown *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list[i].is_unkept = list[i].is_new;
        if (list[i].is_new) {
            bt_takedowns_note_unkept(&standing->takedowns, list[i].order->id);
        }
    }
}

int bt_standing_take_down(struct bt_standing *standing, struct bt_stick_takedown *list,
                          size_t count, size_t *out_held, struct bt_error *err)
{
    int result = 0;
    bool all_told = true;
    bt_standing_lock(standing);
    *out_held = 0;
    for (size_t i = 0; i < count; i++) {
        int r = take_down_one(standing, &list[i], &all_told, err);
        *out_held += r == 0;
        result = r < 0 ? r : result;
    }
    if (!all_told) {
        bt_standing_announce(standing, true);
    }
    int r = keep_new(standing, list, count, err);
    if (r < 0) {
        note_unkept(standing, list, count);
    }
    standing->generation++;
    forbid(standing, NULL);
    bt_standing_unlock(standing);
    return r < 0 ? r : result;
}

int64_t bt_standing_last_order(struct bt_standing *standing)
{
    bt_standing_lock(standing);
    int64_t last = standing->last_order;
    bt_standing_unlock(standing);
    return last;
}
