#include "sync/documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void destroy_document(struct bt_document *document)
{
    free(document->text);
    bt_publication_destroy(document->publication);
    free(document);
}

void bt_documents_finish(struct bt_documents *documents)
{
    for (size_t i = 0; i < documents->count; i++) {
        destroy_document(documents->list[i]);
    }
    documents->count = 0;
}

static const char *name_of(const char *target)
{
    const char *slash = strrchr(target, '/');
    return slash != NULL ? slash + 1 : target;
}

bool bt_target_is_template(const char *target)
{
    return bt_str_starts(name_of(target), "template-");
}

int bt_target_layer(const char *target)
{
    if (bt_str_starts(target, "s/")) {
        return BT_LAYER_SCREEN;
    }
    if (!bt_str_starts(target, "p/") && !bt_str_starts(target, "u/")) {
        return -1;
    }
    if (bt_target_is_template(target)) {
        return BT_LAYER_EMERGENCY;
    }
    return target[0] == 'p' ? BT_LAYER_PROVINCE : BT_LAYER_UNIT;
}

static bool is_name(const char *name)
{
    return *name != '\0' && *name != '.' && strchr(name, '/') == NULL;
}

bool bt_target_is_mine(const char *target, const char *unit, const char *screen)
{
    if (bt_str_starts(target, "p/")) {
        return is_name(target + 2);
    }
    size_t len = strlen(unit);
    if (strlen(target) < 2 + len + 1 || strncmp(target + 2, unit, len) != 0 ||
        target[2 + len] != '/') {
        return false;
    }
    const char *name = target + 2 + len + 1;
    return (bt_str_starts(target, "u/") && is_name(name)) ||
           (bt_str_starts(target, "s/") && strcmp(name, screen) == 0);
}

const struct bt_document *bt_documents_find(const struct bt_documents *documents,
                                            const char *target)
{
    for (size_t i = 0; i < documents->count; i++) {
        if (strcmp(documents->list[i]->target, target) == 0) {
            return documents->list[i];
        }
    }
    return NULL;
}

static int read_document(const char *target, const char *text, size_t len, int64_t threshold,
                         struct bt_document **out, struct bt_error *err)
{
    BT_AUTO(bt_publication) publication = NULL;
    int r = bt_publication_parse(text, len, BT_UNKNOWN_IGNORE, &publication, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", target);
    }
    int layer = bt_target_layer(target);
    if (layer < 0 || publication->layer != layer) {
        return bt_fail(err, -EINVAL, "'%s' is of the layer '%s', which does not fit its place",
                       target, bt_layer_word(publication->layer));
    }
    struct bt_document *document = BT_NEW(struct bt_document);
    bt_copy_cut(document->target, sizeof(document->target), target);
    document->text = bt_strndup(text, len);
    document->len = len;
    document->threshold = threshold;
    document->publication = BT_TAKE(publication);
    *out = document;
    return 0;
}

static int put(struct bt_documents *documents, struct bt_document *document, struct bt_error *err)
{
    for (size_t i = 0; i < documents->count; i++) {
        if (strcmp(documents->list[i]->target, document->target) == 0) {
            destroy_document(documents->list[i]);
            documents->list[i] = document;
            return 0;
        }
    }
    if (documents->count == BT_MAX_DOCUMENTS) {
        int r = bt_fail(err, -ENOSPC, "'%s' is one document more than %d", document->target,
                        BT_MAX_DOCUMENTS);
        destroy_document(document);
        return r;
    }
    documents->list[documents->count++] = document;
    return 0;
}

int bt_documents_add(struct bt_documents *documents, const char *target, const char *text,
                     size_t len, int64_t threshold, struct bt_error *err)
{
    struct bt_document *document = NULL;
    if (strlen(target) >= BT_DOCUMENT_TARGET_BYTES) {
        return bt_fail(err, -EINVAL, "the target '%.60s' is too long", target);
    }
    int r = read_document(target, text, len, threshold, &document, err);
    return r < 0 ? r : put(documents, document, err);
}

void bt_documents_add_copy(struct bt_documents *documents, const struct bt_document *document)
{
    // It was read once, so it is read again.
    if (bt_documents_add(documents, document->target, document->text, document->len,
                         document->threshold, NULL) < 0) {
        return;
    }
}

void bt_documents_copy(struct bt_documents *to, const struct bt_documents *from)
{
    for (size_t i = 0; i < from->count; i++) {
        bt_documents_add_copy(to, from->list[i]);
    }
}

bool bt_documents_equal(const struct bt_documents *a, const struct bt_documents *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct bt_document *other = bt_documents_find(b, a->list[i]->target);
        if (other == NULL || other->threshold != a->list[i]->threshold ||
            memcmp(&other->publication->sha256, &a->list[i]->publication->sha256,
                   sizeof(struct bt_sha256)) != 0) {
            return false;
        }
    }
    return true;
}

static bool is_later(const struct bt_document *document, int64_t now_ms)
{
    return document->publication->activate == BT_ACTIVATE_TIME &&
           document->publication->activate_ms > now_ms;
}

void bt_documents_effective(const struct bt_documents *newest, const struct bt_documents *current,
                            int64_t now_ms, struct bt_documents *out, int64_t *out_next_ms)
{
    *out_next_ms = INT64_MAX;
    for (size_t i = 0; i < newest->count; i++) {
        const struct bt_document *document = newest->list[i];
        if (!is_later(document, now_ms)) {
            bt_documents_add_copy(out, document);
            continue;
        }
        *out_next_ms = BT_MIN(*out_next_ms, document->publication->activate_ms);
        const struct bt_document *before = bt_documents_find(current, document->target);
        if (before != NULL) {
            bt_documents_add_copy(out, before);
        }
    }
}

int bt_documents_keep(const struct bt_documents *documents, struct bt_state *state,
                      const char *kind, struct bt_error *err)
{
    int r = bt_state_drop_all(state, kind, err);
    for (size_t i = 0; i < documents->count && r == 0; i++) {
        const struct bt_document *document = documents->list[i];
        const struct bt_record_row row = {.name = document->target,
                                          .body = document->text,
                                          .len = document->len,
                                          .number = document->threshold};
        r = bt_state_put(state, kind, &row, err);
    }
    return r;
}

static int load_one(const struct bt_record_row *row, void *context)
{
    if (bt_documents_add(context, row->name, row->body, row->len, row->number, NULL) < 0) {
        return 0;
    }
    return 0;
}

int bt_documents_load(struct bt_documents *documents, struct bt_state *state, const char *kind,
                      struct bt_error *err)
{
    return bt_state_each(state, kind, load_one, documents, err);
}
