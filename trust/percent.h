// Percent-encoding of names that become parts of addresses and file names. Thread-safe.
#ifndef BT_TRUST_PERCENT_H
#define BT_TRUST_PERCENT_H

#include <stdbool.h>

#include "base/buf.h"

/**
 * Appends the text with every byte but letters, digits and "-._~" as %XX. '/' stays when `slashes`
 * says so. The result of a text without slashes never leaves its directory unless it is "." or
 * "..": put something behind it. -EMSGSIZE: the buffer's limit.
 */
int bt_percent_encode(const char *text, bool slashes, struct bt_buf *out) BT_NODISCARD;

#endif
