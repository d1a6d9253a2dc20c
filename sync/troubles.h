/**
 * What is wrong at the moment, by the stable codes of docs/protocol.md, for the status that people
 * read. Each thing that may fail raises its trouble and clears it when it works again. Thread-safe.
 */
#ifndef BT_SYNC_TROUBLES_H
#define BT_SYNC_TROUBLES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

enum bt_trouble {
    BT_TROUBLE_DISK_FULL,
    BT_TROUBLE_CLOCK_WRONG,
    BT_TROUBLE_CERTIFICATE_EXPIRED,
    BT_TROUBLE_METADATA_EXPIRED,
    BT_TROUBLE_CAPTIVE_PORTAL,
    BT_TROUBLE_SERVER_UNREACHABLE,
    BT_TROUBLE_SIGNATURE_REFUSED,
    BT_TROUBLE_PUBLICATION_REFUSED,
    BT_TROUBLE_ASSET_DAMAGED,
    BT_TROUBLE_ORDER_REFUSED,
    BT_TROUBLE_PLAYS_FORKED,
    BT_TROUBLE_PLAYS_REFUSED,
    BT_TROUBLE_NOT_PAIRED,  // the server does not know this player (any more)
    BT_TROUBLE_NOT_BOUND,   // the screen's document does not name this player
    BT_TROUBLE_COUNT
};

struct bt_troubles;

struct bt_troubles *bt_troubles_create(void) BT_NODISCARD;
void bt_troubles_destroy(struct bt_troubles *troubles);
BT_DEFINE_AUTO(bt_troubles)

// True when it was not there before, or is another one now: worth a line in the log.
bool bt_troubles_raise(struct bt_troubles *troubles, enum bt_trouble trouble, const char *detail,
                       int64_t now_ms);

// True when it was there.
bool bt_troubles_clear(struct bt_troubles *troubles, enum bt_trouble trouble);

// Grows with every change.
uint64_t bt_troubles_generation(struct bt_troubles *troubles);

const char *bt_trouble_code(enum bt_trouble trouble);

// [{"code", "detail", "since_ms"}]; for cJSON_Delete.
cJSON *bt_troubles_json(struct bt_troubles *troubles) BT_NODISCARD;

#endif
