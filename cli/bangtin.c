// bangtin: the tool of all who work with the screens.
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/commands.h"
#include "cli/reminders.h"

#ifndef BT_VERSION
#error "BT_VERSION comes from meson.build"
#endif

// What every command that talks to a server takes.
static const struct bt_option online_options[] = {
    {"server", "URL", "máy chủ khác máy chủ đã đăng nhập / another server than the one logged in"},
    {"json", NULL, "in nguyên văn JSON cho máy đọc / the answer as JSON, for programs"},
};

static void remind(void)
{
    bt_reminders_print(stderr);
}

static const struct bt_program program = {.name = "bangtin",
                                          .online_options = online_options,
                                          .online_option_count = BT_ARRAY_LEN(online_options),
                                          .after = remind};

// As those who use it see their work.
#define MAX_GROUPS 12
static const struct {
    const char *title;
    const struct bt_command_group *groups[MAX_GROUPS];
} sections[] = {
    {"Đưa nội dung lên màn hình / bringing content to the screens",
     {&bt_login_commands, &bt_upload_commands, &bt_media_commands, &bt_playlist_commands,
      &bt_campaign_commands, &bt_schedule_commands, &bt_propose_commands, &bt_proposal_commands,
      &bt_approve_commands, &bt_publish_commands, &bt_publication_commands, &bt_withdraw_commands}},
    {"Trông coi màn hình / looking after the screens",
     {&bt_status_commands, &bt_alert_commands, &bt_takedown_commands, &bt_emergency_commands,
      &bt_command_commands, &bt_report_commands, &bt_evidence_commands, &bt_bundle_commands}},
    {"Lắp đặt / installing",
     {&bt_screen_commands, &bt_pair_commands, &bt_card_commands, &bt_group_commands}},
    {"Quản trị, khóa ký / administration, signing keys",
     {&bt_unit_commands, &bt_user_commands, &bt_token_commands, &bt_setting_commands,
      &bt_audit_commands, &bt_key_commands, &bt_repository_commands, &bt_software_commands,
      &bt_logout_commands}},
    {"Không cần máy chủ / without a server",
     {&bt_new_commands, &bt_plays_commands, &bt_verify_commands, &bt_tuf_commands}},
};

static void print_help(FILE *to)
{
    fputs("bangtin " BT_VERSION " — bảng tin điện tử công cộng / public notice boards\n\n"
          "Cách dùng / usage: bangtin LỆNH … / COMMAND …\n"
          "bangtin LỆNH --help nói rõ từng lệnh / explains each command.\n",
          to);
    for (size_t i = 0; i < BT_ARRAY_LEN(sections); i++) {
        fprintf(to, "\n%s\n", sections[i].title);
        for (size_t k = 0; k < MAX_GROUPS && sections[i].groups[k] != NULL; k++) {
            fprintf(to, "  %-12s %s\n", sections[i].groups[k]->name,
                    sections[i].groups[k]->summary);
        }
    }
    fputs(
        "\nMột ngày làm việc / an ordinary day:\n"
        "  bangtin login https://bangtin.tinh.gov.vn --login an\n"
        "  bangtin upload anh.png --unit 31333                          in ra / prints m-…\n"
        "  bangtin playlist new \"Tháng 12\" m-… --unit 31333             in ra / prints l-…\n"
        "  bangtin propose quang-truong --unit 31333 --playlist l-…     chờ duyệt / to be signed\n"
        "  bangtin status                                               thế nào / how they "
        "are\n"
        "Gỡ ngay / taking down at once:\n"
        "  bangtin takedown now --unit 31333 --media m-… --reason \"sai số liệu\"\n"
        "Chỉ một máy, không máy chủ / one machine, no server:\n"
        "  bangtin new thu-muc anh-1.png clip.mp4\n"
        "  bangtin-player play thu-muc/publication.json --assets thu-muc/assets --plays plays.db\n"
        "  bangtin plays summary --journal plays.db\n",
        to);
}

static const struct bt_command_group *find_group(const char *name)
{
    for (size_t i = 0; i < BT_ARRAY_LEN(sections); i++) {
        for (size_t k = 0; k < MAX_GROUPS && sections[i].groups[k] != NULL; k++) {
            if (strcmp(sections[i].groups[k]->name, name) == 0) {
                return sections[i].groups[k];
            }
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    const struct bt_command_group *group = find_group(name);
    if (group != NULL) {
        return bt_command_group_run(&program, group, argc - 1, argv + 1);
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
