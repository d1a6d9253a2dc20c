// Loading stills that move.
#include <errno.h>

#include "media/av.h"
#include "media/motion.h"
#include "media/picture.h"
#include "media/picture_file.h"

static int measure(const char *path, int *out_width, int *out_height, struct bt_error *err)
{
    struct bt_picture_header header;
    BT_AUTOPACKET *packet = av_packet_alloc();
    if (packet == NULL) {
        return bt_fail(err, -ENOMEM, "No memory for a picture");
    }
    int r = bt_picture_file_read(path, packet, &header, err);
    r = r < 0 || !header.outside ? r : bt_picture_file_measure(path, &header, err);
    if (r < 0) {
        return bt_fail_in(err, r, "'%s'", path);
    }
    bool lies = bt_orientation(header.orientation)->swap;
    *out_width = lies ? header.height : header.width;
    *out_height = lies ? header.width : header.height;
    return 0;
}

int bt_picture_load_moving(const char *path, const struct bt_item *item, int zone_width,
                           int zone_height, struct bt_image **out, struct bt_motion_path *out_path,
                           struct bt_error *err)
{
    int width = 0, height = 0;
    int r = measure(path, &width, &height, err);
    if (r < 0) {
        return r;
    }
    const struct bt_motion_plan plan = bt_motion_plan(item, width, height, zone_width, zone_height);
    const struct bt_item kept = {.fit = plan.fit, .background = item->background};
    r = bt_picture_load(path, &kept, plan.width, plan.height, out, err);
    if (r == 0) {
        *out_path = plan.path;
    }
    return r;
}
