/**
 * The publications that concern one screen, as they were signed: by target, each with its exact
 * text. Pure, except for keeping them in the player's state. One thread at a time.
 */
#ifndef BT_SYNC_DOCUMENTS_H
#define BT_SYNC_DOCUMENTS_H

#include "playlists/publication.h"
#include "sync/state.h"

#define BT_DOCUMENT_TARGET_BYTES 192

// The screen's own, what it carries, and as many templates.
#define BT_MAX_DOCUMENTS 64

struct bt_document {
    char target[BT_DOCUMENT_TARGET_BYTES];  // "u/31333/quang-truong", without ".json"
    char *text;                             // owned
    size_t len;
    int64_t threshold;
    struct bt_publication *publication;  // read from the text; owned
};

struct bt_documents {
    struct bt_document *list[BT_MAX_DOCUMENTS];  // owned
    size_t count;
};

void bt_documents_finish(struct bt_documents *documents);

/**
 * Reads a document and adds it, replacing one of the same target. The text is copied. Errors: not a
 * publication, or its layer does not fit its target: -EINVAL and the like; -ENOSPC too many.
 */
int bt_documents_add(struct bt_documents *documents, const char *target, const char *text,
                     size_t len, int64_t threshold, struct bt_error *err) BT_NODISCARD;
void bt_documents_add_copy(struct bt_documents *documents, const struct bt_document *document);
void bt_documents_copy(struct bt_documents *to, const struct bt_documents *from);
const struct bt_document *bt_documents_find(const struct bt_documents *documents,
                                            const char *target);

// The same targets with the same texts.
bool bt_documents_equal(const struct bt_documents *a, const struct bt_documents *b);

// Which layer a target must have; -1: not a target a screen of this unit shows.
int bt_target_layer(const char *target);
bool bt_target_is_template(const char *target);
bool bt_target_is_mine(const char *target, const char *unit, const char *screen);

/**
 * What is to be shown as of now: the newest ones, but of those that are to be activated at a later
 * time the one that is `current`. *out_next_ms is when that changes, INT64_MAX: never.
 */
void bt_documents_effective(const struct bt_documents *newest, const struct bt_documents *current,
                            int64_t now_ms, struct bt_documents *out, int64_t *out_next_ms);

// Kept as records of that kind, replacing all of them; in the caller's transaction.
int bt_documents_keep(const struct bt_documents *documents, struct bt_state *state,
                      const char *kind, struct bt_error *err) BT_NODISCARD;

// What cannot be read any more is left out.
int bt_documents_load(struct bt_documents *documents, struct bt_state *state, const char *kind,
                      struct bt_error *err) BT_NODISCARD;

#endif
