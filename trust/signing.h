/**
 * Making TUF metadata: the mirror of trust/tuf_client.h. Pure but for the keys it is given: what
 * comes out are documents; keeping and serving them is the caller's.
 *
 * Documents are cJSON {signed, signatures}, for cJSON_Delete.
 */
#ifndef BT_TRUST_SIGNING_H
#define BT_TRUST_SIGNING_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "trust/metadata.h"
#include "trust/private_key.h"

#define BT_TUF_SPEC_VERSION "1.0.31"

// A role's keys as they are written: public key objects (with x-holder and x-class) and threshold.
struct bt_role_keys {
    const cJSON *const *keys;  // borrowed
    size_t count;
    int64_t threshold;
};

struct bt_root_roles {
    struct bt_role_keys root, targets, snapshot, timestamp;
};

// The signed parts, version and expiry given; consistent_snapshot is always true.
int bt_signing_root(int64_t version, int64_t expires_ms, const struct bt_root_roles *roles,
                    cJSON **out, struct bt_error *err) BT_NODISCARD;
int bt_signing_targets(int64_t version, int64_t expires_ms, cJSON **out,
                       struct bt_error *err) BT_NODISCARD;
int bt_signing_snapshot(int64_t version, int64_t expires_ms, cJSON **out,
                        struct bt_error *err) BT_NODISCARD;
int bt_signing_timestamp(int64_t version, int64_t expires_ms, int64_t snapshot_version,
                         const char *audit_head, cJSON **out, struct bt_error *err) BT_NODISCARD;

// Changes to an unsigned document; its signatures are dropped.
int bt_signing_set_target(cJSON *targets, const char *path, const void *bytes, size_t len,
                          struct bt_error *err) BT_NODISCARD;
void bt_signing_remove_target(cJSON *targets, const char *path);

// Adds or replaces a delegation of role `name` to the keys for the path patterns; terminating.
int bt_signing_delegate(cJSON *targets, const char *name, const char *const *patterns,
                        size_t pattern_count, const struct bt_role_keys *keys,
                        struct bt_error *err) BT_NODISCARD;
void bt_signing_undelegate(cJSON *targets, const char *name);
int bt_signing_set_meta(cJSON *snapshot, const char *role, int64_t version,
                        struct bt_error *err) BT_NODISCARD;

/**
 * "x-lost" of a snapshot, [{"role", "version"}]: what the server wants back from who holds it. The
 * list is taken.
 */
int bt_signing_set_lost(cJSON *snapshot, cJSON *list, struct bt_error *err) BT_NODISCARD;

// The version of a document that is being made.
int bt_signing_set_version(cJSON *document, int64_t version, struct bt_error *err) BT_NODISCARD;

// The next version of a document: version + 1, new expiry, no signatures.
int bt_signing_next(const cJSON *document, int64_t expires_ms, cJSON **out,
                    struct bt_error *err) BT_NODISCARD;

// Signs, replacing an older signature of the same key.
int bt_signing_sign(cJSON *document, const struct bt_private_key *key,
                    struct bt_error *err) BT_NODISCARD;

// Adds a signature made elsewhere (a browser, a token); it is not verified here.
int bt_signing_add(cJSON *document, const char *keyid, const char *signature_hex,
                   struct bt_error *err) BT_NODISCARD;

// The text that is stored and served.
int bt_signing_text(const cJSON *document, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

#endif
