#include "server/where.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX_INTERFACES 24

// A machine's interfaces, by hand.
struct machine {
    struct ifaddrs list[MAX_INTERFACES];
    struct sockaddr_in6 addresses[MAX_INTERFACES];
    size_t count;
};

static void plug(struct machine *machine, const char *address, unsigned flags)
{
    size_t at = machine->count++;
    struct ifaddrs *each = &machine->list[at];
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&machine->addresses[at];
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
    } else {
        assert_int_equal(inet_pton(AF_INET6, address, &machine->addresses[at].sin6_addr), 1);
        machine->addresses[at].sin6_family = AF_INET6;
    }
    each->ifa_addr = (struct sockaddr *)(void *)&machine->addresses[at];
    each->ifa_flags = flags;
    if (at > 0) {
        machine->list[at - 1].ifa_next = each;
    }
}

static void plug_office(struct machine *machine)
{
    plug(machine, "127.0.0.1", IFF_UP | IFF_LOOPBACK);
    plug(machine, "::1", IFF_UP | IFF_LOOPBACK);
    plug(machine, "fe80::1", IFF_UP);
    plug(machine, "2001:db8::5", IFF_UP);
    plug(machine, "192.0.2.5", IFF_UP);
    plug(machine, "192.0.2.5", IFF_UP);
    plug(machine, "198.51.100.9", 0);
}

static void all_addresses_are_those_that_others_reach_and_the_name(void **state)
{
    (void)state;
    struct machine machine = {.count = 0};
    plug_office(&machine);
    struct bt_where where;
    struct bt_where_facts facts = {"[::]:0", 8443, true, "may-chu", machine.list};
    bt_where_from(&facts, &where);
    assert_int_equal(where.count, 3);
    assert_string_equal(where.urls[0], "https://192.0.2.5:8443");
    assert_string_equal(where.urls[1], "https://[2001:db8::5]:8443");
    assert_string_equal(where.urls[2], "https://may-chu:8443");
    facts.listen = "0.0.0.0:8080";
    facts.tls = false;
    facts.port = 8080;
    facts.host_name = "localhost";
    bt_where_from(&facts, &where);
    assert_int_equal(where.count, 1);
    assert_string_equal(where.urls[0], "http://192.0.2.5:8080");
}

static void one_address_is_said_as_it_was_given(void **state)
{
    (void)state;
    struct machine machine = {.count = 0};
    plug_office(&machine);
    static const struct {
        const char *listen, *url;
    } cases[] = {
        {"127.0.0.1:0", "http://127.0.0.1:4711"},
        {"[2001:db8::5]:0", "http://[2001:db8::5]:4711"},
        {"unix:/run/bangtin/http.sock", "unix:/run/bangtin/http.sock"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        const struct bt_where_facts facts = {cases[i].listen, 4711, false, "ten", machine.list};
        struct bt_where where;
        bt_where_from(&facts, &where);
        assert_int_equal(where.count, 1);
        assert_string_equal(where.urls[0], cases[i].url);
    }
}

static void a_machine_without_a_network_is_reached_from_itself(void **state)
{
    (void)state;
    const struct bt_where_facts facts = {"[::]:0", 8443, true, "may-chu", NULL};
    struct bt_where where;
    bt_where_from(&facts, &where);
    assert_int_equal(where.count, 1);
    assert_string_equal(where.urls[0], "https://localhost:8443");
}

static void there_is_room_for_some_and_no_more(void **state)
{
    (void)state;
    struct machine machine = {.count = 0};
    for (int i = 0; i < MAX_INTERFACES; i++) {
        char address[] = "192.0.2.10";
        address[8] = (char)('1' + i / 10);
        address[9] = (char)('0' + i % 10);
        plug(&machine, address, IFF_UP);
    }
    const struct bt_where_facts facts = {"0.0.0.0:0", 80, false, "ten", machine.list};
    struct bt_where where;
    bt_where_from(&facts, &where);
    assert_int_equal(where.count, BT_WHERE_MAX_URLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_addresses_are_those_that_others_reach_and_the_name),
        cmocka_unit_test(one_address_is_said_as_it_was_given),
        cmocka_unit_test(a_machine_without_a_network_is_reached_from_itself),
        cmocka_unit_test(there_is_room_for_some_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
