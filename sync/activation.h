/**
 * Emergency activations (docs/protocol.md): what a duty officer signed, read, verified, compared.
 * Pure.
 */
#ifndef BT_SYNC_ACTIVATION_H
#define BT_SYNC_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sha256.h"
#include "trust/metadata.h"

#define BT_ACTIVATION_MAX_MS (24 * INT64_C(3600000))
#define BT_ACTIVATION_MAX_SCOPE 32
#define BT_ACTIVATION_MAX_SCREENS 64
#define BT_ACTIVATION_MAX_FIELDS 16
#define BT_FIELD_MAX_BYTES 256
#define BT_UNIT_BYTES 25  // [a-z0-9-]{1,24} and the NUL

struct bt_activation_field {
    char name[64];
    char value[BT_FIELD_MAX_BYTES + 1];
};

struct bt_activation {
    char id[64];
    char template_target[192];  // "u/31333/template-bao", "p/template-lu"
    struct bt_sha256 template_sha256;
    char scope[BT_ACTIVATION_MAX_SCOPE][BT_UNIT_BYTES];
    size_t scope_count;
    char screens[BT_ACTIVATION_MAX_SCREENS][64];  // none: all of the scope
    size_t screen_count;
    int64_t level;              // 1..5
    int64_t from_ms, until_ms;  // at most 24 hours
    struct bt_activation_field fields[BT_ACTIVATION_MAX_FIELDS];
    size_t field_count;
};

/**
 * Reads {signed, signatures} without believing it: shape, sizes, at most 24 hours. Errors:
 * -EMSGSIZE more than 4 KiB, -EINVAL.
 */
int bt_activation_parse(const char *text, size_t len, struct bt_activation *out,
                        struct bt_error *err) BT_NODISCARD;

// The delegated role whose keys may sign it: "em-31333" for u/31333/…, "em-p" for p/….
int bt_activation_role(const struct bt_activation *activation, char out[BT_ROLE_BYTES],
                       struct bt_error *err) BT_NODISCARD;

/**
 * Believes it or not: a signature of the ring over the canonical form, a scope that role may have,
 * and not too far in the future when first seen. Errors: -EACCES, -EINVAL.
 */
int bt_activation_verify(const char *text, size_t len, const struct bt_activation *activation,
                         const struct bt_keyring *ring, int64_t now_ms,
                         struct bt_error *err) BT_NODISCARD;

// Is the screen meant?
bool bt_activation_concerns(const struct bt_activation *activation, const char *unit,
                            const char *screen);

// Positive when `a` is to be shown rather than `b`: higher level, then newer, then by id.
int bt_activation_compare(const struct bt_activation *a, const struct bt_activation *b);

#endif
