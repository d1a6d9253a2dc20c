#include "plays/testing.h"

#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

#define LONG_ROUNDS 1000

int bt_test_dir_setup(void **state)
{
    struct bt_test_dir *dir = BT_NEW(struct bt_test_dir);
    // Memory, where there is such a place: nothing here depends on a disk, and syncs are free.
    bool memory = access("/dev/shm", W_OK) == 0;
    const char *place = memory ? "/dev/shm/bt-plays-XXXXXX" : "/tmp/bt-plays-XXXXXX";
    bt_copy_cut(dir->path, sizeof(dir->path), place);
    assert_non_null(mkdtemp(dir->path));
    assert_int_equal(bt_format(dir->journal, sizeof(dir->journal), "%s/plays.db", dir->path), 0);
    *state = dir;
    return 0;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        unlink(path);
        return;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!bt_str_equal(entry->d_name, ".") && !bt_str_equal(entry->d_name, "..")) {
            BT_AUTOFREE char *inside = bt_strf("%s/%s", path, entry->d_name);
            remove_tree(inside);
        }
    }
    closedir(dir);
    rmdir(path);
}

int bt_test_dir_teardown(void **state)
{
    struct bt_test_dir *dir = *state;
    remove_tree(dir->path);
    free(dir);
    return 0;
}

struct bt_play_start bt_test_start(const char *item, int64_t planned_ms)
{
    struct bt_play_start start = {
        .asset = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        .kind = "image",
        .zone = "main",
        .publication = "nq57-bac-ninh",
        .publication_version = 42,
        .layer = "unit",
        .priority = "normal",
        .campaign = "cds-10-10",
        .run = 1,
        .why_started = "schedule",
        .planned_ms = planned_ms,
        .mono_ns = 1000000000,
        .wall_ms = BT_TEST_WALL_MS,
        .clock_trust = BT_CLOCK_SYNCED,
        .evidence = BT_EVIDENCE_PRESENT,
    };
    bt_copy_cut(start.item, sizeof(start.item), item);
    return start;
}

int64_t bt_test_count(const char *path, const char *select)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    int64_t count = -1;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, select, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW) {
        count = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return count;
}

void bt_test_exec(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

void bt_test_write(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

int bt_test_make_dir(const char *path)
{
    return mkdir(path, 0755);
}

void bt_test_remove_journal(const struct bt_test_dir *dir)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < BT_ARRAY_LEN(suffixes); i++) {
        BT_AUTOFREE char *name = bt_strf("%s%s", dir->journal, suffixes[i]);
        unlink(name);
    }
}

void bt_test_read_options(int argc, char **argv, struct bt_test_options *options)
{
    if (getenv("BT_LONG") != NULL) {
        options->rounds = LONG_ROUNDS;
    }
    for (int i = 1; i < argc; i += 2) {
        int64_t *value = bt_str_equal(argv[i], "--rounds") ? &options->rounds
                         : bt_str_equal(argv[i], "--seed") ? &options->seed
                                                           : NULL;
        if (value == NULL || i + 1 == argc || bt_parse_int(argv[i + 1], 1, 1000000, value) < 0) {
            fprintf(stderr, "Usage: %s [--rounds N] [--seed N]\n", argv[0]);
            exit(2);
        }
    }
}

int64_t bt_test_draw(struct bt_test_options *options, int64_t below)
{
    if (options->chance == 0) {
        options->chance = (uint64_t)options->seed * 2654435761U + 88172645463325252U;
    }
    options->chance ^= options->chance << 13;
    options->chance ^= options->chance >> 7;
    options->chance ^= options->chance << 17;
    return (int64_t)(options->chance % (uint64_t)below);
}
