/**
 * The first directory of a TIFF file, or of the one inside an EXIF block (TIFF 6.0). Pure: no
 * files, no allocation, nothing read outside of the bytes. Inside media/ only.
 */
#ifndef BT_MEDIA_TIFF_H
#define BT_MEDIA_TIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bt_tiff {
    const uint8_t *bytes;  // borrowed
    size_t len;
    bool big_endian;
    const uint8_t *entries;
    size_t entry_count;  // as many as are there
    bool whole;          // the file says no more of them
};

enum {
    BT_TIFF_WIDTH = 256,
    BT_TIFF_HEIGHT = 257,
    BT_TIFF_STRIP_OFFSETS = 273,
    BT_TIFF_ORIENTATION = 274,
    BT_TIFF_STRIP_BYTES = 279,
    BT_TIFF_TILE_OFFSETS = 324,
    BT_TIFF_TILE_BYTES = 325,
    BT_TIFF_DNG_VERSION = 50706,
};

// False: not a TIFF, or its directory lies outside.
bool bt_tiff_open(const uint8_t *bytes, size_t len, struct bt_tiff *out);

// The whole numbers of one tag, wherever they lie; none when it is missing, of another type or
// outside.
struct bt_tiff_numbers {
    const uint8_t *at;
    size_t count, size;
    bool big_endian;
};
struct bt_tiff_numbers bt_tiff_find(const struct bt_tiff *tiff, unsigned tag);
uint32_t bt_tiff_number(const struct bt_tiff_numbers *numbers, size_t index);

// The tag's first number; `otherwise` when it has none.
uint32_t bt_tiff_value(const struct bt_tiff *tiff, unsigned tag, uint32_t otherwise);

// 1..8; 1 when it is not there or makes no sense.
int bt_tiff_orientation(const struct bt_tiff *tiff);

#endif
