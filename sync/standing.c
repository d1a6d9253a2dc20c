#include "sync/standing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/standing_inside.h"

static const struct bt_log logger = {"sync/standing"};

static void finish_keys(struct bt_standing_keys *keys)
{
    bt_keyring_finish(&keys->province);
    bt_keyring_finish(&keys->unit);
    *keys = (struct bt_standing_keys){0};
}

void bt_standing_destroy(struct bt_standing *standing)
{
    if (standing == NULL) {
        return;
    }
    bt_documents_finish(&standing->content);
    bt_documents_finish(&standing->templates);
    bt_takedowns_finish(&standing->takedowns);
    bt_emergencies_finish(&standing->emergencies);
    for (size_t i = 0; i < standing->pending_count; i++) {
        bt_order_destroy(standing->pending[i]);
    }
    finish_keys(&standing->keys);
    pthread_mutex_destroy(&standing->lock);
    free(standing);
}

void bt_standing_lock(struct bt_standing *standing)
{
    pthread_mutex_lock(&standing->lock);
}

void bt_standing_unlock(struct bt_standing *standing)
{
    pthread_mutex_unlock(&standing->lock);
}

struct bt_instant bt_standing_now(const struct bt_standing *standing)
{
    return bt_time_floor_now(standing->parts.time);
}

// Its own text was verified when it came; what may be activated is looked at again with the keys.
static int load_emergency(const struct bt_record_row *row, void *context)
{
    struct bt_standing *standing = context;
    struct bt_instant now = bt_standing_now(standing);
    struct bt_activation activation;
    if (row->len > 0 && bt_activation_parse(row->body, row->len, &activation, NULL) == 0 &&
        bt_emergencies_add(&standing->emergencies, &activation, row->body, &now, NULL) < 0) {
        bt_emergencies_end(&standing->emergencies, row->name, activation.until_ms, &now);
    }
    if (row->number != 0) {
        bt_emergencies_end(&standing->emergencies, row->name, row->number, &now);
    }
    return 0;
}

// Who cannot read who it is was not unpaired by that.
static int load_identity(struct bt_standing *standing, struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    struct bt_identity identity = {0};
    int r = bt_state_get(state, "player", identity.player, sizeof(identity.player));
    r = r < 0 ? r : bt_state_get(state, "unit", identity.unit, sizeof(identity.unit));
    r = r < 0 ? r : bt_state_get(state, "screen", identity.screen, sizeof(identity.screen));
    if (r == 0) {
        standing->identity = identity;
    }
    return r == 0 || r == -ENOENT ? 0 : bt_fail(err, r, "The disk does not say who the player is");
}

// Content of this very screen was taken only when it named this player.
static void load_bound(struct bt_standing *standing)
{
    char own[BT_DOCUMENT_TARGET_BYTES];
    standing->bound = bt_format(own, sizeof(own), "s/%s/%s", standing->identity.unit,
                                standing->identity.screen) == 0 &&
                      bt_documents_find(&standing->content, own) != NULL;
}

int bt_standing_open(const struct bt_standing_parts *parts, struct bt_standing **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_standing) standing = BT_NEW(struct bt_standing);
    standing->parts = *parts;
    standing->demo_allowed = true;
    pthread_mutex_init(&standing->lock, NULL);
    int r = load_identity(standing, err);
    standing->last_order = bt_state_get_int(parts->state, "last_order", 0);
    r = r < 0 ? r : bt_documents_load(&standing->content, parts->state, "current", err);
    r = r < 0 ? r : bt_documents_load(&standing->templates, parts->state, "template", err);
    r = r < 0 ? r : bt_takedowns_load(&standing->takedowns, parts->state, err);
    r = r < 0 ? r : bt_state_each(parts->state, "emergency", load_emergency, standing, err);
    if (r == 0) {
        load_bound(standing);
        *out = BT_TAKE(standing);
    }
    return r;
}

/*
 * Who we are.
 */

int bt_standing_pair(struct bt_standing *standing, const struct bt_identity *identity,
                     struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    int r = bt_state_begin(state, err);
    if (r < 0) {
        return r;
    }
    // A server numbers the orders of each pairing from 1.
    r = bt_state_drop_orders(state, err);
    r = r < 0 ? r : bt_state_set_int(state, "last_order", 0, err);
    r = r < 0 ? r : bt_state_set(state, "player", identity->player, err);
    r = r < 0 ? r : bt_state_set(state, "unit", identity->unit, err);
    r = r < 0 ? r : bt_state_set(state, "screen", identity->screen, err);
    r = bt_state_end(state, r, err);
    r = r < 0 ? r : bt_state_flush(state, err);
    if (r == 0) {
        bt_standing_lock(standing);
        standing->identity = *identity;
        standing->last_order = 0;
        while (standing->pending_count > 0) {
            bt_order_destroy(standing->pending[--standing->pending_count]);
        }
        load_bound(standing);
        bt_standing_unlock(standing);
        bt_queue_offer(standing->parts.news, bt_news_create(BT_NEWS_PAIRED));
    }
    return r;
}

struct bt_identity bt_standing_identity(struct bt_standing *standing)
{
    bt_standing_lock(standing);
    struct bt_identity identity = standing->identity;
    bt_standing_unlock(standing);
    return identity;
}

void bt_standing_set_bound(struct bt_standing *standing, bool bound)
{
    bt_standing_lock(standing);
    standing->bound = bound;
    bt_standing_unlock(standing);
}

/*
 * Content.
 */

/*
 * Commits wait for the disk. Whoever holds the lock keeps takedowns from the screen, so it is free
 * meanwhile; only the repository's thread changes content and templates.
 */

struct lifted {
    char (*ids)[64];  // owned
    size_t count;
};

static struct lifted find_lifted(struct bt_standing *standing, const struct bt_documents *content)
{
    struct lifted lifted = {0};
    bt_standing_lock(standing);
    const struct bt_takedowns *takedowns = &standing->takedowns;
    lifted.ids = bt_alloc_array(takedowns->count + 1, sizeof(*lifted.ids));
    for (size_t i = 0; i < takedowns->count; i++) {
        if (bt_takedown_is_lifted(&takedowns->list[i], content)) {
            bt_copy_cut(lifted.ids[lifted.count++], sizeof(*lifted.ids),
                        takedowns->list[i].order->id);
        }
    }
    bt_standing_unlock(standing);
    return lifted;
}

static int keep_content(struct bt_standing *standing, const struct bt_documents *content,
                        struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    struct lifted lifted = find_lifted(standing, content);
    int r = bt_state_begin(state, err);
    if (r == 0) {
        r = bt_documents_keep(content, state, "current", err);
        for (size_t i = 0; i < lifted.count && r == 0; i++) {
            r = bt_state_drop(state, "takedown", lifted.ids[i], err);
        }
        r = bt_state_end(state, r, err);
    }
    free(lifted.ids);
    return r < 0 ? r : bt_state_flush(state, err);
}

int bt_standing_set_content(struct bt_standing *standing, const struct bt_documents *content,
                            bool urgent, struct bt_error *err)
{
    int r = keep_content(standing, content, err);
    if (r < 0) {
        return r;
    }
    bt_standing_lock(standing);
    bt_documents_finish(&standing->content);
    bt_documents_copy(&standing->content, content);
    bt_takedowns_forget_lifted(&standing->takedowns, &standing->content);
    bt_standing_announce(standing, urgent);
    bt_standing_unlock(standing);
    return 0;
}

void bt_standing_content(struct bt_standing *standing, struct bt_documents *out)
{
    bt_standing_lock(standing);
    bt_documents_copy(out, &standing->content);
    bt_standing_unlock(standing);
}

int bt_standing_set_templates(struct bt_standing *standing, const struct bt_documents *templates,
                              struct bt_error *err)
{
    struct bt_state *state = standing->parts.state;
    bt_standing_lock(standing);
    bool same = bt_documents_equal(&standing->templates, templates);
    bt_standing_unlock(standing);
    if (same) {
        return 0;
    }
    int r = bt_state_begin(state, err);
    r = r < 0 ? r : bt_state_end(state, bt_documents_keep(templates, state, "template", err), err);
    r = r < 0 ? r : bt_state_flush(state, err);
    if (r == 0) {
        bt_standing_lock(standing);
        bt_documents_finish(&standing->templates);
        bt_documents_copy(&standing->templates, templates);
        bt_standing_unlock(standing);
    }
    return r;
}

// Whose key was taken back shows nothing from then on.
static void drop_unbelieved(struct bt_standing *standing)
{
    struct bt_instant now = bt_standing_now(standing);
    for (size_t i = 0; i < standing->emergencies.count; i++) {
        struct bt_emergency *emergency = standing->emergencies.list[i];
        const struct bt_activation *activation = &emergency->activation;
        char role[BT_ROLE_BYTES];
        struct bt_error err;
        if (emergency->text == NULL || emergency->ended_ms != 0 ||
            bt_activation_role(activation, role, NULL) < 0) {
            continue;
        }
        const struct bt_keyring *ring =
            strcmp(role, "em-p") == 0 ? &standing->keys.province : &standing->keys.unit;
        if (bt_activation_verify(emergency->text, strlen(emergency->text), activation, ring,
                                 now.wall_ms, &err) < 0) {
            bt_log_warn(&logger, "Emergency '%s' is not believed any more: %s; ending it",
                        activation->id, err.msg);
            bt_emergencies_end(&standing->emergencies, activation->id, 0, &now);
        }
    }
}

void bt_standing_set_keys(struct bt_standing *standing, struct bt_standing_keys *keys)
{
    bt_standing_lock(standing);
    finish_keys(&standing->keys);
    standing->keys = *keys;
    *keys = (struct bt_standing_keys){0};
    drop_unbelieved(standing);
    bt_standing_unlock(standing);
}

void bt_standing_set_demo(struct bt_standing *standing, bool allowed)
{
    bt_standing_lock(standing);
    if (standing->demo_allowed != allowed) {
        standing->demo_allowed = allowed;
        standing->unsaid = true;
    }
    bt_standing_unlock(standing);
}

/*
 * Status.
 */

static void add_publications(const struct bt_standing *standing, cJSON *status)
{
    cJSON *list = cJSON_AddArrayToObject(status, "publications");
    for (size_t i = 0; i < standing->content.count; i++) {
        const struct bt_document *document = standing->content.list[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", document->target);
        cJSON_AddStringToObject(entry, "id", document->publication->id);
        cJSON_AddNumberToObject(entry, "version", (double)document->publication->version);
        cJSON_AddNumberToObject(entry, "since_ms", 0);
        cJSON_AddItemToArray(list, entry);
    }
}

void bt_standing_status(struct bt_standing *standing, cJSON *status)
{
    bt_standing_lock(standing);
    add_publications(standing, status);
    cJSON *emergency = cJSON_AddArrayToObject(status, "emergency");
    if (standing->shown[0] != '\0') {
        cJSON_AddItemToArray(emergency, cJSON_CreateString(standing->shown));
    }
    cJSON *takedowns = cJSON_AddArrayToObject(status, "takedowns");
    for (size_t i = 0; i < standing->takedowns.count; i++) {
        // One that the next life would not know is not done.
        if (!standing->takedowns.list[i].unkept) {
            cJSON_AddItemToArray(takedowns,
                                 cJSON_CreateString(standing->takedowns.list[i].order->id));
        }
    }
    bt_standing_unlock(standing);
}

uint64_t bt_standing_generation(struct bt_standing *standing)
{
    bt_standing_lock(standing);
    uint64_t generation = standing->generation;
    bt_standing_unlock(standing);
    return generation;
}
