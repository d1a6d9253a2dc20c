/**
 * bangtin-splash: paints the boot picture on the kernel's console, the safe card, as soon as there
 * is a display to paint on: a rule of udev starts it, in the initramfs and behind it. It ends at
 * once and holds nothing: the player takes the display over from the kernel as it does without it.
 * What fails leaves the console as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "player/console.h"
#include "player/tga.h"

#define PIXEL_BYTES 4

// In the middle; around it, where the display is larger, what its first pixel is.
static void lay_out(const struct bt_raster *picture, const struct bt_raster *to)
{
    int left = (to->width - picture->width) / 2, top = (to->height - picture->height) / 2;
    int width = BT_MIN(to->width, picture->width);
    for (int y = 0; y < to->height; y++) {
        uint8_t *row = to->pixels + (size_t)y * to->stride;
        for (int x = 0; x < to->width; x++) {
            memcpy(row + (size_t)x * PIXEL_BYTES, picture->pixels, PIXEL_BYTES);
        }
        int from_y = y - top;
        if (from_y >= 0 && from_y < picture->height) {
            memcpy(row + (size_t)BT_MAX(left, 0) * PIXEL_BYTES,
                   picture->pixels + (size_t)from_y * picture->stride +
                       (size_t)BT_MAX(-left, 0) * PIXEL_BYTES,
                   (size_t)width * PIXEL_BYTES);
        }
    }
}

static int paint(const struct bt_raster *picture, const char *root, struct bt_error *err)
{
    struct bt_console console;
    int r = bt_console_read(root, &console, err);
    if (r < 0) {
        return r;
    }
    size_t stride = (size_t)console.width * PIXEL_BYTES;
    BT_AUTOFREE uint8_t *pixels = BT_NEW_ARRAY(uint8_t, (size_t)console.height * stride);
    const struct bt_raster raster = {pixels, stride, console.width, console.height};
    lay_out(picture, &raster);
    return bt_console_write(&console, root, &raster, err);
}

static int show(const char *path, const char *root, struct bt_error *err)
{
    struct bt_raster picture;
    BT_AUTOBUF file;
    bt_buf_init(&file, BT_TGA_MAX_BYTES);
    int r = bt_file_read(path, &file, err);
    if (r < 0) {
        return r;
    }
    r = bt_tga_decode(bt_buf_text(&file), file.len, &picture, err);
    if (r < 0) {
        return bt_fail_in(err, r, "%s", path);
    }
    r = paint(&picture, root, err);
    free(picture.pixels);
    return r;
}

int main(int argc, char **argv)
{
    struct bt_error err;
    if (argc < 2 || argc > 3) {
        fputs("bangtin-splash ẢNH.tga [ROOT]: vẽ hình khởi động (bangtin-player card) / paints the "
              "boot picture\n",
              stderr);
        return 64;
    }
    if (show(argv[1], argc > 2 ? argv[2] : "", &err) < 0) {
        fprintf(stderr, "bangtin-splash: %s\n", err.msg);
        return 1;
    }
    return 0;
}
