#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "server/media/tus.h"

// "92-01" and "Ảnh bìa.png"
#define UNIT "unit OTItMDE="
#define TITLE "title 4bqibmggYsOsYS5wbmc="

static void a_creation_names_unit_title_and_size(void **state)
{
    (void)state;
    struct bt_tus_creation creation;
    assert_int_equal(bt_tus_read_creation("1024", UNIT "," TITLE, &creation, NULL), 0);
    assert_int_equal(creation.size, 1024);
    assert_string_equal(creation.unit, "92-01");
    assert_string_equal(creation.title, "Ảnh bìa.png");
}

static void a_file_name_loses_its_directories(void **state)
{
    (void)state;
    struct bt_tus_creation creation;
    // "C:\..\..\etc/passwd"
    assert_int_equal(
        bt_tus_read_creation("1", UNIT ", filename QzpcLi5cLi5cZXRjL3Bhc3N3ZA==", &creation, NULL),
        0);
    assert_string_equal(creation.title, "passwd");
}

static const struct {
    const char *length, *metadata;
    int code;
} refused[] = {
    {NULL, UNIT "," TITLE, -EINVAL},
    {"0", UNIT "," TITLE, -EINVAL},
    {"-1", UNIT "," TITLE, -EINVAL},
    {"1e9", UNIT "," TITLE, -EINVAL},
    {"4294967297", UNIT "," TITLE, -EFBIG},
    {"99999999999999999999", UNIT "," TITLE, -EINVAL},
    {"10", NULL, -EINVAL},
    {"10", "", -EINVAL},
    {"10", UNIT, -EINVAL},
    {"10", TITLE, -EINVAL},
    {"10", "unit ***," TITLE, -EINVAL},
    {"10", UNIT ",title /w==", -EINVAL},  // not UTF-8
    {"10", UNIT ",title", -EINVAL},
};

static void what_is_missing_or_broken_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < BT_ARRAY_LEN(refused); i++) {
        struct bt_tus_creation creation = {.size = -7};
        struct bt_error err = {0};
        assert_int_equal(
            bt_tus_read_creation(refused[i].length, refused[i].metadata, &creation, &err),
            refused[i].code);
        assert_int_equal(creation.size, -7);
        assert_true(err.msg[0] != '\0');
    }
}

static void unseen_characters_become_spaces(void **state)
{
    (void)state;
    struct bt_tus_creation creation;
    // "a\nb"
    assert_int_equal(bt_tus_read_creation("1", UNIT ",title YQpi", &creation, NULL), 0);
    assert_string_equal(creation.title, "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_names_unit_title_and_size),
        cmocka_unit_test(a_file_name_loses_its_directories),
        cmocka_unit_test(what_is_missing_or_broken_is_refused),
        cmocka_unit_test(unseen_characters_become_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
