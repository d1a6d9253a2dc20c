#include "base/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static int run_nothing(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)arguments;
    (void)err;
    return 0;
}

static const char *const colours[] = {"teal", "navy", NULL};
static const struct bt_option table[] = {
    {"name", "TEXT", "tên / name", .required = true},
    {"count", "N", "bao nhiêu / how many", .min = 1, .max = 9},
    {"colour", "WORD", "màu / colour", .words = colours},
    {"key", "FILE", "khóa / key", .many = true},
    {"yes", NULL, "có / yes"},
    {"version", NULL, "phiên bản / version", .alone = true},
};
static const struct bt_option online[] = {{"json", NULL, "máy đọc / for programs"}};
static const struct bt_program program = {"thu", online, BT_ARRAY_LEN(online), NULL};

// What no table says: the two do not go together.
static int check_together(const struct bt_arguments *arguments, struct bt_error *err)
{
    return bt_argument_flag(arguments, "yes") && bt_argument_flag(arguments, "colour")
               ? bt_fail(err, -EINVAL, "--yes, --colour")
               : 0;
}

static const struct bt_subcommand command = {"do",
                                             "FILE…",
                                             1,
                                             2,
                                             "làm / do it",
                                             BT_OPTIONS(table),
                                             .check = check_together,
                                             .run = run_nothing};

// Up to eight words; the rest is NULL.
static int parse(const char *const *words, struct bt_arguments **out, struct bt_error *err)
{
    char *argv[9];
    int argc = 0;
    while (words[argc] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    return bt_arguments_parse(&program, &command, argc, argv, out, err);
}

static void options_and_operands_stand_in_any_order(void **state)
{
    (void)state;
    const char *const words[] = {"one", "--count=7", "--name", "a b", "--yes", "two", NULL};
    BT_AUTO(bt_arguments) arguments = NULL;
    assert_int_equal(parse(words, &arguments, NULL), 0);
    assert_int_equal(bt_operand_count(arguments), 2);
    assert_string_equal(bt_operand(arguments, 1), "two");
    assert_null(bt_operand(arguments, 2));
    assert_string_equal(bt_argument(arguments, "name"), "a b");
    assert_int_equal(bt_argument_int(arguments, "count", 1), 7);
    assert_true(bt_argument_flag(arguments, "yes"));
    assert_null(bt_argument(arguments, "colour"));
}

static void what_may_be_said_often_is_kept_in_order(void **state)
{
    (void)state;
    const char *const words[] = {"x", "--name=n", "--key", "a", "--key=b", NULL};
    BT_AUTO(bt_arguments) arguments = NULL;
    assert_int_equal(parse(words, &arguments, NULL), 0);
    assert_int_equal(bt_argument_count(arguments, "key"), 2);
    assert_string_equal(bt_argument_at(arguments, "key", 1), "b");
    assert_int_equal(bt_argument_int(arguments, "count", 4), 4);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    const char *const words[] = {"--name=n", "--", "--yes", NULL};
    BT_AUTO(bt_arguments) arguments = NULL;
    assert_int_equal(parse(words, &arguments, NULL), 0);
    assert_string_equal(bt_operand(arguments, 0), "--yes");
    assert_false(bt_argument_flag(arguments, "yes"));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *words[6], *says;
    } cases[] = {
        {{"x"}, "thiếu / missing: --name TEXT"},
        {{"--name=n"}, "thiếu / missing: FILE…"},
        {{"a", "b", "c", "--name=n"}, "không hiểu / what is 'c'?"},
        {{"x", "--nam", "n"}, "không có tùy chọn / no option --nam"},
        {{"x", "--names=n"}, "không có tùy chọn / no option --names"},
        {{"x", "--name"}, "--name: cần giá trị / needs a value"},
        {{"x", "--name=n", "--yes=1"}, "--yes không có giá trị / takes no value"},
        {{"x", "--name=n", "--name=m"}, "--name: chỉ một lần / only once"},
        {{"x", "--name=n", "--count=10"}, "--count '10': cần số / must be a number 1..9"},
        {{"x", "--name=n", "--count=4x"}, "--count '4x': cần số / must be a number 1..9"},
        {{"x", "--name=n", "--colour=red"}, "--colour 'red': chọn / choose teal, navy"},
        {{"x", "--name=n", "--json"}, "không có tùy chọn / no option --json"},
        {{"x", "--name=n", "--yes", "--colour=navy"}, "--yes, --colour"},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        BT_AUTO(bt_arguments) arguments = NULL;
        struct bt_error err;
        assert_int_equal(parse(cases[i].words, &arguments, &err), -EINVAL);
        assert_string_equal(err.msg, cases[i].says);
        assert_null(arguments);
    }
}

static void asking_for_help_needs_nothing_else(void **state)
{
    (void)state;
    const char *const words[] = {"-h", NULL};
    BT_AUTO(bt_arguments) arguments = NULL;
    assert_int_equal(parse(words, &arguments, NULL), 0);
    assert_true(bt_argument_flag(arguments, "help"));
    const char *const version[] = {"--version", "--yes", "--colour=teal", NULL};
    BT_AUTO(bt_arguments) alone = NULL;
    assert_int_equal(parse(version, &alone, NULL), 0);
    assert_true(bt_argument_flag(alone, "version"));
}

static int run_status(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)arguments;
    (void)err;
    return 3;
}

static int run_failing(const struct bt_arguments *arguments, struct bt_error *err)
{
    (void)arguments;
    return bt_fail(err, -EIO, "no");
}

static int times_after;
static void count_after(void)
{
    times_after++;
}

static void the_exit_status_says_how_it_went(void **state)
{
    (void)state;
    static const struct bt_option on[] = {{"on", NULL, "…"}};
    static const struct bt_subcommand commands[] = {
        {"ok", NULL, 0, 0, "…", BT_OPTIONS(on), .run = run_nothing, .online = true},
        {"three", NULL, 0, 0, "…", .run = run_status},
        {"fail", NULL, 0, 0, "…", .run = run_failing},
    };
    static const struct bt_program counting = {"thu", online, BT_ARRAY_LEN(online), count_after};
    static const struct bt_command_group group = {
        .name = "g", .summary = "…", .commands = commands, .count = 3};
    static const struct bt_command_group odd = {
        .name = "g", .summary = "…", .commands = commands, .count = 3, .usage_status = 64};
    static const struct {
        const char *words[2];
        int status, odd_status;
    } cases[] = {
        {{"ok", "--on"}, 0, 0},     {{"ok", "--json"}, 0, 0},    {{"three"}, 3, 3},
        {{"fail"}, 1, 1},           {{"ok", "--off"}, 2, 64},    {{"none"}, 2, 64},
        {{"three", "more"}, 2, 64}, {{"three", "--help"}, 0, 0}, {{"--help"}, 0, 0},
    };
    for (size_t i = 0; i < BT_ARRAY_LEN(cases); i++) {
        char *argv[] = {(char *)(uintptr_t) "g", (char *)(uintptr_t)cases[i].words[0],
                        (char *)(uintptr_t)cases[i].words[1], NULL};
        int argc = argv[2] != NULL ? 3 : 2;
        assert_int_equal(bt_command_group_run(&counting, &group, argc, argv), cases[i].status);
        assert_int_equal(bt_command_group_run(&program, &odd, argc, argv), cases[i].odd_status);
    }
    assert_int_equal(times_after, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_stand_in_any_order),
        cmocka_unit_test(what_may_be_said_often_is_kept_in_order),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(asking_for_help_needs_nothing_else),
        cmocka_unit_test(the_exit_status_says_how_it_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
