// Whoever waits for the flusher hears of it, whoever it was that waited for the disk.
#include "sync/flusher.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#define PATIENCE_NS (60 * BT_NS_PER_S)

struct place {
    char directory[64];
    struct bt_state *state;
    struct bt_queue *heard;
};

static int setup(void **state)
{
    struct place *place = BT_NEW(struct place);
    assert_int_equal(
        bt_format(place->directory, sizeof(place->directory), "/tmp/bt-flusher-XXXXXX"), 0);
    assert_non_null(mkdtemp(place->directory));
    BT_AUTOFREE char *path = bt_strf("%s/state.db", place->directory);
    assert_int_equal(bt_state_open(path, &place->state, NULL), 0);
    place->heard = bt_queue_create(1, free, (struct bt_waker){0});
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    bt_queue_destroy(place->heard);
    bt_state_destroy(place->state);
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", place->directory);
    // NOLINTNEXTLINE(concurrency-mt-unsafe,bugprone-command-processor)
    assert_int_equal(system(command), 0);
    free(place);
    return 0;
}

static void flushed(void *context)
{
    struct place *place = context;
    bt_queue_offer(place->heard, bt_alloc(1));
}

static void failed(void *context, int r, const char *detail)
{
    (void)context;
    (void)r;
    fail_msg("%s", detail);
}

static void expect_news(struct place *place)
{
    BT_AUTOFREE void *news =
        bt_queue_pop_wait(place->heard, bt_clock_mono_ns(bt_clock_real()) + PATIENCE_NS);
    assert_non_null(news);
}

static void start(struct place *place, struct bt_flusher **out)
{
    const struct bt_flusher_options options = {
        .state = place->state, .context = place, .flushed = flushed, .failed = failed};
    assert_int_equal(bt_flusher_start(&options, out, NULL), 0);
}

static void what_was_written_is_flushed_and_said(void **state)
{
    struct place *place = *state;
    BT_AUTO(bt_flusher) flusher = NULL;
    start(place, &flusher);
    assert_int_equal(bt_state_set(place->state, "a", "1", NULL), 0);
    assert_false(bt_state_is_flushed(place->state));
    bt_flusher_wake(flusher);
    expect_news(place);
    assert_true(bt_state_is_flushed(place->state));
}

static void that_somebody_else_waited_for_the_disk_is_said_too(void **state)
{
    struct place *place = *state;
    BT_AUTO(bt_flusher) flusher = NULL;
    start(place, &flusher);
    assert_int_equal(bt_state_set(place->state, "a", "1", NULL), 0);
    assert_int_equal(bt_state_flush(place->state, NULL), 0);
    bt_flusher_wake(flusher);
    expect_news(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_flushed_and_said, setup, teardown),
        cmocka_unit_test_setup_teardown(that_somebody_else_waited_for_the_disk_is_said_too, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
