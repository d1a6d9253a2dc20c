// The commands of bangtin-player. They log what fails, and return the exit status.
#ifndef BT_PLAYER_COMMANDS_H
#define BT_PLAYER_COMMANDS_H

#include "base/options.h"

extern const struct bt_command_group bt_play_commands, bt_run_commands, bt_render_commands,
    bt_plan_commands, bt_texts_commands, bt_check_commands, bt_measure_commands,
    bt_pattern_commands, bt_card_commands;

#endif
