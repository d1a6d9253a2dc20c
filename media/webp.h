/**
 * An animated WebP, which FFmpeg does not read: libwebp's own frames, whole canvases one after the
 * other. One thread at a time. Inside media/ only.
 */
#ifndef BT_MEDIA_WEBP_H
#define BT_MEDIA_WEBP_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"

struct bt_webp;

struct bt_webp_info {
    int width, height;
    int format;                   // AVPixelFormat of the frames: BGRA, or BGR0 when it has no alpha
    int64_t frames, duration_ms;  // of one round
};

// True when the open file begins as a WebP does.
bool bt_webp_signature(int fd);

/**
 * Reads the whole file; the descriptor stays the caller's.
 * Errors: the errno of reading; -EINVAL or -EBADMSG no animation or damaged; -EFBIG too large.
 */
int bt_webp_open(int fd, struct bt_webp **out, struct bt_error *err) BT_NODISCARD;
void bt_webp_destroy(struct bt_webp *webp);
BT_DEFINE_AUTO(bt_webp)

const struct bt_webp_info *bt_webp_info(const struct bt_webp *webp);

/**
 * The next frame, its time and length in milliseconds since the beginning: 1; 0 at the end.
 * Errors: -EBADMSG damaged from here on, -ENOMEM.
 */
int bt_webp_read(struct bt_webp *webp, AVFrame *out, struct bt_error *err) BT_NODISCARD;

#endif
