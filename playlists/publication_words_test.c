#include "playlists/publication_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "playlists/publication.h"

static size_t length(const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return count;
}

static void every_enum_value_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(bt_layer_word(BT_LAYER_PROVINCE), "province");
    assert_string_equal(bt_layer_word(BT_LAYER_EMERGENCY), "emergency");
    assert_string_equal(bt_priority_word(BT_PRIORITY_FALLBACK), "fallback");
    assert_string_equal(bt_priority_word(BT_PRIORITY_EMERGENCY), "emergency");
    assert_string_equal(bt_item_type_word(BT_ITEM_SET), "set");
    assert_string_equal(bt_item_type_word(BT_ITEM_COLOUR), "colour");
    assert_string_equal(bt_item_type_word(BT_ITEM_STREAM), "stream");
    assert_string_equal(bt_fit_words[BT_FIT_COVER], "cover");
    assert_string_equal(bt_transition_words[BT_TRANSITION_CROSSFADE], "crossfade");
    assert_string_equal(bt_transition_words[BT_TRANSITION_WIPE], "wipe");
    assert_string_equal(bt_towards_words[BT_TOWARDS_DOWN], "down");
    assert_string_equal(bt_family_words[BT_FAMILY_SERIF], "Noto Serif");
    assert_string_equal(bt_align_words[BT_ALIGN_CENTER], "center");
    assert_string_equal(bt_valign_words[BT_VALIGN_BOTTOM], "bottom");
}

static void no_list_is_longer_than_its_enum(void **state)
{
    (void)state;
    assert_int_equal(length(bt_layer_words), BT_LAYER_EMERGENCY + 1);
    assert_int_equal(length(bt_priority_words), BT_PRIORITY_EMERGENCY + 1);
    assert_int_equal(length(bt_item_type_words), BT_ITEM_STREAM + 1);
    assert_int_equal(length(bt_fit_words), BT_FIT_STRETCH + 1);
    assert_int_equal(length(bt_transition_words), BT_TRANSITION_WIPE + 1);
    assert_int_equal(length(bt_towards_words), BT_TOWARDS_DOWN + 1);
    assert_int_equal(length(bt_crawl_towards_words), BT_TOWARDS_RIGHT + 1);
    assert_int_equal(length(bt_family_words), BT_FAMILY_SERIF + 1);
    assert_int_equal(length(bt_align_words), BT_ALIGN_RIGHT + 1);
    assert_int_equal(length(bt_valign_words), BT_VALIGN_BOTTOM + 1);
    assert_int_equal(length(bt_weekday_words), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_enum_value_has_its_word),
        cmocka_unit_test(no_list_is_longer_than_its_enum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
