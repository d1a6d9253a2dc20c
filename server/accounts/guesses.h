/**
 * How often who may guess a password. Each right one is given back and does not count.
 *
 * Counted by account and address together, and by address: whoever guesses at somebody's account
 * locks themselves out, and its owner still gets in from anywhere else. Guesses at one account
 * from many addresses make each address's next guesses at it dearer, two in place of ten; nobody is
 * refused for what others did. Memory is fixed, however many names and addresses come.
 * Thread-safe.
 */
#ifndef BT_SERVER_ACCOUNTS_GUESSES_H
#define BT_SERVER_ACCOUNTS_GUESSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "server/http/listen.h"

struct bt_guesses;
struct bt_guesses *bt_guesses_create(void) BT_NODISCARD;
void bt_guesses_destroy(struct bt_guesses *guesses);

// What one guess cost, to be given back.
struct bt_guess {
    char network[BT_NETWORK_BYTES];
    const char *account;   // borrowed, or NULL
    int tries;             // of account and address together
    bool account_counted;  // one of the account's, from everywhere
};

/**
 * One guess from `address` at `account`, or NULL for what is guessed at without one. False: none
 * left for now, nothing taken.
 */
bool bt_guess_take(struct bt_guesses *guesses, const char *address, const char *account,
                   int64_t now_ns, struct bt_guess *out) BT_NODISCARD;
void bt_guess_return(struct bt_guesses *guesses, const struct bt_guess *guess);

#endif
