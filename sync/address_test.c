#include "sync/address.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIN "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void plain_http_stays_on_this_machine(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://bangtin.example.vn", "https://bangtin.example.vn:8443",
        "https://10.0.0.1",           "http://127.0.0.1:8080",
        "http://localhost",           "http://[::1]:80",
        "https://[2001:db8::1]:443",
    };
    static const char *const bad[] = {
        "http://bangtin.example.vn",
        "http://127.0.0.1.example.vn",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://a/b",
        "https://a@b",
        "https://a:0",
        "https://a:99999",
        "https://",
        "https://a?b",
        "http://localhost.evil",
        "http://[::1].evil",
        "file:///etc/passwd",
        "https://a b",
        "https://[zz]",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        assert_int_equal(bt_address_check_url(good[i], NULL), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_int_equal(bt_address_check_url(bad[i], NULL), -EINVAL);
    }
}

static void a_list_is_read_and_written(void **state)
{
    (void)state;
    static const char text[] =
        "{\"format\": 1, \"servers\": [{\"url\": \"https://a.vn\", \"pins\": [\"" PIN "\", \"" PIN
        "\"]}, {\"url\": \"http://127.0.0.1:8080\", \"pins\": []}]}";
    struct bt_addresses list, again;
    assert_int_equal(bt_addresses_parse(text, strlen(text), BT_LEAST_PINS, &list, NULL), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.list[0].pins, PIN ";" PIN);
    assert_true(bt_address_is_plain(&list.list[1]));
    BT_AUTOBUF out;
    bt_buf_init(&out, 4096);
    assert_int_equal(bt_addresses_write(&list, &out), 0);
    assert_string_equal(bt_buf_text(&out), text);
    assert_int_equal(bt_addresses_parse(bt_buf_text(&out), out.len, BT_LEAST_PINS, &again, NULL),
                     0);
}

static void a_list_that_would_lead_astray_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"format\": 1, \"servers\": []}",
        "{\"format\": 2, \"servers\": [{\"url\": \"http://127.0.0.1\"}]}",
        "{\"servers\": [{\"url\": \"http://127.0.0.1\"}]}",
        "{\"format\": 1, \"servers\": [{\"url\": \"https://a.vn\", \"pins\": [\"" PIN "\"]}]}",
        "{\"format\": 1, \"servers\": [{\"url\": \"https://a.vn\"}]}",
        "{\"format\": 1, \"servers\": [{\"url\": \"https://a.vn\", \"pins\": [\"" PIN
        "\", \"sha256//short=\"]}]}",
        "{\"format\": 1, \"servers\": [{\"url\": \"http://a.vn\", \"pins\": [\"" PIN "\", \"" PIN
        "\"]}]}",
        "[]",
        "",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        struct bt_addresses list;
        assert_true(bt_addresses_parse(bad[i], strlen(bad[i]), BT_LEAST_PINS, &list, NULL) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(a_list_is_read_and_written),
        cmocka_unit_test(a_list_that_would_lead_astray_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
