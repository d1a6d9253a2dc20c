#include "server/media/workshop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

#define SECRET "{\"verdict\":\"plays\",\"secret\":\"of the server\"}"

struct house {
    char dir[64];
    char *program, *out, *secret;
};

static void put(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(bt_file_replace(path, text, strlen(text), NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void build(struct house *house)
{
    bt_copy_cut(house->dir, sizeof(house->dir), "/tmp/bt-workshop-XXXXXX");
    assert_non_null(mkdtemp(house->dir));
    house->program = bt_strf("%s/program", house->dir);
    house->out = bt_strf("%s/out", house->dir);
    house->secret = bt_strf("%s/secret.json", house->dir);
    assert_int_equal(mkdir(house->out, 0700), 0);
    put(house->secret, SECRET, 0600);
}

static void tear_down(struct house *house)
{
    BT_AUTOFREE char *command = bt_strf("rm -r '%s'", house->dir);
    assert_int_equal(system(command), 0);
    free(house->program);
    free(house->out);
    free(house->secret);
}

// What becomes of a program that a hostile file has taken over: it runs `script` as "inspect IN
// OUT".
static int inspect(const char *script, cJSON **out)
{
    struct house house;
    build(&house);
    BT_AUTOFREE char *text =
        bt_strf("#!/bin/sh\nsecret='%s'\ncd \"$3\"\n%s\n", house.secret, script);
    put(house.program, text, 0700);
    const struct bt_workshop workshop = {.program = house.program, .sandbox = false};
    struct bt_error err;
    int r = bt_workshop_inspect(&workshop, house.secret, house.out, out, &err);
    tear_down(&house);
    return r;
}

static void a_report_is_read(void **state)
{
    (void)state;
    BT_AUTOJSON *report = NULL;
    assert_int_equal(inspect("echo '{\"verdict\":\"plays\"}' > report.json", &report), 0);
    const cJSON *verdict = cJSON_GetObjectItemCaseSensitive(report, "verdict");
    assert_string_equal(cJSON_GetStringValue(verdict), "plays");
}

static void nothing_leads_out_of_the_sandbox(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "ln -s \"$secret\" report.json",
        "echo '{}' > report.json; ln -s \"$secret\" thumbnail.jpg",
        "mkfifo report.json",
        "echo '{}' > report.json; mkfifo filmstrip.jpg",
        "echo '{}' > report.json; mkdir thumbnail.jpg",
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(scripts); i++) {
        cJSON *report = NULL;
        assert_int_equal(inspect(scripts[i], &report), -EFAULT);
        assert_null(report);
    }
}

// Otherwise it would be tried again for ever, and all behind it would wait.
static void the_file_is_to_blame_for_a_missing_or_odd_report(void **state)
{
    (void)state;
    static const char *const scripts[] = {"true", "echo 'no json' > report.json", "exit 1",
                                          "head -c 100000 /dev/zero > report.json"};
    for (size_t i = 0; i < BT_ARRAY_LEN(scripts); i++) {
        cJSON *report = NULL;
        assert_int_equal(inspect(scripts[i], &report), -EFAULT);
        assert_null(report);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_read),
        cmocka_unit_test(nothing_leads_out_of_the_sandbox),
        cmocka_unit_test(the_file_is_to_blame_for_a_missing_or_odd_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
