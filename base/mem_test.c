#include "base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct thing {
    int numbers[3];
};

static void new_memory_is_zero(void **state)
{
    (void)state;
    BT_AUTOFREE struct thing *thing = BT_NEW(struct thing);
    BT_AUTOFREE struct thing *things = BT_NEW_ARRAY(struct thing, 4);
    static const struct thing zero[4];
    assert_memory_equal(thing, zero, sizeof(*thing));
    assert_memory_equal(things, zero, 4 * sizeof(*things));
}

static void asking_for_nothing_gives_something(void **state)
{
    (void)state;
    BT_AUTOFREE void *nothing = bt_alloc(0);
    BT_AUTOFREE void *none = bt_alloc_array(0, 8);
    assert_non_null(nothing);
    assert_non_null(none);
}

static void a_grown_array_keeps_its_content_and_zeroes_the_rest(void **state)
{
    (void)state;
    BT_AUTOFREE int *numbers = NULL;
    size_t capacity = 0;
    for (size_t i = 0; i < 1000; i++) {
        BT_GROW(numbers, capacity, i + 1);
        assert_true(capacity > i);
        assert_int_equal(numbers[capacity - 1], 0);
        numbers[i] = (int)i + 1;
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(numbers[i], (int)i + 1);
    }
    int *before = numbers;
    BT_GROW(numbers, capacity, 10);  // large enough already
    assert_ptr_equal(numbers, before);
}

static void strings_are_copied(void **state)
{
    (void)state;
    BT_AUTOFREE char *whole = bt_strdup("bảng tin");
    BT_AUTOFREE char *part = bt_strndup("bảng tin", 6);
    assert_string_equal(whole, "bảng tin");
    assert_string_equal(part, "bảng");
}

static void taking_leaves_null_behind(void **state)
{
    (void)state;
    BT_AUTOFREE char *first = bt_strdup("a");
    BT_AUTOFREE char *second = BT_TAKE(first);
    assert_null(first);
    assert_string_equal(second, "a");
}

static void a_descriptor_closes_at_the_end_of_its_scope(void **state)
{
    (void)state;
    int number;
    {
        BT_AUTOCLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        BT_AUTOCLOSE int none = -1;
        (void)none;
        number = fd;
        assert_true(fcntl(number, F_GETFD) >= 0);
    }
    assert_int_equal(fcntl(number, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zero),
        cmocka_unit_test(asking_for_nothing_gives_something),
        cmocka_unit_test(a_grown_array_keeps_its_content_and_zeroes_the_rest),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(taking_leaves_null_behind),
        cmocka_unit_test(a_descriptor_closes_at_the_end_of_its_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
