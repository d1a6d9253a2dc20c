#include "render/uevents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"

static const char hotplug[] = "change@/devices/pci0000:00/0000:00:04.0/virtio0/drm/card0\0"
                              "ACTION=change\0"
                              "DEVPATH=/devices/pci0000:00/0000:00:04.0/virtio0/drm/card0\0"
                              "SUBSYSTEM=drm\0HOTPLUG=1\0DEVNAME=dri/card0\0SEQNUM=1043";

static void what_the_kernel_says_of_cards_is_told_from_the_rest(void **state)
{
    (void)state;
    static const char usb[] = "add@/devices/usb1/1-1\0ACTION=add\0SUBSYSTEM=usb";
    static const char console[] = "add@/devices/x/graphics/fb0\0ACTION=add\0SUBSYSTEM=graphics";
    static const char in_a_path[] = "add@/devices/SUBSYSTEM=drm\0ACTION=add\0SUBSYSTEM=net";
    static const char longer[] = "add@/devices/x\0SUBSYSTEM=drm_dp_aux_dev";
    static const char udevs[] = "libudev\0\xfe\xed\xca\xfe\0SUBSYSTEM=drm";
    static const char first[] = "SUBSYSTEM=drm";
    assert_true(bt_uevent_is_of_cards(hotplug, sizeof(hotplug)));
    assert_true(bt_uevent_is_of_cards(console, sizeof(console)));
    assert_false(bt_uevent_is_of_cards(usb, sizeof(usb)));
    assert_false(bt_uevent_is_of_cards(in_a_path, sizeof(in_a_path)));
    assert_false(bt_uevent_is_of_cards(longer, sizeof(longer)));
    assert_false(bt_uevent_is_of_cards(udevs, sizeof(udevs)));
    assert_false(bt_uevent_is_of_cards(first, sizeof(first)));
    assert_false(bt_uevent_is_of_cards("", 0));
    assert_false(bt_uevent_is_of_cards("\0\0\0", 3));
}

// However it is cut off, nothing is read behind its end.
static void a_message_without_an_end_is_refused(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(hotplug); len++) {
        char cut[sizeof(hotplug)];
        memcpy(cut, hotplug, len);
        bool whole = len > 0 && cut[len - 1] == '\0' &&
                     memmem(cut, len, "SUBSYSTEM=drm", sizeof("SUBSYSTEM=drm")) != NULL;
        assert_true(bt_uevent_is_of_cards(cut, len) == whole);
    }
}

static void what_others_send_is_not_believed(void **state)
{
    (void)state;
    BT_AUTO(bt_uevents) uevents = NULL;
    if (bt_uevents_open(&uevents, NULL) < 0) {
        skip();
    }
    assert_false(bt_uevents_take(uevents));
    struct sockaddr_nl to = {.nl_family = AF_NETLINK};
    socklen_t len = sizeof(to);
    int fd = bt_uevents_fd(uevents);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &len), 0);
    to.nl_groups = 0;
    int sender = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
    assert_true(sender >= 0);
    ssize_t sent =
        sendto(sender, hotplug, sizeof(hotplug), 0, (const struct sockaddr *)&to, sizeof(to));
    close(sender);
    if (sent < 0) {
        skip();  // only root may
    }
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, -1), 1);
    assert_false(bt_uevents_take(uevents));
    assert_int_equal(poll(&readable, 1, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_kernel_says_of_cards_is_told_from_the_rest),
        cmocka_unit_test(a_message_without_an_end_is_refused),
        cmocka_unit_test(what_others_send_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
