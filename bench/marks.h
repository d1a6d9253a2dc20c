/**
 * Frame-number marks: a bar code in the picture's left top corner, and again at its left bottom,
 * that says which clip and which frame is on the screen. 16 × 2 cells, each 1/120 of the picture's
 * width: four sync cells (1 0 1 0), 8 bits clip, 12 bits frame, 8 bits checksum.
 */
#ifndef BT_BENCH_MARKS_H
#define BT_BENCH_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARK_COLUMNS 16
#define MARK_ROWS 2
#define MARK_CELLS (MARK_COLUMNS * MARK_ROWS)
#define MARK_CELLS_PER_WIDTH 120
#define MARK_MAX_CLIP 255
#define MARK_MAX_FRAME 4095

static inline uint32_t mark_checksum(uint32_t clip, uint32_t frame)
{
    uint32_t mixed = (clip << 12 | frame) * 2654435761u;
    return (mixed >> 24 ^ mixed >> 12) & 0xFF;
}

// The 32 cells, the first in the highest bit.
static inline uint32_t mark_encode(uint32_t clip, uint32_t frame)
{
    return 0xAu << 28 | clip << 20 | frame << 8 | mark_checksum(clip, frame);
}

static inline bool mark_decode(uint32_t cells, int *clip, int *frame)
{
    uint32_t c = cells >> 20 & 0xFF, f = cells >> 8 & 0xFFF;
    if (cells >> 28 != 0xA || (cells & 0xFF) != mark_checksum(c, f)) {
        return false;
    }
    *clip = (int)c;
    *frame = (int)f;
    return true;
}

#endif
