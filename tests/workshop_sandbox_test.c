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
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
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

// It might show a reviewer's browser one thing, and a player another: both are shown a PNG of it.
static void an_svg_is_converted_for_its_reviewers(void **state)
{
    const struct place *place = *state;
    static const char svg[] = "<svg xmlns='http://www.w3.org/2000/svg' width='60' height='40'>"
                              "<text y='30'>Tỉnh</text></svg>";
    BT_AUTOFREE char *file = file_with(place, svg, sizeof(svg) - 1);
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    assert_verdict(report, "plays-with-notice:converted");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(report, "made_from")), "SVG");
    assert_int_equal((int)cJSON_GetNumberValue(cJSON_GetObjectItem(report, "width")), 3840);
    assert_int_equal((int)cJSON_GetNumberValue(cJSON_GetObjectItem(report, "height")), 2560);
    cJSON_Delete(report);
    BT_AUTOFREE char *thumbnail = bt_strf("%s/out/thumbnail.jpg", place->dir);
    BT_AUTOFREE char *converted = bt_strf("%s/out/converted.png", place->dir);
    assert_int_equal(access(thumbnail, R_OK), 0);
    assert_int_equal(access(converted, R_OK), 0);
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

static void put_program(struct place *place, const char *script)
{
    free(place->program);
    place->program = bt_strf("%s/probe", place->dir);
    assert_int_equal(bt_file_replace(place->program, script, strlen(script), NULL), 0);
    assert_int_equal(chmod(place->program, 0755), 0);
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
        "head -c 80000000 /dev/zero >\"$out/filmstrip.jpg\" 2>/dev/null && say size\n"
        "say nothing\n";
    put_program(place, probe);
    assert_int_equal(setenv("SECRET", "x", 1), 0);
    BT_AUTOFREE char *file = file_with(place, "x", 1);
    cJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    assert_verdict(report, "nothing");
    cJSON_Delete(report);
}

// What could be written where, in bytes, together: no disk and no memory is filled.
static void nothing_can_be_filled_from_inside(void **state)
{
    struct place *place = *state;
    put_program(place, "#!/usr/bin/sh\n"
                       "n=0\n"
                       "for dir in / /tmp /dev /dev/shm /out /usr /bin /home /var; do\n"
                       "  for i in 1 2 3 4; do\n"
                       "    head -c 10000000 /dev/zero >\"$dir/f$i\" 2>/dev/null\n"
                       "    s=$(stat -c %s \"$dir/f$i\" 2>/dev/null) && n=$((n + s))\n"
                       "  done\n"
                       "done\n"
                       "mkdir /out/d 2>/dev/null || rm /out/report.json 2>/dev/null && n=99999999\n"
                       "echo \"{\\\"bytes\\\": $n}\" >/out/report.json\n");
    BT_AUTOFREE char *file = file_with(place, "x", 1);
    BT_AUTOJSON *report = NULL;
    struct bt_error err = {0};
    assert_int_equal(inspect(place, file, &report, &err), 0);
    int64_t bytes = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(report, "bytes"));
    assert_int_equal(bytes, 0);
    BT_AUTOFREE char *thumbnail = bt_strf("%s/out/thumbnail.jpg", place->dir);
    assert_int_equal(access(thumbnail, F_OK), -1);
}

// As somebody else than root, whom no such limit binds.
static int inspect_as_nobody(const struct place *place, const char *file)
{
    BT_AUTOFREE char *out = bt_strf("%s/out", place->dir);
    BT_AUTOFREE char *command = bt_strf("mkdir '%s' && chown -R 65534:65534 '%s'", out, place->dir);
    if (geteuid() == 0) {
        assert_int_equal(system(command), 0);  // NOLINT(cert-env33-c): our own directory
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0)) {
            _exit(EXIT_FAILURE);
        }
        cJSON *report = NULL;
        struct bt_error err = {0};
        const struct bt_workshop workshop = {.program = place->program, .sandbox = true};
        mkdir(out, 0700);
        _exit(-bt_workshop_inspect(&workshop, file, out, &report, &err));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

static void only_so_many_processes_run_inside(void **state)
{
    struct place *place = *state;
    static const char crowd[] = "#!/usr/bin/sh\n"
                                "i=0\n"
                                "while [ $i -lt %d ]; do sleep 60 & i=$((i + 1)); done\n"
                                "echo '{}' >\"$3/report.json\"\n";
    BT_AUTOFREE char *file = file_with(place, "x", 1);
    static const struct {
        int processes, result;
    } cases[] = {{30, 0}, {100, -EFAULT}};
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char script[256];
        assert_int_equal(bt_format(script, sizeof(script), crowd, cases[i].processes), 0);
        put_program(place, script);
        int r = inspect_as_nobody(place, file);
        if (r == -ENOSYS) {
            skip();  // not everybody may make namespaces here
        }
        assert_int_equal(r, cases[i].result);
        BT_AUTOFREE char *command = bt_strf("rm -r '%s/out'", place->dir);
        assert_int_equal(system(command), 0);  // NOLINT(cert-env33-c): our own directory
    }
}

static void a_workshop_that_dies_is_an_error_in_words(void **state)
{
    struct place *place = *state;
    put_program(place, "#!/usr/bin/sh\nkill -SEGV $$\n");
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
        WITH_PLACE(an_svg_is_converted_for_its_reviewers),
        WITH_PLACE(what_is_no_medium_is_refused_with_a_report),
        WITH_PLACE(nothing_of_the_machine_can_be_reached_from_inside),
        WITH_PLACE(nothing_can_be_filled_from_inside),
        WITH_PLACE(only_so_many_processes_run_inside),
        WITH_PLACE(a_workshop_that_dies_is_an_error_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
