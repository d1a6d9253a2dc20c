#include "player/supervisor.h"

#include <systemd/sd-daemon.h>

#include "base/clock.h"

#define FEED_NS BT_NS_PER_S

void bt_supervisor_presented(int64_t now_ns)
{
    static int64_t fed_ns;  // main thread only
    if (fed_ns == 0) {
        sd_notify(0, "READY=1\nSTATUS=Đang phát (playing)");
    }
    if (fed_ns == 0 || now_ns - fed_ns >= FEED_NS) {
        sd_notify(0, "WATCHDOG=1");
        fed_ns = now_ns;
    }
}

void bt_supervisor_alive(void)
{
    sd_notify(0, "READY=1\nWATCHDOG=1\nSTATUS=Chờ màn hình (waiting for a display)");
}

void bt_supervisor_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}
