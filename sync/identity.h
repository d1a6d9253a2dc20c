/**
 * Who the player is towards its server: an Ed25519 key made at the first start, what it signs to
 * pair and to log in, and what the answers say (docs/protocol.md, "A player's identity"). Bodies
 * are texts; sending them is the channel's. Thread-safe once opened.
 */
#ifndef BT_SYNC_IDENTITY_H
#define BT_SYNC_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/sha256.h"
#include "playlists/publication.h"
#include "sync/address.h"
#include "trust/private_key.h"

#define BT_PLAYER_BYTES 64
#define BT_TOKEN_BYTES 513

// Who a paired player is.
struct bt_identity {
    char player[BT_PLAYER_BYTES];  // "": not paired
    char unit[25];
    char screen[64];
};

// Loads the key, or makes it and keeps it (mode 0600).
int bt_identity_key(const char *path, struct bt_private_key **out,
                    struct bt_error *err) BT_NODISCARD;

// Its public key in lower-case hex, as signed documents name the player.
int bt_identity_public(const struct bt_private_key *key, char out[BT_PLAYER_HEX_BYTES],
                       struct bt_error *err) BT_NODISCARD;

// POST /v1/pairings, and what it answers.
struct bt_pairing {
    char id[64], code[16];
    char words[64];  // for people, on both sides
    int64_t expires_s, poll_s;
    char *root;  // the exact text of the one to pin, which the words are of; owned
    size_t root_len;
};
struct bt_pairing_request {
    const char *model, *version;
    const char *token;        // of an enrolment; "": people claim it
    const char *root_sha256;  // the root it was told; "": any
    bool newer;               // the roots after it are asked for as well
};
int bt_pairing_write(const struct bt_private_key *key, const struct bt_pairing_request *request,
                     struct bt_buf *out, struct bt_error *err) BT_NODISCARD;

/**
 * The answer to that request. -EACCES when its root is another than the one that was told; when one
 * of the newer ones does not follow the one before, what bt_tuf_root_next says: -EACCES it is not
 * vouched for, -ESTALE it is not of the next version, or another of its codes.
 */
int bt_pairing_read(const struct bt_private_key *key, const struct bt_pairing_request *request,
                    const char *text, size_t len, struct bt_pairing *out,
                    struct bt_error *err) BT_NODISCARD;
void bt_pairing_finish(struct bt_pairing *pairing);

// POST /v1/pairings/ID/state. `claimed` is false while nobody claimed it.
struct bt_claim {
    bool claimed;
    struct bt_identity identity;
    struct bt_address server;  // url "": where it paired
};
int bt_claim_write(const struct bt_private_key *key, const char *pairing, struct bt_buf *out,
                   struct bt_error *err) BT_NODISCARD;
int bt_claim_read(const char *text, size_t len, struct bt_claim *out,
                  struct bt_error *err) BT_NODISCARD;

// POST /v1/player/challenge answers a nonce, POST /v1/player/session takes it back signed.
struct bt_session {
    char token[BT_TOKEN_BYTES];
    int64_t expires_s, now_ms;
    int64_t open_from, open_until;  // the screen's opening hours, minutes; alike: not said, always
};
int bt_challenge_write(const char *player, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;
int bt_session_write(const struct bt_private_key *key, const char *player, const char *challenge,
                     size_t challenge_len, struct bt_buf *out, struct bt_error *err) BT_NODISCARD;
int bt_session_read(const char *text, size_t len, struct bt_session *out,
                    struct bt_error *err) BT_NODISCARD;

// Letters, digits and '-' alone: fit for a path.
bool bt_id_is_plain(const char *id);

#endif
