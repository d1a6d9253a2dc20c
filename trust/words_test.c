#include "trust/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/str.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"

// Computed once with another program from the text of docs/protocol.md.
static void the_words_are_those_of_the_protocol(void **state)
{
    (void)state;
    char words[BT_WORDS_BYTES];
    assert_int_equal(bt_words(ZEROS, ONES, "K7WQ-2MXB", words), 0);
    assert_string_equal(words, "cồng vòng hồ nhà");
}

static void each_part_changes_the_words(void **state)
{
    (void)state;
    char words[BT_WORDS_BYTES], other[BT_WORDS_BYTES];
    assert_int_equal(bt_words(ZEROS, ONES, "K7WQ-2MXB", words), 0);
    assert_int_equal(bt_words(ONES, ONES, "K7WQ-2MXB", other), 0);
    assert_string_not_equal(words, other);
    assert_int_equal(bt_words(ZEROS, ZEROS, "K7WQ-2MXB", other), 0);
    assert_string_not_equal(words, other);
    assert_int_equal(bt_words(ZEROS, ONES, "K7WQ-2MXC", other), 0);
    assert_string_not_equal(words, other);
}

static void the_list_has_no_syllable_twice_and_all_fit(void **state)
{
    (void)state;
    size_t longest = 0;
    for (size_t i = 0; i < BT_WORDS_COUNT; i++) {
        size_t len = strlen(bt_words_list[i]);
        assert_true(len > 0 && bt_utf8_valid(bt_words_list[i], len));
        longest = BT_MAX(longest, len);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(bt_words_list[i], bt_words_list[k]);
        }
    }
    assert_true(4 * longest + 3 < BT_WORDS_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_are_those_of_the_protocol),
        cmocka_unit_test(each_part_changes_the_words),
        cmocka_unit_test(the_list_has_no_syllable_twice_and_all_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
