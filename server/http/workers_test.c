#include "server/http/workers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void do_nothing(void *job)
{
    (void)job;
}

static void people_find_room_where_players_have_none_left(void **state)
{
    (void)state;
    BT_AUTO(bt_workers) workers = NULL;
    assert_int_equal(bt_workers_start(1, do_nothing, &workers, NULL), 0);
    for (int i = 0; i < BT_WORKERS_MAX_JOBS - BT_WORKERS_PEOPLES_JOBS; i++) {
        assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), 0);
    }
    assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), -EAGAIN);
    for (int i = 0; i < BT_WORKERS_PEOPLES_JOBS; i++) {
        assert_int_equal(bt_workers_admit(workers, 1, 0), 0);
    }
    assert_int_equal(bt_workers_admit(workers, 1, 0), -EAGAIN);
    bt_workers_dismiss(workers, 2);
    assert_int_equal(bt_workers_admit(workers, 1, BT_WORKERS_PEOPLES_JOBS), -EAGAIN);
    assert_int_equal(bt_workers_admit(workers, 2, 0), 0);
    bt_workers_close(workers);
    assert_int_equal(bt_workers_admit(workers, 1, 0), -EPIPE);
    bt_workers_stop(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_find_room_where_players_have_none_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
