/**
 * The network between players and their server, at its worst: requests that come twice, at once or
 * much later and in another order, that are cut off on the way, that are carried out while their
 * answer is lost or cut, that come with a bit changed, or never. A process of its own, so that it
 * lives when players are killed.
 */
#ifndef BT_TESTS_LEDGER_CHAOS_H
#define BT_TESTS_LEDGER_CHAOS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum chaos_fault {
    CHAOS_NONE,
    CHAOS_SLOW,         // a while later
    CHAOS_TWICE,        // one after the other
    CHAOS_AT_ONCE,      // twice, over two connections
    CHAOS_LATE,         // not now: after others, perhaps after the server was restored
    CHAOS_CUT_REQUEST,  // half of it arrives
    CHAOS_LOST_ANSWER,  // carried out, nothing comes back
    CHAOS_CUT_ANSWER,   // carried out, half of the answer comes back
    CHAOS_CHANGED,      // one bit of the body
    CHAOS_DROPPED,      // nothing arrives
    CHAOS_OTHERS,       // somebody in between answers: 502 and a page
    CHAOS_FAULT_COUNT,
};
extern const char *const chaos_words[CHAOS_FAULT_COUNT];

// Shared memory between the test and the chaos.
struct chaos {
    atomic_int upstream;  // the server's port
    atomic_bool calm;     // everything passes
    atomic_llong happened[CHAOS_FAULT_COUNT];
    _Atomic uint64_t chance;
};

int chaos_listen(int *out_port);  // the socket, or -1
_Noreturn void chaos_run(int fd, struct chaos *chaos);

#endif
