// What dates a batch that is long on its way.
#include "sync/plays_seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

#define BOOT "b7e1c0de-0000-4000-8000-000000000001"

static struct bt_batch_header header_of(int clock_trust)
{
    return (struct bt_batch_header){.now = {.wall_ms = 1795240000000,
                                            .mono_ns = 5000 * BT_NS_PER_MS,
                                            .clock_trust = clock_trust}};
}

static void a_trusted_clock_dates_its_boot_itself(void **state)
{
    (void)state;
    struct bt_batch_header header = header_of(BT_CLOCK_SYNCED);
    assert_string_equal(bt_plays_date(&header, BOOT), BOOT);
    assert_int_equal(header.boot_count, 1);
    assert_string_equal(header.boots[0].boot, BOOT);
    assert_int_equal(header.boots[0].offset_ms, 1795240000000 - 5000);
    assert_false(header.more);
}

static void what_a_record_says_of_the_boot_comes_first(void **state)
{
    (void)state;
    struct bt_batch_header header = header_of(BT_CLOCK_SYNCED);
    bt_copy_cut(header.boots[0].boot, sizeof(header.boots[0].boot), BOOT);
    header.boots[0].offset_ms = 7;
    header.boot_count = 1;
    assert_string_equal(bt_plays_date(&header, BOOT), BOOT);
    assert_int_equal(header.boot_count, 1);
    assert_int_equal(header.boots[0].offset_ms, 7);
}

// The server would date it by the moment at which somebody brings it.
static void without_one_and_without_room_no_boot_is_named(void **state)
{
    (void)state;
    struct bt_batch_header header = header_of(BT_CLOCK_UNKNOWN);
    assert_string_not_equal(bt_plays_date(&header, BOOT), BOOT);
    assert_int_equal(header.boot_count, 0);
    assert_true(header.more);
    header = header_of(BT_CLOCK_SYNCED);
    header.boot_count = BT_BATCH_MAX_BOOTS;
    assert_string_not_equal(bt_plays_date(&header, BOOT), BOOT);
    assert_int_equal(header.boot_count, BT_BATCH_MAX_BOOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_clock_dates_its_boot_itself),
        cmocka_unit_test(what_a_record_says_of_the_boot_comes_first),
        cmocka_unit_test(without_one_and_without_room_no_boot_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
