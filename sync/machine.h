// What the board under a player says of itself (docs/protocol.md, "Status"): Linux's thermal zones,
// and the firmware of a Raspberry Pi where it is one.
#ifndef BT_SYNC_MACHINE_H
#define BT_SYNC_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct bt_machine {
    bool has_celsius;
    int64_t celsius;                          // of the hottest sensor
    bool has_throttled;                       // then both:
    bool throttled;                           // it slows itself down now, for heat or lack of power
    bool low_power;                           // its supply is too weak now
    bool has_cma;                             // then both:
    int64_t cma_total_bytes, cma_free_bytes;  // memory for decoders and displays
};

// `root` is "" but for tests. Reads a few files of the kernel; what is not there is not said.
void bt_machine_look(const char *root, struct bt_machine *out);

#endif
