// Paths and queries as they stand in a request line (RFC 3986), which is all we let in of them.
#ifndef BT_SERVER_HTTP_URI_H
#define BT_SERVER_HTTP_URI_H

#include <stddef.h>

#include "base/compiler.h"

/**
 * Decodes %XX of `len` bytes into `out`, which has room for len + 1. -EINVAL for half an escape,
 * for a NUL, for control characters and for what is not UTF-8 afterwards.
 */
int bt_percent_decode(const char *text, size_t len, char *out) BT_NODISCARD;

#endif
