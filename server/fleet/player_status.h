/**
 * What a player says of itself (docs/protocol.md, "Status"): checked key by key, and copied without
 * what is not known here, so that the stored text is small and everybody can rely on its types.
 *
 * Every key but at_ms may be missing or null. Pure.
 */
#ifndef BT_SERVER_FLEET_PLAYER_STATUS_H
#define BT_SERVER_FLEET_PLAYER_STATUS_H

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

// Fifty zones and publications with long names stay below.
#define BT_STATUS_MAX_BYTES (64 * 1024)

// *out is for cJSON_Delete. Errors: -EINVAL with a sentence that names the place and the key.
int bt_player_status_read(const cJSON *said, cJSON **out, struct bt_error *err) BT_NODISCARD;

// The codes of its troubles, each once, separated by spaces; of a status that was read.
int bt_player_status_troubles(const cJSON *said, struct bt_buf *out) BT_NODISCARD;

#endif
