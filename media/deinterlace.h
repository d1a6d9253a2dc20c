/**
 * Frames that came as two half pictures, of two instants: one half stays, the lines of the other
 * are bent towards their neighbours wherever they stick out like the teeth of a comb. Where nothing
 * moves, both halves stay as they are. Inside media/ and live/ only.
 *
 * FFmpeg's own filters would do, but their library brings 12 MiB and 20 ms to every start.
 */
#ifndef BT_MEDIA_DEINTERLACE_H
#define BT_MEDIA_DEINTERLACE_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool bt_frame_is_interlaced(const AVFrame *frame);

// In place. False where there is no memory, or the format's samples are neither bytes nor words of
// this machine: the frame stays as it is.
bool bt_deinterlace(AVFrame *frame);

#endif
