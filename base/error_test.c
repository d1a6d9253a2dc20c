#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void fail_writes_the_message_and_returns_the_code(void **state)
{
    (void)state;
    struct bt_error err = {.msg = "old"};
    assert_int_equal(bt_fail(&err, -EINVAL, "'%s' is missing", "width"), -EINVAL);
    assert_string_equal(err.msg, "'width' is missing");
    assert_int_equal(bt_fail(NULL, -EIO, "nobody listens"), -EIO);
}

static void where_goes_in_front_of_what(void **state)
{
    (void)state;
    struct bt_error err;
    bt_fail(&err, -EINVAL, "'width' is 0");
    assert_int_equal(bt_fail_in(&err, -EINVAL, "zones[%d]", 2), -EINVAL);
    assert_int_equal(bt_fail_in(&err, -EINVAL, "layouts[0]"), -EINVAL);
    assert_string_equal(err.msg, "layouts[0]: zones[2]: 'width' is 0");
    assert_int_equal(bt_fail_in(NULL, -EIO, "nobody listens"), -EIO);
}

static void errno_ends_the_message(void **state)
{
    (void)state;
    struct bt_error err;
    errno = ENOENT;
    assert_int_equal(bt_fail_errno(&err, "Cannot open '%s'", "a"), -ENOENT);
    assert_string_equal(err.msg, "Cannot open 'a': No such file or directory");
    errno = ENOSPC;
    assert_int_equal(bt_fail_errno(NULL, "nobody listens"), -ENOSPC);
    errno = 0;
    assert_int_equal(bt_fail_errno(&err, "a failure without a reason"), -EIO);
}

static void long_messages_are_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * BT_ERROR_MAX_BYTES];
    for (size_t shift = 0; shift < 3; shift++) {
        size_t len = 0;
        for (; len < shift; len++) {
            text[len] = 'a';
        }
        for (; len + 4 < sizeof(text); len += 3) {
            memcpy(text + len, "ế", 3);
        }
        text[len] = '\0';
        struct bt_error err;
        bt_fail(&err, -EINVAL, "%s", text);
        assert_true(bt_utf8_valid(err.msg, strlen(err.msg)));
        assert_true(strlen(err.msg) >= BT_ERROR_MAX_BYTES - 3);
        bt_fail_in(&err, -EINVAL, "where");
        assert_true(bt_utf8_valid(err.msg, strlen(err.msg)));
        assert_true(bt_str_starts(err.msg, shift == 0 ? "where: ế" : "where: a"));
    }
}

// Names from outside are bounded with %.64s, which may cut inside a character.
static void a_name_cut_in_the_middle_leaves_valid_text(void **state)
{
    (void)state;
    struct bt_error err;
    bt_fail(&err, -EINVAL, "the key '%.4s' appears twice", "tiế");
    assert_true(bt_utf8_valid(err.msg, strlen(err.msg)));
    assert_string_equal(err.msg, "the key 'ti' appears twice");
    bt_fail(&err, -EINVAL, "the name '%s' is not text", "a\xFF\xC3z");
    assert_string_equal(err.msg, "the name 'az' is not text");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_writes_the_message_and_returns_the_code),
        cmocka_unit_test(where_goes_in_front_of_what),
        cmocka_unit_test(errno_ends_the_message),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(a_name_cut_in_the_middle_leaves_valid_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
