#include "base/options.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

static const struct bt_option help_option = {"help", NULL, "trợ giúp này / this help",
                                             .alone = true};

// One option as it was said.
struct said {
    const struct bt_option *option;
    const char *value;  // "" for flags
};

struct bt_arguments {
    const struct bt_program *program;
    const struct bt_subcommand *command;
    struct said *said;
    size_t said_count, said_room;
    const char **operands;
    size_t operand_count, operand_room;
};

static const struct bt_option *find_in(const struct bt_option *table, size_t count,
                                       const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(table[i].name, name, len) == 0 && table[i].name[len] == '\0') {
            return &table[i];
        }
    }
    return NULL;
}

static const struct bt_option *find_option(const struct bt_arguments *arguments, const char *name,
                                           size_t len)
{
    const struct bt_subcommand *command = arguments->command;
    const struct bt_option *found = find_in(command->options, command->option_count, name, len);
    if (found == NULL && command->online) {
        found = find_in(arguments->program->online_options, arguments->program->online_option_count,
                        name, len);
    }
    return found != NULL ? found : find_in(&help_option, 1, name, len);
}

static int check_value(const struct bt_option *option, const char *value, struct bt_error *err)
{
    int64_t number;
    if (option->max != 0 && bt_parse_int(value, option->min, option->max, &number) < 0) {
        return bt_fail(err, -EINVAL, "--%s '%s': cần số / must be a number %lld..%lld",
                       option->name, value, (long long)option->min, (long long)option->max);
    }
    if (option->words == NULL) {
        return 0;
    }
    BT_AUTOBUF choices;
    bt_buf_init(&choices, 256);
    for (const char *const *word = option->words; *word != NULL; word++) {
        if (strcmp(*word, value) == 0) {
            return 0;
        }
        if (bt_buf_appendf(&choices, "%s%s", choices.len > 0 ? ", " : "", *word) < 0) {
            break;  // the message says as many as fit
        }
    }
    return bt_fail(err, -EINVAL, "--%s '%s': chọn / choose %s", option->name, value,
                   bt_buf_text(&choices));
}

static int add_said(struct bt_arguments *arguments, const struct bt_option *option,
                    const char *value, struct bt_error *err)
{
    if (!option->many && bt_argument_count(arguments, option->name) > 0) {
        return bt_fail(err, -EINVAL, "--%s: chỉ một lần / only once", option->name);
    }
    int r = check_value(option, value, err);
    if (r == 0) {
        BT_GROW(arguments->said, arguments->said_room, arguments->said_count + 1);
        arguments->said[arguments->said_count++] = (struct said){option, value};
    }
    return r;
}

// Takes argv[*at], an option, and its value, which may be the next word.
static int take_option(struct bt_arguments *arguments, int argc, char **argv, int *at,
                       struct bt_error *err)
{
    const char *name = argv[*at] + 2;
    size_t len = strcspn(name, "=");
    const struct bt_option *option = find_option(arguments, name, len);
    if (option == NULL) {
        return bt_fail(err, -EINVAL, "không có tùy chọn / no option --%.*s", (int)len, name);
    }
    if (option->value == NULL) {
        return name[len] == '='
                   ? bt_fail(err, -EINVAL, "--%s không có giá trị / takes no value", option->name)
                   : add_said(arguments, option, "", err);
    }
    if (name[len] == '=') {
        return add_said(arguments, option, name + len + 1, err);
    }
    if (*at + 1 >= argc) {
        return bt_fail(err, -EINVAL, "--%s: cần giá trị / needs a value", option->name);
    }
    return add_said(arguments, option, argv[++*at], err);
}

static void add_operand(struct bt_arguments *arguments, const char *word)
{
    BT_GROW(arguments->operands, arguments->operand_room, arguments->operand_count + 1);
    arguments->operands[arguments->operand_count++] = word;
}

static int check_complete(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct bt_subcommand *command = arguments->command;
    if (arguments->operand_count < command->min_operands) {
        return bt_fail(err, -EINVAL, "thiếu / missing: %s", command->operands);
    }
    if (arguments->operand_count > command->max_operands) {
        return bt_fail(err, -EINVAL, "không hiểu / what is '%s'?",
                       arguments->operands[command->max_operands]);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct bt_option *option = &command->options[i];
        if (option->required && bt_argument_count(arguments, option->name) == 0) {
            return bt_fail(err, -EINVAL, "thiếu / missing: --%s %s", option->name, option->value);
        }
    }
    return 0;
}

// Something was said with which nothing else is required.
static bool says_alone(const struct bt_arguments *arguments)
{
    for (size_t i = 0; i < arguments->said_count; i++) {
        if (arguments->said[i].option->alone) {
            return true;
        }
    }
    return false;
}

static int check_arguments(const struct bt_arguments *arguments, struct bt_error *err)
{
    const struct bt_subcommand *command = arguments->command;
    if (says_alone(arguments)) {
        return 0;
    }
    int r = check_complete(arguments, err);
    return r < 0 || command->check == NULL ? r : command->check(arguments, err);
}

int bt_arguments_parse(const struct bt_program *program, const struct bt_subcommand *command,
                       int argc, char **argv, struct bt_arguments **out, struct bt_error *err)
{
    BT_AUTO(bt_arguments) arguments = BT_NEW(struct bt_arguments);
    arguments->program = program;
    arguments->command = command;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        int r = 0;
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strcmp(argv[i], "-h") == 0) {
            r = add_said(arguments, &help_option, "", err);
        } else if (options && bt_str_starts(argv[i], "--")) {
            r = take_option(arguments, argc, argv, &i, err);
        } else {
            add_operand(arguments, argv[i]);
        }
        if (r < 0) {
            return r;
        }
    }
    int r = check_arguments(arguments, err);
    if (r == 0) {
        *out = BT_TAKE(arguments);
    }
    return r;
}

void bt_arguments_destroy(struct bt_arguments *arguments)
{
    if (arguments != NULL) {
        free(arguments->said);
        free(arguments->operands);
        free(arguments);
    }
}

const struct bt_subcommand *bt_arguments_command(const struct bt_arguments *arguments)
{
    return arguments->command;
}

const char *bt_argument_at(const struct bt_arguments *arguments, const char *name, size_t index)
{
    assert(find_option(arguments, name, strlen(name)) != NULL);
    for (size_t i = 0; i < arguments->said_count; i++) {
        if (strcmp(arguments->said[i].option->name, name) == 0 && index-- == 0) {
            return arguments->said[i].value;
        }
    }
    return NULL;
}

const char *bt_argument(const struct bt_arguments *arguments, const char *name)
{
    return bt_argument_at(arguments, name, 0);
}

bool bt_argument_flag(const struct bt_arguments *arguments, const char *name)
{
    return bt_argument_at(arguments, name, 0) != NULL;
}

int64_t bt_argument_int(const struct bt_arguments *arguments, const char *name, int64_t otherwise)
{
    const char *text = bt_argument(arguments, name);
    int64_t number = otherwise;
    return text != NULL && bt_parse_int(text, INT64_MIN, INT64_MAX, &number) == 0 ? number
                                                                                  : otherwise;
}

size_t bt_argument_count(const struct bt_arguments *arguments, const char *name)
{
    size_t count = 0;
    while (bt_argument_at(arguments, name, count) != NULL) {
        count++;
    }
    return count;
}

size_t bt_operand_count(const struct bt_arguments *arguments)
{
    return arguments->operand_count;
}

const char *bt_operand(const struct bt_arguments *arguments, size_t index)
{
    return index < arguments->operand_count ? arguments->operands[index] : NULL;
}

// The words that call the command: "bangtin key new".
static char *words_of(const struct bt_program *program, const struct bt_command_group *group,
                      const struct bt_subcommand *command)
{
    const char *name = command != NULL ? command->name : NULL;
    return bt_strf("%s%s%s%s%s", program->name, group->name != NULL ? " " : "",
                   group->name != NULL ? group->name : "", name != NULL ? " " : "",
                   name != NULL ? name : "");
}

static void print_usage(const struct bt_program *program, const struct bt_command_group *group,
                        const struct bt_subcommand *command, FILE *to)
{
    BT_AUTOFREE char *words = words_of(program, group, command);
    fprintf(to, "  %s", words);
    if (command->operands != NULL) {
        fprintf(to, " %s", command->operands);
    }
    for (size_t i = 0; i < command->option_count; i++) {
        const struct bt_option *option = &command->options[i];
        if (option->required) {
            fprintf(to, " --%s %s", option->name, option->value);
        }
    }
    fputc('\n', to);
}

static void print_option(const struct bt_option *option, FILE *to)
{
    char left[64];
    BT_AUTOFREE char *text = bt_strf("--%s %s", option->name, option->value ? option->value : "");
    bt_copy_cut(left, sizeof(left), text);
    fprintf(to, "    %-22s %s\n", left, option->about);
}

static void print_command(const struct bt_program *program, const struct bt_command_group *group,
                          const struct bt_subcommand *command, FILE *to)
{
    print_usage(program, group, command, to);
    for (const char *line = command->about; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        fprintf(to, "    %.*s\n", (int)len, line);
        line += len + (line[len] == '\n');
    }
    for (size_t i = 0; i < command->option_count; i++) {
        print_option(&command->options[i], to);
    }
    for (size_t i = 0; command->online && i < program->online_option_count; i++) {
        print_option(&program->online_options[i], to);
    }
}

void bt_command_group_help(const struct bt_program *program, const struct bt_command_group *group,
                           FILE *to)
{
    fprintf(to, "%s\n\nCách dùng / usage:\n", group->summary);
    for (size_t i = 0; i < group->count; i++) {
        print_usage(program, group, &group->commands[i], to);
    }
    if (group->about != NULL) {
        fprintf(to, "\n%s\n", group->about);
    }
    for (size_t i = 0; i < group->count; i++) {
        fputc('\n', to);
        print_command(program, group, &group->commands[i], to);
    }
    if (group->example != NULL) {
        fprintf(to, "\nVí dụ / example:\n%s", group->example);
    }
}

// The command that is meant, and how many words its name took.
static const struct bt_subcommand *find_command(const struct bt_command_group *group, int argc,
                                                char **argv, int *out_words)
{
    *out_words = 1;
    if (group->commands[0].name == NULL) {
        return &group->commands[0];
    }
    *out_words = 2;
    for (size_t i = 0; argc > 1 && i < group->count; i++) {
        if (strcmp(group->commands[i].name, argv[1]) == 0) {
            return &group->commands[i];
        }
    }
    return NULL;
}

static void print_help(const struct bt_program *program, const struct bt_command_group *group,
                       const struct bt_subcommand *command)
{
    if (command->name == NULL) {
        bt_command_group_help(program, group, stdout);
    } else {
        print_command(program, group, command, stdout);
    }
}

static int usage_status(const struct bt_command_group *group)
{
    return group->usage_status != 0 ? group->usage_status : BT_EXIT_USAGE;
}

static int run_command(const struct bt_program *program, const struct bt_command_group *group,
                       const struct bt_subcommand *command, int argc, char **argv)
{
    struct bt_error err = {""};
    BT_AUTO(bt_arguments) arguments = NULL;
    BT_AUTOFREE char *words = words_of(program, group, command);
    if (bt_arguments_parse(program, command, argc, argv, &arguments, &err) < 0) {
        fprintf(stderr, "%s: %s\nCách dùng / usage:\n", words, err.msg);
        print_usage(program, group, command, stderr);
        fprintf(stderr, "%s --help nói rõ hơn / says more\n", words);
        return usage_status(group);
    }
    if (bt_argument_flag(arguments, "help")) {
        print_help(program, group, command);
        return BT_EXIT_OK;
    }
    int r = command->run(arguments, &err);
    if (r < 0) {
        fflush(stdout);
        fprintf(stderr, "%s: %s\n", words, err.msg);
    }
    if (program->after != NULL) {
        program->after();
    }
    return r < 0 ? BT_EXIT_FAILED : r;
}

int bt_command_group_run(const struct bt_program *program, const struct bt_command_group *group,
                         int argc, char **argv)
{
    int words;
    const struct bt_subcommand *command = find_command(group, argc, argv, &words);
    if (command != NULL) {
        return run_command(program, group, command, argc - words, argv + words);
    }
    bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (argc > 1 && !asked) {
        fprintf(stderr, "%s%s%s: không có lệnh / no command '%s'\n\n", program->name,
                group->name != NULL ? " " : "", group->name != NULL ? group->name : "", argv[1]);
    }
    bt_command_group_help(program, group, asked ? stdout : stderr);
    return asked ? BT_EXIT_OK : usage_status(group);
}
