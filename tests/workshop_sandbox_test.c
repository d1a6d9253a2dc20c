// The workshop as the server uses it: bangtin-media inside bubblewrap, on good files and hostile
// ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/media/workshop.h"

struct place {
    char dir[64];
    char *program;
};

static int set_up(void **state)
{
    struct place *place = BT_NEW(struct place);
    bt_copy_cut(place->dir, sizeof(place->dir), "/tmp/bangtin-workshop-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    place->program = bt_strf("%s/workshop/bangtin-media", getenv("BT_BUILD_ROOT"));
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    BT_AUTOFREE char *command = bt_strf("rm -rf '%s'", place->dir);
    assert_int_equal(system(command), 0);  // NOLINT(cert-env33-c): our own directory
    free(place->program);
    free(place);
    return 0;
}

static int inspect(const struct place *place, const char *file, cJSON **out, struct bt_error *err)
{
    struct bt_workshop workshop = {.program = place->program, .sandbox = true};
    BT_AUTOFREE char *dir = bt_strf("%s/out", place->dir);
    assert_int_equal(bt_file_make_dirs(dir, err), 0);
    return bt_workshop_inspect(&workshop, file, dir, out, err);
}

static char *file_with(const struct place *place, const void *bytes, size_t len)
{
    char *path = bt_strf("%s/in", place->dir);
    assert_int_equal(bt_file_replace(path, bytes, len, NULL), 0);
    return path;
}

static void assert_verdict(const cJSON *report, const char *start)
{
    const char *verdict = cJSON_GetStringValue(cJSON_GetObjectItem(report, "verdict"));
    assert_non_null(verdict);
    assert_true(bt_str_starts(verdict, start));
}

static void a_picture_is_looked_at_from_inside_the_sandbox(void **state)
{
    const struct place *place = *state;
    // One grey pixel.
    static const uint8_t png[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48,
        0x44, 0x52, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00,
        0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78,
        0x9c, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x48, 0xaf, 0xa4, 0x71, 0x00,
        0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
    BT_AUTOFREE char *file = file_with(place, png, sizeof(png));
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    assert_verdict(report, "plays");
    cJSON_Delete(report);
    BT_AUTOFREE char *thumbnail = bt_strf("%s/out/thumbnail.jpg", place->dir);
    assert_int_equal(access(thumbnail, R_OK), 0);
}

static void what_is_no_medium_is_refused_with_a_report(void **state)
{
    const struct place *place = *state;
    static const char playlist[] = "#EXTM3U\nhttp://127.0.0.1/x.ts\nfile:///etc/passwd\n";
    BT_AUTOFREE char *file = file_with(place, playlist, sizeof(playlist) - 1);
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    assert_verdict(report, "refused:not-media");
    cJSON_Delete(report);
    BT_AUTOFREE char *thumbnail = bt_strf("%s/out/thumbnail.jpg", place->dir);
    assert_int_equal(access(thumbnail, F_OK), -1);
}

// A program in the workshop's place that tries what a decoder in wrong hands would try.
static void nothing_of_the_machine_can_be_reached_from_inside(void **state)
{
    struct place *place = *state;
    static const char probe[] =
        "#!/usr/bin/sh\n"
        "out=$3\n"
        "say() { echo \"{\\\"verdict\\\": \\\"$1\\\"}\" >\"$out/report.json\"; exit 0; }\n"
        "[ -e /etc/passwd ] && say files\n"
        "[ -e /home ] && say homes\n"
        "[ \"$(ls /sys/class/net 2>/dev/null | grep -cv lo)\" = 0 ] || say network\n"
        "touch /usr/x 2>/dev/null && say writes\n"
        "[ -n \"$SECRET\" ] && say environment\n"
        "head -c 20000000 /dev/zero >\"$out/large\" 2>/dev/null && say size\n"
        "say nothing\n";
    free(place->program);
    place->program = bt_strf("%s/probe", place->dir);
    assert_int_equal(bt_file_replace(place->program, probe, sizeof(probe) - 1, NULL), 0);
    assert_int_equal(chmod(place->program, 0755), 0);
    assert_int_equal(setenv("SECRET", "x", 1), 0);
    BT_AUTOFREE char *file = file_with(place, "x", 1);
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    assert_verdict(report, "nothing");
    cJSON_Delete(report);
}

static void a_workshop_that_dies_is_an_error_in_words(void **state)
{
    struct place *place = *state;
    static const char crash[] = "#!/usr/bin/sh\nkill -SEGV $$\n";
    free(place->program);
    place->program = bt_strf("%s/crash", place->dir);
    assert_int_equal(bt_file_replace(place->program, crash, sizeof(crash) - 1, NULL), 0);
    assert_int_equal(chmod(place->program, 0755), 0);
    BT_AUTOFREE char *file = file_with(place, "x", 1);
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), -EFAULT);
    assert_null(report);
    assert_true(err.msg[0] != '\0');
}

int main(void)
{
#define WITH_PLACE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(a_picture_is_looked_at_from_inside_the_sandbox),
        WITH_PLACE(what_is_no_medium_is_refused_with_a_report),
        WITH_PLACE(nothing_of_the_machine_can_be_reached_from_inside),
        WITH_PLACE(a_workshop_that_dies_is_an_error_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
