/**
 * Command lines by table: every group of commands (`bangtin key …`) is a table of commands, each
 * with a table of options. From them come the parsing, its messages and `--help`, in Vietnamese and
 * English, for all programs.
 *
 * "--name VALUE", "--name=VALUE", flags, operands anywhere, "--" ends the options.
 */
#ifndef BT_BASE_OPTIONS_H
#define BT_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/error.h"

enum bt_exit_status {
    BT_EXIT_OK = 0,
    BT_EXIT_FAILED = 1,
    BT_EXIT_USAGE = 2,
};

struct bt_option {
    const char *name;   // without the dashes
    const char *value;  // what stands for it in the help; NULL: a flag
    const char *about;  // "tiếng Việt / English"
    bool many;          // may be said several times
    bool required;
    bool alone;                // with it nothing else is required, as with --help
    int64_t min, max;          // a whole number within these, when max is not 0
    const char *const *words;  // one of these; ends with NULL
};

struct bt_arguments;

struct bt_subcommand {
    const char *name;      // NULL: the group's own and only one
    const char *operands;  // "FILE…", as the help shows them
    size_t min_operands, max_operands;
    const char *about;  // "tiếng Việt / English", or with a line break between them
    const struct bt_option *options;
    size_t option_count;
    bool online;  // also takes the program's options of those who talk to a server
    // What no table can say: a negative errno is a wrong command line. NULL: nothing.
    int (*check)(const struct bt_arguments *arguments, struct bt_error *err);
    // A negative errno: failed, err says why. What is positive is the exit status.
    int (*run)(const struct bt_arguments *arguments, struct bt_error *err);
    const void *request;  // run's own
};

struct bt_command_group {
    const char *name;     // NULL: the program has this one alone
    const char *summary;  // one line, "tiếng Việt / English"
    const char *about;    // what a newcomer must know; NULL
    const char *example;  // lines to copy
    const struct bt_subcommand *commands;
    size_t count;
    int usage_status;  // of a wrong command line; 0: BT_EXIT_USAGE
};

// What the commands of a program have in common.
struct bt_program {
    const char *name;  // "bangtin"
    const struct bt_option *online_options;
    size_t online_option_count;
    void (*after)(void);  // when a command has run; NULL: nothing
};

#define BT_OPTIONS(table) .options = (table), .option_count = BT_ARRAY_LEN(table)

/**
 * Finds the command, parses, runs it and says what went wrong. argv[0] is the group's name.
 * Returns the process's exit status.
 */
int bt_command_group_run(const struct bt_program *program, const struct bt_command_group *group,
                         int argc, char **argv);

void bt_command_group_help(const struct bt_program *program, const struct bt_command_group *group,
                           FILE *to);

/**
 * What was said, borrowed from argv. Names must be in the command's table.
 */
const struct bt_subcommand *bt_arguments_command(const struct bt_arguments *arguments);
const char *bt_argument(const struct bt_arguments *arguments, const char *name);  // or NULL
bool bt_argument_flag(const struct bt_arguments *arguments, const char *name);
int64_t bt_argument_int(const struct bt_arguments *arguments, const char *name, int64_t otherwise);
size_t bt_argument_count(const struct bt_arguments *arguments, const char *name);
const char *bt_argument_at(const struct bt_arguments *arguments, const char *name, size_t index);

size_t bt_operand_count(const struct bt_arguments *arguments);
const char *bt_operand(const struct bt_arguments *arguments, size_t index);  // or NULL

// For tests, and for what group_run does. `arguments` is destroyed by the caller, also on error.
int bt_arguments_parse(const struct bt_program *program, const struct bt_subcommand *command,
                       int argc, char **argv, struct bt_arguments **out,
                       struct bt_error *err) BT_NODISCARD;
void bt_arguments_destroy(struct bt_arguments *arguments);
BT_DEFINE_AUTO(bt_arguments)

#endif
