#include "media/motion.h"

#include <math.h>

#include "media/picture.h"

#define FRACTION 65536.0

#define MAX_TIMES_ZONE 4
#define MAX_KEPT_PIXELS (16 * 1024 * 1024)
#define MAX_SIDE 32768  // of a bt_image

// Bilinear drawing looks at two pixels in a row: more than two for one would flicker.
#define MAX_SHRINK 2

// Progress in fractions of 1 << PROGRESS_BITS: an hour's motion in steps below a millisecond.
#define PROGRESS_BITS 22

// The picture in a zone at zoom 1. Lengths in pixels of the zone.
struct fitting {
    double zone[2];     // width, height
    double picture[2];  // as it is fitted
    double whole[2];    // the zone and all of the picture
    double native;      // how often larger the picture is in its file
};

static struct fitting fit(const struct bt_item *item, int width, int height, int zone_width,
                          int zone_height)
{
    struct fitting f = {.zone = {zone_width, zone_height}};
    double scale_x = f.zone[0] / width, scale_y = f.zone[1] / height;
    if (item->fit == BT_FIT_COVER) {
        scale_x = scale_y = fmax(scale_x, scale_y);
    }
    f.picture[0] = width * scale_x;
    f.picture[1] = height * scale_y;
    if (item->fit == BT_FIT_CONTAIN) {
        struct bt_placement at = bt_place(item, width, height, zone_width, zone_height);
        f.picture[0] = at.dst.width;
        f.picture[1] = at.dst.height;
    }
    for (int axis = 0; axis < 2; axis++) {
        f.whole[axis] = fmax(f.zone[axis], f.picture[axis]);
    }
    f.native = fmax(width / f.picture[0], height / f.picture[1]);
    return f;
}

// How often larger than at zoom 1 the picture is kept.
static double kept_scale(const struct fitting *f, const struct bt_motion *motion)
{
    double least = (double)BT_MIN(motion->from.zoom, motion->to.zoom) / 1000;
    double most = (double)BT_MAX(motion->from.zoom, motion->to.zoom) / 1000;
    double zone = f->zone[0] * f->zone[1], whole = f->whole[0] * f->whole[1];
    double pixels = fmin(MAX_TIMES_ZONE * zone, fmax(zone, MAX_KEPT_PIXELS));
    double scale = fmax(1, fmin(fmin(most, MAX_SHRINK * least), f->native));
    scale = fmin(scale, sqrt(pixels / whole));
    return fmin(scale, MAX_SIDE / fmax(f->whole[0], f->whole[1]));
}

// Where along one axis the window begins, in pixels of the zone.
static double window_start(const struct fitting *f, int axis, double window, int64_t permille)
{
    double edge = (f->whole[axis] - f->picture[axis]) / 2;
    if (window >= f->picture[axis]) {
        return (f->whole[axis] - window) / 2;
    }
    double start = edge + f->picture[axis] * (double)permille / 1000 - window / 2;
    return fmin(fmax(start, edge), edge + f->picture[axis] - window);
}

static struct bt_detail window_of(const struct fitting *f, const struct bt_motion_plan *plan,
                                  const struct bt_sight *sight)
{
    double zoom = (double)sight->zoom / 1000;
    double across = plan->width / f->whole[0] * FRACTION;
    double down = plan->height / f->whole[1] * FRACTION;
    double width = f->zone[0] / zoom, height = f->zone[1] / zoom;
    return (struct bt_detail){
        .x = llrint(window_start(f, 0, width, sight->x) * across),
        .y = llrint(window_start(f, 1, height, sight->y) * down),
        .width = llrint(width * across),
        .height = llrint(height * down),
    };
}

struct bt_motion_plan bt_motion_plan(const struct bt_item *item, int picture_width,
                                     int picture_height, int zone_width, int zone_height)
{
    const struct fitting f = fit(item, picture_width, picture_height, zone_width, zone_height);
    double scale = kept_scale(&f, &item->motion);
    struct bt_motion_plan plan = {
        .width = BT_CLAMP((int)lrint(f.whole[0] * scale), 1, MAX_SIDE),
        .height = BT_CLAMP((int)lrint(f.whole[1] * scale), 1, MAX_SIDE),
        .fit = item->fit == BT_FIT_CONTAIN ? BT_FIT_CONTAIN : BT_FIT_STRETCH,
    };
    plan.path.from = window_of(&f, &plan, &item->motion.from);
    plan.path.to = window_of(&f, &plan, &item->motion.to);
    return plan;
}

static int64_t between(int64_t from, int64_t to, int64_t progress)
{
    return from + (((to - from) * progress) >> PROGRESS_BITS);
}

struct bt_detail bt_motion_at(const struct bt_motion_path *path, int64_t since_ns,
                              int64_t length_ns)
{
    if (since_ns >= length_ns) {
        return path->to;
    }
    since_ns = BT_MAX(since_ns, 0);
    while (length_ns >> (62 - PROGRESS_BITS) != 0) {
        length_ns >>= 1;
        since_ns >>= 1;
    }
    int64_t progress = (since_ns << PROGRESS_BITS) / length_ns;
    const struct bt_detail *a = &path->from, *b = &path->to;
    return (struct bt_detail){between(a->x, b->x, progress), between(a->y, b->y, progress),
                              between(a->width, b->width, progress),
                              between(a->height, b->height, progress)};
}
