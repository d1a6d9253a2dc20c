/*
 * Watches an X screen and says what is on it when: a line per change of any watched zone.
 *
 *   observer FBDIR SECONDS [--rate HZ] [X,Y,WIDTH,HEIGHT …]
 *
 * FBDIR is what Xvfb was started with (-fbdir): the screen's memory is mapped and sampled, which
 * costs the X server nothing. Each zone is a rectangle that holds a picture with marks (see
 * marks.h); without one the whole screen is one zone. Lines on stdout:
 *
 *   T_NS ZONE CLIP FRAME TORN     a mark; TORN is 1 when the bottom mark disagrees
 *   T_NS ZONE black               the zone is black
 *   T_NS ZONE other               a picture without a readable mark
 *
 * A last line "samples N late M" says how often it looked and how often it looked late.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/str.h"
#include "bench/marks.h"

#define MAX_ZONES 16
#define DEFAULT_RATE_HZ 1000
#define BLACK_LEVEL 24

// What XWD's header says about the mapped screen.
struct screen {
    const uint8_t *pixels;
    uint32_t width, height, stride;
};

struct zone {
    int x, y, width, height;
    int clip, frame, torn;  // last seen; clip -1: black, -2: other, -3: nothing yet
};

static int map_screen(const char *dir, struct screen *out)
{
    char path[4096];
    if (bt_format(path, sizeof(path), "%s/Xvfb_screen0", dir) < 0) {
        return -1;
    }
    BT_AUTOCLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        perror(path);
        return -1;
    }
    const uint32_t *header = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED) {
        perror("mmap");
        return -1;
    }
    // XWDFile.h: header size, …, pixmap width (4), height (5), bytes per line (12), colours (19).
    out->width = ntohl(header[4]);
    out->height = ntohl(header[5]);
    out->stride = ntohl(header[12]);
    out->pixels = (const uint8_t *)header + ntohl(header[0]) + ntohl(header[19]) * 12;
    return 0;
}

static int luma_at(const struct screen *screen, int x, int y)
{
    if (x < 0 || y < 0 || (uint32_t)x >= screen->width || (uint32_t)y >= screen->height) {
        return 0;
    }
    const uint8_t *p = screen->pixels + (size_t)y * screen->stride + (size_t)x * 4;
    return (p[0] + 2 * p[1] + p[2]) / 4;
}

static uint32_t read_cells(const struct screen *screen, const struct zone *zone, int top)
{
    uint32_t cells = 0;
    for (int i = 0; i < MARK_CELLS; i++) {
        int x = zone->x + (2 * (i % MARK_COLUMNS) + 1) * zone->width / (2 * MARK_CELLS_PER_WIDTH);
        int y = top + (2 * (i / MARK_COLUMNS) + 1) * zone->width / (2 * MARK_CELLS_PER_WIDTH);
        cells = cells << 1 | (luma_at(screen, x, y) > 128);
    }
    return cells;
}

static bool is_black(const struct screen *screen, const struct zone *zone)
{
    for (int i = 0; i < 64; i++) {
        int x = zone->x + (2 * (i % 8) + 1) * zone->width / 16;
        int y = zone->y + (2 * (i / 8) + 1) * zone->height / 16;
        if (luma_at(screen, x, y) > BLACK_LEVEL) {
            return false;
        }
    }
    return true;
}

static void look(const struct screen *screen, struct zone *zone, int number, int64_t at_ns)
{
    int clip, frame = 0, torn = 0, bottom_clip, bottom_frame;
    int bottom = zone->y + zone->height - MARK_ROWS * zone->width / MARK_CELLS_PER_WIDTH;
    if (mark_decode(read_cells(screen, zone, zone->y), &clip, &frame)) {
        torn = !mark_decode(read_cells(screen, zone, bottom), &bottom_clip, &bottom_frame) ||
               bottom_clip != clip || bottom_frame != frame;
    } else {
        clip = is_black(screen, zone) ? -1 : -2;
    }
    if (clip == zone->clip && frame == zone->frame && (torn == zone->torn || torn != 0)) {
        return;
    }
    if (clip >= 0) {
        printf("%lld %d %d %d %d\n", (long long)at_ns, number, clip, frame, torn);
    } else {
        printf("%lld %d %s\n", (long long)at_ns, number, clip == -1 ? "black" : "other");
    }
    zone->clip = clip;
    zone->frame = frame;
    zone->torn = torn;
}

static bool parse_zone(const char *text, struct zone *out)
{
    *out = (struct zone){.clip = -3};
    return sscanf(text, "%d,%d,%d,%d", &out->x, &out->y, &out->width, &out->height) == 4;
}

int main(int argc, char **argv)
{
    struct screen screen;
    struct zone zones[MAX_ZONES];
    int count = 0;
    int64_t seconds, rate = DEFAULT_RATE_HZ;
    if (argc < 3 || bt_parse_int(argv[2], 1, 1000000, &seconds) < 0 ||
        map_screen(argv[1], &screen) < 0) {
        fputs("observer FBDIR SECONDS [--rate HZ] [X,Y,WIDTH,HEIGHT …]\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc && count < MAX_ZONES; i++) {
        if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc) {
            if (bt_parse_int(argv[++i], 1, 100000, &rate) < 0) {
                return 2;
            }
        } else if (parse_zone(argv[i], &zones[count])) {
            count++;
        }
    }
    if (count == 0) {
        zones[count++] = (struct zone){0, 0, (int)screen.width, (int)screen.height, .clip = -3};
    }
    prctl(PR_SET_TIMERSLACK, 1UL);
    const struct bt_clock *clock = bt_clock_real();
    int64_t period_ns = BT_NS_PER_S / rate, due_ns = bt_clock_mono_ns(clock);
    int64_t end_ns = due_ns + seconds * BT_NS_PER_S, samples = 0, late = 0;
    for (; due_ns < end_ns; due_ns += period_ns, samples++) {
        bt_clock_sleep_until(clock, due_ns);
        int64_t now = bt_clock_mono_ns(clock);
        late += now - due_ns > 2 * period_ns;
        for (int i = 0; i < count; i++) {
            look(&screen, &zones[i], i, now);
        }
    }
    printf("samples %lld late %lld\n", (long long)samples, (long long)late);
    return 0;
}
