/**
 * Uploads: tus 1.0 with creation and termination. What arrives lies in DATA/quarantine under an id
 * of ours until the inspector has looked at it; the file's own length is the offset, so an
 * interrupted upload goes on where its bytes end. Where servers share a store it is in pieces there
 * (server/media/pieces.h).
 */
#ifndef BT_SERVER_MEDIA_UPLOADS_H
#define BT_SERVER_MEDIA_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/call.h"

// Where an upload's bytes lie. -EMSGSIZE when the path does not fit.
int bt_upload_path(const char *data_dir, const char *id, char *out, size_t size) BT_NODISCARD;

// Bytes of it that are there; 0 before the first.
int64_t bt_upload_received(struct bt_server *server, struct bt_db *db, const char *id);

// The unit a request is about, for its route.
bool bt_upload_unit_of_metadata(struct bt_call *call, char *out, size_t size);
bool bt_upload_unit_of_path(struct bt_call *call, char *out, size_t size);

// Handlers.
int bt_upload_create(struct bt_call *call, struct bt_error *err);
int bt_upload_show(struct bt_call *call, struct bt_error *err);
int bt_upload_append(struct bt_call *call, struct bt_error *err);
int bt_upload_options(struct bt_call *call, struct bt_error *err);
int bt_upload_terminate(struct bt_call *call, struct bt_error *err);

#endif
