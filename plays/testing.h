// What the tests of this room share: a directory for each test, plays to record, peeks at the
// database.
#ifndef BT_PLAYS_TESTING_H
#define BT_PLAYS_TESTING_H

#include "plays/play.h"

#define BT_TEST_WALL_MS 1795240000000LL  // in November 2026

struct bt_test_dir {
    char path[64];
    char journal[96];  // path/plays.db
};

int bt_test_dir_setup(void **state);  // makes a struct bt_test_dir
int bt_test_dir_teardown(void **state);
#define BT_TEST_IN_DIR(function)                                                                   \
    cmocka_unit_test_setup_teardown(function, bt_test_dir_setup, bt_test_dir_teardown)

struct bt_play_start bt_test_start(const char *item, int64_t planned_ms);

int64_t bt_test_count(const char *path, const char *select);  // -1: it cannot be read
void bt_test_exec(const char *path, const char *sql);
#define BT_TEST_COUNT_LIKE(part) "SELECT count(*) FROM record WHERE body LIKE '%" part "%'"

// --rounds N and --seed N, for tests that are repeated by chance; ends the program on others. With
// BT_LONG in the environment (./check --long) 1,000 rounds.
struct bt_test_options {
    int64_t rounds, seed;
    uint64_t chance;  // state of bt_test_draw
};
void bt_test_read_options(int argc, char **argv, struct bt_test_options *options);

// The same numbers for the same seed: 0 .. below - 1.
int64_t bt_test_draw(struct bt_test_options *options, int64_t below);

void bt_test_remove_journal(const struct bt_test_dir *dir);
void bt_test_write(const char *path, const void *bytes, size_t len);  // not synced: fast
int bt_test_make_dir(const char *path);

#endif
