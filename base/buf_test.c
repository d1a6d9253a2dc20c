#include "base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
    (void)state;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 10);
    assert_string_equal(bt_buf_text(&buf), "");
    assert_int_equal(bt_buf_append(&buf, NULL, 0), 0);
    assert_string_equal(bt_buf_text(&buf), "");
    bt_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
}

static void content_is_kept_and_ends_with_nul(void **state)
{
    (void)state;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 100000);
    for (int i = 0; i < 10000; i++) {
        assert_int_equal(bt_buf_append(&buf, "0123456789", 10), 0);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    assert_int_equal(buf.len, 100000);
    assert_memory_equal(buf.data + 99990, "0123456789", 10);
}

static void past_the_limit_nothing_changes(void **state)
{
    (void)state;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 5);
    assert_int_equal(bt_buf_append(&buf, "abc", 3), 0);
    assert_int_equal(bt_buf_append(&buf, "def", 3), -EMSGSIZE);
    assert_int_equal(bt_buf_append(&buf, "def", SIZE_MAX), -EMSGSIZE);
    assert_int_equal(bt_buf_appendf(&buf, "%d", 123), -EMSGSIZE);
    assert_string_equal(bt_buf_text(&buf), "abc");
    assert_int_equal(bt_buf_append(&buf, "de", 2), 0);  // exactly full
    assert_string_equal(bt_buf_text(&buf), "abcde");
    assert_int_equal(bt_buf_append(&buf, "f", 1), -EMSGSIZE);
}

static void a_limit_of_nothing_takes_nothing(void **state)
{
    (void)state;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 0);
    assert_int_equal(bt_buf_append(&buf, "a", 1), -EMSGSIZE);
    assert_int_equal(bt_buf_append(&buf, "", 0), 0);
}

static void formatted_text_is_appended(void **state)
{
    (void)state;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 1000);
    assert_int_equal(bt_buf_appendf(&buf, "%s", ""), 0);
    assert_int_equal(bt_buf_appendf(&buf, "%d-%s", 7, "tin"), 0);
    assert_int_equal(bt_buf_appendf(&buf, "%0300d", 1), 0);
    assert_int_equal(buf.len, 305);
    assert_memory_equal(buf.data, "7-tin000", 8);
}

static void clear_keeps_the_memory_and_finish_gives_it_back(void **state)
{
    (void)state;
    struct bt_buf buf;
    bt_buf_init(&buf, 100);
    assert_int_equal(bt_buf_append(&buf, "abc", 3), 0);
    const char *memory = buf.data;
    bt_buf_clear(&buf);
    assert_string_equal(bt_buf_text(&buf), "");
    assert_ptr_equal(buf.data, memory);
    bt_buf_finish(&buf);
    assert_null(buf.data);
    assert_int_equal(bt_buf_append(&buf, "d", 1), 0);  // and it may be used again
    assert_string_equal(bt_buf_text(&buf), "d");
    bt_buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(content_is_kept_and_ends_with_nul),
        cmocka_unit_test(past_the_limit_nothing_changes),
        cmocka_unit_test(a_limit_of_nothing_takes_nothing),
        cmocka_unit_test(formatted_text_is_appended),
        cmocka_unit_test(clear_keeps_the_memory_and_finish_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
