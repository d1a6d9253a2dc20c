#include "player/backdrop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "render/mapping.h"

#define MAX_TEXT_BYTES 64
#define MAX_SIDE 16384
#define BYTES_PER_PIXEL 4
#define MAX_BYTES (64 * 1024 * 1024)  // a display of 4096 × 4096

struct bt_backdrop {
    struct bt_image *canvas;
    struct bt_mapping mapping;
};

struct geometry {
    int64_t width, height;  // pixels
    int64_t stride;         // bytes
};

struct bt_backdrop *bt_backdrop_create(struct bt_image *canvas, const struct bt_output_plan *plan)
{
    struct bt_backdrop *backdrop = BT_NEW(struct bt_backdrop);
    backdrop->canvas = canvas;
    if (plan != NULL && plan->slice_count > 0) {
        // A card shows the first of several windows.
        if (plan->window_count > 0) {
            bt_output_plan_window(plan, 0, &backdrop->mapping.plan);
        } else {
            backdrop->mapping.plan = *plan;
        }
        return backdrop;
    }
    backdrop->mapping.plan.slices[0].from = (struct bt_rect){0, 0, canvas->width, canvas->height};
    backdrop->mapping.plan.slice_count = 1;
    return backdrop;
}

void bt_backdrop_destroy(struct bt_backdrop *backdrop)
{
    if (backdrop != NULL) {
        bt_image_destroy(backdrop->canvas);
        free(backdrop);
    }
}

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
static bool read_size(const char *root, struct geometry *out)
{
    char text[MAX_TEXT_BYTES + 1];
    if (!read_line(root, "virtual_size", text)) {
        return false;
    }
    char *comma = strchr(text, ',');
    if (comma == NULL) {
        return false;
    }
    *comma = '\0';
    return bt_parse_int(text, 1, MAX_SIDE, &out->width) == 0 &&
           bt_parse_int(comma + 1, 1, MAX_SIDE, &out->height) == 0;
}

static int read_geometry(const char *root, struct geometry *out, struct bt_error *err)
{
    int64_t bits;
    if (!read_size(root, out) || !read_number(root, "bits_per_pixel", 32, &bits) ||
        !read_number(root, "stride", (int64_t)MAX_SIDE * BYTES_PER_PIXEL, &out->stride)) {
        return bt_fail(err, -ENOTSUP, "There is no console behind the picture");
    }
    if (out->height * out->stride > MAX_BYTES) {
        return bt_fail(err, -ENOTSUP, "The console is larger than any display");
    }
    if (bits != 8 * BYTES_PER_PIXEL || out->stride < out->width * BYTES_PER_PIXEL ||
        out->stride % BYTES_PER_PIXEL != 0) {
        return bt_fail(err, -ENOTSUP, "The console has %lld bits a pixel, not 32", (long long)bits);
    }
    return 0;
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

// Black but for the canvas.
static uint8_t *lay_out(const struct geometry *geometry, const struct bt_backdrop *backdrop)
{
    uint8_t *pixels = BT_NEW_ARRAY(uint8_t, (size_t)(geometry->height * geometry->stride));
    const struct bt_raster canvas = bt_raster_of(backdrop->canvas);
    const struct bt_raster raster = {pixels, (size_t)geometry->stride, (int)geometry->width,
                                     (int)geometry->height};
    const struct bt_region all = {{{0, 0, canvas.width, canvas.height}}, 1};
    struct bt_rect written;
    bt_mapping_copy(&backdrop->mapping, &canvas, &all, &raster, &written);
    return pixels;
}

int bt_backdrop_paint(const struct bt_backdrop *backdrop, const char *root, struct bt_error *err)
{
    struct geometry geometry;
    int r = read_geometry(root, &geometry, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *path = bt_strf("%s/dev/fb0", root);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", path);
    }
    BT_AUTOFREE uint8_t *pixels = lay_out(&geometry, backdrop);
    bool written = write_all(fd, pixels, (size_t)(geometry.height * geometry.stride));
    r = written ? 0 : bt_fail_errno(err, "Cannot write '%s'", path);
    close(fd);
    return r;
}
