/**
 * A stick's word: what a USB stick has in the place of the TUF timestamp (docs/usb.md). It says for
 * longer than a timestamp may which snapshot is the newest, and of what the stick is made:
 *
 *     {"signed": {"_type": "stick", "spec_version", "version", "expires", "meta":
 * {"snapshot.json"}, "x-stick", "x-issued", "x-units", "x-screens", "x-seal", "x-told"},
 * "signatures"}
 *
 * Its type is no role's, so that nobody takes it for a timestamp or a timestamp for it, and it
 * bears signatures of both online roles. Only trust/tuf_client.h's bt_tuf_client_refresh_stick
 * believes one. Pure.
 */
#ifndef BT_TRUST_STICK_H
#define BT_TRUST_STICK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/sha256.h"
#include "trust/tuf_document.h"

#define BT_STICK_MAX_BYTES (16 * 1024)
#define BT_STICK_MAX_DAYS 31
#define BT_STICK_ID_BYTES 32
#define BT_STICK_MAX_NAMES 256  // units, screens
#define BT_STICK_SEAL_BYTES 32
#define BT_STICK_TOLD_MAX_BYTES (8 * 1024 * 1024)

/**
 * What a player says of itself on a stick: its Ed25519 signature (64 bytes) over the prefix and the
 * text, then the text, {"player", "status"}; sealed.
 */
#define BT_STICK_STATUS_PREFIX "bangtin-stick-status\n"
#define BT_STICK_STATUS_MAX_BYTES (64 * 1024)

// Of what a stick is made. Names are borrowed from the document.
struct bt_stick {
    char id[BT_STICK_ID_BYTES];
    int64_t version;  // of the timestamp on the day it was made
    int64_t issued_ms, expires_ms;
    const cJSON *units, *screens;       // lists of texts
    uint8_t seal[BT_STICK_SEAL_BYTES];  // X25519: what comes back is sealed to it
    int64_t told_bytes;                 // of told.json
    struct bt_sha256 told;
};

// Reads the fields; who signed it is not asked here. -EINVAL with what is wrong.
int bt_stick_read(const struct bt_tuf_document *document, struct bt_stick *out,
                  struct bt_error *err) BT_NODISCARD;

// -EINVAL: not a good word, or it would be valid for more than BT_STICK_MAX_DAYS days.
int bt_stick_check_span(const struct bt_tuf_document *document, struct bt_error *err) BT_NODISCARD;

// Is the stick for this screen: its unit is listed, or it is itself?
bool bt_stick_is_for(const struct bt_stick *stick, const char *unit, const char *screen);

/**
 * Makes the unsigned document. `body` has x-units, x-screens, x-seal, x-told, x-stick; it is taken.
 */
int bt_stick_write(int64_t version, int64_t snapshot_version, int64_t issued_ms, int64_t expires_ms,
                   cJSON *body, cJSON **out, struct bt_error *err) BT_NODISCARD;

#endif
