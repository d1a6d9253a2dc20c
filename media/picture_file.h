/**
 * A still's file → one decoded frame. Inside media/ only.
 */
#ifndef BT_MEDIA_PICTURE_FILE_H
#define BT_MEDIA_PICTURE_FILE_H

#include <libavcodec/avcodec.h>

#include "media/header.h"

// Of which kind the file seems to be, by its first bytes. False: of none, or it cannot be read.
bool bt_picture_file_kind(const char *path, enum bt_picture_kind *out);

/**
 * The whole file as a packet, which is what decoders take, and its header.
 * Errors: the errno of opening and reading; -EINVAL no file, or none of our kinds; -EFBIG; those of
 * bt_picture_header_read.
 */
int bt_picture_file_read(const char *path, AVPacket *out, struct bt_picture_header *out_header,
                         struct bt_error *err) BT_NODISCARD;

/**
 * Completes the header of a picture that is read outside (media/outside.h) with its size; does
 * nothing to others. Errors: those of bt_outside_measure.
 */
int bt_picture_file_measure(const char *path, struct bt_picture_header *header,
                            struct bt_error *err) BT_NODISCARD;

/**
 * The picture, or the first one of an animation; of what is read outside, bt_outside_draw gives it.
 * `lowres`: halved so many times (JPEG, 0..3).
 * `packet` and `path` are the same file.
 * Errors: -ENOTSUP a kind we know but cannot decode, -EINVAL or -EBADMSG damaged.
 */
int bt_picture_file_decode(const char *path, const AVPacket *packet,
                           const struct bt_picture_header *header, int lowres, AVFrame *out,
                           struct bt_error *err) BT_NODISCARD;

#endif
