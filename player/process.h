// What a process that plays sets up for itself, once.
#ifndef BT_PLAYER_PROCESS_H
#define BT_PLAYER_PROCESS_H

#include <stdint.h>

/**
 * Priority, timers, memory, signals. Before there are threads. Gives the flag that becomes
 * non-zero when the process is told to stop (SIGTERM, SIGINT).
 */
const volatile int *bt_process_prepare(void);

// The journal remembers the time for machines without a clock battery; 0: it does not know.
int64_t bt_process_last_wall_ms(const char *journal);

#endif
