/**
 * What the installer wrote down on this machine about live streams (docs/player.md): streams of its
 * own by name, and whether publications' streams may come from private addresses. Nothing of it
 * comes from a server.
 */
#ifndef BT_LIVE_LOCAL_H
#define BT_LIVE_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"
#include "playlists/publication.h"

#define BT_MAX_LOCAL_STREAMS 32

struct bt_local_stream {
    char name[BT_ID_BYTES];
    char url[BT_LIVE_URL_BYTES];  // rtsp:// or udp://; may hold a password: never logged
};

struct bt_local_streams {
    struct bt_local_stream list[BT_MAX_LOCAL_STREAMS];
    size_t count;
    bool private_addresses;
};

// Errors: the errno of reading; -EINVAL with what is wrong where.
int bt_local_streams_load(const char *path, struct bt_local_streams *out,
                          struct bt_error *err) BT_NODISCARD;
int bt_local_streams_parse(const char *text, size_t len, struct bt_local_streams *out,
                           struct bt_error *err) BT_NODISCARD;

// NULL: there is none of that name.
const struct bt_local_stream *bt_local_streams_find(const struct bt_local_streams *streams,
                                                    const char *name);

#endif
