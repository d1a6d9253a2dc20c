/**
 * Where servers are and which keys their certificates may have: servers.json
 * (docs/protocol.md) and what pairing told. Pure.
 */
#ifndef BT_SYNC_ADDRESS_H
#define BT_SYNC_ADDRESS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define BT_MAX_SERVERS 8
#define BT_MAX_PINS 8

struct bt_address {
    char url[256];  // origin without a path: "https://bangtin.example.vn", "http://127.0.0.1:8080"
    char pins[BT_MAX_PINS * 64];  // "sha256//…;sha256//…" as curl takes them; "": none
};

struct bt_addresses {
    struct bt_address list[BT_MAX_SERVERS];  // tried in this order
    size_t count;
};

/**
 * Https anywhere; plain http to this machine alone, since what is not signed (orders, identities)
 * would be open on the way. Errors: -EINVAL.
 */
int bt_address_check_url(const char *url, struct bt_error *err) BT_NODISCARD;
bool bt_address_is_plain(const struct bt_address *address);

/**
 * Reads {"url", "pins"}; an https address from a signed list has at least `least_pins`. `pins` may
 * be left out when none are needed.
 */
int bt_address_read(const cJSON *object, size_t least_pins, struct bt_address *out,
                    struct bt_error *err) BT_NODISCARD;

// The text of servers.json, where https addresses have two pins; unknown keys are ignored.
#define BT_LEAST_PINS 2
int bt_addresses_parse(const char *text, size_t len, size_t least_pins, struct bt_addresses *out,
                       struct bt_error *err) BT_NODISCARD;

// The same form again, for the player's own disk.
int bt_addresses_write(const struct bt_addresses *addresses, struct bt_buf *out) BT_NODISCARD;

#endif
