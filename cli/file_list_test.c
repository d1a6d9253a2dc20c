#include "cli/file_list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static char *make_folder(void)
{
    char *dir = bt_strdup("/tmp/bt-files-XXXXXX");
    assert_non_null(mkdtemp(dir));
    static const char *const names[] = {"10.png", "2.png", ".hidden", "a.mp4", "inside/3.png"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%s", dir, names[i]);
        BT_AUTOFREE char *parent = bt_strndup(path, (size_t)(strrchr(path, '/') - path));
        assert_int_equal(bt_file_make_dirs(parent, NULL), 0);
        assert_int_equal(bt_file_replace(path, "x", 1, NULL), 0);
    }
    return dir;
}

static void a_folder_is_its_files_in_order(void **state)
{
    (void)state;
    BT_AUTOFREE char *dir = make_folder();
    BT_AUTOFREE char *first = bt_strf("%s/a.mp4", dir);
    BT_AUTOFINISH(bt_file_list_finish) struct bt_file_list list = {0};
    assert_int_equal(bt_file_list_add(&list, first, NULL), 0);
    assert_int_equal(bt_file_list_add(&list, dir, NULL), 0);
    static const char *const expected[] = {"a.mp4", "2.png", "10.png", "a.mp4"};
    assert_int_equal(list.count, BT_ARRAY_LEN(expected));
    for (size_t i = 0; i < list.count; i++) {
        assert_string_equal(strrchr(list.paths[i], '/') + 1, expected[i]);
    }
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    BT_AUTOFINISH(bt_file_list_finish) struct bt_file_list list = {0};
    struct bt_error err;
    assert_int_equal(bt_file_list_add(&list, "/tmp/không có", &err), -ENOENT);
    assert_true(bt_str_starts(err.msg, "Cannot find '/tmp/không có'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_its_files_in_order),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
