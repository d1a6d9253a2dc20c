// A stick of unknown hands, as it is read: nothing but plain files below its folder, never more
// than asked for, and not for ever.
#include "sync/stick_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

struct stick {
    char *path;
    struct bt_stick_reader *reader;
};

static const atomic_bool never = false;

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

static int open_reader(const struct stick *stick, const struct bt_stick_patience *patience,
                       struct bt_stick_reader **out)
{
    return bt_stick_reader_open(stick->path, patience, &never, out, NULL);
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
    assert_int_equal(open_reader(stick, &bt_stick_patience, &stick->reader), 0);
    *state = stick;
    return 0;
}

static int teardown(void **state)
{
    struct stick *stick = *state;
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", stick->path);
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor)
    assert_int_equal(system(command), 0);
    bt_stick_reader_destroy(stick->reader);
    free(stick->path);
    free(stick);
    return 0;
}

static int read_up_to(const struct stick *stick, const char *name, size_t limit)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, limit);
    return bt_stick_reader_read_all(stick->reader, name, &text, NULL);
}

static void files_are_read_up_to_their_limit(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOBUF text;
    bt_buf_init(&text, 4);
    assert_int_equal(bt_stick_reader_read_all(stick->reader, "metadata/1.root.json", &text, NULL),
                     0);
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
    struct stick inner = {.path = other};
    struct bt_stick_reader *reader = NULL;
    assert_int_equal(open_reader(&inner, &bt_stick_patience, &reader), -ENOENT);
    BT_AUTOFREE char *linked = below(stick, "BANGTIN/metadata/BANGTIN");
    assert_int_equal(symlink("..", linked), 0);
    assert_int_equal(open_reader(&inner, &bt_stick_patience, &reader), -ELOOP);
}

static void names_and_parts_are_given(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOBUF names;
    const char *bytes;
    size_t got;
    int64_t size;
    bt_buf_init(&names, BT_STICK_NAMES_MAX_BYTES);
    assert_int_equal(bt_stick_reader_list(stick->reader, "metadata", &names, NULL), 0);
    assert_non_null(memmem(names.data, names.len, "1.root.json", sizeof("1.root.json")));
    assert_int_equal(bt_stick_reader_list(stick->reader, "..", &names, NULL), -ELOOP);
    assert_int_equal(bt_stick_reader_list(stick->reader, "none", &names, NULL), -ENOENT);
    assert_int_equal(bt_stick_reader_find(stick->reader, "metadata/1.root.json", 9, &size, NULL),
                     0);
    assert_int_equal(size, 4);
    assert_int_equal(bt_stick_reader_read(stick->reader, 1, 2, &bytes, &got, NULL), 0);
    assert_int_equal(got, 2);
    assert_memory_equal(bytes, "oo", 2);
    assert_int_equal(bt_stick_reader_read(stick->reader, 4, 2, &bytes, &got, NULL), 0);
    assert_int_equal(got, 0);
}

// Called by the sanitizers alone; without them nothing is counted.
static atomic_size_t taken_elsewhere;  // times that another thread than the first allocated

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
void __sanitizer_malloc_hook(const volatile void *bytes, size_t size);
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
void __sanitizer_malloc_hook(const volatile void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    taken_elsewhere += gettid() != getpid();
}

static void the_gentle_thread_allocates_nothing(void **state)
{
    const struct stick *stick = *state;
    BT_AUTOBUF names;
    bt_buf_init(&names, BT_STICK_NAMES_MAX_BYTES);
    taken_elsewhere = 0;
    assert_int_equal(bt_stick_reader_list(stick->reader, "metadata", &names, NULL), 0);
    assert_int_equal(read_up_to(stick, "metadata/1.root.json", 100), 0);
    assert_int_equal(taken_elsewhere, 0);
}

static void a_long_folder_is_given_as_far_as_there_is_room(void **state)
{
    const struct stick *stick = *state;
    enum { COUNT = 1000 };
    BT_AUTOBUF names;
    size_t found = 0;
    for (int i = 0; i < COUNT; i++) {
        BT_AUTOFREE char *name = bt_strf("BANGTIN/metadata/%0240d", i);
        BT_AUTOFREE char *path = below(stick, name);
        BT_AUTOCLOSE int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
    }
    bt_buf_init(&names, BT_STICK_NAMES_MAX_BYTES);
    assert_int_equal(bt_stick_reader_list(stick->reader, "metadata", &names, NULL), 0);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        found += strlen(names.data + at) == 240;
    }
    assert_int_equal(found, COUNT);
    bt_buf_finish(&names);
    bt_buf_init(&names, 1000);
    assert_int_equal(bt_stick_reader_list(stick->reader, "metadata", &names, NULL), 0);
    assert_in_range(names.len, 700, 1000);
}

static void one_that_gives_hardly_anything_is_given_up(void **state)
{
    const struct stick *stick = *state;
    const struct bt_stick_patience none = {
        .step_ns = 600 * BT_NS_PER_S, .window_ns = 1, .bytes_per_s = INT64_MAX};
    BT_AUTO(bt_stick_reader) reader = NULL;
    assert_int_equal(open_reader(stick, &none, &reader), -ETIMEDOUT);
}

// Reads wait for a listener that does not answer, as they wait for a stick that is dying.
static void one_that_hangs_is_given_up(void **state)
{
    const struct stick *stick = *state;
    const struct bt_stick_patience short_one = {
        .step_ns = 300 * BT_NS_PER_MS, .window_ns = BT_NS_PER_S * 600, .bytes_per_s = 1};
    BT_AUTO(bt_stick_reader) reader = NULL;
    BT_AUTOFREE char *folder = below(stick, "BANGTIN");
    BT_AUTOBUF text;
    bt_buf_init(&text, 99);
    int listener = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);
    if (listener < 0) {
        skip();  // not root
    }
    assert_int_equal(fanotify_mark(listener, FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_EVENT_ON_CHILD,
                                   AT_FDCWD, folder),
                     0);
    assert_int_equal(open_reader(stick, &short_one, &reader), 0);
    assert_int_equal(bt_stick_reader_read_all(reader, "stick.json", &text, NULL), -ETIMEDOUT);
    assert_int_equal(bt_stick_reader_read_all(reader, "told.json", &text, NULL), -ETIMEDOUT);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(files_are_read_up_to_their_limit),
        TEST(nothing_outside_the_folder_is_read),
        TEST(what_is_no_plain_file_is_refused_at_once),
        TEST(a_stick_without_our_folder_is_nobodys_business),
        TEST(names_and_parts_are_given),
        TEST(the_gentle_thread_allocates_nothing),
        TEST(a_long_folder_is_given_as_far_as_there_is_room),
        TEST(one_that_gives_hardly_anything_is_given_up),
        TEST(one_that_hangs_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
