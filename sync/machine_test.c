#include "sync/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first.
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

static void put(const char *root, const char *directory, const char *name, const char *text)
{
    BT_AUTOFREE char *dir = bt_strf("%s/%s", root, directory);
    BT_AUTOFREE char *path = bt_strf("%s/%s", dir, name);
    assert_int_equal(bt_file_make_dirs(dir, NULL), 0);
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
}

#define ZONE "sys/class/thermal/thermal_zone"
#define FIRMWARE "sys/devices/platform/soc/soc:firmware"

static void what_a_board_says(void **state)
{
    (void)state;
    char root[] = "/tmp/bt-machine-XXXXXX";
    struct bt_machine machine;
    assert_non_null(mkdtemp(root));
    bt_machine_look(root, &machine);
    assert_false(machine.has_celsius || machine.has_throttled);

    put(root, ZONE "0", "temp", "58399\n");
    put(root, ZONE "1", "temp", "61200\n");
    put(root, ZONE "2", "temp", "-274000\n");
    put(root, ZONE "3", "temp", "warm\n");
    bt_machine_look(root, &machine);
    assert_true(machine.has_celsius && machine.celsius == 61);

    static const struct {
        const char *text;
        bool said, throttled, low_power;
    } cases[] = {
        {"0\n", true, false, false},       {"50005\n", true, true, true},
        {"0x50000\n", true, false, false}, {"1\n", true, false, true},
        {"E0008\n", true, true, false},    {"oops\n", false, false, false},
        {"\n", false, false, false},       {"123456789\n", false, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(root, FIRMWARE, "get_throttled", cases[i].text);
        bt_machine_look(root, &machine);
        assert_int_equal(machine.has_throttled, cases[i].said);
        assert_int_equal(machine.throttled, cases[i].throttled);
        assert_int_equal(machine.low_power, cases[i].low_power);
    }
}

static void what_memory_is_kept_for_displays(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool said;
    } cases[] = {
        {"MemTotal: 1 kB\nCmaTotal:         524288 kB\nCmaFree:          31000 kB\n", true},
        {"MemTotal: 1 kB\nCmaTotal:              0 kB\nCmaFree:              0 kB\n", false},
        {"MemTotal: 1 kB\nCmaTotal:         524288 kB\n", false},
        {"MemTotal: 1 kB\nCmaTotal:         much kB\nCmaFree:          31000 kB\n", false},
        {"MemTotal: 1 kB\nCmaTotal: 99999999999999999999999999 kB\nCmaFree: 1 kB\n", false},
        {"", false},
    };
    char root[] = "/tmp/bt-machine-XXXXXX";
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bt_machine machine;
        put(root, "proc", "meminfo", cases[i].text);
        bt_machine_look(root, &machine);
        assert_int_equal(machine.has_cma, cases[i].said);
        if (cases[i].said) {
            assert_int_equal(machine.cma_total_bytes, 512 << 20);
            assert_int_equal(machine.cma_free_bytes, 31000 << 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_a_board_says),
                                       cmocka_unit_test(what_memory_is_kept_for_displays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
