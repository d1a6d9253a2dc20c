#include "player/wake.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

struct bt_wake {
    int fd;
};

int bt_wake_open(struct bt_wake **out, struct bt_error *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot make an eventfd");
    }
    struct bt_wake *wake = BT_NEW(struct bt_wake);
    wake->fd = fd;
    *out = wake;
    return 0;
}

void bt_wake_destroy(struct bt_wake *wake)
{
    if (wake != NULL) {
        close(wake->fd);
        free(wake);
    }
}

static void wake_up(void *context)
{
    const struct bt_wake *wake = context;
    uint64_t one = 1;
    // A counter that is full wakes as well.
    ssize_t written = write(wake->fd, &one, sizeof(one));
    (void)written;
}

struct bt_waker bt_wake_waker(struct bt_wake *wake)
{
    return (struct bt_waker){wake_up, wake};
}

int bt_wake_fd(const struct bt_wake *wake)
{
    return wake->fd;
}

void bt_wake_clear(struct bt_wake *wake)
{
    uint64_t count;
    ssize_t got = read(wake->fd, &count, sizeof(count));
    (void)got;
}
