/**
 * A publication being drafted from files: one canvas, one zone, one playlist in the order of
 * adding. Stills stay for the seconds of the draft, clips for their own length. Files with the
 * same content become one asset.
 */
#ifndef BT_CLI_DRAFT_H
#define BT_CLI_DRAFT_H

#include <stdbool.h>

#include "base/buf.h"
#include "playlists/publication.h"

struct bt_draft;

struct bt_draft_options {
    char id[BT_ID_BYTES];
    char title[BT_TITLE_BYTES];
    int64_t version;
    int width, height;  // canvas, pixels
    int64_t seconds;    // for each still
};

struct bt_draft_file {
    char id[BT_ID_BYTES];        // wished for; a number is added when it is taken
    char title[BT_TITLE_BYTES];  // as people read it
    char type[BT_ID_BYTES];      // media type
    bool is_clip;
    int64_t width, height;  // pixels
    int64_t duration_ms;    // of a clip
    struct bt_sha256 sha256;
    int64_t size;  // bytes
};

struct bt_draft *bt_draft_create(const struct bt_draft_options *options) BT_NODISCARD;
void bt_draft_destroy(struct bt_draft *draft);
BT_DEFINE_AUTO(bt_draft)

// Errors: -ENOSPC as many items as a playlist may have.
int bt_draft_add(struct bt_draft *draft, const struct bt_draft_file *file) BT_NODISCARD;
size_t bt_draft_count(const struct bt_draft *draft);

/**
 * Appends the document, indented for people who go on from here, and reads it back: what is
 * written plays. Errors: -EMSGSIZE, or those of bt_publication_parse.
 */
int bt_draft_write(const struct bt_draft *draft, struct bt_buf *out,
                   struct bt_error *err) BT_NODISCARD;

#endif
