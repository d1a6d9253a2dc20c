// Jobs behind all others: done in turn, and abandoned when they do not return.
#include "sync/gentle.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static const atomic_bool never = false;

struct job {
    int policy, done;
    int until[2], returned[2];  // pipes
};

static void note(void *context)
{
    struct job *job = context;
    struct sched_param ignored;
    pthread_getschedparam(pthread_self(), &job->policy, &ignored);
    job->done++;
}

// As long as nobody writes: what a stick that hangs does to its reader.
static void hang(void *context)
{
    struct job *job = context;
    char byte;
    assert_int_equal(read(job->until[0], &byte, 1), 1);
    job->done++;
}

static void let_go(void *context)
{
    const struct job *job = context;
    assert_int_equal(write(job->returned[1], "x", 1), 1);
}

static void jobs_are_done_one_after_the_other_behind_all_others(void **state)
{
    (void)state;
    struct job job = {.done = 0};
    BT_AUTO(bt_gentle) gentle = NULL;
    assert_int_equal(bt_gentle_start(&gentle, NULL), 0);
    bt_gentle_do(gentle, note, &job);
    assert_int_equal(bt_gentle_try(&gentle, note, note, &job, 600 * BT_NS_PER_S, &never), 0);
    assert_int_equal(job.done, 2);
    assert_int_equal(job.policy, SCHED_IDLE);
}

static void abandon(int64_t patience_ns, const atomic_bool *stop, int expected)
{
    struct job job = {.done = 0};
    char byte;
    BT_AUTO(bt_gentle) gentle = NULL;
    assert_int_equal(pipe(job.until), 0);
    assert_int_equal(pipe(job.returned), 0);
    assert_int_equal(bt_gentle_start(&gentle, NULL), 0);
    assert_int_equal(bt_gentle_try(&gentle, hang, let_go, &job, patience_ns, stop), expected);
    assert_null(gentle);
    assert_int_equal(write(job.until[1], "x", 1), 1);
    assert_int_equal(read(job.returned[0], &byte, 1), 1);
    assert_int_equal(job.done, 1);
    for (int i = 0; i < 2; i++) {
        close(job.until[i]);
        close(job.returned[i]);
    }
}

static void one_that_does_not_return_is_abandoned(void **state)
{
    (void)state;
    abandon(1, &never, -ETIMEDOUT);
}

static void work_for_a_while(void *context)
{
    struct job *job = context;
    int64_t begun_ns = bt_clock_worked_ns();
    while (bt_clock_worked_ns() - begun_ns < 50 * BT_NS_PER_MS) {
    }
    job->done++;
}

static void one_that_lacks_but_the_processor_is_waited_for(void **state)
{
    (void)state;
    struct job job = {.done = 0};
    BT_AUTO(bt_gentle) gentle = NULL;
    assert_int_equal(bt_gentle_start(&gentle, NULL), 0);
    bt_gentle_do(gentle, note, &job);
    // Less than what the job works; on a busy machine it takes many times that.
    assert_int_equal(bt_gentle_try(&gentle, work_for_a_while, note, &job, BT_NS_PER_MS, &never), 0);
    assert_int_equal(job.done, 2);
}

static atomic_bool is_enough;

static void *want_the_processor(void *context)
{
    while (!atomic_load(&is_enough)) {
    }
    return context;
}

static void waiting_for_the_processor_is_told_apart(void **state)
{
    (void)state;
    struct job job = {.done = 0};
    pthread_t rival;
    cpu_set_t before, one;
    BT_AUTO(bt_gentle) gentle = NULL;
    if (access("/proc/self/schedstat", R_OK) < 0) {
        skip();
    }
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(pthread_create(&rival, NULL, want_the_processor, NULL), 0);
    assert_int_equal(bt_gentle_start(&gentle, NULL), 0);
    bt_gentle_do(gentle, note, &job);
    int64_t kept_ns = bt_gentle_kept_ns(gentle);
    int64_t kept_later_ns = kept_ns;
    while (kept_later_ns <= kept_ns) {  // the rival may be kept waiting itself
        bt_gentle_do(gentle, note, &job);
        kept_later_ns = bt_gentle_kept_ns(gentle);
    }
    atomic_store(&is_enough, true);
    pthread_join(rival, NULL);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static void whoever_is_to_stop_does_not_wait(void **state)
{
    (void)state;
    static const atomic_bool now = true;
    abandon(600 * BT_NS_PER_S, &now, -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_done_one_after_the_other_behind_all_others),
        cmocka_unit_test(one_that_does_not_return_is_abandoned),
        cmocka_unit_test(one_that_lacks_but_the_processor_is_waited_for),
        cmocka_unit_test(waiting_for_the_processor_is_told_apart),
        cmocka_unit_test(whoever_is_to_stop_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
