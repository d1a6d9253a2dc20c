#include "render/uevents.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"

#define KERNELS_GROUP 1
#define MAX_MESSAGE_BYTES 8192  // the kernel's are 2 KiB and a path
#define MAX_TAKEN 64            // in one call; the rest is there the next time

struct bt_uevents {
    int fd;
};

int bt_uevents_open(struct bt_uevents **out, struct bt_error *err)
{
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    if (fd < 0) {
        return bt_fail_errno(err, "Cannot listen to the kernel's events");
    }
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNELS_GROUP};
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        int r = bt_fail_errno(err, "Cannot listen to the kernel's events");
        close(fd);
        return r;
    }
    struct bt_uevents *uevents = BT_NEW(struct bt_uevents);
    uevents->fd = fd;
    *out = uevents;
    return 0;
}

void bt_uevents_destroy(struct bt_uevents *uevents)
{
    if (uevents != NULL) {
        close(uevents->fd);
        free(uevents);
    }
}

int bt_uevents_fd(const struct bt_uevents *uevents)
{
    return uevents->fd;
}

bool bt_uevent_is_of_cards(const char *message, size_t len)
{
    if (len == 0 || message[len - 1] != '\0' || strchr(message, '@') == NULL) {
        return false;
    }
    for (size_t at = strlen(message) + 1; at < len; at += strlen(message + at) + 1) {
        if (strcmp(message + at, "SUBSYSTEM=drm") == 0 ||
            strcmp(message + at, "SUBSYSTEM=graphics") == 0) {
            return true;
        }
    }
    return false;
}

// False: there is no more.
static bool take_one(struct bt_uevents *uevents, bool *of_cards)
{
    char message[MAX_MESSAGE_BYTES];
    struct sockaddr_nl from = {.nl_pid = 0};
    struct iovec part = {message, sizeof(message)};
    struct msghdr header = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
    ssize_t len = recvmsg(uevents->fd, &header, 0);
    if (len < 0) {
        // More came than the socket holds.
        *of_cards = *of_cards || errno == ENOBUFS;
        return errno == ENOBUFS || errno == EINTR;
    }
    if (header.msg_namelen == sizeof(from) && from.nl_pid == 0) {
        bool cut_off = (header.msg_flags & MSG_TRUNC) != 0;
        *of_cards = *of_cards || cut_off || bt_uevent_is_of_cards(message, (size_t)len);
    }
    return true;
}

bool bt_uevents_take(struct bt_uevents *uevents)
{
    bool of_cards = false;
    for (int i = 0; i < MAX_TAKEN && take_one(uevents, &of_cards); i++) {
    }
    return of_cards;
}
