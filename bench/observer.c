/*
 * Watches an X screen and says what is on it when: a line per change of any watched zone.
 *
 *   observer FBDIR SECONDS [--rate HZ] [X,Y,WIDTH,HEIGHT | crawl:X,Y,WIDTH,HEIGHT …]
 *
 * FBDIR is what Xvfb was started with (-fbdir). Each zone is a rectangle that holds a picture with
 * marks (see marks.h), or a crawl; without one the whole screen is one zone. Lines on stdout:
 *
 *   T_NS ZONE CLIP FRAME TORN     a mark; TORN is 1 when the bottom mark disagrees
 *   T_NS ZONE black               the zone is black
 *   T_NS ZONE other               a picture without a readable mark
 *   T_NS ZONE moved PIXELS        the crawl stands so far to the left of where it was
 *   T_NS ZONE jumped              the crawl shows something else
 *   T_NS paused NS                the look before was so long ago, more than 2 ms: the system held
 *                                 us up, and what came then is told with that much delay
 *
 * A last line says how many looks there were, how many of them came more than 2 ms after the one
 * before (500 a second is what a judge must reach), the longest pause, and whether the system gave
 * us real-time priority, which keeps the looks regular on a busy machine.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/str.h"
#include "bench/crawl_watch.h"
#include "bench/mapped_screen.h"
#include "bench/marks.h"

#define MAX_ZONES 16
#define DEFAULT_RATE_HZ 1000
#define LATE_NS (2 * BT_NS_PER_MS)
#define BLACK_LEVEL 24

// What a picture zone's `clip` says when there is no mark.
enum { SEES_BLACK = -1, SEES_OTHER = -2, SEES_NOTHING_YET = -3 };

struct zone {
    int x, y, width, height;
    int clip, frame, torn;      // last seen
    struct crawl_watch *crawl;  // NULL: a picture with marks
};

struct looks {
    int64_t count, late, longest_ns;
};

static volatile sig_atomic_t stop_requested;  // allow: a signal handler has nothing else

static void handle_stop(int number)
{
    stop_requested = number;
}

static uint32_t read_cells(const struct mapped_screen *screen, const struct zone *zone, int top)
{
    uint32_t cells = 0;
    for (int i = 0; i < MARK_CELLS; i++) {
        int x = zone->x + (2 * (i % MARK_COLUMNS) + 1) * zone->width / (2 * MARK_CELLS_PER_WIDTH);
        int y = top + (2 * (i / MARK_COLUMNS) + 1) * zone->width / (2 * MARK_CELLS_PER_WIDTH);
        cells = cells << 1 | (mapped_screen_luma(screen, x, y) > 128);
    }
    return cells;
}

static bool is_black(const struct mapped_screen *screen, const struct zone *zone)
{
    for (int i = 0; i < 64; i++) {
        int x = zone->x + (2 * (i % 8) + 1) * zone->width / 16;
        int y = zone->y + (2 * (i / 8) + 1) * zone->height / 16;
        if (mapped_screen_luma(screen, x, y) > BLACK_LEVEL) {
            return false;
        }
    }
    return true;
}

static void look_for_marks(const struct mapped_screen *screen, struct zone *zone, int number,
                           int64_t at_ns)
{
    int clip, frame = 0, torn = 0, bottom_clip, bottom_frame;
    int bottom = zone->y + zone->height - MARK_ROWS * zone->width / MARK_CELLS_PER_WIDTH;
    if (mark_decode(read_cells(screen, zone, zone->y), &clip, &frame)) {
        torn = !mark_decode(read_cells(screen, zone, bottom), &bottom_clip, &bottom_frame) ||
               bottom_clip != clip || bottom_frame != frame;
    } else {
        clip = is_black(screen, zone) ? SEES_BLACK : SEES_OTHER;
    }
    if (clip == zone->clip && frame == zone->frame && (torn == zone->torn || torn != 0)) {
        return;
    }
    if (clip >= 0) {
        printf("%lld %d %d %d %d\n", (long long)at_ns, number, clip, frame, torn);
    } else {
        printf("%lld %d %s\n", (long long)at_ns, number, clip == SEES_BLACK ? "black" : "other");
    }
    zone->clip = clip;
    zone->frame = frame;
    zone->torn = torn;
}

static void look_at_crawl(const struct mapped_screen *screen, struct zone *zone, int number,
                          int64_t at_ns)
{
    int step_px;
    switch (crawl_watch_look(zone->crawl, screen, &step_px)) {
    case CRAWL_STILL:
        break;
    case CRAWL_MOVED:
        printf("%lld %d moved %d\n", (long long)at_ns, number, step_px);
        break;
    case CRAWL_JUMPED:
        printf("%lld %d jumped\n", (long long)at_ns, number);
        break;
    }
}

static bool parse_zone(const char *text, struct zone *out)
{
    static const char prefix[] = "crawl:";
    bool crawl = strncmp(text, prefix, strlen(prefix)) == 0;
    *out = (struct zone){.clip = SEES_NOTHING_YET};
    if (sscanf(crawl ? text + strlen(prefix) : text, "%d,%d,%d,%d", &out->x, &out->y, &out->width,
               &out->height) != 4 ||
        out->width < 1 || out->width > CRAWL_MAX_COLUMNS || out->height < 1) {
        return false;
    }
    if (crawl) {
        out->crawl = calloc(1, sizeof(*out->crawl));
        if (out->crawl == NULL) {
            return false;
        }
        out->crawl->x = out->x;
        out->crawl->y = out->y;
        out->crawl->width = out->width;
        out->crawl->height = out->height;
    }
    return true;
}

// How many zones, or -1.
static int parse_zones(int argc, char **argv, int64_t *rate_hz, struct zone *zones)
{
    int count = 0;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc) {
            if (bt_parse_int(argv[++i], 1, 100000, rate_hz) < 0) {
                return -1;
            }
        } else if (count == MAX_ZONES || !parse_zone(argv[i], &zones[count++])) {
            return -1;
        }
    }
    return count;
}

static struct looks watch(const struct mapped_screen *screen, struct zone *zones, int count,
                          int64_t period_ns, int64_t length_ns)
{
    const struct bt_clock *clock = bt_clock_real();
    struct looks looks = {0};
    int64_t last_ns = bt_clock_mono_ns(clock), end_ns = last_ns + length_ns, due_ns = last_ns;
    while (due_ns < end_ns && stop_requested == 0) {
        bt_clock_sleep_until(clock, due_ns);
        int64_t now_ns = bt_clock_mono_ns(clock);
        looks.count++;
        if (now_ns - last_ns > LATE_NS) {
            looks.late++;
            printf("%lld paused %lld\n", (long long)now_ns, (long long)(now_ns - last_ns));
        }
        looks.longest_ns = BT_MAX(looks.longest_ns, now_ns - last_ns);
        for (int i = 0; i < count; i++) {
            (zones[i].crawl != NULL ? look_at_crawl : look_for_marks)(screen, &zones[i], i, now_ns);
        }
        last_ns = now_ns;
        due_ns = BT_MAX(due_ns + period_ns, now_ns);
    }
    return looks;
}

int main(int argc, char **argv)
{
    struct mapped_screen screen;
    struct zone zones[MAX_ZONES];
    int64_t seconds, rate_hz = DEFAULT_RATE_HZ;
    int count = parse_zones(argc, argv, &rate_hz, zones);
    if (argc < 3 || count < 0 || bt_parse_int(argv[2], 1, 1000000, &seconds) < 0 ||
        mapped_screen_open(argv[1], &screen) < 0) {
        fputs("observer FBDIR SECONDS [--rate HZ] [[crawl:]X,Y,WIDTH,HEIGHT …]\n", stderr);
        return 2;
    }
    if (count == 0) {
        zones[count++] = (struct zone){
            .width = (int)screen.width, .height = (int)screen.height, .clip = SEES_NOTHING_YET};
    }
    const struct sigaction action = {.sa_handler = handle_stop};
    sigaction(SIGTERM, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1UL);
    const struct sched_param priority = {.sched_priority = 10};
    bool real_time = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    struct looks looks = watch(&screen, zones, count, BT_NS_PER_S / rate_hz, seconds * BT_NS_PER_S);
    printf("looks %lld late %lld longest_us %lld realtime %d\n", (long long)looks.count,
           (long long)looks.late, (long long)(looks.longest_ns / 1000), real_time);
    for (int i = 0; i < count; i++) {
        free(zones[i].crawl);
    }
    return 0;
}
