/**
 * Addresses of live streams: https, a host, printable ASCII; no names and passwords inside, which
 * everybody who reads the publication would have. Pure.
 */
#ifndef BT_PLAYLISTS_LIVE_URL_H
#define BT_PLAYLISTS_LIVE_URL_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/error.h"

// "https://HOST[:PORT][/…]" of any length. Errors: -EINVAL.
int bt_live_url_check(const char *url, struct bt_error *err) BT_NODISCARD;

// The host of a checked address, for people.
void bt_live_url_host(const char *url, char *out, size_t size);

#endif
