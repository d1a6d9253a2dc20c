#include "base/compiler.h"
#include "server/accounts/access.h"
#include "server/media/library.h"
#include "server/media/uploads.h"

#define UPLOADS BT_WHO_USER, BT_ACTION_UPLOAD
#define VIEWS BT_WHO_USER, BT_ACTION_VIEW

static const struct bt_route routes[] = {
    {"OPTIONS", "/v1/uploads", BT_WHO_ANYONE, .handle = bt_upload_options},
    {"POST", "/v1/uploads", UPLOADS, bt_upload_unit_of_metadata, .handle = bt_upload_create},
    {"GET", "/v1/uploads/{upload}", UPLOADS, bt_upload_unit_of_path, .handle = bt_upload_show},
    {"PATCH", "/v1/uploads/{upload}", UPLOADS, bt_upload_unit_of_path, BT_BODY_STREAM,
     .no_transaction = true, .comes_again = true, .handle = bt_upload_append},
    {"DELETE", "/v1/uploads/{upload}", UPLOADS, bt_upload_unit_of_path,
     .handle = bt_upload_terminate},
    {"GET", "/v1/media", VIEWS, bt_unit_any, .handle = bt_media_list},
    {"GET", "/v1/media/{media}", VIEWS, bt_media_unit_of_path, .handle = bt_media_show},
    {"PATCH", "/v1/media/{media}", UPLOADS, bt_media_unit_of_path, BT_BODY_JSON,
     .handle = bt_media_edit},
    {"DELETE", "/v1/media/{media}", UPLOADS, bt_media_unit_of_path, .handle = bt_media_hide},
    {"GET", "/v1/media/{media}/thumbnail", VIEWS, bt_media_unit_of_path, .no_transaction = true,
     .handle = bt_media_thumbnail},
    {"GET", "/v1/media/{media}/filmstrip", VIEWS, bt_media_unit_of_path, .no_transaction = true,
     .handle = bt_media_filmstrip},
    {"GET", "/blobs/{hash}", BT_WHO_ANYONE, .no_transaction = true, .knows_caller = true,
     .handle = bt_media_blob},
};

const struct bt_route_table bt_media_routes = {routes, BT_ARRAY_LEN(routes)};
