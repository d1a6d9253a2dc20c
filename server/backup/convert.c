#include "server/backup/convert.h"

#include <errno.h>

#include "base/clock.h"
#include "server/backup/vacancy.h"

// A connection of a program that was killed goes away by itself, after what it was at.
#define LINGERS_NS (10 * BT_NS_PER_S)
#define LOOK_NS (BT_NS_PER_S / 5)

static void report(void *context, int64_t done, int64_t total)
{
    const bt_backup_progress_fn *progress = context;
    (*progress)("Cơ sở dữ liệu / database", done, total);
}

static int check_alone(struct bt_db *db, struct bt_error *err)
{
    const struct bt_clock *clock = bt_clock_real();
    int64_t others = 1, until_ns = bt_clock_mono_ns(clock) + LINGERS_NS;
    for (;;) {
        int r = bt_db_others(db, &others, err);
        if (r < 0 || others == 0) {
            return r;
        }
        if (bt_clock_mono_ns(clock) >= until_ns) {
            return bt_fail(err, -EBUSY, "A server uses this database (%lld connections); stop it",
                           (long long)others);
        }
        bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + LOOK_NS);
    }
}

static int open_one(const char *where, enum bt_db_manner manner, struct bt_db_pool **out_pool,
                    struct bt_db **out, struct bt_error *err)
{
    int r = bt_db_open_as(where, 1, manner, out_pool, err);
    r = r < 0 ? r : bt_db_acquire(*out_pool, out, err);
    return r < 0 ? r : check_alone(*out, err);
}

static int convert(const char *from, const char *to, bt_backup_progress_fn progress,
                   struct bt_copy_result *out, struct bt_error *err)
{
    BT_AUTO(bt_db_pool) from_pool = NULL;
    BT_AUTO(bt_db_pool) to_pool = NULL;
    struct bt_copy_request request = {.progress = report, .context = &progress};
    int r = open_one(from, BT_DB_AS_IS, &from_pool, &request.from, err);
    r = r < 0 ? bt_fail_in(err, r, "--from")
              : open_one(to, BT_DB_COPYING, &to_pool, &request.to, err);
    r = r < 0 ? r : bt_db_copy(&request, out, err);
    bt_db_release(request.from);
    bt_db_release(request.to);
    return r;
}

int bt_convert_run(const char *from, const char *to, bt_backup_progress_fn progress,
                   struct bt_copy_result *out, struct bt_error *err)
{
    BT_AUTOCLOSE int from_lock = -1;
    BT_AUTOCLOSE int to_lock = -1;
    int r = bt_vacancy_take_database(from, &from_lock, err);
    if (r < 0) {
        return r;
    }
    r = bt_vacancy_take_database(to, &to_lock, err);
    return r < 0 ? r : convert(from, to, progress, out, err);
}
