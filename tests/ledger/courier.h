/**
 * The player's own plays thread (sync/plays.h) with nothing else of a player around it: it carries
 * one journal to one server under a clock that the test moves.
 */
#ifndef BT_TESTS_LEDGER_COURIER_H
#define BT_TESTS_LEDGER_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "playlists/publication.h"

struct courier;

struct courier_options {
    const char *directory;  // of courier_prepare
    const char *player;     // its id
    const char *url;
    const char *journal;
    const struct bt_clock *clock;  // simulated
    bool trusted;
};

// Makes the directory and the player's key in it; the public one in hex.
int courier_prepare(const char *directory, char out_key[BT_PLAYER_HEX_BYTES],
                    struct bt_error *err) BT_NODISCARD;

int courier_open(const struct courier_options *options, struct courier **out,
                 struct bt_error *err) BT_NODISCARD;
void courier_destroy(struct courier *courier);
BT_DEFINE_AUTO(courier)

int courier_start(struct courier *courier, struct bt_error *err) BT_NODISCARD;
void courier_stop(struct courier *courier);  // until its thread has ended; may be started again

void courier_wake(struct courier *courier);  // the clock was moved

// Everything the journal had when it looked last is counted.
bool courier_is_home(struct courier *courier, int64_t last_seq);

#endif
