#include "cli/reminders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/str.h"

#define NOW INT64_C(1795240000000)

static void reminders_come_30_7_and_1_days_before(void **state)
{
    (void)state;
    static const struct {
        int64_t left_ms;
        enum bt_reminder reminder;
    } cases[] = {
        {31 * BT_MS_PER_DAY, BT_REMINDER_NONE},
        {30 * BT_MS_PER_DAY + 1, BT_REMINDER_NONE},
        {30 * BT_MS_PER_DAY, BT_REMINDER_30},
        {7 * BT_MS_PER_DAY + 1, BT_REMINDER_30},
        {7 * BT_MS_PER_DAY, BT_REMINDER_7},
        {BT_MS_PER_DAY + 1, BT_REMINDER_7},
        {BT_MS_PER_DAY, BT_REMINDER_1},
        {1, BT_REMINDER_1},
        {0, BT_EXPIRED},
        {-1, BT_EXPIRED},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        assert_int_equal(bt_reminder_of(NOW + cases[i].left_ms, NOW), cases[i].reminder);
    }
}

static char *printed(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    bt_reminders_print(to);
    fclose(to);
    return text;
}

static void what_was_seen_is_reminded_of_until_it_is_renewed(void **state)
{
    (void)state;
    char dir[] = "/tmp/bt-remind-XXXXXX";
    assert_non_null(mkdtemp(dir));
    assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    bt_reminders_note("u-31333", now_ms + 6 * BT_MS_PER_DAY);
    bt_reminders_note("root", now_ms + 200 * BT_MS_PER_DAY);
    BT_AUTOFREE char *text = printed();
    assert_non_null(strstr(text, "'u-31333' còn 5 ngày / 5 days left"));
    assert_null(strstr(text, "root"));
    bt_reminders_note("u-31333", now_ms + 180 * BT_MS_PER_DAY);
    BT_AUTOFREE char *after = printed();
    assert_string_equal(after, "");
    BT_AUTOFREE char *clean = bt_strf("rm -r '%s'", dir);
    assert_int_equal(system(clean), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reminders_come_30_7_and_1_days_before),
        cmocka_unit_test(what_was_seen_is_reminded_of_until_it_is_renewed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
