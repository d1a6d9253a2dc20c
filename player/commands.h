// The commands of bangtin-player. Each gets its own arguments, argv[0] being its name, and returns
// the process's exit status.
#ifndef BT_PLAYER_COMMANDS_H
#define BT_PLAYER_COMMANDS_H

enum bt_exit_status {
    BT_EXIT_OK = 0,
    BT_EXIT_FAILED = 1,
    BT_EXIT_USAGE = 2,
};

int bt_command_play(int argc, char **argv);
int bt_command_run(int argc, char **argv);
int bt_command_render(int argc, char **argv);
int bt_command_plan(int argc, char **argv);
int bt_command_check(int argc, char **argv);

#endif
