/**
 * Says by how many pixels a line of text has moved to the left since it was last looked at.
 *
 * A few pixel rows across the zone make one signature per column. A crawl that moves by whole
 * pixels shows the same columns again, further to the left, to the bit; whatever else happens to
 * the zone does not.
 */
#ifndef BT_BENCH_CRAWL_WATCH_H
#define BT_BENCH_CRAWL_WATCH_H

#include <stdbool.h>

#include "bench/mapped_screen.h"

#define CRAWL_MAX_COLUMNS 8192

// Steps up to this are told by their size; longer ones are jumps.
#define CRAWL_MAX_STEP_PX 64

struct crawl_watch {
    int x, y, width, height;
    bool started;
    int unclear;  // looks in a row that found no step: the text is being drawn
    uint32_t columns[CRAWL_MAX_COLUMNS];  // at the last step
};

enum crawl_news { CRAWL_STILL, CRAWL_MOVED, CRAWL_JUMPED };

enum crawl_news crawl_watch_look(struct crawl_watch *watch, const struct mapped_screen *screen,
                                 int *out_step_px);

#endif
