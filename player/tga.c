#include "player/tga.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 18
#define PIXEL_BYTES 4  // of a raster
#define FILE_BYTES 3   // of a pixel in the file
#define MAX_RUN 128    // pixels of a packet

enum { KIND_RLE_COLOUR = 10, TOP_FIRST = 0x20, SAME = 0x80 };

static const uint8_t *pixel_at(const struct bt_raster *picture, size_t at)
{
    size_t width = (size_t)picture->width;
    return picture->pixels + at / width * picture->stride + at % width * PIXEL_BYTES;
}

static bool alike(const struct bt_raster *picture, size_t a, size_t b)
{
    return memcmp(pixel_at(picture, a), pixel_at(picture, b), FILE_BYTES) == 0;
}

// How many pixels from `at` on are alike, within the row and a packet.
static size_t run_length(const struct bt_raster *picture, size_t at, size_t end)
{
    size_t count = 1;
    while (at + count < end && count < MAX_RUN && alike(picture, at, at + count)) {
        count++;
    }
    return count;
}

// How many from `at` on differ, each from the next.
static size_t raw_length(const struct bt_raster *picture, size_t at, size_t end)
{
    size_t count = 1;
    while (at + count < end && count < MAX_RUN &&
           (at + count + 1 >= end || !alike(picture, at + count, at + count + 1))) {
        count++;
    }
    return count;
}

static int encode_packet(const struct bt_raster *picture, size_t end, size_t *at,
                         struct bt_buf *out)
{
    size_t same = run_length(picture, *at, end);
    size_t count = same > 1 ? same : raw_length(picture, *at, end);
    uint8_t packet[1 + MAX_RUN * FILE_BYTES] = {(uint8_t)((same > 1 ? SAME : 0) | (count - 1))};
    size_t pixels = same > 1 ? 1 : count;
    for (size_t i = 0; i < pixels; i++) {
        memcpy(packet + 1 + i * FILE_BYTES, pixel_at(picture, *at + i), FILE_BYTES);
    }
    *at += count;
    return bt_buf_append(out, packet, 1 + pixels * FILE_BYTES);
}

int bt_tga_encode(const struct bt_raster *picture, struct bt_buf *out, struct bt_error *err)
{
    size_t width = (size_t)picture->width, height = (size_t)picture->height;
    if (width > BT_TGA_MAX_PX || height > BT_TGA_MAX_PX) {
        return bt_fail(err, -EMSGSIZE, "%zu × %zu is more than %d a side", width, height,
                       BT_TGA_MAX_PX);
    }
    const uint8_t header[HEADER_BYTES] = {[2] = KIND_RLE_COLOUR,
                                          [12] = (uint8_t)(width & 0xFF),
                                          [13] = (uint8_t)(width >> 8),
                                          [14] = (uint8_t)(height & 0xFF),
                                          [15] = (uint8_t)(height >> 8),
                                          [16] = 8 * FILE_BYTES,
                                          [17] = TOP_FIRST};
    int r = bt_buf_append(out, header, sizeof(header));
    for (size_t row = 0; r == 0 && row < height; row++) {
        for (size_t at = row * width; r == 0 && at < (row + 1) * width;) {
            r = encode_packet(picture, (row + 1) * width, &at, out);
        }
    }
    return r < 0 ? bt_fail(err, r, "The picture is longer than %zu bytes", out->limit) : 0;
}

static int read_header(const uint8_t *bytes, size_t len, struct bt_raster *out,
                       struct bt_error *err)
{
    static const uint8_t wanted[] = {0, 0, KIND_RLE_COLOUR};
    if (len < HEADER_BYTES || memcmp(bytes, wanted, sizeof(wanted)) != 0 ||
        bytes[16] != 8 * FILE_BYTES || bytes[17] != TOP_FIRST) {
        return bt_fail(err, -EINVAL, "This is no TGA of 24 bits, run-length encoded, top first");
    }
    out->width = bytes[12] | bytes[13] << 8;
    out->height = bytes[14] | bytes[15] << 8;
    if (out->width == 0 || out->height == 0) {
        return bt_fail(err, -EINVAL, "There is no picture in it");
    }
    if (out->width > BT_TGA_MAX_PX || out->height > BT_TGA_MAX_PX) {
        return bt_fail(err, -EMSGSIZE, "%d × %d is more than %d a side", out->width, out->height,
                       BT_TGA_MAX_PX);
    }
    out->stride = (size_t)out->width * PIXEL_BYTES;
    return 0;
}

// False: a packet goes beyond the file or the picture.
static bool decode_pixels(const uint8_t *from, const uint8_t *end, uint8_t *to, size_t left)
{
    while (left > 0) {
        if (from == end) {
            return false;
        }
        bool same = (*from & SAME) != 0;
        size_t count = (size_t)(*from++ & ~SAME) + 1;
        if (count > left || (size_t)(end - from) < (same ? 1 : count) * FILE_BYTES) {
            return false;
        }
        for (size_t i = 0; i < count; i++, to += PIXEL_BYTES) {
            memcpy(to, from, FILE_BYTES);
            to[FILE_BYTES] = 255;
            from += same && i + 1 < count ? 0 : FILE_BYTES;
        }
        left -= count;
    }
    return true;
}

int bt_tga_decode(const void *bytes, size_t len, struct bt_raster *out, struct bt_error *err)
{
    const uint8_t *from = bytes;
    struct bt_raster picture;
    int r = read_header(from, len, &picture, err);
    if (r < 0) {
        return r;
    }
    picture.pixels = malloc((size_t)picture.height * picture.stride);  // allow: a picture
    if (picture.pixels == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture of %d × %d", picture.width,
                       picture.height);
    }
    if (!decode_pixels(from + HEADER_BYTES, from + len, picture.pixels,
                       (size_t)picture.width * (size_t)picture.height)) {
        free(picture.pixels);
        return bt_fail(err, -EINVAL, "The file ends before its picture does");
    }
    *out = picture;
    return 0;
}
