/**
 * The TUF client: from a trusted root to verified files (specification 1.0, "detailed client
 * workflow").
 *
 * Keeps its trusted metadata as files in a directory, each replaced durably; what is there is never
 * newer than what was verified, and never goes back. Roots that were replaced stay as N.root.json.
 * Fetching is the caller's: the client says what it wants and how much of it at most. One thread at
 * a time.
 *
 * Errors of all functions: -EACCES signatures, -ESTALE a version that goes back or a mix, -ETIME
 * expired, -EMSGSIZE longer than allowed, -EBADMSG wrong hash, -ENOENT no such target (said by
 * valid, signed metadata alone), -ENODATA the repository lacks a file that signed metadata name,
 * -ELOOP too many roles asked for one target, -EINVAL metadata of no good shape, or the fetcher's.
 */
#ifndef BT_TRUST_TUF_CLIENT_H
#define BT_TRUST_TUF_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "trust/metadata.h"

struct bt_tuf_fetcher {
    /**
     * Fetches "metadata/3.root.json" or "targets/u/31333/HASH.name.json" (percent-encoded, ready to
     * stand in an address) into `out`, whose limit is the most that may be taken. -ENOENT when the
     * server says there is none, which ends the chain of roots. An error otherwise.
     */
    int (*fetch)(void *context, const char *path, struct bt_buf *out, struct bt_error *err);
    void *context;  // must outlive the client
};

struct bt_tuf_client;

// Opens the directory's trusted metadata; -ENOENT when no root was ever pinned there. What was
// verified before is there at once, without a refresh.
int bt_tuf_client_open(const char *directory, const struct bt_tuf_fetcher *fetcher,
                       struct bt_tuf_client **out, struct bt_error *err) BT_NODISCARD;

// Pins the first root of a directory; refuses (-EEXIST) where another one is pinned.
int bt_tuf_client_pin(const char *directory, const char *root, size_t len,
                      struct bt_error *err) BT_NODISCARD;
void bt_tuf_client_destroy(struct bt_tuf_client *client);
BT_DEFINE_AUTO(bt_tuf_client)

/**
 * The update workflow: root, timestamp, snapshot, targets, as of `now_ms` (UTC). What was verified
 * before an error stays trusted.
 */
int bt_tuf_client_refresh(struct bt_tuf_client *client, int64_t now_ms,
                          struct bt_error *err) BT_NODISCARD;

/**
 * The same with a stick's word (trust/stick.h) in the place of the timestamp, which stays as it
 * was: what the stick brought is found until the next refresh, and is a floor for what comes later
 * on any way. -ESTALE: the stick is older than what is trusted. The fetcher reads the stick.
 */
int bt_tuf_client_refresh_stick(struct bt_tuf_client *client, const char *word, size_t len,
                                int64_t now_ms, struct bt_error *err) BT_NODISCARD;

// Do both online roles of the trusted root vouch for the word, whatever its age? -EACCES, -EINVAL.
int bt_tuf_client_check_stick(const struct bt_tuf_client *client, const char *word, size_t len,
                              struct bt_error *err) BT_NODISCARD;

// From now on metadata and targets come from there.
void bt_tuf_client_set_fetcher(struct bt_tuf_client *client, const struct bt_tuf_fetcher *fetcher);

#define BT_SHA512_HEX_BYTES 129  // with the NUL

struct bt_tuf_target {
    int64_t length;   // bytes
    bool has_sha256;  // always so in our repositories; others may know SHA-512 alone
    struct bt_sha256 sha256;
    char sha512[BT_SHA512_HEX_BYTES];  // lower-case hex, "" when it is not said
    char role[BT_ROLE_BYTES];          // who signed it
    int64_t threshold;                 // of that role, for the demo mark
};

// Looks the target up through the delegations, fetching their metadata as needed. -ESTALE until a
// refresh has completed, -ETIME when the metadata expire.
int bt_tuf_client_find(struct bt_tuf_client *client, const char *path, int64_t now_ms,
                       struct bt_tuf_target *out, struct bt_error *err) BT_NODISCARD;

// -EBADMSG unless these bytes are the target's content.
int bt_tuf_target_check(const struct bt_tuf_target *target, const void *bytes, size_t len,
                        struct bt_error *err) BT_NODISCARD;

// Does the trusted snapshot name the role? One that is delegated to and has never been signed it
// does not; only a newer snapshot changes that.
bool bt_tuf_client_names_role(const struct bt_tuf_client *client, const char *role);

typedef void (*bt_tuf_visit_fn)(const char *path, void *context);  // does not call the client

/**
 * Visits the paths of "targets" or of a role it delegates to that begin with the prefix and that
 * the role may sign. Who in the end speaks for such a path says bt_tuf_client_find.
 */
int bt_tuf_client_list(struct bt_tuf_client *client, const char *role, const char *prefix,
                       int64_t now_ms, bt_tuf_visit_fn visit, void *context,
                       struct bt_error *err) BT_NODISCARD;

// Fetches and verifies the target's content into the empty `out`, whose limit must allow its
// length.
int bt_tuf_client_download(struct bt_tuf_client *client, const char *path,
                           const struct bt_tuf_target *target, struct bt_buf *out,
                           struct bt_error *err) BT_NODISCARD;

// The keys that the top targets metadata delegates to a role (such as "em-31333"), without metadata
// of its own.
int bt_tuf_client_delegated_keys(struct bt_tuf_client *client, const char *role,
                                 struct bt_keyring *out, struct bt_error *err) BT_NODISCARD;

// Whether what a role with this threshold signs is drawn with the demo mark: one person alone could
// have put it there, and the root does not say "x-demo": false.
bool bt_tuf_client_is_demo(const struct bt_tuf_client *client, int64_t threshold);

/**
 * What is trusted, for a server that was restored and has lost it: the newest snapshot {signed,
 * signatures}, borrowed until the next refresh, NULL when there is none; and the text of a role's
 * newest metadata that were fetched, appended, -ENOENT when there are none.
 */
const cJSON *bt_tuf_client_snapshot(const struct bt_tuf_client *client);
int bt_tuf_client_saved(const struct bt_tuf_client *client, const char *role, struct bt_buf *out,
                        struct bt_error *err) BT_NODISCARD;

// "x-audit-head" of the trusted timestamp, borrowed until the next refresh; NULL when there is
// none.
const char *bt_tuf_client_audit_head(const struct bt_tuf_client *client);

// Versions and expiry of what is trusted; 0 when there is none.
struct bt_tuf_versions {
    int64_t root, timestamp, snapshot, targets;
    int64_t expires_ms;          // the earliest of them
    int64_t offline_expires_ms;  // the earlier of root and targets, which no online key signs
};
void bt_tuf_client_versions(const struct bt_tuf_client *client, struct bt_tuf_versions *out);

#endif
