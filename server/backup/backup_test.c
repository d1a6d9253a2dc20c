// What stands in a backup comes from a disk that anybody may have held.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/backup/manifest.h"
#include "server/backup/nightly.h"
#include "server/backup/shelf.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int read_path(const char *path)
{
    BT_AUTOFREE struct bt_manifest *manifest = BT_NEW(struct bt_manifest);
    BT_AUTOFREE char *text =
        bt_strf("{\"format\":1,\"made_ms\":1,\"engine\":\"sqlite\",\"blobs\":0,\"blob_bytes\":0,"
                "\"files\":[{\"path\":\"%s\",\"size\":1,\"sha256\":\"" A "\"}]}",
                path);
    return bt_manifest_read(text, strlen(text), manifest, NULL);
}

static void a_manifest_names_files_of_a_backup_alone(void **state)
{
    (void)state;
    static const char *const good[] = {"bangtin.db", "blobs.txt", "keys/snapshot.json",
                                       "tls/key.pem"};
    static const char *const bad[] = {
        "/etc/passwd", "../bangtin.db", "keys/../../x", "keys/", "keys/..", "keys/a/b", "x", "",
        "tls/.bashrc", "bangtin.db/",   "KEYS/a"};
    for (size_t i = 0; i < BT_ARRAY_LEN(good); i++) {
        assert_int_equal(read_path(good[i]), 0);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(bad); i++) {
        assert_int_equal(read_path(bad[i]), -EINVAL);
    }
}

static void a_night_begins_at_two_in_viet_nam(void **state)
{
    (void)state;
    const int64_t two_ms = 1795287600000;  // 2026-11-22T02:00:00+07:00
    assert_int_equal(bt_nightly_due_ms(two_ms), two_ms);
    assert_int_equal(bt_nightly_due_ms(two_ms + 86399999), two_ms);
    assert_int_equal(bt_nightly_due_ms(two_ms - 1), two_ms - 86400000);
}

static void a_manifest_comes_back_as_it_went(void **state)
{
    (void)state;
    BT_AUTOFREE struct bt_manifest *went = BT_NEW(struct bt_manifest);
    BT_AUTOFREE struct bt_manifest *came = BT_NEW(struct bt_manifest);
    went->made_ms = 1795240000000;
    went->blobs = 7;
    went->blob_bytes = INT64_C(1) << 50;
    went->count = 1;
    went->files[0] = (struct bt_manifest_file){"bangtin.db", A, INT64_C(1) << 40};
    bt_copy_cut(went->engine, sizeof(went->engine), "postgresql");
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_MANIFEST_MAX_BYTES);
    assert_int_equal(bt_manifest_write(went, &text), 0);
    assert_int_equal(bt_manifest_read(bt_buf_text(&text), text.len, came, NULL), 0);
    assert_memory_equal(went, came, sizeof(*went));
    // Cut anywhere it is none.
    for (size_t len = 0; len + 2 < text.len; len++) {
        assert_int_not_equal(bt_manifest_read(bt_buf_text(&text), len, came, NULL), 0);
    }
}

static void a_list_of_blobs_is_whole_and_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int r;
        size_t count;
    } lists[] = {
        {"", 0, 0},
        {A " 1\n", 0, 1},
        {A " 1\n" B " 22\n", 0, 2},
        {A " 1", -EINVAL, 0},
        {A " \n", -EINVAL, 0},
        {A "  1\n", -EINVAL, 0},
        {A " -1\n", -EINVAL, 0},
        {A " 99999999999999999999\n", -EINVAL, 0},
        {B " 1\n" A " 1\n", -EINVAL, 0},
        {A " 1\n" A " 1\n", -EINVAL, 0},
        {"../" A " 1\n", -EINVAL, 0},
        {"\n", -EINVAL, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(lists); i++) {
        BT_AUTOBLOBS list = {0};
        struct bt_error err;
        int r = bt_blob_list_read(lists[i].text, strlen(lists[i].text), &list, &err);
        assert_int_equal(r, lists[i].r);
        assert_int_equal(list.count, lists[i].count);
        BT_AUTOBUF text;
        bt_buf_init(&text, 1024);
        assert_int_equal(bt_blob_list_write(&list, &text), 0);
        assert_true(r < 0 || strcmp(bt_buf_text(&text), lists[i].text) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_names_files_of_a_backup_alone),
        cmocka_unit_test(a_night_begins_at_two_in_viet_nam),
        cmocka_unit_test(a_manifest_comes_back_as_it_went),
        cmocka_unit_test(a_list_of_blobs_is_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
