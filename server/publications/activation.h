/**
 * An emergency activation (docs/protocol.md): read, bounded, and judged by itself. Whose signature
 * it bears is asked elsewhere. Pure.
 */
#ifndef BT_SERVER_PUBLICATIONS_ACTIVATION_H
#define BT_SERVER_PUBLICATIONS_ACTIVATION_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "server/ids.h"
#include "server/publications/target.h"

#define BT_ACTIVATION_MAX_BYTES 4096
#define BT_ACTIVATION_MAX_NAMES 256  // of units and of screens; more do not fit
#define BT_EMERGENCY_ID_BYTES 64

struct bt_activation {
    char id[BT_EMERGENCY_ID_BYTES];
    struct bt_target template;  // where it stands, who may activate it
    char template_sha256[BT_SHA256_HEX_BYTES];
    char role[BT_ROLE_BYTES];  // whose keys: "em-31333", "em-p"
    int64_t level;             // 1..5
    int64_t from_ms, until_ms;
    size_t scope_count, screen_count;
    char scope[BT_ACTIVATION_MAX_NAMES][BT_UNIT_CODE_BYTES];
    char screens[BT_ACTIVATION_MAX_NAMES][BT_SERVER_ID_BYTES];
};

// `document` is {signed, signatures}. -EINVAL with what is wrong with it.
int bt_activation_read(const cJSON *document, struct bt_activation *out,
                       struct bt_error *err) BT_NODISCARD;

// Is it in time? -ETIME: over, too long, or too old.
int bt_activation_check_time(const struct bt_activation *activation, int64_t now_ms,
                             struct bt_error *err) BT_NODISCARD;

#endif
