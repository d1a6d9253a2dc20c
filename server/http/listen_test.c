#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "server/http/listen.h"

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44  // linux/tcp.h
#endif

static void addresses_are_listened_on(void **state)
{
    (void)state;
    struct bt_listener listener;
    struct bt_error err = {0};
    assert_int_equal(bt_listen_open("127.0.0.1:0", &listener, &err), 0);
    assert_true(listener.port > 0 && listener.loopback && !listener.is_unix);
    struct bt_listener second;
    char again[32];
    snprintf(again, sizeof(again), "127.0.0.1:%d", listener.port);
    assert_int_equal(bt_listen_open(again, &second, &err), -EADDRINUSE);
    close(listener.fd);
}

static void a_dead_line_is_tried_often(void **state)
{
    (void)state;
    struct bt_listener listener;
    struct bt_error err = {0};
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address), size = sizeof(int);
    int ms = 0;
    assert_int_equal(bt_listen_open("127.0.0.1:0", &listener, &err), 0);
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&address, &len), 0);
    BT_AUTOCLOSE int here = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(here, (struct sockaddr *)&address, len), 0);
    BT_AUTOCLOSE int there = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    bool known = getsockopt(there, IPPROTO_TCP, TCP_RTO_MAX_MS, &ms, &size) == 0;
    assert_true(!known || ms == 3000);  // Linux 6.15 has it
    assert_int_equal(getsockopt(there, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size), 0);
    assert_int_equal(ms, known ? 120000 : 0);
    close(listener.fd);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "8080",        "localhost:80",
                                      "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536",
                                      "[::1:80",   "::1:80x",     "1.2.3.4:-1"};
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        struct bt_listener listener;
        struct bt_error err = {0};
        assert_int_equal(bt_listen_open(bad[i], &listener, &err), -EINVAL);
        assert_string_not_equal(err.msg, "");
    }
}

static void loopback_is_known(void **state)
{
    (void)state;
    assert_true(bt_listen_is_loopback("127.0.0.1:1"));
    assert_true(bt_listen_is_loopback("127.8.8.8:1"));
    assert_true(bt_listen_is_loopback("[::1]:1"));
    assert_true(bt_listen_is_loopback("unix:/tmp/x"));
    assert_false(bt_listen_is_loopback("0.0.0.0:1"));
    assert_false(bt_listen_is_loopback("[::]:1"));
    assert_false(bt_listen_is_loopback("192.168.1.1:1"));
}

static void peers_have_texts(void **state)
{
    (void)state;
    char text[64];
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
    bt_address_text((struct sockaddr *)&v4, text, sizeof(text));
    assert_string_equal(text, "192.0.2.7");
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr);
    bt_address_text((struct sockaddr *)&v6, text, sizeof(text));
    assert_string_equal(text, "192.0.2.7");
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    bt_address_text((struct sockaddr *)&v6, text, sizeof(text));
    assert_string_equal(text, "2001:db8::1");
    bt_address_text(NULL, text, sizeof(text));
    assert_string_equal(text, "unix");
}

static void an_address_of_ipv6_stands_for_its_network(void **state)
{
    (void)state;
    static const struct {
        const char *text, *network;
    } cases[] = {{"192.0.2.7", "192.0.2.7"},
                 {"::ffff:192.0.2.7", "::ffff:192.0.2.7"},
                 {"2001:db8:1:2:3::4", "20010db800010002"},
                 {"2001:db8:1:2::5", "20010db800010002"},
                 {"unix", "unix"}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char network[BT_NETWORK_BYTES];
        bt_address_network(cases[i].text, network);
        assert_string_equal(network, cases[i].network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_listened_on),
        cmocka_unit_test(a_dead_line_is_tried_often),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(loopback_is_known),
        cmocka_unit_test(peers_have_texts),
        cmocka_unit_test(an_address_of_ipv6_stands_for_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
