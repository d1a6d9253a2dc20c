#include "player/vblank.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <drm.h>

#include "base/mem.h"
#include "base/str.h"
#include "render/connectors.h"

#define MAX_CRTCS 32

struct bt_vblank {
    int fd;
    uint32_t crtc;
};

// False: the driver does not count, or nothing is lit by this one.
static bool read_sequence(int fd, uint32_t crtc, int64_t *out_count)
{
    struct drm_crtc_get_sequence sequence = {.crtc_id = crtc};
    if (ioctl(fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &sequence) < 0 || sequence.active == 0) {
        return false;
    }
    *out_count = (int64_t)sequence.sequence;
    return true;
}

static bool find_crtc(int fd, uint32_t *out_crtc)
{
    uint32_t crtcs[MAX_CRTCS] = {0};
    struct drm_mode_card_res resources = {.crtc_id_ptr = (uintptr_t)crtcs,
                                          .count_crtcs = MAX_CRTCS};
    int64_t count;
    if (ioctl(fd, DRM_IOCTL_MODE_GETRESOURCES, &resources) < 0) {
        return false;
    }
    for (uint32_t i = 0; i < BT_MIN(resources.count_crtcs, (uint32_t)MAX_CRTCS); i++) {
        if (read_sequence(fd, crtcs[i], &count)) {
            *out_crtc = crtcs[i];
            return true;
        }
    }
    return false;
}

int bt_vblank_open(const char *root, struct bt_vblank **out, struct bt_error *err)
{
    struct bt_connectors found;
    bt_connectors_look(root, &found);
    for (size_t i = 0; i < found.card_count; i++) {
        BT_AUTOFREE char *path = bt_strf("%s/dev/dri/card%d", root, found.cards[i]);
        BT_AUTO(bt_vblank) vblank = BT_NEW(struct bt_vblank);
        vblank->fd = open(path, O_RDWR | O_CLOEXEC);
        if (vblank->fd >= 0 && find_crtc(vblank->fd, &vblank->crtc)) {
            *out = BT_TAKE(vblank);
            return 0;
        }
    }
    return bt_fail(err, -ENOTSUP, "No graphics card here counts its refreshes");
}

void bt_vblank_destroy(struct bt_vblank *vblank)
{
    if (vblank != NULL) {
        if (vblank->fd >= 0) {
            close(vblank->fd);
        }
        free(vblank);
    }
}

bool bt_vblank_count(const struct bt_vblank *vblank, int64_t *out_count)
{
    return vblank != NULL && read_sequence(vblank->fd, vblank->crtc, out_count);
}
