// Publications from files → the show they make together.
#ifndef BT_PLAYER_SHOW_LOAD_H
#define BT_PLAYER_SHOW_LOAD_H

#include "base/options.h"
#include "playlists/show.h"

/**
 * Reads and merges the files that the operands name; unknown keys are ignored, as a player must.
 * Logs what the merge left out. Errors: which file and which key.
 */
int bt_show_load(const struct bt_arguments *files, struct bt_show **out,
                 struct bt_error *err) BT_NODISCARD;

// Merges publications that were read (taken, also on error), in the time zone of their canvas.
int bt_show_merge(struct bt_publication **publications, size_t count, struct bt_show **out,
                  struct bt_error *err) BT_NODISCARD;

/**
 * A moment as people write it: RFC 3339 with an offset, or "2026-10-10T19:00" (also with a space)
 * in the show's own time zone. *out_ns is UTC.
 */
int bt_moment_parse(const char *text, const struct bt_tz *tz, int64_t *out_ns,
                    struct bt_error *err) BT_NODISCARD;

#endif
