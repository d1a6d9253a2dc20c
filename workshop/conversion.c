#include "workshop/conversion.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "media/picture.h"

int bt_conversion_put(const char *path, const struct bt_buf *bytes, struct bt_error *err)
{
    FILE *file = fopen(path, "we");
    bool written = file != NULL && fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
    bool closed = file != NULL && fclose(file) == 0;
    return written && closed ? 0 : bt_fail_errno(err, "Cannot write '%s'", path);
}

void bt_conversion_size(const struct bt_media_report *report, int *out_width, int *out_height)
{
    double width = report->width, height = report->height;
    double factor = 1;
    if (strcmp(report->container, "SVG") == 0) {
        factor = BT_CONVERSION_DRAWING_PX / BT_MAX(width, height);
    } else if (width * height > (double)BT_CONVERSION_MAX_PIXELS) {
        factor = sqrt((double)BT_CONVERSION_MAX_PIXELS / (width * height));
    }
    *out_width = BT_MAX((int)(width * factor), 1);
    *out_height = BT_MAX((int)(height * factor), 1);
}

int bt_conversion_write(const char *file, const struct bt_media_report *report, const char *path,
                        struct bt_error *err)
{
    static const struct bt_item item = {.fit = BT_FIT_STRETCH};
    int width, height;
    bt_conversion_size(report, &width, &height);
    BT_AUTO(bt_image) image = NULL;
    BT_AUTOBUF png;
    bt_buf_init(&png, INT32_MAX);  // the sandbox has its limit
    int r = bt_picture_load(file, &item, width, height, &image, err);
    r = r == 0 ? bt_image_encode_png(image, &png, err) : r;
    return r == 0 ? bt_conversion_put(path, &png, err) : r;
}
