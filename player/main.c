// bangtin-player: shows publications on a screen and records what was shown.
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "player/commands.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"play", bt_command_play, "Phát nội dung từ tệp / show publications from files"},
    {"run", bt_command_run,
     "Ghép với máy chủ, phát những gì đã duyệt / pair with a server, play what is approved"},
    {"render", bt_command_render, "Vẽ một thời điểm ra tệp PNG / draw one moment to a PNG"},
    {"plan", bt_command_plan, "Xem trước lịch phát / what would play, when and why"},
    {"check", bt_command_check, "Kiểm tra ảnh, clip / would these files play, and if not why"},
};

static void print_help(FILE *to)
{
    fputs("bangtin-player " BT_VERSION " — bảng tin điện tử công cộng / public notice boards\n\n"
          "Cách dùng / usage: bangtin-player LỆNH … / COMMAND …\n\n",
          to);
    for (size_t i = 0; i < BT_ARRAY_LEN(commands); i++) {
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
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
        if (strcmp(commands[i].name, name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
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
