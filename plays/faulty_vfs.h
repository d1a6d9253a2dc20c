/**
 * A disk for tests: an SQLite VFS in memory from which the power can be cut.
 *
 * Writes reach the medium only with a sync. When power fails, each write since the last sync is,
 * by chance, there, not there, or torn: every 512 bytes of it old, new or garbage. Names that were
 * made or removed without a sync of the directory may be there or not. Shared memory is gone.
 *
 * There is one such disk in a process; one connection at a time may use a database on it.
 */
#ifndef BT_PLAYS_FAULTY_VFS_H
#define BT_PLAYS_FAULTY_VFS_H

#include <stdbool.h>
#include <stdint.h>

void bt_faulty_install(uint64_t seed);  // an empty disk becomes SQLite's default
void bt_faulty_remove(void);

// Power fails at the given operation that changes something from now on (1: the next).
void bt_faulty_cut_after(int64_t operations);
bool bt_faulty_is_off(void);

// What was unsynced meets its fate, and the disk works again. Connections must be closed.
void bt_faulty_power_on(void);

void bt_faulty_set_full(bool full);  // writes find no room

int64_t bt_faulty_written_bytes(void);  // by all writes so far
int64_t bt_faulty_operations(void);

// The same source of chance, for the test's own choices: 0 .. below - 1.
uint64_t bt_faulty_random(uint64_t below);

#endif
