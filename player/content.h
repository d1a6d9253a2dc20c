/**
 * Content: a complete set of publications as their texts, and a cast made of it. Documents are
 * shared between the threads that need them.
 */
#ifndef BT_PLAYER_CONTENT_H
#define BT_PLAYER_CONTENT_H

#include "player/cast.h"
#include "player/errands.h"
#include "playlists/taken.h"

// One publication's exact text. Immutable.
struct bt_document {
    _Atomic int references;
    char target[192];
    char *text;  // owned
    size_t len;
};

// Takes the text (malloc).
struct bt_document *bt_document_create(const char *target, char *text, size_t len) BT_NODISCARD;
struct bt_document *bt_document_ref(struct bt_document *document) BT_NODISCARD;
void bt_document_unref(struct bt_document *document);

// {0} is nothing at all. What a cast was made of is told by id and version.
struct bt_content {
    struct bt_document *documents[BT_MAX_PUBLICATIONS];  // one reference each
    size_t count;
    bool demo;           // draw the demo mark
    bool urgent;         // change over now
    char emergency[64];  // whose filled-in template the last document is; "": none
};
void bt_content_finish(struct bt_content *content);
struct bt_content bt_content_copy(const struct bt_content *content);

// A publication of a cast, for the status.
struct bt_listed {
    char target[192];
    char id[BT_ID_BYTES];
    int64_t version;
};

/**
 * The errand that makes a cast. A publication that is to be activated at a time to come is
 * replaced by the version that is on the stage (`active`), if there is one.
 */
struct bt_casting {
    struct bt_errand errand;
    // In; owned.
    struct bt_content content, active;
    struct bt_taken taken;
    const struct bt_cast_house *house;  // borrowed
    enum bt_trust_mode trust;
    int64_t floor_ms;
    int64_t wall_ms;  // now
    // Out.
    int result;  // 0 or why there is none
    struct bt_error err;
    struct bt_cast *cast;
    struct bt_image *mark;  // with `demo`
    struct bt_content used;
    struct bt_content held;  // of `used`: what stays until something newer is activated
    struct bt_listed listed[BT_MAX_PUBLICATIONS];
    char *left_out;       // of the emergency, in words for people; NULL: nothing; owned
    bool shows_nothing;   // all of the emergency is left out
    bool at_once;         // one of them is not to wait for a boundary
    int64_t next_ms;      // when the next of them is to be activated; INT64_MAX: none waits
    uint64_t generation;  // the caller's
};

// Fill in what goes in; `finish` is the caller's. Destroyed by bt_errands.
struct bt_casting *bt_casting_create(void (*finish)(struct bt_errand *errand,
                                                    void *context)) BT_NODISCARD;

#endif
