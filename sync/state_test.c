// What was flushed is there after a power cut, whatever the disk refused before. The disk here is
// Linux's: what it could not write counts as written from then on, and only writing it again brings
// it there.
#include "sync/state.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#define LOG_MAX_BYTES (1024 * 1024)

static struct {
    bool refuses;    // the next time, once
    off_t has;       // bytes of the log were on the disk, or count as if
    off_t from, to;  // it refused these
    off_t again;     // up to here they were written again, and wait for the disk
    uint8_t *log;    // as after a power cut
    size_t log_len;
} disk;

static bool is_log(int fd)
{
    char link[64], path[4096];
    assert_int_equal(bt_format(link, sizeof(link), "/proc/self/fd/%d", fd), 0);
    ssize_t len = readlink(link, path, sizeof(path) - 1);
    path[len > 0 ? len : 0] = '\0';
    return bt_str_ends(path, "/state.db-wal");
}

// Each test's log only grows.
static int sync_log(int fd)
{
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    assert_true(info.st_size <= LOG_MAX_BYTES);
    off_t had = disk.has;
    disk.has = info.st_size;
    if (disk.refuses) {
        disk.refuses = false;
        disk.from = disk.from < disk.to ? disk.from : had;
        disk.again = disk.from;
        disk.to = info.st_size;
        errno = EIO;
        return -1;
    }
    assert_int_equal(pread(fd, disk.log, (size_t)info.st_size, 0), info.st_size);
    disk.log_len = (size_t)info.st_size;
    disk.from = disk.again;
    memset(disk.log + disk.from, 0, (size_t)(disk.to - disk.from));
    return 0;
}

int fdatasync(int fd)  // NOLINT(readability-inconsistent-declaration-parameter-name)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return is_log(fd) ? sync_log(fd) : real(fd);
}

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    ssize_t n = real(fd, bytes, len, at);
    if (n > 0 && is_log(fd) && at <= disk.again && at + n > disk.again) {
        disk.again = BT_MIN(disk.to, at + (off_t)n);
    }
    return n;
}

struct place {
    char directory[64];
    struct bt_state *state;
};

static int setup(void **state)
{
    struct place *place = BT_NEW(struct place);
    disk.log = bt_alloc(LOG_MAX_BYTES);
    assert_int_equal(bt_format(place->directory, sizeof(place->directory), "/tmp/bt-state-XXXXXX"),
                     0);
    assert_non_null(mkdtemp(place->directory));
    BT_AUTOFREE char *path = bt_strf("%s/state.db", place->directory);
    assert_int_equal(bt_state_open(path, &place->state, NULL), 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    bt_state_destroy(place->state);
    free(disk.log);
    memset(&disk, 0, sizeof(disk));
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", place->directory);
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor)
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

// What the next life finds of "a" and "b" when the power goes now.
static void expect_after_a_power_cut(struct place *place, const char *number, int64_t a, int64_t b)
{
    BT_AUTO(bt_state) next = NULL;
    BT_AUTOFREE char *log = bt_strf("%s/%s.db-wal", place->directory, number);
    BT_AUTOFREE char *path = bt_strf("%s/%s.db", place->directory, number);
    BT_AUTOFREE char *command = bt_strf("cp '%s/state.db' '%s'", place->directory, path);
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor)
    assert_int_equal(system(command), 0);
    assert_int_equal(bt_file_replace(log, disk.log, disk.log_len, NULL), 0);
    assert_int_equal(bt_state_open(path, &next, NULL), 0);
    assert_int_equal(bt_state_get_int(next, "a", 0), a);
    assert_int_equal(bt_state_get_int(next, "b", 0), b);
}

static void what_the_disk_refused_is_written_again_before_it_counts(void **state)
{
    struct place *place = *state;
    assert_int_equal(bt_state_set_int(place->state, "a", 1, NULL), 0);
    assert_int_equal(bt_state_flush(place->state, NULL), 0);
    expect_after_a_power_cut(place, "1", 1, 0);
    assert_int_equal(bt_state_set_int(place->state, "a", 2, NULL), 0);
    disk.refuses = true;
    assert_int_equal(bt_state_flush(place->state, NULL), -EIO);
    assert_false(bt_state_is_flushed(place->state));
    expect_after_a_power_cut(place, "2", 1, 0);
    assert_int_equal(bt_state_set_int(place->state, "b", 3, NULL), 0);
    assert_int_equal(bt_state_flush(place->state, NULL), 0);
    assert_true(bt_state_is_flushed(place->state));
    expect_after_a_power_cut(place, "3", 2, 3);
}

static void a_disk_that_refuses_it_again_is_given_it_again(void **state)
{
    struct place *place = *state;
    assert_int_equal(bt_state_set_int(place->state, "a", 1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        disk.refuses = true;
        assert_int_equal(bt_state_flush(place->state, NULL), -EIO);
    }
    assert_false(bt_state_is_flushed(place->state));
    assert_int_equal(bt_state_flush(place->state, NULL), 0);
    expect_after_a_power_cut(place, "1", 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_the_disk_refused_is_written_again_before_it_counts,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_refuses_it_again_is_given_it_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
