#include "sync/software.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define H(hour) ((hour)*60)

static void what_a_version_waits_for(void **state)
{
    (void)state;
    const struct {
        int from, until;  // the release's hours
        bool now;
        struct bt_software_scene scene;
        enum bt_software_wait wait;
    } cases[] = {
        {H(1), H(4), false, {.minute = H(2), .shows = true}, BT_SOFTWARE_MAY},
        {H(1), H(4), false, {.minute = H(4), .shows = true}, BT_SOFTWARE_HOURS},
        {H(22), H(4), false, {.minute = H(23), .shows = true}, BT_SOFTWARE_MAY},
        {H(1), H(4), false, {.minute = H(2), .shows = false}, BT_SOFTWARE_SCREEN},
        {H(1),
         H(4),
         false,
         {.minute = H(2), .shows = true, .emergency = true},
         BT_SOFTWARE_EMERGENCY},
        // A market that is open at night.
        {H(1), H(4), false, {H(2), H(18), H(3), false, true}, BT_SOFTWARE_OPEN},
        {H(1), H(4), false, {H(3), H(18), H(3), false, true}, BT_SOFTWARE_MAY},
        {0, 0, false, {H(9), H(6), H(22), false, true}, BT_SOFTWARE_OPEN},
        {0, 0, false, {H(22), H(6), H(22), false, true}, BT_SOFTWARE_MAY},
        // Never closed: the signed hours alone.
        {H(1), H(4), false, {H(2), 0, H(24), false, true}, BT_SOFTWARE_MAY},
        {H(1), H(4), false, {H(2), H(7), H(7), false, true}, BT_SOFTWARE_MAY},
        // Whatever the hour and whatever is shown, but not where nobody sees whether it plays.
        {H(1), H(4), true, {H(9), H(6), H(22), true, true}, BT_SOFTWARE_MAY},
        {H(1), H(4), true, {H(9), H(6), H(22), true, false}, BT_SOFTWARE_SCREEN},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        const struct bt_release release = {
            .from_min = cases[i].from, .until_min = cases[i].until, .now = cases[i].now};
        if (bt_software_waits(&release, &cases[i].scene) != cases[i].wait) {
            fail_msg("case %zu", i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_version_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
