#include "bench/crawl_watch.h"

#include <string.h>

// One byte of a column's signature each, in percent of the zone's height: where letters are.
static const int rows_percent[] = {36, 46, 54, 62};

// Drawing the zone takes the X server less than this many looks.
#define MAX_UNCLEAR 20

static void read_columns(const struct crawl_watch *watch, const struct mapped_screen *screen,
                         uint32_t *out)
{
    memset(out, 0, (size_t)watch->width * sizeof(*out));
    for (int i = 0; i < 4; i++) {
        int y = watch->y + watch->height * rows_percent[i] / 100;
        for (int x = 0; x < watch->width; x++) {
            out[x] = out[x] << 8 | (uint32_t)mapped_screen_luma(screen, watch->x + x, y);
        }
    }
}

// 0 when no step explains what is seen.
static int find_step(const struct crawl_watch *watch, const uint32_t *now)
{
    for (int step = 1; step <= CRAWL_MAX_STEP_PX && step < watch->width; step++) {
        size_t kept = (size_t)(watch->width - step) * sizeof(*now);
        if (memcmp(now, watch->columns + step, kept) == 0) {
            return step;
        }
    }
    return 0;
}

enum crawl_news crawl_watch_look(struct crawl_watch *watch, const struct mapped_screen *screen,
                                 int *out_step_px)
{
    static uint32_t now[CRAWL_MAX_COLUMNS];
    size_t size = (size_t)watch->width * sizeof(now[0]);
    read_columns(watch, screen, now);
    if (watch->started && memcmp(now, watch->columns, size) == 0) {
        watch->unclear = 0;
        return CRAWL_STILL;
    }
    int step = watch->started ? find_step(watch, now) : 0;
    if (step == 0 && watch->started && ++watch->unclear < MAX_UNCLEAR) {
        return CRAWL_STILL;
    }
    memcpy(watch->columns, now, size);
    watch->started = true;
    watch->unclear = 0;
    *out_step_px = step;
    return step > 0 ? CRAWL_MOVED : CRAWL_JUMPED;
}
