// Pure forms: where webhooks may go, letters, ends of content.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/compiler.h"
#include "base/json.h"
#include "base/str.h"
#include "server/care/address.h"
#include "server/care/content.h"
#include "server/care/courier.h"
#include "server/care/message.h"

static bool is_inside(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        return bt_address_is_inside((const struct sockaddr *)&in);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return bt_address_is_inside((const struct sockaddr *)&in6);
}

static void where_webhooks_may_go(void **state)
{
    (void)state;
    static const char *const inside[] = {"127.0.0.1",
                                         "127.255.0.1",
                                         "0.0.0.0",
                                         "169.254.169.254",
                                         "100.100.100.200",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "::1",
                                         "::",
                                         "fe80::1",
                                         "febf::1",
                                         "fd00:ec2::254",
                                         "::ffff:127.0.0.1",
                                         "::127.0.0.1",
                                         "64:ff9b::7f00:1",
                                         "2002:7f00:1::",
                                         "ff02::1",
                                         "192.0.0.192"};
    static const char *const outside[] = {
        "10.0.0.1",        "192.168.1.1", "172.16.0.1", "113.160.0.1",  "2001:db8::1", "fd00::1",
        "::ffff:10.0.0.1", "fec0::1",     "128.0.0.1",  "2002:a00:1::", "126.0.0.1"};
    for (size_t i = 0; i < BT_ARRAY_LEN(inside); i++) {
        if (!is_inside(inside[i])) {
            fail_msg("%s", inside[i]);
        }
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(outside); i++) {
        if (is_inside(outside[i])) {
            fail_msg("%s", outside[i]);
        }
    }
}

static void addresses_of_webhooks(void **state)
{
    (void)state;
    assert_int_equal(bt_hook_check_url("https://a.vn/x?y=1", false, NULL), 0);
    assert_int_equal(bt_hook_check_url("http://a.vn/", true, NULL), 0);
    static const char *const wrong[] = {
        "http://a.vn/",          "https://",        "https://u:p@a.vn/", "a.vn",
        "https://a.vn/\r\nX: y", "https://a.vn/ á", "file:///x"};
    for (size_t i = 0; i < BT_ARRAY_LEN(wrong); i++) {
        assert_int_equal(bt_hook_check_url(wrong[i], false, NULL), -EINVAL);
    }
}

static void readers_of_a_letter(void **state)
{
    (void)state;
    const char *at = " an@a.vn, ,binh@a.vn,x,<c@a.vn>,d@e@f, á@a.vn,g@h";
    char address[BT_ADDRESS_BYTES];
    static const char *const good[] = {"an@a.vn", "binh@a.vn", "g@h"};
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        assert_true(bt_message_address(&at, address));
        assert_string_equal(address, good[i]);
    }
    assert_false(bt_message_address(&at, address));
}

static void a_letter_keeps_its_headers(void **state)
{
    (void)state;
    BT_AUTOBUF letter;
    bt_buf_init(&letter, 65536);
    assert_int_equal(bt_message_letter("o-1", "a@b", "c@d", "Bảng tin:\r\nBcc: x@y", "Xin chào\n",
                                       1795240000000LL, &letter),
                     0);
    assert_null(strstr(bt_buf_text(&letter), "Bcc"));
    assert_non_null(strstr(bt_buf_text(&letter), "Message-ID: <o-1@b>\r\n"));
    assert_non_null(strstr(bt_buf_text(&letter), "Date: 21 Nov 2026"));
    assert_int_equal(bt_message_letter("o-1", "a", "c@d", "", "", 0, &letter), -EINVAL);
    assert_int_equal(bt_message_letter("o-1", "a@b\r\nX: y", "c@d", "", "", 0, &letter), -EINVAL);
    assert_int_equal(bt_message_letter("o-1", "a@b", "nobody", "", "", 0, &letter), -EINVAL);
}

static int64_t end_of(const char *rest)
{
    static const char head[] =
        "{\"campaigns\":[{\"id\":\"c\",\"until\":\"2026-12-01T00:00:00Z\"},{\"id\":\"ever\"}],"
        "\"playlists\":[{\"name\":\"p\",\"items\":[{\"type\":\"image\",\"campaign\":\"c\"},"
        "{\"type\":\"clock\"}]},{\"name\":\"e\",\"items\":[{\"type\":\"text\"}]},"
        "{\"name\":\"o\",\"items\":[{\"type\":\"clock\"}]}],";
    BT_AUTOJSON *json = NULL;
    BT_AUTOFREE char *text = bt_strf("%s%s}", head, rest);
    struct bt_error err = {0};
    if (bt_json_parse(text, strlen(text), &json, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return bt_content_end(json);
}

static void ends_of_content(void **state)
{
    (void)state;
    const int64_t first = 1796083200000LL, day_ms = 86400000;  // 2026-12-01 UTC
    const struct {
        const char *rest;
        int64_t end_ms;
    } cases[] = {
        {"\"zones\":[{\"name\":\"z\",\"playlist\":\"p\"}]", first},
        {"\"zones\":[{\"name\":\"z\",\"playlist\":\"e\"}]", INT64_MAX},
        {"\"zones\":[{\"name\":\"z\",\"playlist\":\"o\"}]", 0},
        {"\"fallback\":[{\"zone\":\"z\",\"playlist\":\"e\"}]", 0},
        {"\"schedule\":[{\"zone\":\"z\",\"playlist\":\"e\",\"until\":\"2026-12-02T00:00:00Z\"},"
         "{\"zone\":\"z\",\"playlist\":\"p\"}]",
         first + day_ms},
        {"\"schedule\":[{\"zone\":\"z\",\"playlist\":\"e\",\"last_day\":\"2026-11-30\"}]",
         first - 7 * 3600000},
        {"\"valid\":{\"until\":\"2026-11-30T00:00:00Z\"},"
         "\"layouts\":[{\"name\":\"l\",\"zones\":[{\"name\":\"z\",\"playlist\":\"e\"}]}]",
         first - day_ms},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_true(end_of(cases[i].rest) == cases[i].end_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_webhooks_may_go), cmocka_unit_test(addresses_of_webhooks),
        cmocka_unit_test(readers_of_a_letter),   cmocka_unit_test(a_letter_keeps_its_headers),
        cmocka_unit_test(ends_of_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
