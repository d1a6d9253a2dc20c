/**
 * Who vouches for whom, from the root that an inspector holds in their hand: the chain of roots,
 * the server's key that they name, and the technicians' signed documents that name the players'
 * keys. What is judged is the past: that something has expired or was replaced since changes
 * nothing of what was signed then.
 *
 * Texts come from anybody. One thread at a time while it is filled; then thread-safe.
 */
#ifndef BT_CLI_VERIFY_VOUCH_H
#define BT_CLI_VERIFY_VOUCH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cli/verify/verdict.h"

struct bt_vouch;

// `root` is what the inspector trusts, of any version. -EINVAL: no root, -EACCES: not signed by its
// own keys.
int bt_vouch_create(const char *root, size_t len, struct bt_vouch **out,
                    struct bt_error *err) BT_NODISCARD;
void bt_vouch_destroy(struct bt_vouch *vouch);
BT_DEFINE_AUTO(bt_vouch)

// In the order of the evidence. Metadata that are not signed as they must be are a fault, and not
// used; documents that are not listed by any are left aside.
void bt_vouch_metadata(struct bt_vouch *vouch, const char *role, const char *text,
                       struct bt_verdict *verdict);
void bt_vouch_document(struct bt_vouch *vouch, const char *path, const char *text,
                       struct bt_verdict *verdict);

enum bt_vouched {
    BT_VOUCHED,        // a technician signed that this key shows the screen
    BT_UNVOUCHED,      // technicians signed who does, and it is another
    BT_VOUCH_SILENT,   // nobody signed anything about it
    BT_VOUCH_WITHHELD  // technicians signed a document of the screen, and it is not here
};
enum bt_vouched bt_vouch_player(const struct bt_vouch *vouch, const char *unit, const char *screen,
                                const char *public_key);

// Did the server's own key sign this document (trust/countersign.h), by any of the roots?
bool bt_vouch_server(const struct bt_vouch *vouch, const cJSON *document);

// SHA-256 in hex of the root that was handed in, and of the newest; borrowed.
const char *bt_vouch_root(const struct bt_vouch *vouch);
const char *bt_vouch_newest_root(const struct bt_vouch *vouch);
bool bt_vouch_knows_root(const struct bt_vouch *vouch, const char *sha256);
size_t bt_vouch_roots(const struct bt_vouch *vouch);

#endif
