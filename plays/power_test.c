// Power cuts, simulated: --rounds N of them, --seed N for others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plays/faulty_vfs.h"
#include "plays/journal.h"
#include "plays/ledger.h"
#include "plays/testing.h"

#define ZONES 3

// A new disk and a new journal after so many cuts.
#define CUTS_PER_DISK 10

// A power cut comes within so many writes: several commits, sometimes a checkpoint.
#define MAX_OPERATIONS 250

#define REOPEN_CHANCE 20  // one in so many boundaries

static struct bt_test_options options = {.rounds = 100, .seed = 1};

static int report(struct bt_journal *journal, struct bt_ledger *ledger, size_t number,
                  enum bt_ledger_state state)
{
    struct bt_play play = bt_ledger_play(number, state);
    ledger->plays[number].reported = (uint8_t)state;
    return bt_journal_put(journal, &play, NULL);
}

// Some zones go on to their next play, then a commit.
static int pass_boundary(struct bt_journal *journal, struct bt_ledger *ledger, size_t *on)
{
    int r = 0;
    for (size_t zone = 0; zone < ZONES && r == 0; zone++) {
        if (bt_faulty_random(3) == 0) {
            continue;
        }
        if (on[zone] != SIZE_MAX) {
            r = report(journal, ledger, on[zone], BT_LEDGER_ENDED);
        }
        on[zone] = ledger->count++;
        assert_true(ledger->count < BT_LEDGER_MAX_PLAYS);
        r = r < 0 ? r : report(journal, ledger, on[zone], BT_LEDGER_BEGUN);
    }
    r = r < 0 ? r : bt_journal_commit(journal, NULL);
    if (r == 0) {
        bt_ledger_commit(ledger);
    }
    return r;
}

static int open_journal(const char *path, struct bt_journal **out)
{
    struct bt_journal_options journal_options = {
        .path = path,
        .player = "test",
        .now = {.wall_ms = BT_TEST_WALL_MS, .clock_trust = BT_CLOCK_SYNCED},
    };
    struct bt_error err = {0};
    int r = bt_journal_open(&journal_options, out, &err);
    if (r < 0 && !bt_faulty_is_off()) {
        fail_msg("%s", err.msg);
    }
    return r;
}

// Closing moves the log into the database: power must be able to fail during that too.
static int reopen(const char *path, struct bt_journal **journal, struct bt_ledger *ledger,
                  size_t *on)
{
    bt_journal_destroy(BT_TAKE(*journal));
    bt_ledger_new_run(ledger);
    for (size_t zone = 0; zone < ZONES; zone++) {
        on[zone] = SIZE_MAX;
    }
    return open_journal(path, journal);
}

static void play_until_dark(const char *path, struct bt_ledger *ledger)
{
    size_t on[ZONES] = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct bt_journal *journal = NULL;
    bt_ledger_new_run(ledger);
    bt_faulty_cut_after(1 + (int64_t)bt_faulty_random(MAX_OPERATIONS));
    int r = open_journal(path, &journal);
    while (r == 0) {
        r = bt_faulty_random(REOPEN_CHANCE) == 0 ? reopen(path, &journal, ledger, on)
                                                 : pass_boundary(journal, ledger, on);
    }
    assert_true(bt_faulty_is_off());
    bt_journal_destroy(journal);
}

static void cut_power_on_one_disk(const char *path, int64_t cuts, uint64_t seed)
{
    struct bt_ledger ledger;
    bt_faulty_install(seed);
    bt_ledger_init(&ledger);
    for (int64_t i = 0; i < cuts; i++) {
        play_until_dark(path, &ledger);
        bt_faulty_power_on();
        struct bt_journal *journal = NULL;
        bt_ledger_new_run(&ledger);
        assert_int_equal(open_journal(path, &journal), 0);
        bt_journal_destroy(journal);
        bt_ledger_compare(&ledger, path);
    }
    bt_ledger_finish(&ledger);
    bt_faulty_remove();
}

static void no_finished_play_is_lost_or_doubled_when_power_is_cut(void **state)
{
    const struct bt_test_dir *dir = *state;
    bt_test_write(dir->journal, "", 0);  // readers look for a real file before they ask SQLite
    for (int64_t done = 0; done < options.rounds; done += CUTS_PER_DISK) {
        uint64_t seed = (uint64_t)(options.seed * 1000003 + done);
        cut_power_on_one_disk(dir->journal, BT_MIN(CUTS_PER_DISK, options.rounds - done), seed);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        BT_TEST_IN_DIR(no_finished_play_is_lost_or_doubled_when_power_is_cut),
    };
    bt_test_read_options(argc, argv, &options);
    printf("%lld power cuts, seed %lld\n", (long long)options.rounds, (long long)options.seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
