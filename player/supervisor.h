/**
 * What supervises us: systemd's readiness and watchdog (sd_notify; nothing happens elsewhere). The
 * watchdog is fed by presents, never by a side thread: a loop that hangs must be restarted.
 */
#ifndef BT_PLAYER_SUPERVISOR_H
#define BT_PLAYER_SUPERVISOR_H

#include <stdint.h>

// A picture was presented. The first one is what "ready" means; at most one message a second.
void bt_supervisor_presented(int64_t now_ns);

// There is no display to present on, and we know it and wait: alive, though not presenting.
void bt_supervisor_alive(void);

void bt_supervisor_stopping(void);

#endif
