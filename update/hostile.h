// Files below a directory that somebody else writes: opened without following a link, ordinary
// files alone, read with bounds.
#ifndef BT_UPDATE_HOSTILE_H
#define BT_UPDATE_HOSTILE_H

#include "base/buf.h"
#include "base/error.h"

// `path` is one of ours, "metadata/root.json": each part is opened by itself. A descriptor, or
// -ENOENT, -EACCES for a link or no ordinary file.
int bt_hostile_open(const char *directory, const char *path, struct bt_error *err) BT_NODISCARD;

// `out`'s limit bounds it: -EMSGSIZE.
int bt_hostile_read(const char *directory, const char *path, struct bt_buf *out,
                    struct bt_error *err) BT_NODISCARD;

#endif
