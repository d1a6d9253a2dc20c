// What the main loop is told: content, with the emergency in force.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/standing_inside.h"
#include "sync/template.h"

// How soon to look again when the main loop's queue was full.
#define FULL_NS (50 * BT_NS_PER_MS)

// An emergency ends within a second by the wall clock, also when that is being set.
#define LOOK_NS (500 * BT_NS_PER_MS)

static const struct bt_log logger = {"sync/standing"};

bool bt_standing_has_template(const struct bt_emergency *emergency, void *context)
{
    struct bt_standing *standing = context;
    const struct bt_activation *activation = &emergency->activation;
    const struct bt_document *document =
        bt_documents_find(&standing->templates, activation->template_target);
    return document != NULL && memcmp(&document->publication->sha256, &activation->template_sha256,
                                      sizeof(struct bt_sha256)) == 0;
}

static void add_news_publication(struct bt_news *news, const char *target, char *text,
                                 int64_t threshold)
{
    struct bt_news_publication *publication = &news->publications[news->publication_count++];
    bt_copy_cut(publication->target, sizeof(publication->target), target);
    publication->text = text;
    publication->len = strlen(text);
    publication->threshold = threshold;
}

static void add_emergency(struct bt_standing *standing, const struct bt_emergency *emergency,
                          struct bt_news *news)
{
    struct bt_error err;
    const struct bt_activation *activation = &emergency->activation;
    const struct bt_document *document =
        bt_documents_find(&standing->templates, activation->template_target);
    char *filled = NULL;
    if (bt_template_fill(document->text, document->len, activation, &filled, &err) < 0) {
        bt_log_error(&logger, "Cannot show emergency '%s': %s", activation->id, err.msg);
        return;
    }
    add_news_publication(news, document->target, filled, document->threshold);
    bt_copy_cut(news->id, sizeof(news->id), activation->id);
}

// Who signs alone, signs for a demo; a technician always does, and shows nothing.
static bool is_demo(const struct bt_standing *standing, const struct bt_news *news)
{
    bool alone = false;
    for (size_t i = 0; i < news->publication_count; i++) {
        alone = alone || (news->publications[i].threshold == 1 &&
                          bt_target_layer(news->publications[i].target) != BT_LAYER_SCREEN);
    }
    return alone && standing->demo_allowed;
}

static struct bt_news *compose(struct bt_standing *standing, const struct bt_emergency *emergency)
{
    struct bt_news *news = bt_news_create(BT_NEWS_CONTENT);
    news->publications = BT_NEW_ARRAY(struct bt_news_publication, standing->content.count + 1);
    for (size_t i = 0; i < standing->content.count; i++) {
        const struct bt_document *document = standing->content.list[i];
        add_news_publication(news, document->target, bt_strndup(document->text, document->len),
                             document->threshold);
    }
    if (emergency != NULL) {
        add_emergency(standing, emergency, news);
    }
    news->demo = is_demo(standing, news);
    bt_copy_cut(news->unit, sizeof(news->unit), standing->identity.unit);
    bt_copy_cut(news->screen, sizeof(news->screen), standing->identity.screen);
    bt_takedowns_fill(&standing->takedowns, news);
    return news;
}

// With the lock held. Says the content as it stands now, or notes that it could not be said.
void bt_standing_announce(struct bt_standing *standing, bool urgent)
{
    struct bt_instant now = bt_standing_now(standing);
    standing->generation++;
    standing->unsaid = true;
    standing->unsaid_urgent = standing->unsaid_urgent || urgent;
    const struct bt_emergency *emergency =
        bt_emergencies_shown(&standing->emergencies, &now, bt_standing_has_template, standing);
    if (standing->content.count == 0 && emergency == NULL && !standing->told) {
        standing->unsaid = false;  // nothing was ever approved for this screen
        return;
    }
    struct bt_news *news = compose(standing, emergency);
    news->urgent = standing->unsaid_urgent;
    if (bt_queue_push(standing->parts.news, news) < 0) {
        bt_news_destroy(news);
        return;
    }
    standing->unsaid = false;
    standing->unsaid_urgent = false;
    standing->told = true;
    bt_copy_cut(standing->shown, sizeof(standing->shown),
                emergency != NULL ? emergency->activation.id : "");
    standing->shown_until_ms = emergency != NULL ? emergency->activation.until_ms : 0;
}

bool bt_standing_has_emergency(struct bt_standing *standing)
{
    struct bt_instant now = bt_standing_now(standing);
    bt_standing_lock(standing);
    bool any = bt_emergencies_shown(&standing->emergencies, &now, NULL, NULL) != NULL;
    bt_standing_unlock(standing);
    return any;
}

static void forget_old_emergencies(struct bt_standing *standing, const struct bt_instant *now)
{
    char ids[8][64];
    size_t count = bt_emergencies_prune(&standing->emergencies, now, ids, BT_ARRAY_LEN(ids));
    for (size_t i = 0; i < count; i++) {
        if (bt_state_drop(standing->parts.state, "emergency", ids[i], NULL) < 0) {
            return;  // the next start tries again
        }
    }
}

int64_t bt_standing_tick(struct bt_standing *standing)
{
    struct bt_instant now = bt_standing_now(standing);
    bt_standing_lock(standing);
    const struct bt_emergency *emergency =
        bt_emergencies_shown(&standing->emergencies, &now, bt_standing_has_template, standing);
    const char *id = emergency != NULL ? emergency->activation.id : "";
    if (strcmp(id, standing->shown) != 0) {
        bt_standing_announce(standing, true);
    } else if (standing->unsaid) {
        bt_standing_announce(standing, standing->unsaid_urgent);
    }
    forget_old_emergencies(standing, &now);
    int64_t next_ms = bt_emergencies_next_change_ms(&standing->emergencies, &now);
    bool unsaid = standing->unsaid;
    bt_standing_unlock(standing);
    if (unsaid) {
        return FULL_NS;
    }
    return next_ms == INT64_MAX ? INT64_MAX : BT_MIN(next_ms * BT_NS_PER_MS, LOOK_NS);
}
