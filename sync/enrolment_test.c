#include "sync/enrolment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int set_up(void **state)
{
    char *directory = bt_strdup("/tmp/bt-enrolment-XXXXXX");
    *state = directory;
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    bt_enrolment_forget(*state);
    rmdir(*state);
    free(*state);
    return 0;
}

static bool is_there(const char *directory)
{
    BT_AUTOFREE char *path = bt_strf("%s/enrolment", directory);
    return access(path, F_OK) == 0;
}

static void write_it(const char *directory, const char *text)
{
    BT_AUTOFREE char *path = bt_strf("%s/enrolment", directory);
    assert_int_equal(bt_file_replace_secret(path, text, strlen(text), NULL), 0);
}

static void there_may_be_none(void **state)
{
    char secret[BT_ENROLMENT_BYTES];
    bt_enrolment_read(*state, secret);
    assert_string_equal(secret, "");
    bt_enrolment_forget(*state);
}

static void it_is_read_until_it_is_forgotten(void **state)
{
    static const char *const texts[] = {SECRET, SECRET "\n", SECRET "\r\n"};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        char secret[BT_ENROLMENT_BYTES];
        write_it(*state, texts[i]);
        bt_enrolment_read(*state, secret);
        assert_string_equal(secret, SECRET);
        assert_true(is_there(*state));
    }
    bt_enrolment_forget(*state);
    assert_false(is_there(*state));
}

static void what_is_no_secret_goes(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        SECRET "0",
        "0123",
        SECRET SECRET SECRET,
        "\"}{0123456789abcdef0123456789abcdef0123456789abcdef01234567890"};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        char secret[BT_ENROLMENT_BYTES];
        write_it(*state, texts[i]);
        bt_enrolment_read(*state, secret);
        assert_string_equal(secret, "");
        assert_false(is_there(*state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_may_be_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_read_until_it_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_secret_goes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
