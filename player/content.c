#include "player/content.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "player/cards.h"
#include "player/show_load.h"

static const struct bt_log logger = {"player/content"};

struct bt_document *bt_document_create(const char *target, char *text, size_t len)
{
    struct bt_document *document = BT_NEW(struct bt_document);
    document->references = 1;
    bt_copy_cut(document->target, sizeof(document->target), target);
    document->text = text;
    document->len = len;
    return document;
}

struct bt_document *bt_document_ref(struct bt_document *document)
{
    document->references++;
    return document;
}

void bt_document_unref(struct bt_document *document)
{
    if (document != NULL && --document->references == 0) {
        free(document->text);
        free(document);
    }
}

void bt_content_finish(struct bt_content *content)
{
    for (size_t i = 0; i < content->count; i++) {
        bt_document_unref(content->documents[i]);
    }
    *content = (struct bt_content){0};
}

struct bt_content bt_content_copy(const struct bt_content *content)
{
    struct bt_content copy = *content;
    for (size_t i = 0; i < copy.count; i++) {
        copy.documents[i] = bt_document_ref(copy.documents[i]);
    }
    return copy;
}

static struct bt_document *find(const struct bt_content *content, const char *target)
{
    for (size_t i = 0; i < content->count; i++) {
        if (bt_str_equal(content->documents[i]->target, target)) {
            return content->documents[i];
        }
    }
    return NULL;
}

static bool same_text(const struct bt_document *a, const struct bt_document *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int parse(const struct bt_document *document, struct bt_publication **out,
                 struct bt_error *err)
{
    int r = bt_publication_parse(document->text, document->len, BT_UNKNOWN_IGNORE, out, err);
    return r < 0 ? bt_fail_in(err, r, "'%s'", document->target) : 0;
}

// Its time has not come: what is on the stage stays until then.
static int hold_back(struct bt_casting *casting, struct bt_document *active,
                     struct bt_publication **publication, struct bt_error *err)
{
    casting->next_ms = BT_MIN(casting->next_ms, (*publication)->activate_ms);
    if (active == NULL) {
        return 0;  // it shows nothing before its time
    }
    bt_publication_destroy(*publication);
    *publication = NULL;
    casting->used.documents[casting->used.count] = bt_document_ref(active);
    casting->held.documents[casting->held.count++] = bt_document_ref(active);
    return parse(active, publication, err);
}

static int take_document(struct bt_casting *casting, struct bt_document *document,
                         struct bt_publication **out, struct bt_error *err)
{
    struct bt_document *active = find(&casting->active, document->target);
    BT_AUTO(bt_publication) publication = NULL;
    int r = parse(document, &publication, err);
    if (r < 0) {
        return r;
    }
    size_t at = casting->used.count;
    bool changed = active == NULL || !same_text(active, document);
    bool waits =
        publication->activate == BT_ACTIVATE_TIME && publication->activate_ms > casting->wall_ms;
    if (waits) {
        r = hold_back(casting, active, &publication, err);
    } else {
        casting->at_once =
            casting->at_once || (changed && publication->activate != BT_ACTIVATE_BOUNDARY);
    }
    if (casting->used.documents[at] == NULL) {
        casting->used.documents[at] = bt_document_ref(document);
    }
    casting->used.count++;
    if (r < 0) {
        return r;
    }
    bt_publication_take_down(publication, &casting->taken);
    struct bt_listed *listed = &casting->listed[at];
    bt_copy_cut(listed->target, sizeof(listed->target), document->target);
    bt_copy_cut(listed->id, sizeof(listed->id), publication->id);
    listed->version = publication->version;
    *out = BT_TAKE(publication);
    return 0;
}

static int load_show(struct bt_casting *casting, struct bt_show **out, struct bt_error *err)
{
    struct bt_publication *publications[BT_MAX_PUBLICATIONS] = {NULL};
    size_t count = casting->content.count;
    for (size_t i = 0; i < count; i++) {
        int r = take_document(casting, casting->content.documents[i], &publications[i], err);
        if (r < 0) {
            while (i-- > 0) {
                bt_publication_destroy(publications[i]);
            }
            return r;
        }
    }
    int r = bt_show_merge(publications, count, out, err);
    if (r == 0 && bt_show_notices(*out)[0] != '\0') {
        bt_log_warn(&logger, "Left out of the merge: %s", bt_show_notices(*out));
    }
    return r;
}

static bool is_fed(const struct bt_show *show, const struct bt_rule *rule)
{
    for (size_t i = 0; i < bt_show_feed_count(show); i++) {
        if (bt_show_feed(show, i)->rule == rule) {
            return true;
        }
    }
    return false;
}

static void note_left_out(struct bt_casting *casting, const struct bt_rule *rule)
{
    bool layout = rule->layout[0] != '\0';
    const char *name = layout ? rule->layout : rule->zone;
    const char *before = casting->left_out != NULL ? casting->left_out : "";
    char *text = bt_strf("%s%skhông có %s '%s' / no %s '%s'", before, before[0] != '\0' ? "; " : "",
                         layout ? "bố cục" : "vùng", name, layout ? "layout" : "zone", name);
    free(casting->left_out);
    casting->left_out = text;
}

// Whoever gave the emergency must learn that this screen has no place for it.
static void judge_emergency(struct bt_casting *casting, const struct bt_show *show)
{
    const char *id = casting->listed[casting->used.count - 1].id;
    casting->shows_nothing = true;
    for (size_t i = 0; i < bt_show_publication_count(show); i++) {
        const struct bt_publication *p = bt_show_publication(show, i);
        if (p->layer != BT_LAYER_EMERGENCY || !bt_str_equal(p->id, id)) {
            continue;
        }
        for (size_t j = 0; j < p->rule_count; j++) {
            bool fed = is_fed(show, &p->rules[j]);
            casting->shows_nothing = casting->shows_nothing && !(fed && p->rules[j].playlist >= 0);
            if (!fed) {
                note_left_out(casting, &p->rules[j]);
            }
        }
    }
}

static int make_cast(struct bt_casting *casting, struct bt_error *err)
{
    struct bt_show *show = NULL;
    casting->next_ms = INT64_MAX;
    casting->used.demo = casting->content.demo;
    casting->used.urgent = casting->content.urgent;
    bt_copy_cut(casting->used.emergency, sizeof(casting->used.emergency),
                casting->content.emergency);
    int r = load_show(casting, &show, err);
    if (r < 0) {
        return r;
    }
    if (casting->content.emergency[0] != '\0') {
        judge_emergency(casting, show);
    }
    const struct bt_canvas *canvas = bt_show_canvas(show);
    if (casting->content.demo) {
        r = bt_card_mark(casting->house->kitchen, (int)canvas->width, (int)canvas->height,
                         &casting->mark, err);
    }
    if (r < 0) {
        bt_show_destroy(show);
        return r;
    }
    struct bt_running_order *order =
        bt_running_order_create(show, bt_clock_real(), casting->trust, casting->floor_ms);
    return bt_cast_create(order, casting->house, &casting->cast, err);
}

static void run(struct bt_errand *errand)
{
    struct bt_casting *casting = (struct bt_casting *)errand;
    casting->result = make_cast(casting, &casting->err);
}

static void destroy(struct bt_errand *errand)
{
    struct bt_casting *casting = (struct bt_casting *)errand;
    bt_content_finish(&casting->content);
    bt_content_finish(&casting->active);
    bt_content_finish(&casting->used);
    bt_content_finish(&casting->held);
    bt_taken_finish(&casting->taken);
    bt_cast_destroy(casting->cast);
    bt_image_destroy(casting->mark);
    free(casting->left_out);
    free(casting);
}

struct bt_casting *bt_casting_create(void (*finish)(struct bt_errand *errand, void *context))
{
    struct bt_casting *casting = BT_NEW(struct bt_casting);
    casting->errand = (struct bt_errand){run, finish, destroy};
    return casting;
}
