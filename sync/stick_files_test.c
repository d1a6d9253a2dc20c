// A stick of unknown hands: nothing but plain files below its folder, and never more than asked
// for.
#include "sync/stick_files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct stick {
    char *path;
    int folder;
};

static char *below(const struct stick *stick, const char *name)
{
    return bt_strf("%s/%s", stick->path, name);
}

static void put(const struct stick *stick, const char *name, const char *text)
{
    BT_AUTOFREE char *path = below(stick, name);
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
}

static void put_link(const struct stick *stick, const char *to, const char *name)
{
    BT_AUTOFREE char *path = below(stick, name);
    assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
    struct stick *stick = BT_NEW(struct stick);
    stick->path = bt_strdup("/tmp/bt-stick-files-XXXXXX");
    assert_non_null(mkdtemp(stick->path));
    BT_AUTOFREE char *folder = below(stick, "BANGTIN/metadata");
    assert_int_equal(bt_file_make_dirs(folder, NULL), 0);
    put(stick, "secret", "secret");
    put(stick, "BANGTIN/stick.json", "{}");
    put(stick, "BANGTIN/metadata/1.root.json", "root");
    assert_int_equal(bt_stick_files_open(stick->path, &stick->folder, NULL), 0);
    *state = stick;
    return 0;
}

static int teardown(void **state)
{
    struct stick *stick = *state;
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", stick->path);
    assert_int_equal(system(command),
                     0);  // NOLINT(concurrency-mt-unsafe,bugprone-command-processor)
    close(stick->folder);
    free(stick->path);
    free(stick);
    return 0;
}

static int read_up_to(const struct stick *stick, const char *name, size_t limit)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, limit);
    return bt_stick_files_read(stick->folder, name, &text, NULL);
}

static void files_are_read_up_to_their_limit(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOBUF text;
    bt_buf_init(&text, 4);
    assert_int_equal(bt_stick_files_read(stick->folder, "metadata/1.root.json", &text, NULL), 0);
    assert_string_equal(bt_buf_text(&text), "root");
    assert_int_equal(read_up_to(stick, "metadata/1.root.json", 3), -EMSGSIZE);
    assert_int_equal(read_up_to(stick, "metadata/2.root.json", 4), -ENOENT);
}

static void nothing_outside_the_folder_is_read(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOFREE char *absolute = below(stick, "secret");
    put_link(stick, "../secret", "BANGTIN/a");
    put_link(stick, "stick.json", "BANGTIN/b");
    put_link(stick, "metadata", "BANGTIN/c");
    put_link(stick, absolute, "BANGTIN/d");
    assert_int_equal(read_up_to(stick, "../secret", 99), -ELOOP);
    assert_int_equal(read_up_to(stick, "metadata/../../secret", 99), -ELOOP);
    assert_int_equal(read_up_to(stick, absolute, 99), -ELOOP);
    assert_int_equal(read_up_to(stick, "a", 99), -ELOOP);
    assert_int_equal(read_up_to(stick, "b", 99), -ELOOP);
    assert_int_equal(read_up_to(stick, "c/1.root.json", 99), -ELOOP);
    assert_int_equal(read_up_to(stick, "d", 99), -ELOOP);
}

static void what_is_no_plain_file_is_refused_at_once(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOFREE char *pipe_path = below(stick, "BANGTIN/pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(read_up_to(stick, "pipe", 99), -EINVAL);
    assert_int_equal(read_up_to(stick, "metadata", 99), -EINVAL);
}

static void a_stick_without_our_folder_is_nobodys_business(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOFREE char *other = below(stick, "BANGTIN/metadata");
    int folder = -1;
    assert_int_equal(bt_stick_files_open(other, &folder, NULL), -ENOENT);
    BT_AUTOFREE char *linked = below(stick, "BANGTIN/metadata/BANGTIN");
    assert_int_equal(symlink("..", linked), 0);
    assert_int_equal(bt_stick_files_open(other, &folder, NULL), -ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(files_are_read_up_to_their_limit),
        TEST(nothing_outside_the_folder_is_read),
        TEST(what_is_no_plain_file_is_refused_at_once),
        TEST(a_stick_without_our_folder_is_nobodys_business),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
