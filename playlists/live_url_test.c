#include "playlists/live_url.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "playlists/publication.h"

static void https_with_a_host_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
    } good[] = {
        {"https://truyen.example.vn/kenh/1.m3u8", "truyen.example.vn"},
        {"https://truyen.example.vn", "truyen.example.vn"},
        {"https://truyen.example.vn:8443/a?b=c&d=%20@", "truyen.example.vn:8443"},
        {"https://[2001:db8::1]:443/x", "[2001:db8::1]:443"},
        {"https://10.0.0.1?x", "10.0.0.1"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        struct bt_error err = {0};
        char host[64];
        assert_int_equal(bt_live_url_check(good[i].url, &err), 0);
        bt_live_url_host(good[i].url, host, sizeof(host));
        assert_string_equal(host, good[i].host);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "http://truyen.example.vn/",
        "HTTPS://truyen.example.vn/",
        "file:///etc/passwd",
        "rtsp://camera/1",
        "https://",
        "https:///path",
        "https://user:secret@host/",
        "https://user@host",
        "https://host:/",
        "https://host:0/",
        "https://host:65536/",
        "https://host:443x/",
        "https://host:123456789/",
        "https://ho st/",
        "https://host/a b",
        "https://host/\x7f",
        "https://host/\n",
        "https://host/ế",
        "https://host/#top",
        "https://[::1/",
        "https://[::1]x/",
        "https://[]/",
        "https://host\\@other/",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        struct bt_error err = {0};
        assert_int_equal(bt_live_url_check(bad[i], &err), -EINVAL);
        assert_true(err.msg[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(https_with_a_host_is_taken),
        cmocka_unit_test(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
