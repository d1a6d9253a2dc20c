/**
 * The TUF client: from a trusted root to verified files (specification 1.0, "detailed client
 * workflow").
 *
 * Keeps its trusted metadata as files in a directory, each replaced durably; what is there is never
 * newer than what was verified, and never goes back. Fetching is the caller's: the client says what
 * it wants and how much of it at most. One thread at a time.
 *
 * Errors of all functions: -EACCES signatures, -ESTALE a version that goes back or a mix, -ETIME
 * expired, -EMSGSIZE longer than allowed, -EBADMSG wrong hash, -ENOENT no such target, or the
 * fetcher's.
 */
#ifndef BT_TRUST_TUF_CLIENT_H
#define BT_TRUST_TUF_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "trust/metadata.h"

struct bt_tuf_fetcher {
    /**
     * Fetches "metadata/3.root.json" or "targets/u/31333/HASH.name.json" into `out`, whose limit is
     * the most that may be taken. -ENOENT when the server says there is none. An error otherwise.
     */
    int (*fetch)(void *context, const char *path, struct bt_buf *out, struct bt_error *err);
    void *context;  // must outlive the client
};

struct bt_tuf_client;

// Opens the directory's trusted metadata; -ENOENT when no root was ever pinned there.
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

struct bt_tuf_target {
    int64_t length;  // bytes
    struct bt_sha256 sha256;
    char role[BT_ROLE_BYTES];  // who signed it
    int64_t threshold;         // of that role, for the demo mark
};

// Looks the target up through the delegations, fetching their metadata as needed. After refresh.
int bt_tuf_client_find(struct bt_tuf_client *client, const char *path, int64_t now_ms,
                       struct bt_tuf_target *out, struct bt_error *err) BT_NODISCARD;

// Fetches and verifies the target's content; `out`'s limit must allow its length.
int bt_tuf_client_download(struct bt_tuf_client *client, const char *path,
                           const struct bt_tuf_target *target, struct bt_buf *out,
                           struct bt_error *err) BT_NODISCARD;

// The keys that the top targets metadata delegates to a role (such as "em-31333"), without metadata
// of its own.
int bt_tuf_client_delegated_keys(struct bt_tuf_client *client, const char *role,
                                 struct bt_keyring *out, struct bt_error *err) BT_NODISCARD;

// Versions and expiry of what is trusted; 0 when there is none.
struct bt_tuf_versions {
    int64_t root, timestamp, snapshot, targets;
    int64_t expires_ms;  // the earliest of them
};
void bt_tuf_client_versions(const struct bt_tuf_client *client, struct bt_tuf_versions *out);

#endif
