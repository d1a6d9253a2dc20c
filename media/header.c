#include "media/header.h"

#include <assert.h>
#include <errno.h>
#include <libavutil/crc.h>
#include <string.h>

#include "media/stream.h"
#include "media/tiff.h"

// Sources: PNG (W3C, third edition), JPEG (ITU-T T.81), EXIF 2.32 (TIFF 6.0 inside), GIF89a, WebP
// container specification (developers.google.com/speed/webp/docs/riff_container), BMP (Microsoft's
// BITMAPFILEHEADER to BITMAPV5HEADER), TIFF 6.0.

// An SVG's element stands behind its prologue.
#define SVG_LOOK_BYTES 65536

// Bytes not read yet.
struct cursor {
    const uint8_t *at;
    size_t left;
};

static bool skip(struct cursor *in, size_t count)
{
    if (count > in->left) {
        return false;
    }
    in->at += count;
    in->left -= count;
    return true;
}

static unsigned big16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)big16(p) << 16 | big16(p + 2);
}

static unsigned little16(const uint8_t *p)
{
    return (unsigned)p[1] << 8 | p[0];
}

static uint32_t little24(const uint8_t *p)
{
    return (uint32_t)p[2] << 16 | little16(p);
}

static uint32_t little32(const uint8_t *p)
{
    return (uint32_t)little16(p + 2) << 16 | little16(p);
}

static int cut_off(struct bt_error *err)
{
    return bt_fail(err, -EBADMSG, "The picture is cut off");
}

static int set_size(struct bt_picture_header *out, uint32_t width, uint32_t height,
                    struct bt_error *err)
{
    if (width == 0 || height == 0) {
        return bt_fail(err, -EBADMSG, "The picture says it has no width or height");
    }
    if (width > BT_MEDIA_MAX_SIDE_PX || height > BT_MEDIA_MAX_SIDE_PX ||
        (int64_t)width * height > BT_MEDIA_MAX_PIXELS) {
        return bt_fail(err, -EFBIG,
                       "%ux%u is more than the %d pixels a side or %lld in all we show", width,
                       height, BT_MEDIA_MAX_SIDE_PX, (long long)BT_MEDIA_MAX_PIXELS);
    }
    out->width = (int)width;
    out->height = (int)height;
    return 0;
}

// The orientation in an EXIF block; 1 when it is not there or makes no sense.
static int exif_orientation(const uint8_t *exif, size_t len)
{
    struct bt_tiff tiff;
    return bt_tiff_open(exif, len, &tiff) ? bt_tiff_orientation(&tiff) : 1;
}

static bool png_chunk_intact(const uint8_t *chunk, uint32_t len)
{
    // Only chunks that a picture cannot do without (capital letter) are worth refusing for.
    if ((chunk[4] & 0x20) != 0) {
        return true;
    }
    const AVCRC *table = av_crc_get_table(AV_CRC_32_IEEE_LE);
    return (av_crc(table, UINT32_MAX, chunk + 4, (size_t)len + 4) ^ UINT32_MAX) ==
           big32(chunk + 8 + len);
}

static int read_png(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    bool has_data = false;
    skip(&in, 8);
    for (bool first = true;; first = false) {
        const uint8_t *chunk = in.at;
        uint32_t len = in.left >= 12 ? big32(chunk) : 0;
        if (in.left < 12 || !skip(&in, (size_t)len + 12)) {
            return cut_off(err);
        }
        const uint8_t *data = chunk + 8;
        if (!png_chunk_intact(chunk, len) || first != (memcmp(chunk + 4, "IHDR", 4) == 0)) {
            return bt_fail(err, -EBADMSG, "The PNG is damaged");
        }
        if (first) {
            int r = len == 13 ? set_size(out, big32(data), big32(data + 4), err) : cut_off(err);
            if (r < 0) {
                return r;
            }
        } else if (memcmp(chunk + 4, "acTL", 4) == 0 && len == 8 && !has_data) {
            out->frames = BT_MAX((int64_t)big32(data), 1);
        } else if (memcmp(chunk + 4, "eXIf", 4) == 0) {
            out->orientation = exif_orientation(data, len);
        } else if (memcmp(chunk + 4, "IDAT", 4) == 0) {
            has_data = true;
        } else if (memcmp(chunk + 4, "IEND", 4) == 0) {
            return has_data ? 0 : cut_off(err);
        }
    }
}

// Skips the coded data of a scan: up to a marker that is neither stuffing nor a restart.
static bool skip_scan(struct cursor *in)
{
    for (;;) {
        const uint8_t *mark = memchr(in->at, 0xFF, in->left);
        if (mark == NULL || (size_t)(mark - in->at) + 2 > in->left) {
            return false;
        }
        skip(in, (size_t)(mark - in->at));
        uint8_t code = mark[1];
        if (code != 0 && code != 0xFF && (code < 0xD0 || code > 0xD7)) {
            return true;
        }
        skip(in, code == 0xFF ? 1 : 2);
    }
}

static int read_frame_header(uint8_t code, const uint8_t *data, size_t len,
                             struct bt_picture_header *out, struct bt_error *err)
{
    if (len < 6) {
        return cut_off(err);
    }
    out->components = data[5];
    // Baseline, extended and progressive Huffman of 8 bits are what decoders have in common.
    out->unsupported = code > 0xC2 || data[0] != 8;
    return set_size(out, big16(data + 3), big16(data + 1), err);
}

static bool is_frame_header(uint8_t code)
{
    return code >= 0xC0 && code <= 0xCF && code != 0xC4 && code != 0xC8 && code != 0xCC;
}

static int read_segment(uint8_t code, const uint8_t *data, size_t len,
                        struct bt_picture_header *out, struct bt_error *err)
{
    if (is_frame_header(code) && out->width == 0) {
        return read_frame_header(code, data, len, out, err);
    }
    if (code == 0xE1 && len > 6 && memcmp(data, "Exif\0", 6) == 0) {
        out->orientation = exif_orientation(data + 6, len - 6);
    }
    return 0;
}

static int read_jpeg(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    bool has_scan = false;
    skip(&in, 2);
    for (;;) {
        // Any number of fill bytes may stand in front of a marker.
        while (in.left > 1 && in.at[0] == 0xFF && in.at[1] == 0xFF) {
            skip(&in, 1);
        }
        if (in.left < 2) {
            return cut_off(err);
        }
        if (in.at[0] != 0xFF) {
            return bt_fail(err, -EBADMSG, "The JPEG is damaged");
        }
        uint8_t code = in.at[1];
        skip(&in, 2);
        if (code == 0xD9) {
            return has_scan && out->width > 0 ? 0 : cut_off(err);
        }
        size_t len = in.left >= 2 ? big16(in.at) : 0;
        const uint8_t *data = in.at + 2;
        if (len < 2 || !skip(&in, len)) {
            return cut_off(err);
        }
        int r = read_segment(code, data, len - 2, out, err);
        if (r < 0) {
            return r;
        }
        if (code == 0xDA) {
            has_scan = true;
            if (!skip_scan(&in)) {
                return cut_off(err);
            }
        }
    }
}

static int read_vp8(const uint8_t *data, uint32_t len, struct bt_picture_header *out,
                    struct bt_error *err)
{
    if (len < 10 || memcmp(data + 3, "\x9D\x01\x2A", 3) != 0) {
        return bt_fail(err, -EBADMSG, "The WebP is damaged");
    }
    return set_size(out, little16(data + 6) & 0x3FFF, little16(data + 8) & 0x3FFF, err);
}

static int read_vp8l(const uint8_t *data, uint32_t len, struct bt_picture_header *out,
                     struct bt_error *err)
{
    if (len < 5 || data[0] != 0x2F) {
        return bt_fail(err, -EBADMSG, "The WebP is damaged");
    }
    uint32_t bits = little32(data + 1);
    out->ignore_alpha = (bits >> 28 & 1) == 0;
    return set_size(out, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, err);
}

static int read_webp_chunk(const uint8_t *chunk, uint32_t len, struct bt_picture_header *out,
                           struct bt_error *err)
{
    const uint8_t *data = chunk + 8;
    if (memcmp(chunk, "VP8X", 4) == 0 && len >= 10) {
        return set_size(out, little24(data + 4) + 1, little24(data + 7) + 1, err);
    }
    if (memcmp(chunk, "VP8 ", 4) == 0) {
        return read_vp8(data, len, out, err);
    }
    if (memcmp(chunk, "VP8L", 4) == 0) {
        return read_vp8l(data, len, out, err);
    }
    if (memcmp(chunk, "ANMF", 4) == 0) {
        out->frames++;
    } else if (memcmp(chunk, "EXIF", 4) == 0) {
        // Some writers keep JPEG's mark in front.
        bool marked = len > 6 && memcmp(data, "Exif\0", 6) == 0;
        out->orientation = exif_orientation(data + (marked ? 6 : 0), len - (marked ? 6 : 0));
    }
    return 0;
}

static int read_webp(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    uint32_t size = little32(in.at + 4);
    if (size < 4 || size > in.left - 8) {
        return cut_off(err);
    }
    in.left = size + 8;
    skip(&in, 12);
    out->frames = 0;
    while (in.left >= 8) {
        const uint8_t *chunk = in.at;
        uint32_t len = little32(chunk + 4);
        if (!skip(&in, (size_t)len + 8)) {
            return cut_off(err);
        }
        int r = read_webp_chunk(chunk, len, out, err);
        if (r < 0) {
            return r;
        }
        skip(&in, len & 1);
    }
    out->frames = BT_MAX(out->frames, 1);
    return out->width > 0 ? 0 : bt_fail(err, -EBADMSG, "The WebP has no picture in it");
}

static bool skip_sub_blocks(struct cursor *in)
{
    while (in->left > 0) {
        size_t len = in->at[0];
        if (!skip(in, len + 1)) {
            return false;
        }
        if (len == 0) {
            return true;
        }
    }
    return false;
}

static size_t colour_table_bytes(uint8_t flags)
{
    return (flags & 0x80) != 0 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

static bool skip_gif_image(struct cursor *in)
{
    if (in->left < 10) {
        return false;
    }
    size_t table = colour_table_bytes(in->at[9]);
    return skip(in, 10 + table + 1) && skip_sub_blocks(in);
}

// An animation that breaks off after its first picture still plays up to there.
static int read_gif(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    int r = set_size(out, little16(in.at + 6), little16(in.at + 8), err);
    if (r < 0) {
        return r;
    }
    out->frames = 0;
    bool intact = skip(&in, 13 + colour_table_bytes(in.at[10]));
    while (intact && in.left > 0 && in.at[0] != 0x3B) {
        if (in.at[0] == 0x2C) {
            intact = skip_gif_image(&in);
            out->frames += intact ? 1 : 0;
        } else if (in.at[0] == 0x21) {
            intact = skip(&in, 2) && skip_sub_blocks(&in);
        } else {
            intact = false;
        }
    }
    return out->frames > 0 ? 0 : cut_off(err);
}

enum { BMP_CORE_BYTES = 12, BMP_INFO_BYTES = 40 };
enum { BMP_PLAIN = 0, BMP_RLE8 = 1, BMP_RLE4 = 2, BMP_MASKS = 3, BMP_ALPHA_MASKS = 6 };

// Where red, green and blue stand in a pixel: those that FFmpeg knows. The masks follow the header
// or are its last part, at the same place.
static bool bmp_masks_known(const struct cursor *in, unsigned bits)
{
    static const struct {
        unsigned bits;
        uint32_t masks[3];
    } known[] = {
        {16, {0xF800, 0x07E0, 0x001F}},           {16, {0x7C00, 0x03E0, 0x001F}},
        {16, {0x0F00, 0x00F0, 0x000F}},           {32, {0xFF000000, 0xFF0000, 0xFF00}},
        {32, {0x00FF0000, 0x0000FF00, 0xFF}},     {32, {0x0000FF00, 0xFF0000, 0xFF000000}},
        {32, {0x000000FF, 0x0000FF00, 0xFF0000}},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(known) && in->left >= 14 + BMP_INFO_BYTES + 12; i++) {
        const uint8_t *masks = in->at + 14 + BMP_INFO_BYTES;
        if (known[i].bits == bits && known[i].masks[0] == little32(masks) &&
            known[i].masks[1] == little32(masks + 4) && known[i].masks[2] == little32(masks + 8)) {
            return true;
        }
    }
    return false;
}

static bool bmp_is_unsupported(const struct cursor *in, unsigned bits, uint32_t packing)
{
    return packing == BMP_MASKS || packing == BMP_ALPHA_MASKS ? !bmp_masks_known(in, bits)
                                                              : packing != BMP_PLAIN;
}

// A picture that is not packed must be there to its last line.
static int check_bmp_data(const struct cursor *in, unsigned bits, uint32_t packing,
                          struct bt_picture_header *out, struct bt_error *err)
{
    size_t data = little32(in->at + 10);
    size_t line = ((size_t)out->width * bits + 31) / 32 * 4;
    if (packing == BMP_RLE8 || packing == BMP_RLE4) {
        return data < in->left ? 0 : cut_off(err);
    }
    out->unsupported = bmp_is_unsupported(in, bits, packing);
    bool whole = data <= in->left && line * (size_t)out->height <= in->left - data;
    return whole || out->unsupported ? 0 : cut_off(err);
}

static int read_bmp(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    size_t header = little32(in.at + 14);
    if (header == BMP_CORE_BYTES) {
        int r = set_size(out, little16(in.at + 18), little16(in.at + 20), err);
        return r < 0 ? r : check_bmp_data(&in, little16(in.at + 24), BMP_PLAIN, out, err);
    }
    if (header < BMP_INFO_BYTES || in.left < 14 + BMP_INFO_BYTES) {
        return cut_off(err);
    }
    // A negative height says that the first line is the uppermost; a negative width says nothing.
    uint32_t width = little32(in.at + 18), height = little32(in.at + 22);
    height = (height & 0x80000000U) != 0 ? 0U - height : height;
    int r = set_size(out, width, height, err);
    return r < 0 ? r : check_bmp_data(&in, little16(in.at + 28), little32(in.at + 30), out, err);
}

// All strips, or tiles, must lie inside the file.
static bool tiff_data_is_there(const struct bt_tiff *tiff, unsigned offsets_tag, unsigned sizes_tag)
{
    struct bt_tiff_numbers offsets = bt_tiff_find(tiff, offsets_tag);
    struct bt_tiff_numbers sizes = bt_tiff_find(tiff, sizes_tag);
    for (size_t i = 0; i < offsets.count && i < sizes.count; i++) {
        uint32_t at = bt_tiff_number(&offsets, i);
        if (at > tiff->len || bt_tiff_number(&sizes, i) > tiff->len - at) {
            return false;
        }
    }
    return offsets.count > 0;
}

static int read_tiff(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    struct bt_tiff tiff;
    if (!bt_tiff_open(in.at, in.left, &tiff) || !tiff.whole) {
        return cut_off(err);
    }
    out->orientation = bt_tiff_orientation(&tiff);
    // What cameras write looks like a TIFF, and is what the sensor saw.
    out->unsupported = bt_tiff_find(&tiff, BT_TIFF_DNG_VERSION).count > 0;
    int r = set_size(out, bt_tiff_value(&tiff, BT_TIFF_WIDTH, 0),
                     bt_tiff_value(&tiff, BT_TIFF_HEIGHT, 0), err);
    if (r < 0) {
        return r;
    }
    bool whole = tiff_data_is_there(&tiff, BT_TIFF_STRIP_OFFSETS, BT_TIFF_STRIP_BYTES) ||
                 tiff_data_is_there(&tiff, BT_TIFF_TILE_OFFSETS, BT_TIFF_TILE_BYTES);
    return whole || out->unsupported ? 0 : cut_off(err);
}

// Its element stands behind a prologue and comments.
static int read_svg(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    out->outside = true;
    return memmem(in.at, BT_MIN(in.left, (size_t)SVG_LOOK_BYTES), "<svg", 4) != NULL
               ? 0
               : bt_fail(err, -EINVAL, "Not a picture of a kind we know");
}

static int read_heif(struct cursor in, struct bt_picture_header *out, struct bt_error *err)
{
    out->outside = true;
    return in.left > 0 ? 0 : cut_off(err);
}

static const struct {
    enum bt_picture_kind kind;
    const char *word;
    size_t min_len;  // what the reader may look at without asking
    const char *magic;
    size_t magic_len;
    size_t magic2_at;
    const char *magic2;
    int (*read)(struct cursor in, struct bt_picture_header *out, struct bt_error *err);
} kinds[] = {
    {BT_PICTURE_PNG, "PNG", 8, "\x89PNG\r\n\x1A\n", 8, 0, "", read_png},
    {BT_PICTURE_JPEG, "JPEG", 4, "\xFF\xD8\xFF", 3, 0, "", read_jpeg},
    {BT_PICTURE_WEBP, "WebP", 12, "RIFF", 4, 8, "WEBP", read_webp},
    {BT_PICTURE_GIF, "GIF", 13, "GIF8", 4, 0, "", read_gif},
    {BT_PICTURE_BMP, "BMP", 26, "BM", 2, 0, "", read_bmp},
    {BT_PICTURE_TIFF, "TIFF", 8, "II*\0", 4, 0, "", read_tiff},
    {BT_PICTURE_TIFF, "TIFF", 8, "MM\0*", 4, 0, "", read_tiff},
    {BT_PICTURE_SVG, "SVG", 5, "<", 1, 0, "", read_svg},
    {BT_PICTURE_SVG, "SVG", 8, "\xEF\xBB\xBF<", 4, 0, "", read_svg},
    {BT_PICTURE_HEIF, "HEIF", 12, "", 0, 4, "ftypmif1", read_heif},
    {BT_PICTURE_HEIF, "AVIF", 12, "", 0, 4, "ftypavif", read_heif},
    {BT_PICTURE_HEIF, "AVIF", 12, "", 0, 4, "ftypavis", read_heif},
    {BT_PICTURE_HEIF, "HEIC", 12, "", 0, 4, "ftypheic", read_heif},
    {BT_PICTURE_HEIF, "HEIC", 12, "", 0, 4, "ftypheix", read_heif},
    {BT_PICTURE_HEIF, "HEIC", 12, "", 0, 4, "ftypheim", read_heif},
    {BT_PICTURE_HEIF, "HEIC", 12, "", 0, 4, "ftypheis", read_heif},
};

const struct bt_orientation *bt_orientation(int orientation)
{
    static const struct bt_orientation orientations[] = {
        [1] = {0, false, false, false, false}, [2] = {0, true, false, true, false},
        [3] = {180, false, false, true, true}, [4] = {180, true, false, false, true},
        [5] = {90, true, true, false, false},  [6] = {90, false, true, false, true},
        [7] = {270, true, true, true, true},   [8] = {270, false, true, true, false},
    };
    assert(orientation >= 1 && orientation <= 8);
    return &orientations[orientation];
}

bool bt_picture_header_moves(const struct bt_picture_header *header)
{
    return header->frames > 1 &&
           (header->kind == BT_PICTURE_GIF || header->kind == BT_PICTURE_PNG ||
            header->kind == BT_PICTURE_WEBP);
}

bool bt_picture_kind_is_reviewable(enum bt_picture_kind kind)
{
    return kind == BT_PICTURE_PNG || kind == BT_PICTURE_JPEG || kind == BT_PICTURE_WEBP ||
           kind == BT_PICTURE_GIF;
}

const char *bt_picture_kind_word(enum bt_picture_kind kind)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].word;
        }
    }
    return "picture";
}

// Pictures people do send, named so that they can be told what to do.
static const char *other_kind(const uint8_t *bytes, size_t len)
{
    static const struct {
        size_t at;
        const char *magic;
        size_t len;
        const char *word;
    } others[] = {
        {4, "ftypmsf1", 8, "HEIF"},
        {0, "\xFF\x0A", 2, "JPEG XL"},
        {4, "JXL \r\n\x87\n", 8, "JPEG XL"},
        {0, "\0\0\1\0", 4, "ICO"},
        {0, "P5", 2, "PNM"},
        {0, "P6", 2, "PNM"},
        {0, "8BPS", 4, "Photoshop"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(others); i++) {
        if (len >= others[i].at + others[i].len &&
            memcmp(bytes + others[i].at, others[i].magic, others[i].len) == 0) {
            return others[i].word;
        }
    }
    return NULL;
}

static bool has_magic(size_t kind, const uint8_t *bytes)
{
    return memcmp(bytes, kinds[kind].magic, kinds[kind].magic_len) == 0 &&
           memcmp(bytes + kinds[kind].magic2_at, kinds[kind].magic2, strlen(kinds[kind].magic2)) ==
               0;
}

bool bt_picture_kind_of(const uint8_t *bytes, size_t len, enum bt_picture_kind *out)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        if (len >= kinds[i].min_len && has_magic(i, bytes)) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

bool bt_picture_signature(const uint8_t *bytes, size_t len)
{
    enum bt_picture_kind kind;
    return bt_picture_kind_of(bytes, len, &kind) || other_kind(bytes, len) != NULL;
}

int bt_picture_header_read(const uint8_t *bytes, size_t len, struct bt_picture_header *out,
                           struct bt_error *err)
{
    struct bt_picture_header header = {.orientation = 1, .frames = 1};
    for (size_t i = 0; i < BT_ARRAY_LEN(kinds); i++) {
        if (len < kinds[i].min_len || !has_magic(i, bytes)) {
            continue;
        }
        header.kind = kinds[i].kind;
        int r = kinds[i].read((struct cursor){bytes, len}, &header, err);
        if (r == 0) {
            *out = header;
        }
        return r;
    }
    const char *other = other_kind(bytes, len);
    if (other != NULL) {
        return bt_fail(err, -ENOTSUP, "A picture of kind %s", other);
    }
    return bt_fail(err, -EINVAL, "Not a picture of a kind we know");
}
