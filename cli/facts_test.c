#include "cli/facts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void containers_become_media_types(void **state)
{
    (void)state;
    static const struct {
        struct bt_media_report report;
        const char *type;
        bool is_clip;
        int64_t duration_ms;
    } cases[] = {
        {{.kind = "picture", .container = "PNG", .width = 3, .height = 2}, "image/png", false, 0},
        {{.kind = "animation", .container = "gif", .duration_ms = 900}, "image/gif", false, 0},
        {{.kind = "clip", .container = "mp4", .duration_ms = 900}, "video/mp4", true, 900},
        {{.kind = "clip", .container = "nut", .duration_ms = 500}, "video/unknown", true, 500},
        {{.kind = "clip", .container = "gif", .duration_ms = 500}, "video/unknown", true, 500},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        struct bt_draft_file file = {0};
        assert_int_equal(bt_facts_from_report(&cases[i].report, &file, NULL), 0);
        assert_string_equal(file.type, cases[i].type);
        assert_int_equal(file.is_clip, cases[i].is_clip);
        assert_int_equal(file.duration_ms, cases[i].duration_ms);
        assert_int_equal(file.width, cases[i].report.width);
    }
}

static void what_cannot_stand_in_a_rotation_is_refused(void **state)
{
    (void)state;
    static const struct bt_media_report reports[] = {
        {.verdict = BT_VERDICT_REFUSED, .kind = "picture", .container = "png"},
        {.kind = "clip", .container = "h264", .duration_ms = 0},
        {.kind = "clip", .container = "mp4", .duration_ms = 143165576},
        {.kind = "clip", .container = "mp4", .duration_ms = 40},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(reports); i++) {
        struct bt_draft_file file = {0};
        assert_int_equal(bt_facts_from_report(&reports[i], &file, NULL), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(containers_become_media_types),
        cmocka_unit_test(what_cannot_stand_in_a_rotation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
