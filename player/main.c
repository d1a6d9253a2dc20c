// bangtin-player: shows publications on a screen and records what was shown.
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "player/commands.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

static const struct bt_command_group *const commands[] = {
    &bt_play_commands,    &bt_run_commands,     &bt_render_commands,
    &bt_plan_commands,    &bt_texts_commands,   &bt_check_commands,
    &bt_measure_commands, &bt_pattern_commands, &bt_card_commands};

static const struct bt_program program = {.name = "bangtin-player"};

static void print_help(FILE *to)
{
    fputs("bangtin-player " BT_VERSION " — bảng tin điện tử công cộng / public notice boards\n\n"
          "Cách dùng / usage: bangtin-player LỆNH … / COMMAND …\n\n",
          to);
    for (size_t i = 0; i < BT_ARRAY_LEN(commands); i++) {
        fprintf(to, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\nbangtin-player LỆNH --help nói rõ từng lệnh / explains each command.\n\n"
          "Máy phát của một màn hình / the player of a screen:\n"
          "  bangtin-player run --data may-phat --server https://bangtin.tinh.gov.vn\n"
          "Thử ngay, không cần máy chủ / try it without a server:\n"
          "  bangtin new thu-muc anh-1.png clip.mp4\n"
          "  bangtin-player play thu-muc/publication.json --assets thu-muc/assets "
          "--window 1280x720\n",
          to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    for (size_t i = 0; i < BT_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return bt_command_group_run(&program, commands[i], argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "--version") == 0) {
        puts("bangtin-player " BT_VERSION);
        return BT_EXIT_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(argc > 1 ? stdout : stderr);
        return argc > 1 ? BT_EXIT_OK : BT_EXIT_USAGE;
    }
    fprintf(stderr, "bangtin-player: không có lệnh / no command '%s'\n\n", name);
    print_help(stderr);
    return BT_EXIT_USAGE;
}
