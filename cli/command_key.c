// bangtin key: making keys and saying who holds which role.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/reminders.h"
#include "cli/roles.h"
#include "cli/table.h"

enum { MIN_PASSPHRASE_COLUMNS = 10, MAX_THRESHOLD = 16 };

static const char *const class_words[] = {"file", "browser", "token", NULL};
static const char *const kind_words[] = {"ed25519", "p256", NULL};

static int check_absent(const char *path, struct bt_error *err)
{
    return access(path, F_OK) == 0
               ? bt_fail(err, -EEXIST,
                         "'%s' đã có; khóa cũ không bị ghi đè / is there already; a "
                         "key is never overwritten",
                         path)
               : 0;
}

// "an.json" → "an.pub.json"
static char *public_path(const char *path)
{
    size_t len = strlen(path);
    return bt_str_ends(path, ".json") ? bt_strf("%.*s.pub.json", (int)(len - 5), path)
                                      : bt_strf("%s.pub.json", path);
}

static int ask_new_passphrase(const struct bt_arguments *arguments, char **out,
                              struct bt_error *err)
{
    if (bt_argument_flag(arguments, "no-passphrase")) {
        return 0;
    }
    int r = bt_secret_read(arguments, "passphrase", "Mật khẩu mới cho khóa / new passphrase", true,
                           out, err);
    if (r == 0 && bt_text_columns(*out) < MIN_PASSPHRASE_COLUMNS) {
        r = bt_fail(err, -EINVAL, "Mật khẩu cần ít nhất %d ký tự / at least %d characters",
                    MIN_PASSPHRASE_COLUMNS, MIN_PASSPHRASE_COLUMNS);
    }
    return r;
}

static int write_public(const struct bt_private_key *key, const char *path, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_KEY_FILE_MAX_BYTES);
    int r = bt_private_key_export(key, &text, err);
    return r < 0 ? r : bt_file_replace(path, text.data, text.len, err);
}

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    const char *path = bt_operand(arguments, 0);
    const char *kind = bt_argument(arguments, "kind"), *word = bt_argument(arguments, "class");
    const char *label = bt_argument(arguments, "label");
    BT_AUTOFREE char *open = public_path(path);
    BT_AUTOSECRET char *passphrase = NULL;
    BT_AUTO(bt_private_key) key = NULL;
    int r = check_absent(path, err);
    if (r < 0 || (r = check_absent(open, err)) < 0 ||
        (r = ask_new_passphrase(arguments, &passphrase, err)) < 0) {
        return r;
    }
    r = bt_private_key_generate(bt_str_equal(kind, "p256") ? BT_PRIVATE_P256 : BT_PRIVATE_ED25519,
                                &key, err);
    if (r < 0) {
        return r;
    }
    enum bt_key_class key_class = bt_str_equal(word, "token") ? BT_KEY_TOKEN : BT_KEY_FILE;
    bt_private_key_set_holder(key, bt_argument(arguments, "holder"), key_class, label);
    if ((r = bt_private_key_save(key, path, passphrase, err)) < 0 ||
        (r = write_public(key, open, err)) < 0) {
        return r;
    }
    printf("Khóa / key: %s\nGiữ kín / keep secret: %s\nĐưa cho tỉnh / hand to the province: %s\n",
           bt_private_key_id(key), path, open);
    return 0;
}

static void print_key_file(const char *path, const struct bt_key_facts *facts)
{
    printf("%s\n  %.16s…  %s  %s  %s%s\n", path, facts->keyid, facts->holder,
           class_words[facts->key_class], facts->label,
           !facts->has_secret     ? "  (công khai / public half)"
           : !facts->is_protected ? "  (KHÔNG có mật khẩu / NO passphrase)"
                                  : "");
}

static const char *text_of(const cJSON *object, const char *key, const char *otherwise)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : otherwise;
}

// One row of the table for each key of the role.
static void add_role_rows(cJSON *rows, const char *role, const struct bt_role_members *members)
{
    const cJSON *key;
    cJSON_ArrayForEach(key, members->keys)
    {
        char keyid[BT_KEYID_BYTES] = "";
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(rows, row);
        cJSON_AddStringToObject(row, "role", role);
        cJSON_AddNumberToObject(row, "threshold", (double)members->threshold);
        cJSON_AddStringToObject(row, "holder", text_of(key, "x-holder", "-"));
        cJSON_AddStringToObject(row, "class", text_of(key, "x-class", "file"));
        if (bt_key_id_of(key, keyid, NULL) == 0) {
            cJSON_AddStringToObject(row, "keyid", keyid);
        }
    }
}

static const struct bt_column role_columns[] = {
    {"vai trò / role", "role", BT_COLUMN_TEXT},
    {"ngưỡng / threshold", "threshold", BT_COLUMN_TEXT},
    {"người giữ / holder", "holder", BT_COLUMN_TEXT},
    {"loại / class", "class", BT_COLUMN_TEXT},
    {"khóa / key", "keyid", BT_COLUMN_HASH},
};

static void print_expiries(const struct bt_offline *offline, int64_t now_ms)
{
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        const cJSON *document = bt_offline_current(offline, (enum bt_top_role)i);
        int64_t expires_ms = bt_offline_expires_ms(document);
        char left[BT_REMINDER_TEXT_BYTES], date[BT_RFC3339_BYTES];
        if (document == NULL) {
            continue;
        }
        bt_reminder_text(expires_ms, now_ms, left);
        bt_rfc3339_format(expires_ms, 0, date);
        printf("%-8s %lld: %.10s, %s\n", bt_top_role_names[i],
               (long long)bt_offline_version(document), date, left);
        bt_reminders_note(bt_top_role_names[i], expires_ms);
    }
}

static bool is_online_role(const char *role)
{
    return strcmp(role, "snapshot") == 0 || strcmp(role, "timestamp") == 0;
}

// Whose signatures run out when, of all roles the server has; nothing when it cannot be asked.
static void print_server_expiries(const struct bt_offline *offline, int64_t now_ms)
{
    static const struct bt_column expiry_columns[] = {
        {"vai trò / role", "role", BT_COLUMN_TEXT},
        {"bản / version", "version", BT_COLUMN_TEXT},
        {"hết hạn / expires", "expires_ms", BT_COLUMN_TIME},
        {"còn / left", "left", BT_COLUMN_TEXT},
    };
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    if (bt_client_open_server(bt_offline_server(offline), &client, NULL) < 0 ||
        !bt_client_logged_in(client) ||
        bt_client_get(client, "/v1/repository", &answer, NULL) < 0) {
        return;
    }
    cJSON *role, *roles = cJSON_GetObjectItemCaseSensitive(answer.json, "roles");
    cJSON_ArrayForEach(role, roles)
    {
        char left[BT_REMINDER_TEXT_BYTES];
        int64_t expires_ms = 0;
        const char *name = text_of(role, "role", "");
        if (bt_json_whole(cJSON_GetObjectItemCaseSensitive(role, "expires_ms"), 1, INT64_C(1) << 53,
                          &expires_ms) < 0) {
            continue;
        }
        bt_reminder_text(expires_ms, now_ms, left);
        cJSON_AddStringToObject(role, "left", left);
        if (!is_online_role(name)) {  // those the server renews by itself
            bt_reminders_note(name, expires_ms);
        }
    }
    putchar('\n');
    bt_table_print(roles, expiry_columns, BT_ARRAY_LEN(expiry_columns), stdout);
}

static int list_roles(const struct bt_offline *offline, struct bt_error *err)
{
    BT_AUTOJSON *rows = cJSON_CreateArray();
    BT_AUTOJSON *roles = bt_roles_list(offline);
    const cJSON *role;
    cJSON_ArrayForEach(role, roles)
    {
        BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0};
        int r = bt_roles_read(offline, role->valuestring, &members, err);
        if (r < 0) {
            return r;
        }
        add_role_rows(rows, role->valuestring, &members);
    }
    bt_table_print(rows, role_columns, BT_ARRAY_LEN(role_columns), stdout);
    return 0;
}

static int run_list(const struct bt_arguments *arguments, struct bt_error *err)
{
    for (size_t i = 0; i < bt_operand_count(arguments); i++) {
        BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
        int r = bt_key_facts_load(bt_operand(arguments, i), &facts, err);
        if (r < 0) {
            return r;
        }
        print_key_file(bt_operand(arguments, i), &facts);
    }
    const char *dir = bt_argument(arguments, "repository");
    if (dir == NULL && bt_operand_count(arguments) > 0) {
        return 0;
    }
    BT_AUTO(bt_offline) offline = NULL;
    int r = bt_offline_open(dir != NULL ? dir : ".", &offline, err);
    if (r < 0 || (r = list_roles(offline, err)) < 0) {
        return r;
    }
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    print_expiries(offline, now_ms);
    if (!bt_argument_flag(arguments, "offline")) {
        print_server_expiries(offline, now_ms);
    }
    return 0;
}

static int add_key_files(const struct bt_arguments *arguments, struct bt_role_members *members,
                         struct bt_error *err)
{
    for (size_t i = 1; i < bt_operand_count(arguments); i++) {
        BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
        int r = bt_key_facts_load(bt_operand(arguments, i), &facts, err);
        if (r < 0) {
            return r;
        }
        printf("%s: %s (%.8s)\n",
               bt_role_members_add(members, facts.public_key) ? "Ghi nhận / enrolled"
                                                              : "Đã có / there already",
               facts.holder, facts.keyid);
    }
    return 0;
}

static void choose_threshold(const struct bt_arguments *arguments, const char *role,
                             struct bt_role_members *members)
{
    int64_t usual = members->threshold > 0 ? members->threshold : bt_role_usual_threshold(role);
    members->threshold = bt_argument_int(arguments, "threshold", usual);
}

static int run_enrol(const struct bt_arguments *arguments, struct bt_error *err)
{
    const char *role = bt_operand(arguments, 0);
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0};
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = bt_roles_read(ceremony.offline, role, &members, err)) < 0 ||
        (r = add_key_files(arguments, &members, err)) < 0) {
        return r;
    }
    choose_threshold(arguments, role, &members);
    r = bt_roles_write(ceremony.offline, role, &members, ceremony.now_ms, err);
    return r < 0 ? r : bt_ceremony_finish(&ceremony, err);
}

// The roles a command is about: those named, or all.
static cJSON *chosen_roles(const struct bt_arguments *arguments, const struct bt_offline *offline)
{
    size_t count = bt_argument_count(arguments, "role");
    if (count == 0) {
        return bt_roles_list(offline);
    }
    cJSON *roles = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(roles, cJSON_CreateString(bt_argument_at(arguments, "role", i)));
    }
    return roles;
}

// Takes the person's or key's entries out of one role; puts `instead` in their place unless NULL.
static int replace_in_role(struct bt_ceremony *ceremony, const char *role, const char *who,
                           const cJSON *instead, int64_t threshold, size_t *changed,
                           struct bt_error *err)
{
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0};
    int r = bt_roles_read(ceremony->offline, role, &members, err);
    int at = r == 0 ? bt_role_members_find(&members, who, 0) : -1;
    if (r < 0 || at < 0) {
        return r;
    }
    for (; at >= 0; at = bt_role_members_find(&members, who, at)) {
        cJSON_DeleteItemFromArray(members.keys, at);
    }
    if (instead != NULL) {
        bt_role_members_add(&members, instead);
    }
    members.threshold = threshold > 0 ? threshold : members.threshold;
    r = bt_roles_write(ceremony->offline, role, &members, ceremony->now_ms, err);
    if (r < 0) {
        return bt_fail_in(err, r,
                          "Thiếu người: ghi nhận hoặc mượn thêm trước / too few are left; enrol or "
                          "lend first");
    }
    printf("%s: %s %s\n", role, who,
           instead != NULL ? "→ khóa mới / new key" : "thu hồi / revoked");
    (*changed)++;
    return 0;
}

static int replace_everywhere(const struct bt_arguments *arguments, const char *who,
                              const cJSON *instead, int64_t threshold, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    size_t changed = 0;
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOJSON *roles = chosen_roles(arguments, ceremony.offline);
    const cJSON *role;
    cJSON_ArrayForEach(role, roles)
    {
        if (is_online_role(role->valuestring)) {
            continue;  // the server's own, which `repository online` changes
        }
        r = replace_in_role(&ceremony, role->valuestring, who, instead, threshold, &changed, err);
        if (r < 0) {
            return r;
        }
    }
    if (changed == 0) {
        return bt_fail(err, -ENOENT, "Không ai tên '%s' / nobody is called so", who);
    }
    return bt_ceremony_finish(&ceremony, err);
}

static int run_revoke(const struct bt_arguments *arguments, struct bt_error *err)
{
    return replace_everywhere(arguments, bt_operand(arguments, 0), NULL,
                              bt_argument_int(arguments, "threshold", 0), err);
}

static int run_rotate(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
    int r = bt_key_facts_load(bt_operand(arguments, 1), &facts, err);
    return r < 0
               ? r
               : replace_everywhere(arguments, bt_operand(arguments, 0), facts.public_key, 0, err);
}

// The first role in which the person has a key.
static int find_anywhere(const struct bt_offline *offline, const char *who,
                         struct bt_role_members *out, int *out_index, struct bt_error *err)
{
    BT_AUTOJSON *roles = bt_roles_list(offline);
    const cJSON *role;
    cJSON_ArrayForEach(role, roles)
    {
        BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0};
        int r = bt_roles_read(offline, role->valuestring, &members, err);
        if (r < 0) {
            return r;
        }
        *out_index = bt_role_members_find(&members, who, 0);
        if (*out_index >= 0 && !is_online_role(role->valuestring)) {
            *out = members;
            members = (struct bt_role_members){0};
            return 0;
        }
    }
    return bt_fail(err, -ENOENT, "Không ai tên '%s' / nobody is called so", who);
}

static int run_lend(const struct bt_arguments *arguments, struct bt_error *err)
{
    const char *who = bt_operand(arguments, 0), *role = bt_argument(arguments, "to");
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members lender = {0}, members = {0};
    int index = -1;
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = find_anywhere(ceremony.offline, who, &lender, &index, err)) < 0 ||
        (r = bt_roles_read(ceremony.offline, role, &members, err)) < 0) {
        return r;
    }
    if (!bt_role_members_add(&members, cJSON_GetArrayItem(lender.keys, index))) {
        return bt_fail(err, -EEXIST, "'%s' đã ký được cho / signs already for '%s'", who, role);
    }
    choose_threshold(arguments, role, &members);
    r = bt_roles_write(ceremony.offline, role, &members, ceremony.now_ms, err);
    if (r < 0) {
        return r;
    }
    printf("%s: mượn / lent %s\n", role, who);
    return bt_ceremony_finish(&ceremony, err);
}

#define THRESHOLD_OPTION                                                                           \
    {                                                                                              \
        "threshold", "N", "cần bao nhiêu người ký / how many people must sign",                    \
            .min = 1, .max = MAX_THRESHOLD                                                         \
    }

static const struct bt_option new_options[] = {
    {"holder", "NAME",
     "ai giữ khóa, theo danh sách của tỉnh / who holds it, as the province lists "
     "people",
     .required = true},
    {"label", "TEXT", "để nhận ra, ví dụ máy nào / to tell it by, such as which machine"},
    {"class", "WORD", "file (mặc định / default), token", .words = class_words},
    {"kind", "WORD", "ed25519 (mặc định / default), p256", .words = kind_words},
    {"no-passphrase", NULL, "không mật khẩu: chỉ cho máy chủ và bản thử / none: servers, demos"},
    BT_PASSPHRASE_OPTIONS,
};

static const struct bt_option list_options[] = {
    {"repository", "DIR", "thư mục kho ký / the repository's folder"},
    {"offline", NULL, "không hỏi máy chủ / does not ask the server"},
};

static const struct bt_option enrol_options[] = {THRESHOLD_OPTION, BT_CEREMONY_OPTIONS};

static const struct bt_option revoke_options[] = {
    {"role", "ROLE", "chỉ trong vai trò này / in this role alone", .many = true},
    THRESHOLD_OPTION,
    BT_CEREMONY_OPTIONS,
};

static const struct bt_option rotate_options[] = {
    {"role", "ROLE", "chỉ trong vai trò này / in this role alone", .many = true},
    BT_CEREMONY_OPTIONS,
};

static const struct bt_option lend_options[] = {
    {"to", "ROLE", "vai trò được mượn, ví dụ / the role it is lent to, such as u-31333",
     .required = true},
    THRESHOLD_OPTION,
    BT_CEREMONY_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {"new", "FILE", 1, 1,
     "Tạo khóa ký. FILE giữ kín; FILE.pub.json đưa cho tỉnh ghi nhận.\n"
     "Makes a signing key. FILE stays secret; FILE.pub.json is for whoever enrols it.",
     BT_OPTIONS(new_options), .run = run_new},
    {"list", "[FILE…]", 0, 64,
     "Khóa trong tệp; hoặc ai giữ vai trò nào và khi nào hết hạn.\n"
     "Keys in files; or who holds which role, and until when.",
     BT_OPTIONS(list_options), .run = run_list},
    {"enrol", "ROLE FILE…", 2, 64,
     "Cho khóa ký thay vai trò: root, targets, u-UNIT (nội dung), s-UNIT (màn hình), em-UNIT, "
     "em-p\n"
     "(khẩn cấp). Mặc định hai người ký cho root, targets, u-UNIT; một người cho vai trò khác.\n"
     "Lets keys sign for a role. Two must sign for root, targets, u-UNIT unless --threshold says "
     "otherwise.",
     BT_OPTIONS(enrol_options), .run = run_enrol},
    {"revoke", "WHO", 1, 1,
     "Thu hồi mọi khóa của một người (tên) hay một khóa (mã, ít nhất 8 ký tự đầu).\n"
     "Takes away all keys of a person, or one key by its id (8 characters or more).",
     BT_OPTIONS(revoke_options), .run = run_revoke},
    {"lend", "WHO", 1, 1,
     "Xã chỉ có một cán bộ mượn người duyệt của tỉnh: WHO ký được cả cho vai trò --to.\n"
     "A commune with one officer borrows an approver of the province: WHO signs for --to as well.",
     BT_OPTIONS(lend_options), .run = run_lend},
    {"rotate", "WHO FILE", 2, 2,
     "Thay khóa cũ của WHO bằng khóa mới trong FILE, ở mọi vai trò.\n"
     "Puts the key of FILE in the place of WHO's, in every role.",
     BT_OPTIONS(rotate_options), .run = run_rotate},
};

const struct bt_command_group bt_key_commands = {
    .name = "key",
    .summary = "Khóa ký và ai được ký gì / signing keys, and who may sign what",
    .about =
        "Vai trò ghi trong kho ký (bangtin repository). Mật khẩu gõ ở màn hình lệnh, hoặc từ "
        "tệp;\nkhông bao giờ là tham số. / Roles stand in the repository's folder. Passphrases "
        "are typed or\ncome from a file; they are never arguments.",
    .example = "  bangtin key new an.json --holder nguyen-van-an\n"
               "  bangtin key enrol u-31333 an.pub.json binh.pub.json --repository kho --key "
               "tinh.json\n"
               "  bangtin key lend tran-thi-tinh --to u-31333 --repository kho --key tinh.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
