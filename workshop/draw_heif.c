// AVIF and HEIC through libheif, which turns and cuts them as they want to be shown.
#include <errno.h>
#include <libheif/heif.h>
#include <string.h>

#include "workshop/drawing.h"

struct heif {
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *image;
};

static void heif_finish(struct heif *heif)
{
    heif_image_release(heif->image);
    heif_image_handle_release(heif->handle);
    heif_context_free(heif->context);
}

static int explain(struct heif_error error, struct bt_error *err)
{
    bool unknown = error.code == heif_error_Unsupported_filetype ||
                   error.code == heif_error_Unsupported_feature ||
                   error.code == heif_error_Plugin_loading_error;
    return bt_fail(err, unknown ? -ENOTSUP : -EBADMSG, "The picture cannot be read: %s",
                   error.message != NULL ? error.message : "");
}

static int take_pixels(const struct heif *heif, struct bt_drawing *out, struct bt_error *err)
{
    int stride;
    int width = heif_image_get_width(heif->image, heif_channel_interleaved);
    int height = heif_image_get_height(heif->image, heif_channel_interleaved);
    const uint8_t *plane =
        heif_image_get_plane_readonly(heif->image, heif_channel_interleaved, &stride);
    int r = bt_drawing_reserve(out, width, height, err);
    if (r < 0 || plane == NULL) {
        return r < 0 ? r : bt_fail(err, -EBADMSG, "The picture has no pixels");
    }
    uint8_t *to = out->pixels;
    for (int y = 0; y < height; y++) {
        const uint8_t *from = plane + (ptrdiff_t)y * stride;
        for (int x = 0; x < width; x++, from += 4, to += 4) {
            const uint8_t pixel[4] = {from[2], from[1], from[0], from[3]};
            memcpy(to, pixel, sizeof(pixel));
        }
    }
    return 0;
}

static int read_picture(struct heif *heif, bool measure, struct bt_drawing *out,
                        struct bt_error *err)
{
    if (measure) {
        return bt_drawing_measured(out, heif_image_handle_get_width(heif->handle),
                                   heif_image_handle_get_height(heif->handle), err);
    }
    struct heif_error error = heif_decode_image(heif->handle, &heif->image, heif_colorspace_RGB,
                                                heif_chroma_interleaved_RGBA, NULL);
    return error.code != heif_error_Ok ? explain(error, err) : take_pixels(heif, out, err);
}

int bt_draw_heif(const uint8_t *bytes, size_t len, int width, int height, struct bt_drawing *out,
                 struct bt_error *err)
{
    struct heif heif = {.context = heif_context_alloc()};
    if (heif.context == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture");
    }
    struct heif_error error =
        heif_context_read_from_memory_without_copy(heif.context, bytes, len, NULL);
    if (error.code == heif_error_Ok) {
        error = heif_context_get_primary_image_handle(heif.context, &heif.handle);
    }
    int r = error.code == heif_error_Ok ? read_picture(&heif, width == 0 || height == 0, out, err)
                                        : explain(error, err);
    heif_finish(&heif);
    return r;
}
