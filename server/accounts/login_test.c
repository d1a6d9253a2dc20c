#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// cmocka wants those before it.
#include <cmocka.h>

#include "base/clock.h"
#include "server/accounts/guesses.h"
#include "server/accounts/limiter.h"
#include "server/accounts/password.h"
#include "server/accounts/secret.h"

#define S BT_NS_PER_S

// With a key by chance, two names of a test have now and then the same bucket. With this one never.
static void same_bytes(void *const out, const size_t size)
{
    static const unsigned char seed[randombytes_SEEDBYTES] = "a bucket for each name";
    randombytes_buf_deterministic(out, size, seed);
}

static uint32_t same_number(void)
{
    return 0;
}

static const char *same_name(void)
{
    return "always the same";
}

static randombytes_implementation same = {
    .implementation_name = same_name, .random = same_number, .buf = same_bytes};

static int begin_without_chance(void **state)
{
    (void)state;
    return randombytes_set_implementation(&same);
}

static int begin_by_chance(void **state)
{
    (void)state;
    return randombytes_set_implementation(&randombytes_sysrandom_implementation);
}

static void a_bucket_gives_its_burst_and_then_one_at_a_time(void **state)
{
    (void)state;
    struct bt_limiter *limiter = bt_limiter_create(3, 10000);
    for (int i = 0; i < 3; i++) {
        assert_true(bt_limiter_take(limiter, "a", 1, 1000 * S));
    }
    assert_false(bt_limiter_take(limiter, "a", 1, 1000 * S));
    assert_false(bt_limiter_take(limiter, "a", 1, 1009 * S));
    assert_true(bt_limiter_take(limiter, "a", 1, 1010 * S));
    assert_false(bt_limiter_take(limiter, "a", 1, 1011 * S));
    // A long rest fills it up to its burst, and no further.
    for (int i = 0; i < 3; i++) {
        assert_true(bt_limiter_take(limiter, "a", 1, 100000 * S));
    }
    assert_false(bt_limiter_take(limiter, "a", 1, 100000 * S));
    bt_limiter_destroy(limiter);
}

static void a_refused_try_costs_nothing(void **state)
{
    (void)state;
    struct bt_limiter *limiter = bt_limiter_create(1, 10000);
    assert_true(bt_limiter_take(limiter, "a", 1, 0));
    for (int i = 1; i < 10; i++) {
        assert_false(bt_limiter_take(limiter, "a", 1, i * S));
    }
    assert_true(bt_limiter_take(limiter, "a", 1, 10 * S));
    bt_limiter_destroy(limiter);
}

static void a_good_try_is_given_back(void **state)
{
    (void)state;
    struct bt_limiter *limiter = bt_limiter_create(1, 10000);
    for (int i = 0; i < 20; i++) {
        assert_true(bt_limiter_take(limiter, "a", 1, 5 * S));
        bt_limiter_return(limiter, "a", 1);
    }
    assert_true(bt_limiter_take(limiter, "a", 1, 5 * S));
    assert_false(bt_limiter_take(limiter, "a", 1, 5 * S));
    bt_limiter_destroy(limiter);
}

static void many_are_taken_together_or_not_at_all(void **state)
{
    (void)state;
    struct bt_limiter *limiter = bt_limiter_create(10, 1000);
    assert_true(bt_limiter_take(limiter, "a", 6, S));
    assert_false(bt_limiter_take(limiter, "a", 5, S));
    assert_true(bt_limiter_take(limiter, "a", 4, S));
    bt_limiter_return(limiter, "a", 5);
    assert_true(bt_limiter_take(limiter, "a", 5, S));
    assert_false(bt_limiter_take(limiter, "a", 1, S));
    bt_limiter_destroy(limiter);
}

static void inventing_names_makes_nothing_forgotten(void **state)
{
    (void)state;
    struct bt_limiter *limiter = bt_limiter_create(1, 3600000);
    assert_true(bt_limiter_take(limiter, "victim", 1, S));
    for (int i = 0; i < 100000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "invented-%d", i);
        (void)!bt_limiter_take(limiter, name, 1, 2 * S);
    }
    assert_false(bt_limiter_take(limiter, "victim", 1, 3 * S));
    bt_limiter_destroy(limiter);
}

// How many guesses at `account` from `address` there are at once.
static int guesses_left(struct bt_guesses *guesses, const char *address, const char *account)
{
    struct bt_guess guess;
    int taken = 0;
    while (taken < 1000 && bt_guess_take(guesses, address, account, S, &guess)) {
        taken++;
    }
    return taken;
}

static void who_guesses_locks_out_nobody_else(void **state)
{
    (void)state;
    struct bt_guesses *guesses = bt_guesses_create();
    assert_int_equal(guesses_left(guesses, "203.0.113.1", "an"), 10);
    assert_int_equal(guesses_left(guesses, "203.0.113.1", "binh"), 10);
    assert_int_equal(guesses_left(guesses, "203.0.113.2", "an"), 10);
    // One who has a network of IPv6 has all its addresses.
    assert_int_equal(guesses_left(guesses, "2001:db8::1", "an"), 10);
    assert_int_equal(guesses_left(guesses, "2001:db8::2", "an"), 0);
    bt_guesses_destroy(guesses);
}

static void an_address_has_its_own_limit_whatever_it_guesses_at(void **state)
{
    (void)state;
    struct bt_guesses *guesses = bt_guesses_create();
    static const char *const accounts[] = {"an", "binh", "chi", "dung", "em"};
    int all = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(accounts); i++) {
        all += guesses_left(guesses, "203.0.113.1", accounts[i]);
    }
    assert_int_equal(all, 40);
    assert_int_equal(guesses_left(guesses, "203.0.113.1", NULL), 0);
    assert_int_equal(guesses_left(guesses, "203.0.113.2", NULL), 40);
    bt_guesses_destroy(guesses);
}

static void a_crowd_of_guessers_has_fewer_each_and_the_owner_gets_in(void **state)
{
    (void)state;
    struct bt_guesses *guesses = bt_guesses_create();
    struct bt_guess guess;
    int all = 0;
    for (int i = 0; i < 100; i++) {
        char address[32];
        snprintf(address, sizeof(address), "203.0.113.%d", i);
        all += guesses_left(guesses, address, "an");
    }
    assert_int_equal(all, 60 + 94 * 2);
    // However often the owner comes with the right password.
    for (int i = 0; i < 20; i++) {
        assert_true(bt_guess_take(guesses, "198.51.100.7", "an", S, &guess));
        bt_guess_return(guesses, &guess);
    }
    bt_guesses_destroy(guesses);
}

static void the_right_password_is_right(void **state)
{
    (void)state;
    struct bt_passwords *passwords = bt_passwords_create();
    char hash[BT_PASSWORD_HASH_BYTES], again[BT_PASSWORD_HASH_BYTES];
    assert_int_equal(bt_password_hash(passwords, "mật khẩu dài", hash, NULL), 0);
    assert_int_equal(bt_password_hash(passwords, "mật khẩu dài", again, NULL), 0);
    assert_string_not_equal(hash, again);
    assert_non_null(strstr(hash, "$argon2id$v=19$m=65536,"));
    assert_null(strstr(hash, "dài"));
    assert_int_equal(bt_password_verify(passwords, hash, "mật khẩu dài", NULL), 0);
    assert_int_equal(bt_password_verify(passwords, hash, "mật khẩu dai", NULL), -EACCES);
    bt_passwords_destroy(passwords);
}

static void nobodys_password_is_never_right_and_costs_the_same_work(void **state)
{
    (void)state;
    struct bt_passwords *passwords = bt_passwords_create();
    char hash[BT_PASSWORD_HASH_BYTES];
    assert_int_equal(bt_password_verify(passwords, NULL, "mật khẩu dài", NULL), -EACCES);
    assert_int_equal(bt_password_verify(passwords, NULL, "", NULL), -EACCES);
    // What a hash costs stands in it; ours for nobody says the same as a real one.
    assert_int_equal(bt_password_hash(passwords, "mật khẩu dài", hash, NULL), 0);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0);
    bt_passwords_destroy(passwords);
}

#define CROWD 8

struct crowd {
    struct bt_passwords *passwords;
    pthread_barrier_t together;
    pthread_mutex_t lock;
    int right, busy;  // protected by lock
    const char *hash;
};

static void *log_in(void *context)
{
    struct crowd *crowd = context;
    pthread_barrier_wait(&crowd->together);
    int r = bt_password_verify(crowd->passwords, crowd->hash, "mật khẩu dài", NULL);
    pthread_mutex_lock(&crowd->lock);
    crowd->right += r == 0;
    crowd->busy += r == -EBUSY;
    pthread_mutex_unlock(&crowd->lock);
    return NULL;
}

// How many are let in depends on who comes when; that nobody is answered wrongly does not.
static void a_crowd_is_let_in_or_told_to_come_back(void **state)
{
    (void)state;
    char hash[BT_PASSWORD_HASH_BYTES];
    struct crowd crowd = {.passwords = bt_passwords_create(), .hash = hash};
    assert_int_equal(bt_password_hash(crowd.passwords, "mật khẩu dài", hash, NULL), 0);
    pthread_barrier_init(&crowd.together, NULL, CROWD);
    pthread_mutex_init(&crowd.lock, NULL);
    pthread_t threads[CROWD];
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_in, &crowd), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(crowd.right + crowd.busy, CROWD);
    assert_true(crowd.right >= 2);
    assert_int_equal(bt_password_verify(crowd.passwords, hash, "mật khẩu dài", NULL), 0);
    pthread_mutex_destroy(&crowd.lock);
    pthread_barrier_destroy(&crowd.together);
    bt_passwords_destroy(crowd.passwords);
}

static void secrets_are_long_and_never_the_same(void **state)
{
    (void)state;
    char a[BT_SECRET_BYTES], b[BT_SECRET_BYTES], hash[BT_SHA256_HEX_BYTES];
    bt_secret_make(a);
    bt_secret_make(b);
    assert_int_equal(strlen(a), 64);
    assert_false(bt_secret_equal(a, b));
    assert_true(bt_secret_equal(a, a));
    assert_false(bt_secret_equal(a, ""));
    bt_secret_hash("abc", hash);
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest limits[] = {
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_one_at_a_time),
        cmocka_unit_test(a_refused_try_costs_nothing),
        cmocka_unit_test(a_good_try_is_given_back),
        cmocka_unit_test(many_are_taken_together_or_not_at_all),
        cmocka_unit_test(inventing_names_makes_nothing_forgotten),
        cmocka_unit_test(who_guesses_locks_out_nobody_else),
        cmocka_unit_test(an_address_has_its_own_limit_whatever_it_guesses_at),
        cmocka_unit_test(a_crowd_of_guessers_has_fewer_each_and_the_owner_gets_in),
    };
    const struct CMUnitTest passwords[] = {
        cmocka_unit_test(the_right_password_is_right),
        cmocka_unit_test(nobodys_password_is_never_right_and_costs_the_same_work),
        cmocka_unit_test(a_crowd_is_let_in_or_told_to_come_back),
        cmocka_unit_test(secrets_are_long_and_never_the_same),
    };
    return cmocka_run_group_tests(limits, begin_without_chance, begin_by_chance) +
           cmocka_run_group_tests(passwords, NULL, NULL);
}
