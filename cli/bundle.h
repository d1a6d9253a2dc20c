/**
 * USB sticks on this side of the way (docs/usb.md): what `bangtin bundle` puts on one, and what it
 * brings home from one.
 */
#ifndef BT_CLI_BUNDLE_H
#define BT_CLI_BUNDLE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "cli/client.h"

// The server's answer to POST /v1/sticks.
struct bt_bundle {
    struct bt_client *client;  // borrowed
    const char *root_sha256;   // or NULL
    const char *directory;     // the stick
    const cJSON *issued;       // {"id", "word", "told", "units"}; borrowed
    // What was put there.
    int64_t documents, assets, bytes;
};

/**
 * Fetches what the word names, checks it as a player would, and writes it to the stick; stick.json
 * last. What an interrupted run left is used. -ENOSPC: the stick has no room.
 */
int bt_bundle_write(struct bt_bundle *bundle, struct bt_error *err) BT_NODISCARD;

// What became of the batches on a stick.
struct bt_bundle_returned {
    int64_t players, batches, counted, refused;
};

/**
 * Sends the server what players put on the stick. One that is refused does not hold up the others,
 * and is said on standard error; the server not being there does: -ECONNREFUSED.
 */
int bt_bundle_return(struct bt_client *client, const char *directory,
                     struct bt_bundle_returned *out, struct bt_error *err) BT_NODISCARD;

#endif
