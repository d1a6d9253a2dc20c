/**
 * Filling an emergency template: the approved text with an activation's values in its gaps, as a
 * publication of its own. Pure.
 *
 * Values only ever become characters of an item's text: they are put into the parsed document, not
 * into its source, once (a value with "{ten}" in it stays as it is), without control characters,
 * and within the limits that the template gives.
 */
#ifndef BT_SYNC_TEMPLATE_H
#define BT_SYNC_TEMPLATE_H

#include "base/error.h"
#include "sync/activation.h"

/**
 * *out is the filled publication's text, for free(). It is valid from from_ms to until_ms and to be
 * shown now. Errors: -EINVAL a field missing, unknown or of another type; -EMSGSIZE too long.
 */
int bt_template_fill(const char *text, size_t len, const struct bt_activation *activation,
                     char **out, struct bt_error *err) BT_NODISCARD;

#endif
