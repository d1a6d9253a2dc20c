/**
 * Bytes over https from a host whose key is pinned. Every connection, also after a redirect, shows
 * a certificate with one of the keys and goes to a public address (unless the installer allows
 * others); no proxy, no cookies, no other protocol. Sizes, redirects and waiting are bounded.
 *
 * One thread at a time; ends soon after *stop was set.
 */
#ifndef BT_LIVE_FETCH_H
#define BT_LIVE_FETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

// Of what a playlist names; longer than a publication's, since hosts put tickets into them.
#define BT_FETCH_URL_BYTES 2048

struct bt_fetch_rules {
    const char *pins;         // "sha256//…;sha256//…"; not empty
    bool private_addresses;   // the installer allows them
    const atomic_bool *stop;  // borrowed
};

struct bt_fetch;

int bt_fetch_create(const struct bt_fetch_rules *rules, struct bt_fetch **out,
                    struct bt_error *err) BT_NODISCARD;
void bt_fetch_destroy(struct bt_fetch *fetch);
BT_DEFINE_AUTO(bt_fetch)

/**
 * Begins anew with this address and waits for the first bytes. `max_bytes` and `total_s` of the
 * whole answer; 0: endless. Errors: -EPERM a key that is not pinned or an address that is not
 * public; -EINVAL no address for us; -ENETUNREACH; -ECANCELED.
 */
int bt_fetch_begin(struct bt_fetch *fetch, const char *url, int64_t max_bytes, int64_t total_s,
                   struct bt_error *err) BT_NODISCARD;

// Bytes read, at least one; 0 at the end. Errors as above; -EMSGSIZE more than max_bytes.
ssize_t bt_fetch_read(struct bt_fetch *fetch, uint8_t *out, size_t size,
                      struct bt_error *err) BT_NODISCARD;

// Begins and reads everything; as much as the buffer takes.
int bt_fetch_all(struct bt_fetch *fetch, const char *url, int64_t total_s, struct bt_buf *out,
                 struct bt_error *err) BT_NODISCARD;

// Where the answer came from, after redirects.
const char *bt_fetch_url(const struct bt_fetch *fetch);

// What `reference`, found at `base`, means; refused unless it is an https address.
int bt_fetch_resolve(const char *base, const char *reference, char out[BT_FETCH_URL_BYTES],
                     struct bt_error *err) BT_NODISCARD;

#endif
