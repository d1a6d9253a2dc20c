#include "live/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"

static bool is_public(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        storage.ss_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
        storage.ss_family = AF_INET6;
    }
    return bt_address_is_public((struct sockaddr *)&storage);
}

static void public_addresses_are_known(void **state)
{
    (void)state;
    static const char *const open[] = {"1.1.1.1",          "11.0.0.0",        "172.15.255.255",
                                       "172.32.0.0",       "192.167.255.255", "223.255.255.255",
                                       "100.63.0.1",       "2400:cb00::1",    "::ffff:1.1.1.1",
                                       "64:ff9b::808:808", "2002:101:101::1"};
    for (size_t i = 0; i < BT_ARRAY_LEN(open); i++) {
        assert_true(is_public(open[i]));
    }
}

static void all_others_are_not_public(void **state)
{
    (void)state;
    static const char *const closed[] = {
        "0.0.0.0",
        "127.0.0.1",
        "127.255.255.255",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:db8::1",
        "2001::1",
        "::127.0.0.1",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(closed); i++) {
        assert_false(is_public(closed[i]));
    }
}

static void other_families_are_not_public(void **state)
{
    (void)state;
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    assert_false(bt_address_is_public((struct sockaddr *)&local));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_addresses_are_known),
        cmocka_unit_test(all_others_are_not_public),
        cmocka_unit_test(other_families_are_not_public),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
