#include "assets/partial.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static const char content[] = "nội dung đã được duyệt";
#define SIZE ((int64_t)sizeof(content) - 1)

static int open_store(void **state)
{
    static char dir[64];
    assert_int_equal(bt_format(dir, sizeof(dir), "/tmp/bt-partial-XXXXXX"), 0);
    assert_non_null(mkdtemp(dir));
    struct bt_store *store = NULL;
    assert_int_equal(bt_store_open(dir, &store, NULL), 0);
    *state = store;
    return 0;
}

static int close_store(void **state)
{
    bt_store_destroy(*state);
    return 0;
}

static struct bt_sha256 content_hash(void)
{
    return bt_sha256_of(content, (size_t)SIZE);
}

static struct bt_partial *open_on(struct bt_store *store, enum bt_way way)
{
    struct bt_sha256 hash = content_hash();
    struct bt_partial *partial = NULL;
    struct bt_error err;
    if (bt_partial_open(store, way, &hash, SIZE, &partial, &err) < 0 ||
        bt_partial_take_up(partial, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return partial;
}

static struct bt_partial *open_partial(struct bt_store *store)
{
    return open_on(store, BT_WAY_NETWORK);
}

static void fetch_whole(struct bt_store *store)
{
    BT_AUTO(bt_partial) partial = open_partial(store);
    assert_int_equal(bt_partial_write(partial, content, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_finish(partial, NULL), 0);
}

static void a_file_that_came_in_two_lives_is_whole(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    {
        BT_AUTO(bt_partial) partial = open_partial(*state);
        assert_int_equal(bt_partial_have(partial), 0);
        assert_int_equal(bt_partial_write(partial, content, 10, NULL), 0);
        assert_int_equal(bt_partial_finish(partial, NULL), -EAGAIN);
        assert_int_equal(bt_store_locate(*state, &hash, SIZE, path, NULL), -ENOENT);
    }
    BT_AUTO(bt_partial) partial = open_partial(*state);
    assert_int_equal(bt_partial_have(partial), 10);
    assert_int_equal(bt_partial_write(partial, content + 10, (size_t)SIZE - 10, NULL), 0);
    assert_int_equal(bt_partial_finish(partial, NULL), 0);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
    struct bt_partial *again = NULL;
    assert_int_equal(bt_partial_open(*state, BT_WAY_NETWORK, &hash, SIZE, &again, NULL), -EEXIST);
}

static void what_is_longer_than_it_may_be_begins_anew(void **state)
{
    struct bt_sha256 hash = content_hash();
    {
        BT_AUTO(bt_partial) longer = NULL;
        assert_int_equal(bt_partial_open(*state, BT_WAY_NETWORK, &hash, SIZE * 2, &longer, NULL),
                         0);
        assert_int_equal(bt_partial_write(longer, content, (size_t)SIZE, NULL), 0);
        assert_int_equal(bt_partial_write(longer, content, 1, NULL), 0);
    }
    BT_AUTO(bt_partial) partial = open_partial(*state);
    assert_int_equal(bt_partial_have(partial), 0);
}

static void wrong_bytes_are_thrown_away(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    BT_AUTO(bt_partial) partial = open_partial(*state);
    BT_AUTOFREE char *wrong = bt_strdup(content);
    wrong[3] ^= 1;
    assert_int_equal(bt_partial_write(partial, wrong, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_finish(partial, NULL), -EBADMSG);
    assert_int_equal(bt_store_locate(*state, &hash, SIZE, path, NULL), -ENOENT);
    assert_int_equal(bt_partial_have(partial), 0);
    assert_int_equal(bt_partial_write(partial, content, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_finish(partial, NULL), 0);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
}

static void two_ways_spoil_nothing_for_each_other(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    BT_AUTO(bt_partial) network = open_partial(*state);
    BT_AUTO(bt_partial) stick = open_on(*state, BT_WAY_STICK);
    struct bt_partial *second = NULL;
    assert_int_equal(bt_partial_open(*state, BT_WAY_STICK, &hash, SIZE, &second, NULL), -EBUSY);
    assert_int_equal(bt_partial_write(network, content, 10, NULL), 0);
    BT_AUTOFREE char *wrong = bt_strdup(content);
    wrong[3] ^= 1;
    assert_int_equal(bt_partial_write(stick, wrong, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_finish(stick, NULL), -EBADMSG);
    assert_int_equal(bt_partial_have(network), 10);
    assert_int_equal(bt_partial_write(network, content + 10, (size_t)SIZE - 10, NULL), 0);
    assert_int_equal(bt_partial_finish(network, NULL), 0);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
    // The one that is behind ends without harm.
    assert_int_equal(bt_partial_write(stick, content, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_finish(stick, NULL), 0);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
}

static void what_one_way_left_goes_when_the_other_has_it(void **state)
{
    int64_t available, used;
    {
        BT_AUTO(bt_partial) stick = open_on(*state, BT_WAY_STICK);
        assert_int_equal(bt_partial_write(stick, content, 10, NULL), 0);
    }
    fetch_whole(*state);
    assert_int_equal(bt_store_usage(*state, &available, &used, NULL), 0);
    assert_int_equal(used, SIZE);
}

static void nothing_is_written_beyond_the_approved_size(void **state)
{
    BT_AUTO(bt_partial) partial = open_partial(*state);
    assert_int_equal(bt_partial_write(partial, content, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_partial_write(partial, "x", 1, NULL), -EMSGSIZE);
    assert_int_equal(bt_partial_finish(partial, NULL), 0);
}

static void what_was_taken_down_is_gone_and_does_not_come_back(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    fetch_whole(*state);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
    assert_int_equal(bt_store_set_forbidden(*state, &hash, 1, NULL), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), -EPERM);
    struct bt_partial *partial = NULL;
    assert_int_equal(bt_partial_open(*state, BT_WAY_NETWORK, &hash, SIZE, &partial, NULL), -EPERM);
    assert_int_equal(bt_store_set_forbidden(*state, NULL, 0, NULL), 0);
    fetch_whole(*state);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
}

static void a_transfer_that_was_running_ends_with_the_takedown(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    BT_AUTO(bt_partial) partial = open_partial(*state);
    assert_int_equal(bt_partial_write(partial, content, (size_t)SIZE, NULL), 0);
    assert_int_equal(bt_store_set_forbidden(*state, &hash, 1, NULL), 0);
    assert_true(bt_partial_finish(partial, NULL) < 0);
    assert_int_equal(bt_store_set_forbidden(*state, NULL, 0, NULL), 0);
    assert_int_equal(bt_store_locate(*state, &hash, SIZE, path, NULL), -ENOENT);
}

static void room_is_made_of_what_is_not_pinned(void **state)
{
    struct bt_sha256 hash = content_hash();
    char path[BT_STORE_PATH_BYTES];
    int64_t available, used;
    fetch_whole(*state);
    assert_int_equal(bt_store_usage(*state, &available, &used, NULL), 0);
    assert_int_equal(used, SIZE);
    assert_int_equal(bt_store_make_room(*state, 1, 0, NULL), 0);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
    bt_store_set_pinned(*state, &hash, 1);
    assert_int_equal(bt_store_make_room(*state, INT64_MAX / 4, 0, NULL), -ENOSPC);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), 0);
    bt_store_set_pinned(*state, NULL, 0);
    assert_int_equal(bt_store_make_room(*state, INT64_MAX / 4, 0, NULL), -ENOSPC);
    assert_int_equal(bt_store_path(*state, &hash, SIZE, path, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_came_in_two_lives_is_whole, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(what_is_longer_than_it_may_be_begins_anew, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(wrong_bytes_are_thrown_away, open_store, close_store),
        cmocka_unit_test_setup_teardown(two_ways_spoil_nothing_for_each_other, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(what_one_way_left_goes_when_the_other_has_it, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(nothing_is_written_beyond_the_approved_size, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(what_was_taken_down_is_gone_and_does_not_come_back,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(a_transfer_that_was_running_ends_with_the_takedown,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(room_is_made_of_what_is_not_pinned, open_store,
                                        close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
