/**
 * The memory of an X screen, as `Xvfb -fbdir DIR` offers it: an XWD file that changes. Reading it
 * costs the X server nothing.
 */
#ifndef BT_BENCH_MAPPED_SCREEN_H
#define BT_BENCH_MAPPED_SCREEN_H

#include <stdint.h>

struct mapped_screen {
    const uint8_t *pixels;  // 4 bytes each; stays mapped until the program ends
    uint32_t width, height, stride;
};

// 0, or -1 after saying why on stderr.
int mapped_screen_open(const char *dir, struct mapped_screen *out);

// 0..255; 0 outside the screen.
int mapped_screen_luma(const struct mapped_screen *screen, int x, int y);

#endif
