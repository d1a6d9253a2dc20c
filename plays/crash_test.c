/*
 * kill -9 at random moments: --rounds N of them, --seed N for others. A child writes a journal and
 * tells this process through a pipe what it is about to report and what was committed; the pipe
 * outlives the child, so what it acknowledged is known whatever happened to it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "plays/journal.h"
#include "plays/ledger.h"
#include "plays/testing.h"

#define ZONES 3
#define KILLS_PER_JOURNAL 10

// The child lives for so many commits, and a little longer.
#define MAX_COMMITS 20
#define MAX_EXTRA_NS (3 * BT_NS_PER_MS)

static struct bt_test_options options = {.rounds = 50, .seed = 1};

struct event {
    enum bt_ledger_state state;  // UNKNOWN: everything before was committed
    size_t number;
};

// In the child: any failure ends it with a status the parent notices.

static void tell(int fd, enum bt_ledger_state state, size_t number)
{
    struct event event = {state, number};
    if (write(fd, &event, sizeof(event)) != (ssize_t)sizeof(event)) {
        _exit(2);
    }
}

static void report(struct bt_journal *journal, int fd, size_t number, enum bt_ledger_state state)
{
    struct bt_play play = bt_ledger_play(number, state);
    tell(fd, state, number);
    if (bt_journal_put(journal, &play, NULL) < 0) {
        _exit(3);
    }
}

static int open_journal(const char *path, struct bt_journal **out)
{
    struct bt_journal_options journal_options = {
        .path = path,
        .player = "test",
        .now = {.wall_ms = BT_TEST_WALL_MS, .clock_trust = BT_CLOCK_SYNCED},
    };
    struct bt_error err;
    int r = bt_journal_open(&journal_options, out, &err);
    if (r < 0) {
        fprintf(stderr, "%s\n", err.msg);
    }
    return r;
}

static void write_for_ever(const char *path, int fd, size_t number)
{
    struct bt_journal *journal;
    size_t on[ZONES] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    if (open_journal(path, &journal) < 0) {
        _exit(4);
    }
    for (size_t zone = 0;; zone = (zone + 1) % ZONES) {
        if (on[zone] != SIZE_MAX) {
            report(journal, fd, on[zone], BT_LEDGER_ENDED);
        }
        on[zone] = number++;
        report(journal, fd, on[zone], BT_LEDGER_BEGUN);
        if (zone == 1) {
            continue;  // its changes share the commit of the next zone
        }
        if (bt_journal_commit(journal, NULL) < 0) {
            _exit(5);
        }
        tell(fd, BT_LEDGER_UNKNOWN, 0);
    }
}

// In the parent.

// False at the end. Returns whether the event was a commit in *out_commit.
static bool read_event(int fd, struct bt_ledger *ledger, bool *out_commit)
{
    struct event event;
    ssize_t got = read(fd, &event, sizeof(event));
    if (got <= 0) {
        return false;
    }
    assert_int_equal(got, sizeof(event));
    *out_commit = event.state == BT_LEDGER_UNKNOWN;
    if (*out_commit) {
        bt_ledger_commit(ledger);
        return true;
    }
    assert_true(event.number < BT_LEDGER_MAX_PLAYS);
    ledger->plays[event.number].reported = (uint8_t)event.state;
    ledger->count = BT_MAX(ledger->count, event.number + 1);
    return true;
}

static void follow(int fd, struct bt_ledger *ledger, int64_t commits)
{
    bool commit;
    while (commits > 0 && read_event(fd, ledger, &commit)) {
        commits -= commit;
    }
}

static void kill_one_writer(const char *path, struct bt_ledger *ledger)
{
    int ends[2], status;
    bool commit;
    bt_ledger_new_run(ledger);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_for_ever(path, ends[1], ledger->count);
    }
    close(ends[1]);
    follow(ends[0], ledger, bt_test_draw(&options, MAX_COMMITS));
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + bt_test_draw(&options, MAX_EXTRA_NS));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read_event(ends[0], ledger, &commit)) {
    }
    close(ends[0]);
}

static void kill_writers_of_one_journal(const char *path, int64_t kills)
{
    struct bt_ledger ledger;
    bt_ledger_init(&ledger);
    for (int64_t i = 0; i < kills; i++) {
        struct bt_journal *journal = NULL;
        kill_one_writer(path, &ledger);
        assert_int_equal(open_journal(path, &journal), 0);
        bt_journal_destroy(journal);
        bt_ledger_compare(&ledger, path);
    }
    bt_ledger_finish(&ledger);
}

static void no_finished_play_is_lost_or_doubled_by_kill_9(void **state)
{
    const struct bt_test_dir *dir = *state;
    for (int64_t done = 0; done < options.rounds; done += KILLS_PER_JOURNAL) {
        kill_writers_of_one_journal(dir->journal, BT_MIN(KILLS_PER_JOURNAL, options.rounds - done));
        bt_test_remove_journal(dir);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(no_finished_play_is_lost_or_doubled_by_kill_9),
    };
    bt_test_read_options(argc, argv, &options);
    printf("%lld kills, seed %lld\n", (long long)options.rounds, (long long)options.seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
