#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

// Every test gets a directory of its own, and its path as state.
static int make_directory(void **state)
{
    char *path = bt_strdup("/tmp/bt-file-XXXXXX");
    *state = path;
    return mkdtemp(path) == NULL ? -1 : 0;
}

static void remove_tree(const char *path)
{
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        BT_AUTOFREE char *child = bt_strf("%s/%s", path, entry->d_name);
        if (unlink(child) < 0) {
            remove_tree(child);
        }
    }
    closedir(directory);
    rmdir(path);
}

static int remove_directory(void **state)
{
    remove_tree(*state);
    free(*state);
    return 0;
}

static int count_files(const char *path)
{
    DIR *directory = opendir(path);
    assert_non_null(directory);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(directory);
    return count;
}

static void assert_content(const char *path, const char *wanted)
{
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 1000);
    assert_int_equal(bt_file_read(path, &buf, NULL), 0);
    assert_string_equal(bt_buf_text(&buf), wanted);
}

static void a_file_is_written_replaced_and_read(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/a", (char *)*state);
    assert_int_equal(bt_file_replace(path, "old", 3, NULL), 0);
    assert_content(path, "old");
    assert_int_equal(bt_file_replace(path, "newer", 5, NULL), 0);
    assert_content(path, "newer");
    assert_int_equal(bt_file_replace(path, NULL, 0, NULL), 0);
    assert_content(path, "");
    assert_int_equal(count_files(*state), 1);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
}

static void a_secret_is_readable_by_its_owner_alone(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/key", (const char *)*state);
    struct stat info;
    assert_int_equal(bt_file_replace(path, "open", 4, NULL), 0);
    assert_int_equal(bt_file_replace_secret(path, "shut", 4, NULL), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_content(path, "shut");
}

static void a_bare_name_lies_in_the_current_directory(void **state)
{
    BT_AUTOFREE char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(bt_file_replace("bare", "x", 1, NULL), 0);
    assert_content("bare", "x");
    assert_int_equal(chdir(before), 0);
}

static void reading_stops_at_the_limit(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/a", (char *)*state);
    BT_AUTOFREE char *large = bt_alloc(200000);
    memset(large, 'x', 200000);
    assert_int_equal(bt_file_replace(path, large, 200000, NULL), 0);
    struct bt_error err;
    BT_AUTOBUF small;
    bt_buf_init(&small, 199999);
    assert_int_equal(bt_file_read(path, &small, &err), -EMSGSIZE);
    assert_non_null(strstr(err.msg, "longer than 199999 bytes"));
    BT_AUTOBUF enough;
    bt_buf_init(&enough, 200000);
    assert_int_equal(bt_file_read(path, &enough, &err), 0);
    assert_int_equal(enough.len, 200000);
    assert_memory_equal(enough.data, large, 200000);
}

static void what_cannot_be_read_says_why(void **state)
{
    struct bt_error err;
    BT_AUTOBUF buf;
    bt_buf_init(&buf, 10);
    BT_AUTOFREE char *path = bt_strf("%s/none", (char *)*state);
    assert_int_equal(bt_file_read(path, &buf, &err), -ENOENT);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(bt_file_read(*state, &buf, &err), -EISDIR);
}

static void assert_old_is_untouched(const char *directory, const char *path)
{
    assert_content(path, "old");
    assert_int_equal(count_files(directory), 1);  // nothing half-written is left beside it
}

// A file size limit fails a write in the middle, as a full disk does.
static void a_full_disk_keeps_the_old_content(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/a", (char *)*state);
    BT_AUTOFREE char *source = bt_strf("%s.source", (char *)*state);
    BT_AUTOFREE char *large = bt_alloc(300000);
    memset(large, 'x', 300000);
    assert_int_equal(bt_file_replace(path, "old", 3, NULL), 0);
    assert_int_equal(bt_file_replace(source, large, 300000, NULL), 0);

    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGXFSZ, &ignore, &old);
    struct rlimit tight = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    struct bt_error write_err, copy_err;
    int write_r = bt_file_replace(path, large, 300000, &write_err);
    int copy_r = bt_file_copy(source, path, &copy_err);
    setrlimit(RLIMIT_FSIZE, &before);
    sigaction(SIGXFSZ, &old, NULL);
    unlink(source);

    assert_int_equal(write_r, -EFBIG);
    assert_non_null(strstr(write_err.msg, "File too large"));
    assert_int_equal(copy_r, -EFBIG);
    assert_non_null(strstr(copy_err.msg, "File too large"));
    assert_old_is_untouched(*state, path);
}

static void a_directory_in_the_way_is_an_error(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/a", (char *)*state);
    assert_int_equal(mkdir(path, 0755), 0);
    struct bt_error err;
    assert_int_equal(bt_file_replace(path, "x", 1, &err), -EISDIR);
    assert_int_equal(count_files(*state), 1);
}

static void a_directory_that_takes_no_files_is_an_error(void **state)
{
    struct bt_error err;
    BT_AUTOFREE char *path = bt_strf("%s/none/a", (char *)*state);
    assert_int_equal(bt_file_replace(path, "x", 1, &err), -ENOENT);
    assert_true(bt_str_starts(err.msg, "Cannot create a file beside"));
    if (geteuid() == 0) {
        return;  // permissions do not bind root
    }
    assert_int_equal(chmod(*state, 0555), 0);
    BT_AUTOFREE char *locked = bt_strf("%s/a", (char *)*state);
    assert_int_equal(bt_file_replace(locked, "x", 1, &err), -EACCES);
    assert_int_equal(chmod(*state, 0755), 0);
}

static void copying_copies_and_replaces_a_link_without_following_it(void **state)
{
    BT_AUTOFREE char *from = bt_strf("%s/from", (char *)*state);
    BT_AUTOFREE char *to = bt_strf("%s/to", (char *)*state);
    BT_AUTOFREE char *victim = bt_strf("%s/victim", (char *)*state);
    assert_int_equal(bt_file_replace(from, "new", 3, NULL), 0);
    assert_int_equal(bt_file_replace(victim, "old", 3, NULL), 0);
    assert_int_equal(symlink(victim, to), 0);
    assert_int_equal(bt_file_copy(from, to, NULL), 0);
    assert_content(to, "new");
    assert_content(victim, "old");
    struct bt_error err;
    BT_AUTOFREE char *none = bt_strf("%s/none", (char *)*state);
    assert_int_equal(bt_file_copy(none, to, &err), -ENOENT);
    assert_int_equal(bt_file_copy(*state, to, &err), -EISDIR);
    assert_content(to, "new");
    assert_int_equal(count_files(*state), 3);
}

static void directories_are_made_with_their_parents(void **state)
{
    static const char *const tails[] = {"a", "a/b/c", "a/b/c", "d//e/", "./f/../g"};
    for (size_t i = 0; i < BT_ARRAY_LEN(tails); i++) {
        BT_AUTOFREE char *path = bt_strf("%s/%s", (char *)*state, tails[i]);
        struct stat status;
        assert_int_equal(bt_file_make_dirs(path, NULL), 0);
        assert_int_equal(stat(path, &status), 0);
        assert_true(S_ISDIR(status.st_mode));
    }
    assert_int_equal(bt_file_make_dirs("/", NULL), 0);
}

static void a_file_in_the_way_of_a_directory_is_an_error(void **state)
{
    BT_AUTOFREE char *file = bt_strf("%s/a", (char *)*state);
    BT_AUTOFREE char *below = bt_strf("%s/a/b", (char *)*state);
    assert_int_equal(bt_file_replace(file, "x", 1, NULL), 0);
    struct bt_error err;
    assert_int_equal(bt_file_make_dirs(file, &err), -EEXIST);
    assert_int_equal(bt_file_make_dirs(below, &err), -EEXIST);
    assert_non_null(strstr(err.msg, file));
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

static void adopting_gives_a_second_name_and_keeps_what_is_there(void **state)
{
    BT_AUTOFREE char *from = bt_strf("%s/from", (const char *)*state);
    BT_AUTOFREE char *to = bt_strf("%s/to", (const char *)*state);
    assert_int_equal(bt_file_replace(from, "one", 3, NULL), 0);
    assert_int_equal(bt_file_adopt(from, to, NULL), 0);
    assert_int_equal(bt_file_replace(from, "two", 3, NULL), 0);
    assert_int_equal(bt_file_adopt(from, to, NULL), 0);
    BT_AUTOBUF text;
    bt_buf_init(&text, 100);
    assert_int_equal(bt_file_read(to, &text, NULL), 0);
    assert_string_equal(bt_buf_text(&text), "one");
    struct bt_error err = {0};
    unlink(from);
    assert_int_equal(bt_file_adopt(from, to, &err), -ENOENT);
}

// As a server leaves it that was killed between making a child and the child's becoming another
// program.
static void a_lock_that_a_child_was_left_with_is_waited_for(void **state)
{
    BT_AUTOFREE char *path = bt_strf("%s/lock", (const char *)*state);
    int ours = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600), ends[2];
    assert_int_equal(bt_file_lock(ours, 0), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        close(ends[1]);
        bool told = read(ends[0], &byte, 1) == 0;
        bt_clock_sleep_until(bt_clock_real(),
                             bt_clock_mono_ns(bt_clock_real()) + 50 * BT_NS_PER_MS);
        _exit(told ? 0 : 1);
    }
    close(ours);
    int again = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(bt_file_lock(again, 0), -EBUSY);
    close(ends[1]);
    assert_int_equal(bt_file_lock(again, 180 * BT_NS_PER_S), 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(again);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(a_file_is_written_replaced_and_read),
        WITH_DIRECTORY(a_secret_is_readable_by_its_owner_alone),
        WITH_DIRECTORY(a_bare_name_lies_in_the_current_directory),
        WITH_DIRECTORY(reading_stops_at_the_limit),
        WITH_DIRECTORY(what_cannot_be_read_says_why),
        WITH_DIRECTORY(a_full_disk_keeps_the_old_content),
        WITH_DIRECTORY(a_directory_in_the_way_is_an_error),
        WITH_DIRECTORY(a_directory_that_takes_no_files_is_an_error),
        WITH_DIRECTORY(copying_copies_and_replaces_a_link_without_following_it),
        WITH_DIRECTORY(adopting_gives_a_second_name_and_keeps_what_is_there),
        WITH_DIRECTORY(a_lock_that_a_child_was_left_with_is_waited_for),
        WITH_DIRECTORY(directories_are_made_with_their_parents),
        WITH_DIRECTORY(a_file_in_the_way_of_a_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
