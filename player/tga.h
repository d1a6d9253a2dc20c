/**
 * Pictures as TGA files (Truevision TGA 2.0): 24 bits a pixel, run-length encoded, the first row at
 * the top. What paints the boot picture must be small enough for an initramfs, so this is all that
 * it reads: files of another kind are refused. Linked there, too: nothing but base/ may be needed.
 */
#ifndef BT_PLAYER_TGA_H
#define BT_PLAYER_TGA_H

#include "render/raster.h"

#define BT_TGA_MAX_PX 8192                   // a side
#define BT_TGA_MAX_BYTES (32 * 1024 * 1024)  // a file

// Appends the picture, without its alpha. -EMSGSIZE: longer than the buffer's limit, or a side is.
int bt_tga_encode(const struct bt_raster *picture, struct bt_buf *out,
                  struct bt_error *err) BT_NODISCARD;

/**
 * On success out->pixels are BGRA, opaque, and the caller's to free. Errors: -EINVAL not such a
 * file, or it ends too early, -EMSGSIZE a side is longer than BT_TGA_MAX_PX, -ENOMEM.
 */
int bt_tga_decode(const void *bytes, size_t len, struct bt_raster *out,
                  struct bt_error *err) BT_NODISCARD;

#endif
