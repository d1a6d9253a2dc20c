/**
 * The library: what a unit has to show. Media are names for assets; several may name the same one.
 */
#ifndef BT_SERVER_MEDIA_LIBRARY_H
#define BT_SERVER_MEDIA_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/call.h"

// The unit of {media}, for its routes.
bool bt_media_unit_of_path(struct bt_call *call, char *out, size_t size);

// Handlers.
int bt_media_list(struct bt_call *call, struct bt_error *err);
int bt_media_show(struct bt_call *call, struct bt_error *err);
int bt_media_edit(struct bt_call *call, struct bt_error *err);
int bt_media_hide(struct bt_call *call, struct bt_error *err);
int bt_media_thumbnail(struct bt_call *call, struct bt_error *err);
int bt_media_filmstrip(struct bt_call *call, struct bt_error *err);
int bt_media_blob(struct bt_call *call, struct bt_error *err);

#endif
