// Which part of a file a request wants (RFC 9110, 13 and 14). Pure.
#ifndef BT_SERVER_HTTP_RANGE_H
#define BT_SERVER_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct bt_range {
    int64_t offset, length;  // bytes
};

/**
 * Reads a Range header for a file of `size` bytes. True: *out is the wanted part. False: all of it
 * is sent, because the header is not one range of bytes (several, another unit, nonsense; a server
 * may ignore those). *out_beyond tells that the range lies behind the end, which is answered 416.
 */
bool bt_range_parse(const char *text, int64_t size, struct bt_range *out, bool *out_beyond);

/**
 * Does an If-None-Match or If-Match list ("a", W/"b", *) name the tag (given without quotes)?
 * Weak ones count when `weak`.
 */
bool bt_etag_listed(const char *list, const char *etag, bool weak);

#endif
