/**
 * What this machine trusts of a server's repository: the root it pinned, kept with the newest
 * verified metadata in the configuration (cli/config.h), one folder for each server.
 */
#ifndef BT_CLI_TRUSTED_H
#define BT_CLI_TRUSTED_H

#include "base/sha256.h"
#include "cli/client.h"
#include "trust/metadata.h"

/**
 * The keys that may sign for a role ("targets", "u-31333"…), by the pinned root. The first time
 * the server's root is pinned, and said on standard error: its fingerprint is to be compared with
 * the province's. `root_sha256` (or NULL) is the fingerprint it must have then.
 */
int bt_trusted_ring(struct bt_client *client, const char *root_sha256, const char *role,
                    struct bt_keyring *out, struct bt_error *err) BT_NODISCARD;

// SHA-256 of the newest root's bytes, in hex: what players pin when they are paired.
int bt_trusted_root(struct bt_client *client, const char *root_sha256, char out[65],
                    struct bt_error *err) BT_NODISCARD;

// The newest trusted root's bytes, for a client of another folder; `out` is empty.
int bt_trusted_root_text(struct bt_client *client, const char *root_sha256, struct bt_buf *out,
                         struct bt_error *err) BT_NODISCARD;

// The hash of a target ("u/31333/template-bao.json") that is in force.
int bt_trusted_target(struct bt_client *client, const char *root_sha256, const char *path,
                      struct bt_sha256 *out, struct bt_error *err) BT_NODISCARD;

// The text of a target that is in force, verified; `out` is empty. -ENOENT or -ENODATA: there is
// none.
int bt_trusted_document(struct bt_client *client, const char *root_sha256, const char *path,
                        struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

// The head of the audit log that the newest timestamp bears, in hex; "" when it bears none.
int bt_trusted_audit_head(struct bt_client *client, const char *root_sha256, char out[65],
                          struct bt_error *err) BT_NODISCARD;

#endif
