// SVG through librsvg, from memory and without an address of its own: what it names outside of
// itself is not there.
#include <errno.h>
#include <librsvg/rsvg.h>
#include <math.h>

#include "workshop/drawing.h"

// An SVG may say any size; measured, it is at most so long, and its shape counts.
#define MEASURED_SIDE_PX 4096

static void rsvg_handle_auto(RsvgHandle **handle)
{
    if (*handle != NULL) {
        g_object_unref(*handle);
    }
}

// What it says of its size in pixels, else the shape of what it shows, else a square.
static void find_size(RsvgHandle *handle, double *width, double *height)
{
    gboolean has_width, has_height, has_box;
    RsvgLength across, down;
    RsvgRectangle box;
    if (rsvg_handle_get_intrinsic_size_in_pixels(handle, width, height)) {
        return;
    }
    rsvg_handle_get_intrinsic_dimensions(handle, &has_width, &across, &has_height, &down, &has_box,
                                         &box);
    *width = has_box ? box.width : 1000;
    *height = has_box ? box.height : 1000;
}

static int measure(RsvgHandle *handle, struct bt_drawing *out, struct bt_error *err)
{
    double width = 0, height = 0;
    find_size(handle, &width, &height);
    if (!(width > 0) || !(height > 0) || !isfinite(width) || !isfinite(height)) {
        return bt_fail(err, -EBADMSG, "The picture says it has no width or height");
    }
    double scale = fmin(1, MEASURED_SIDE_PX / fmax(width, height));
    out->width = (int)fmax(1, lround(width * scale));
    out->height = (int)fmax(1, lround(height * scale));
    return 0;
}

// Cairo's pixels are words with alpha on top, multiplied.
static void take_line(const uint32_t *from, uint8_t *to, int width)
{
    for (int x = 0; x < width; x++, to += 4) {
        uint32_t alpha = from[x] >> 24;
        for (int i = 0; i < 3; i++) {
            uint32_t value = from[x] >> (8 * i) & 0xFF;
            to[i] = (uint8_t)(alpha == 0 ? 0 : (value * 255 + alpha / 2) / alpha);
        }
        to[3] = (uint8_t)alpha;
    }
}

static int render(RsvgHandle *handle, cairo_surface_t *surface, struct bt_drawing *out,
                  struct bt_error *err)
{
    cairo_t *cairo = cairo_create(surface);
    const RsvgRectangle all = {0, 0, out->width, out->height};
    GError *problem = NULL;
    bool drawn = rsvg_handle_render_document(handle, cairo, &all, &problem);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    if (!drawn || status != CAIRO_STATUS_SUCCESS) {
        int r = bt_fail(err, -EBADMSG, "The SVG cannot be drawn: %s",
                        problem != NULL ? problem->message : cairo_status_to_string(status));
        g_clear_error(&problem);
        return r;
    }
    cairo_surface_flush(surface);
    const uint8_t *pixels = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    for (int y = 0; y < out->height; y++) {
        const void *line = pixels + (ptrdiff_t)y * stride;
        take_line(line, out->pixels + (size_t)y * (size_t)out->width * 4, out->width);
    }
    return 0;
}

// An SVG of another shape is stretched: whoever asks has measured it.
static int draw(RsvgHandle *handle, int width, int height, struct bt_drawing *out,
                struct bt_error *err)
{
    int r = bt_drawing_reserve(out, width, height, err);
    if (r < 0) {
        return r;
    }
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    r = cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS
            ? render(handle, surface, out, err)
            : bt_fail(err, -ENOMEM, "No memory for a picture of %dx%d", width, height);
    cairo_surface_destroy(surface);
    return r;
}

int bt_draw_svg(const uint8_t *bytes, size_t len, int width, int height, struct bt_drawing *out,
                struct bt_error *err)
{
    GError *problem = NULL;
    __attribute__((cleanup(rsvg_handle_auto))) RsvgHandle *handle =
        rsvg_handle_new_from_data(bytes, len, &problem);
    if (handle == NULL) {
        int r = bt_fail(err, -EBADMSG, "The SVG cannot be read: %s", problem->message);
        g_clear_error(&problem);
        return r;
    }
    return width == 0 || height == 0 ? measure(handle, out, err)
                                     : draw(handle, width, height, out, err);
}
