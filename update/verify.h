/**
 * What a player hands over, believed by nobody: the installer is a TUF client of its own. It reads
 * the metadata that the player has saved, software.json and the package as files in somebody else's
 * hands (no links, bounded), verifies them from the root that it pinned itself, never goes back,
 * and keeps a copy of the package that only root can change before it looks at its hash.
 *
 *   PLAYER/metadata/{root,timestamp,snapshot,targets}.json
 *   PLAYER/metadata/N.root.json   roots on the way to the newest one
 *   PLAYER/update/offer.json      {"version": "0.2.0", "file": "HASH.deb"}; written last
 *   PLAYER/update/software.json   as it was signed
 *   PLAYER/update/HASH.deb
 *
 * The player's word decides nothing but when. Which screens a version is for is not looked at here:
 * who the player is, only the player says.
 */
#ifndef BT_UPDATE_VERIFY_H
#define BT_UPDATE_VERIFY_H

#include "trust/software.h"

struct bt_verify_options {
    const char *player;   // the player's data directory
    const char *trusted;  // our own trusted metadata
    const char *platform;
    struct bt_version running;     // nothing that is not above it
    const struct bt_version *bad;  // and none of these
    size_t bad_count;
    int64_t now_ms;
};

// Pins the root that the player is paired with, once: -EEXIST when another one is pinned, -ENOENT
// when the player has none. With `sha256` (hex; NULL: none is known) no other root is pinned.
int bt_verify_pin(const char *player, const char *trusted, const char *sha256,
                  struct bt_error *err) BT_NODISCARD;

/**
 * Copies the package that is offered to `to` (replaced, mode 0600) when all of it is as the
 * province signed it. Errors: -ENOENT nothing is offered; -EACCES, -ESTALE, -ETIME, -EBADMSG as the
 * TUF client has them; -EALREADY it runs; -EPERM not for us: another platform, not above what runs,
 * bad, not out yet, not signed.
 */
int bt_verify_offer(const struct bt_verify_options *options, const char *to, struct bt_version *out,
                    struct bt_error *err) BT_NODISCARD;

// Whether that version is still offered: -ENOENT when it was taken back meanwhile, as while a
// warning is in force.
int bt_verify_still_offered(const char *player, const struct bt_version *version,
                            struct bt_error *err) BT_NODISCARD;

#endif
