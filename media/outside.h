/**
 * Pictures whose readers are too large to be trusted inside a player: SVG, AVIF, HEIC. A program of
 * its own (`bangtin-media draw`) reads them, bounded in time and memory and cut off from network,
 * files and other processes, and gives back pixels. We start it, or ask a service for it
 * (base/hatch.h). Whatever becomes of it is an error like another.
 *
 * Inside media/ only, but for who is asked, and the words of the wire, which that program writes.
 */
#ifndef BT_MEDIA_OUTSIDE_H
#define BT_MEDIA_OUTSIDE_H

#include <libavutil/frame.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/hatch.h"

/**
 * What the program writes to its standard output, in this machine's own byte order. After `result`
 * below 0 (an errno) comes a sentence of `text_len` bytes; after 0, when it was told to draw,
 * height rows of width pixels of four bytes: blue, green, red, alpha (not multiplied).
 */
#define BT_OUTSIDE_MAGIC 0x31504d42U
#define BT_OUTSIDE_MAX_TEXT 400
struct bt_outside_answer {
    uint32_t magic;
    int32_t result;
    int32_t width, height;  // upright, as it wants to be shown; when drawn: of what follows
    uint32_t has_alpha;     // some pixel is not opaque
    uint32_t text_len;
};

// Its own size. Errors: -ENOTSUP no such reader here, -EBADMSG, -EFBIG, -ETIMEDOUT.
int bt_outside_measure(const char *path, int *out_width, int *out_height,
                       struct bt_error *err) BT_NODISCARD;

/**
 * The whole picture, about width × height in size: what has no pixels of its own (SVG) exactly so,
 * others as they are. *out is an empty frame. Errors as above, and -ENOMEM.
 */
int bt_outside_draw(const char *path, int width, int height, AVFrame *out,
                    struct bt_error *err) BT_NODISCARD;

/**
 * What the program says, up to then. *out NULL: the picture was only measured. The two above and
 * tests use it. Errors as above, but for -ENOTSUP, which is what it says.
 */
int bt_outside_hear(int fd, int64_t until_ns, struct bt_outside_answer *out_answer, AVFrame *out,
                    struct bt_error *err) BT_NODISCARD;

// Who is asked from now on; before the first picture. Before that we start it. Text: borrowed.
void bt_outside_ask(const struct bt_hatch *hatch);

// From now on a busy machine has a minute to give those two seconds; before the first picture.
void bt_outside_be_patient(void);

#endif
