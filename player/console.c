#include "player/console.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

#define MAX_TEXT_BYTES 64
#define MAX_SIDE 16384
#define PIXEL_BYTES 4                 // of a raster
#define MAX_BYTES (64 * 1024 * 1024)  // a display of 4096 × 4096

// A file's first line. False: there is none.
static bool read_line(const char *root, const char *name, char out[MAX_TEXT_BYTES + 1])
{
    BT_AUTOFREE char *path = bt_strf("%s/sys/class/graphics/fb0/%s", root, name);
    BT_AUTOBUF text;
    bt_buf_init(&text, MAX_TEXT_BYTES);
    if (bt_file_read(path, &text, NULL) < 0) {
        return false;
    }
    bt_copy_cut(out, MAX_TEXT_BYTES + 1, bt_buf_text(&text));
    out[strcspn(out, "\n")] = '\0';
    return true;
}

static bool read_number(const char *root, const char *name, int64_t max, int64_t *out)
{
    char text[MAX_TEXT_BYTES + 1];
    return read_line(root, name, text) && bt_parse_int(text, 1, max, out) == 0;
}

// "1024,768"
static bool read_size(const char *root, struct bt_console *out)
{
    char text[MAX_TEXT_BYTES + 1];
    int64_t width, height;
    char *comma = read_line(root, "virtual_size", text) ? strchr(text, ',') : NULL;
    if (comma == NULL) {
        return false;
    }
    *comma = '\0';
    if (bt_parse_int(text, 1, MAX_SIDE, &width) < 0 ||
        bt_parse_int(comma + 1, 1, MAX_SIDE, &height) < 0) {
        return false;
    }
    out->width = (int)width;
    out->height = (int)height;
    return true;
}

int bt_console_read(const char *root, struct bt_console *out, struct bt_error *err)
{
    struct bt_console console;
    int64_t bits;
    if (!read_size(root, &console) || !read_number(root, "bits_per_pixel", 32, &bits) ||
        !read_number(root, "stride", (int64_t)MAX_SIDE * PIXEL_BYTES, &console.stride)) {
        return bt_fail(err, -ENOTSUP, "There is no console behind the picture");
    }
    if (console.height * console.stride > MAX_BYTES) {
        return bt_fail(err, -ENOTSUP, "The console is larger than any display");
    }
    if ((bits != 32 && bits != 16) || console.stride < console.width * bits / 8 ||
        console.stride % (bits / 8) != 0) {
        return bt_fail(err, -ENOTSUP, "The console has %lld bits a pixel, not 32 or 16",
                       (long long)bits);
    }
    console.bits = (int)bits;
    *out = console;
    return 0;
}

static void write_565(uint8_t *to, const uint8_t *bgrx, int width)
{
    for (int x = 0; x < width; x++, bgrx += PIXEL_BYTES) {
        uint16_t pixel = (uint16_t)((bgrx[2] >> 3) << 11 | (bgrx[1] >> 2) << 5 | bgrx[0] >> 3);
        memcpy(to + (size_t)x * sizeof(pixel), &pixel, sizeof(pixel));
    }
}

// At once: Linux 6.1 overlooks what is written in whole single rows.
static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t written = pwrite(fd, bytes + at, len - at, (off_t)at);
        if (written <= 0) {
            return false;
        }
        at += (size_t)written;
    }
    return true;
}

int bt_console_write(const struct bt_console *console, const char *root,
                     const struct bt_raster *picture, struct bt_error *err)
{
    size_t stride = (size_t)console->stride, len = (size_t)console->height * stride;
    BT_AUTOFREE uint8_t *bytes = calloc(1, len);  // allow: a picture
    if (bytes == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for the console's picture");
    }
    for (int y = 0; y < console->height; y++) {
        const uint8_t *row = picture->pixels + (size_t)y * picture->stride;
        if (console->bits == 16) {
            write_565(bytes + (size_t)y * stride, row, console->width);
        } else {
            memcpy(bytes + (size_t)y * stride, row, (size_t)console->width * PIXEL_BYTES);
        }
    }
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    int r = write_all(fd, bytes, len) ? 0 : bt_fail_errno(err, "Cannot write '%s'", path);
    close(fd);
    return r;
}
