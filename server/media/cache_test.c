// What the cache forgets, and what it never does.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/media/cache.h"

#define BLOB_BYTES 1000
#define ROOM 4000

struct world {
    char *dir;
    struct bt_cache *cache;
};

static struct bt_sha256 hash_of(int number)
{
    return bt_sha256_of(&number, sizeof(number));
}

static int setup(void **state)
{
    struct world *world = BT_NEW(struct world);
    world->dir = bt_strdup("/tmp/bt-cache-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    assert_int_equal(bt_cache_open(world->dir, ROOM, &world->cache, NULL), 0);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    bt_cache_destroy(world->cache);
    BT_AUTOFREE char *command = bt_strf("rm -rf %s", world->dir);
    assert_int_equal(system(command), 0);  // allow: a test's own directory
    free(world->dir);
    free(world);
    return 0;
}

static char *path_of(const struct world *world, int number)
{
    char hex[BT_SHA256_HEX_BYTES];
    struct bt_sha256 hash = hash_of(number);
    bt_hex(hash.bytes, BT_SHA256_BYTES, hex);
    return bt_strf("%s/%.2s/%s", world->dir, hex, hex);
}

// As if it had been asked for at this second.
static void keep(struct world *world, int number, int64_t used_s)
{
    char *path = NULL, bytes[BLOB_BYTES] = {0};
    int fd = -1;
    struct bt_sha256 hash = hash_of(number);
    assert_int_equal(bt_cache_begin(world->cache, &fd, &path, NULL), 0);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    close(fd);
    bt_cache_make_room(world->cache, BLOB_BYTES);
    assert_int_equal(bt_cache_keep(world->cache, path, &hash, NULL), 0);
    BT_AUTOFREE char *kept = path_of(world, number);
    const struct timespec times[2] = {{.tv_sec = used_s}, {.tv_sec = used_s}};
    assert_int_equal(utimensat(AT_FDCWD, kept, times, 0), 0);
}

static bool is_here(const struct world *world, int number)
{
    BT_AUTOFREE char *path = path_of(world, number);
    return access(path, F_OK) == 0;
}

static void what_was_not_asked_for_goes_first(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        keep(world, i, 100 + i);
    }
    struct bt_sha256 first = hash_of(0);
    int fd = bt_cache_get(world->cache, &first);  // now
    assert_true(fd >= 0);
    close(fd);
    keep(world, 4, 200);
    assert_true(is_here(world, 0));
    assert_false(is_here(world, 1));
    assert_true(is_here(world, 4));
    assert_true(bt_cache_bytes(world->cache) <= ROOM);
}

static void what_is_open_never_goes(void **state)
{
    struct world *world = *state;
    struct bt_sha256 oldest = hash_of(0);
    keep(world, 0, 1);
    int fd = bt_cache_get(world->cache, &oldest);
    assert_true(fd >= 0);
    for (int i = 1; i < 10; i++) {
        keep(world, i, 100 + i);
    }
    assert_true(is_here(world, 0));
    close(fd);
    BT_AUTOFREE char *path = path_of(world, 0);
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    for (int i = 10; i < 14; i++) {
        keep(world, i, 100 + i);
    }
    assert_false(is_here(world, 0));
}

static void what_is_larger_than_the_room_comes_and_goes(void **state)
{
    struct world *world = *state;
    keep(world, 1, 100);
    bt_cache_make_room(world->cache, 10LL * ROOM);
    assert_false(is_here(world, 1));
    keep(world, 2, 100);
    assert_true(is_here(world, 2));
}

static void a_cache_that_is_opened_again_knows_what_it_has(void **state)
{
    struct world *world = *state;
    char *path = NULL;
    int fd = -1;
    keep(world, 1, 100);
    assert_int_equal(bt_cache_begin(world->cache, &fd, &path, NULL), 0);
    close(fd);
    bt_cache_destroy(world->cache);
    assert_int_equal(bt_cache_open(world->dir, ROOM, &world->cache, NULL), 0);
    assert_int_equal(bt_cache_bytes(world->cache), BLOB_BYTES);
    assert_int_equal(access(path, F_OK), -1);  // it was half of something
    free(path);
    struct bt_sha256 hash = hash_of(1), other = hash_of(2);
    fd = bt_cache_get(world->cache, &hash);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(bt_cache_get(world->cache, &other), -ENOENT);
    bt_cache_remove(world->cache, &hash);
    assert_int_equal(bt_cache_get(world->cache, &hash), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_not_asked_for_goes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_open_never_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_larger_than_the_room_comes_and_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cache_that_is_opened_again_knows_what_it_has, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
