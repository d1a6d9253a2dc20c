/**
 * What the workshop hands out through its hatch (base/hatch.h), as hostile as the file that it
 * looked at: each product at most once, none larger than it may be, all of them in time.
 */
#ifndef BT_SERVER_MEDIA_PARCELS_H
#define BT_SERVER_MEDIA_PARCELS_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

/**
 * Writes the products into `dir`, an empty directory, under names of ours. Errors: -ETIMEDOUT,
 * -EFAULT the file is to blame for what was said; -EAGAIN it broke off, since the workshop was
 * stopped or the file has brought it down; the errno of writing.
 */
int bt_parcels_receive(int hatch, const char *dir, int64_t until_ns,
                       struct bt_error *err) BT_NODISCARD;

#endif
