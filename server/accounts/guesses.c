#include "server/accounts/guesses.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/accounts/limiter.h"
#include "server/http/listen.h"

/*
 * Ten wrong passwords for an account from one address at once, then one in 20 s; forty from one
 * address (an office behind one router), then one in 5 s. Hashing makes some twenty guesses a
 * second at most, too few to fill all buckets of a limiter at once.
 */
#define BY_BOTH_BURST 10
#define BY_BOTH_REFILL_MS 20000
#define BY_ADDRESS_BURST 40
#define BY_ADDRESS_REFILL_MS 5000

// More than people mistype from everywhere; beyond it, a guess counts as five.
#define BY_ACCOUNT_BURST 60
#define BY_ACCOUNT_REFILL_MS 10000
#define DEAR 5

struct bt_guesses {
    struct bt_limiter *by_both, *by_address, *by_account;
};

struct bt_guesses *bt_guesses_create(void)
{
    struct bt_guesses *guesses = BT_NEW(struct bt_guesses);
    guesses->by_both = bt_limiter_create(BY_BOTH_BURST, BY_BOTH_REFILL_MS);
    guesses->by_address = bt_limiter_create(BY_ADDRESS_BURST, BY_ADDRESS_REFILL_MS);
    guesses->by_account = bt_limiter_create(BY_ACCOUNT_BURST, BY_ACCOUNT_REFILL_MS);
    return guesses;
}

void bt_guesses_destroy(struct bt_guesses *guesses)
{
    if (guesses == NULL) {
        return;
    }
    bt_limiter_destroy(guesses->by_both);
    bt_limiter_destroy(guesses->by_address);
    bt_limiter_destroy(guesses->by_account);
    free(guesses);
}

static char *both_of(const struct bt_guess *guess)
{
    return bt_strf("%s\n%s", guess->network, guess->account);
}

static bool take_of_account(struct bt_guesses *guesses, int64_t now_ns, struct bt_guess *guess)
{
    BT_AUTOFREE char *both = both_of(guess);
    guess->account_counted = bt_limiter_take(guesses->by_account, guess->account, 1, now_ns);
    guess->tries = guess->account_counted ? 1 : DEAR;
    if (bt_limiter_take(guesses->by_both, both, guess->tries, now_ns)) {
        return true;
    }
    // Who is refused here has made no guess, so others do not pay for it.
    if (guess->account_counted) {
        bt_limiter_return(guesses->by_account, guess->account, 1);
    }
    return false;
}

bool bt_guess_take(struct bt_guesses *guesses, const char *address, const char *account,
                   int64_t now_ns, struct bt_guess *out)
{
    *out = (struct bt_guess){.account = account};
    bt_address_network(address, out->network);
    if (!bt_limiter_take(guesses->by_address, out->network, 1, now_ns)) {
        return false;
    }
    if (account == NULL || take_of_account(guesses, now_ns, out)) {
        return true;
    }
    bt_limiter_return(guesses->by_address, out->network, 1);
    return false;
}

void bt_guess_return(struct bt_guesses *guesses, const struct bt_guess *guess)
{
    bt_limiter_return(guesses->by_address, guess->network, 1);
    if (guess->account == NULL) {
        return;
    }
    BT_AUTOFREE char *both = both_of(guess);
    bt_limiter_return(guesses->by_both, both, guess->tries);
    if (guess->account_counted) {
        bt_limiter_return(guesses->by_account, guess->account, 1);
    }
}
