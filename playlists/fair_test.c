#include "playlists/fair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"

#define PARTIES 12

static uint64_t seed;

static int64_t pick(int64_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((seed >> 33) % (uint64_t)n);
}

struct contest {
    struct bt_party parties[PARTIES];
    int64_t length_ns[PARTIES], given_ns[PARTIES];
    int64_t total_ns, weights, longest_ns;
    size_t count;
};

static void serve_one(struct contest *c)
{
    size_t best = 0;
    for (size_t i = 1; i < c->count; i++) {
        if (bt_fair_before(&c->parties[i], c->length_ns[i], &c->parties[best],
                           c->length_ns[best])) {
            best = i;
        }
    }
    bt_fair_charge(c->parties, c->count, best, c->length_ns[best]);
    c->given_ns[best] += c->length_ns[best];
    c->total_ns += c->length_ns[best];
}

static int64_t off_by_ns(const struct contest *c, size_t i)
{
    return llabs(c->given_ns[i] - c->total_ns / c->weights * c->parties[i].weight);
}

static void nobody_is_ever_off_by_much_more_than_the_longest_item(void **state)
{
    (void)state;
    for (seed = 1; seed <= 300; seed++) {
        struct contest c = {.count = (size_t)(2 + pick(PARTIES - 1))};
        for (size_t i = 0; i < c.count; i++) {
            c.parties[i].weight = 1 + pick(pick(2) ? 1000 : 5);
            c.length_ns[i] = (1 + pick(pick(3) ? 30 : 600)) * BT_NS_PER_S;
            c.weights += c.parties[i].weight;
            c.longest_ns = BT_MAX(c.longest_ns, c.length_ns[i]);
        }
        for (int round = 0; round < 500; round++) {
            serve_one(&c);
            for (size_t i = 0; i < c.count; i++) {
                assert_true(off_by_ns(&c, i) <= c.longest_ns + BT_NS_PER_MS);
            }
        }
    }
}

static void lags_add_up_to_zero(void **state)
{
    (void)state;
    struct bt_party parties[] = {{.weight = 3}, {.weight = 7}, {.weight = 0}, {.weight = 11}};
    for (size_t i = 0; i < 100000; i++) {
        bt_fair_charge(parties, 4, i % 2, 9999999967);
    }
    assert_int_equal(parties[0].lag_ns + parties[1].lag_ns + parties[3].lag_ns, 0);
    assert_int_equal(parties[2].lag_ns, 0);
}

static void who_has_no_weight_goes_last(void **state)
{
    (void)state;
    struct bt_party none = {.weight = 0}, some = {.weight = 1};
    assert_true(bt_fair_before(&some, INT64_MAX, &none, 1));
    assert_false(bt_fair_before(&none, 1, &some, INT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_ever_off_by_much_more_than_the_longest_item),
        cmocka_unit_test(lags_add_up_to_zero),
        cmocka_unit_test(who_has_no_weight_goes_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
