#include "live/local.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void streams_are_found_by_name(void **state)
{
    (void)state;
    static const char text[] = "{\"private_addresses\": true, \"streams\": ["
                               "{\"name\": \"hoi-truong\", \"url\": \"rtsp://an:mk@10.0.0.5/1\"},"
                               "{\"name\": \"thap\", \"url\": \"udp://239.1.1.1:5000\"}]}";
    struct bt_local_streams streams;
    assert_int_equal(bt_local_streams_parse(text, strlen(text), &streams, NULL), 0);
    assert_true(streams.private_addresses);
    assert_string_equal(bt_local_streams_find(&streams, "thap")->url, "udp://239.1.1.1:5000");
    assert_null(bt_local_streams_find(&streams, "khac"));
}

static void other_addresses_and_shapes_are_refused(void **state)
{
    (void)state;
    static const char twice[] =
        "{\"streams\": [{\"name\": \"a\", \"url\": \"udp://b\"}, {\"name\": \"a\", \"url\": "
        "\"udp://c\"}]}";
    static const char *const bad[] = {
        "[]",
        "{\"streams\": {}}",
        "{\"private_addresses\": 1}",
        "{\"streams\": [{\"name\": \"a\"}]}",
        "{\"streams\": [{\"name\": \"a\", \"url\": \"file:///etc/passwd\"}]}",
        "{\"streams\": [{\"name\": \"a\", \"url\": \"concat:rtsp://b\"}]}",
        "{\"streams\": [{\"name\": \"a\", \"url\": \"udp://\"}]}",
        twice,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bt_local_streams streams;
        struct bt_error err = {0};
        assert_int_equal(bt_local_streams_parse(bad[i], strlen(bad[i]), &streams, &err), -EINVAL);
        assert_true(err.msg[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_found_by_name),
        cmocka_unit_test(other_addresses_and_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
