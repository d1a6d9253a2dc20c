#include "assets/store.h"

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

static char *make_temp_dir(void)
{
    char *dir = bt_strdup("/tmp/bt-store-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
}

static void an_added_file_is_found_by_its_hash(void **state)
{
    (void)state;
    BT_AUTOFREE char *dir = make_temp_dir();
    BT_AUTOFREE char *source = bt_strf("%s/source", dir);
    write_file(source, "bảng tin");
    BT_AUTO(bt_store) store = NULL;
    assert_int_equal(bt_store_open(dir, &store, NULL), 0);
    struct bt_sha256 sha256;
    int64_t size;
    char path[BT_STORE_PATH_BYTES];
    assert_int_equal(bt_store_add(store, source, &sha256, &size, NULL), 0);
    assert_int_equal(size, strlen("bảng tin"));
    assert_int_equal(bt_store_path(store, &sha256, size, path, NULL), 0);
    assert_int_equal(bt_store_add(store, source, &sha256, &size, NULL), 0);
    assert_true(bt_str_starts(path, dir));
}

static void a_changed_file_is_refused(void **state)
{
    (void)state;
    BT_AUTOFREE char *dir = make_temp_dir();
    BT_AUTOFREE char *source = bt_strf("%s/source", dir);
    write_file(source, "approved");
    struct bt_sha256 sha256;
    int64_t size;
    char path[BT_STORE_PATH_BYTES];
    struct bt_error err;
    {
        BT_AUTO(bt_store) store = NULL;
        assert_int_equal(bt_store_open(dir, &store, NULL), 0);
        assert_int_equal(bt_store_add(store, source, &sha256, &size, NULL), 0);
        assert_int_equal(bt_store_path(store, &sha256, size, path, NULL), 0);
    }
    write_file(path, "hijacked");
    BT_AUTO(bt_store) store = NULL;
    assert_int_equal(bt_store_open(dir, &store, NULL), 0);
    assert_int_equal(bt_store_path(store, &sha256, size, path, &err), -EBADMSG);
    assert_non_null(strstr(err.msg, "damaged"));
    write_file(path, "shorter");
    assert_int_equal(bt_store_path(store, &sha256, size, path, &err), -EBADMSG);
    unlink(path);
    assert_int_equal(bt_store_path(store, &sha256, size, path, &err), -ENOENT);
}

static void a_store_needs_a_directory(void **state)
{
    (void)state;
    struct bt_store *store = NULL;
    assert_int_equal(bt_store_open("/nonexistent/assets", &store, NULL), -ENOENT);
    assert_int_equal(bt_store_open("/dev/null", &store, NULL), -ENOTDIR);
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_added_file_is_found_by_its_hash),
        cmocka_unit_test(a_changed_file_is_refused),
        cmocka_unit_test(a_store_needs_a_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
