/**
 * A decoded frame in a form that costs the render thread little, made on the decode thread:
 *
 * - planes of more than 8 bits are rounded to 8, which is what every picture is shown with;
 * - HDR is brought to what a screen without it shows (media/tone.h), as BGR0;
 * - what is neither planes nor BGRA (other RGB, palettes, alpha beside planes) becomes BGRA or BGR0
 *   by swscale; alpha stays beside the colours, not multiplied.
 *
 * What is converted without alpha comes out so many times halved as the caller says: for frames
 * that are shown much smaller. All else stays as it was decoded. Not thread-safe: one for each
 * decode thread. Inside media/ only.
 */
#ifndef BT_MEDIA_READY_H
#define BT_MEDIA_READY_H

#include <libavutil/frame.h>

#include "base/compiler.h"

struct bt_ready;

struct bt_ready *bt_ready_create(void) BT_NODISCARD;
void bt_ready_destroy(struct bt_ready *ready);
BT_DEFINE_AUTO(bt_ready)

// In place. A frame that cannot be made ready stays what it was: whoever shows it converts it, or
// says what is wrong with it.
void bt_ready_make(struct bt_ready *ready, AVFrame *frame, int halvings);

#endif
