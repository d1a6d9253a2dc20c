// Preloaded into a player: while /run/lose-a-flip is there, the end of the next page flip is read
// from the card and never told, as when a driver misses an interrupt.
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <drm.h>

#define TRIGGER "/run/lose-a-flip"
#define GRAPHICS_CARDS 226  // the kernel's major number

static bool is_card(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           major(status.st_rdev) == GRAPHICS_CARDS;
}

static bool begins_with_a_flip(const void *bytes, ssize_t len)
{
    struct drm_event event;
    if (len < (ssize_t)sizeof(event)) {
        return false;
    }
    memcpy(&event, bytes, sizeof(event));
    return event.type == DRM_EVENT_FLIP_COMPLETE;
}

// What libdrm reads events with.
ssize_t read(int fd, void *buf, size_t nbytes)
{
    ssize_t len = syscall(SYS_read, fd, buf, nbytes);
    bool lost = len > 0 && is_card(fd) && begins_with_a_flip(buf, len) && unlink(TRIGGER) == 0;
    return lost ? 0 : len;
}
