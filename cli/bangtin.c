// bangtin: the tool of those who prepare publications and read the records of what was shown.
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/commands.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"new", bt_command_new,
     "Tạo chương trình phát từ ảnh và clip / a publication from pictures and clips"},
    {"plays", bt_command_plays,
     "Đếm, xuất, kiểm tra lượt phát / count, export and verify what was shown"},
    {"tuf", bt_command_tuf,
     "Kiểm tra kho đã ký như máy phát / verify a signed repository as players do"},
};

// In the order of the work.
static const struct bt_command_group *const groups[] = {
    &bt_login_commands,   &bt_logout_commands,      &bt_unit_commands,     &bt_user_commands,
    &bt_token_commands,   &bt_screen_commands,      &bt_group_commands,    &bt_pair_commands,
    &bt_upload_commands,  &bt_media_commands,       &bt_campaign_commands, &bt_playlist_commands,
    &bt_propose_commands, &bt_proposal_commands,    &bt_approve_commands,  &bt_publish_commands,
    &bt_status_commands,  &bt_publication_commands, &bt_takedown_commands, &bt_emergency_commands,
    &bt_command_commands, &bt_audit_commands,       &bt_key_commands,      &bt_repository_commands,
};

static void print_help(FILE *to)
{
    fputs("bangtin " BT_VERSION " — bảng tin điện tử công cộng / public notice boards\n\n"
          "Cách dùng / usage: bangtin COMMAND ...\n\n",
          to);
    for (size_t i = 0; i < BT_ARRAY_LEN(commands); i++) {
        fprintf(to, "  %-12s %s\n", commands[i].name, commands[i].summary);
    }
    for (size_t i = 0; i < BT_ARRAY_LEN(groups); i++) {
        fprintf(to, "  %-12s %s\n", groups[i]->name, groups[i]->summary);
    }
    fputs("\nbangtin COMMAND --help nói rõ từng lệnh / explains each command.\n\n"
          "Thử ngay / try it:\n"
          "  bangtin new thu-muc anh-1.png clip.mp4\n"
          "  bangtin-player play thu-muc/publication.json --assets thu-muc/assets "
          "--plays thu-muc/plays.db --window 1280x720\n"
          "  bangtin plays summary --journal thu-muc/plays.db\n",
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
    for (size_t i = 0; i < BT_ARRAY_LEN(groups); i++) {
        if (strcmp(groups[i]->name, name) == 0) {
            return bt_command_group_run(groups[i], argc - 1, argv + 1);
        }
    }
    if (strcmp(name, "--version") == 0) {
        puts("bangtin " BT_VERSION);
        return BT_EXIT_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(argc > 1 ? stdout : stderr);
        return argc > 1 ? BT_EXIT_OK : BT_EXIT_USAGE;
    }
    fprintf(stderr, "bangtin: không có lệnh / no command '%s'\n\n", name);
    print_help(stderr);
    return BT_EXIT_USAGE;
}
