// bangtin bundle: a USB stick for screens without a line, and what comes back on it.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/bundle.h"
#include "cli/commands.h"
#include "trust/stick.h"

// "30d"
static int read_days(const char *text, int64_t *out, struct bt_error *err)
{
    *out = 30;
    if (text == NULL) {
        return 0;
    }
    size_t len = strlen(text);
    BT_AUTOFREE char *number = bt_strndup(text, len > 0 ? len - 1 : 0);
    return bt_str_ends(text, "d") && bt_parse_int(number, 1, BT_STICK_MAX_DAYS, out) == 0
               ? 0
               : bt_fail(err, -EINVAL, "--valid '%s': từ 1d đến %dd / from 1d to %dd", text,
                         BT_STICK_MAX_DAYS, BT_STICK_MAX_DAYS);
}

static int make_body(const struct bt_arguments *arguments, cJSON *body, struct bt_error *err)
{
    int64_t days;
    int r = read_days(bt_argument(arguments, "valid"), &days, err);
    if (r == 0 && bt_argument(arguments, "unit") == NULL) {
        r = bt_fail(err, -EINVAL, "cần --unit ĐƠN VỊ / --unit is needed");
    }
    if (r < 0) {
        return r;
    }
    cJSON_AddStringToObject(body, "unit", bt_argument(arguments, "unit"));
    cJSON_AddNumberToObject(body, "days", (double)days);
    cJSON *screens = cJSON_AddArrayToObject(body, "screens");
    for (size_t i = 0; i < bt_argument_count(arguments, "screen"); i++) {
        cJSON_AddItemToArray(screens, cJSON_CreateString(bt_argument_at(arguments, "screen", i)));
    }
    return 0;
}

static int check_directory(const char *path, struct bt_error *err)
{
    struct stat info;
    if (path == NULL) {
        return bt_fail(err, -EINVAL,
                       "cần --to THƯ MỤC của USB / --to the stick's folder is needed");
    }
    if (stat(path, &info) < 0) {
        return bt_fail_errno(err, "'%s'", path);
    }
    return S_ISDIR(info.st_mode)
               ? 0
               : bt_fail(err, -ENOTDIR, "'%s' không phải thư mục / no folder", path);
}

static int run_write(const struct bt_arguments *arguments, struct bt_client *client,
                     struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    const char *to = bt_argument(arguments, "to");
    int r = check_directory(to, err);
    r = r < 0 ? r : make_body(arguments, body, err);
    r = r < 0 ? r : bt_client_send(client, "POST", "/v1/sticks", body, &answer, err);
    struct bt_bundle bundle = {.client = client,
                               .root_sha256 = bt_argument(arguments, "root-sha256"),
                               .directory = to,
                               .issued = answer.json};
    r = r < 0 ? r : bt_bundle_write(&bundle, err);
    if (r == 0) {
        sync();
        printf("USB đã xong: %lld bản tin, %lld tệp, %lld MB. Hãy rút USB đúng cách.\n"
               "The stick is ready: %lld documents, %lld files, %lld MB. Eject it.\n",
               (long long)bundle.documents, (long long)bundle.assets,
               (long long)(bundle.bytes >> 20), (long long)bundle.documents,
               (long long)bundle.assets, (long long)(bundle.bytes >> 20));
    }
    return r;
}

static int run_return(struct bt_client *client, const char *directory, struct bt_error *err)
{
    struct bt_bundle_returned returned;
    int r = bt_bundle_return(client, directory, &returned, err);
    if (r == 0) {
        printf("Từ %lld máy phát: %lld gói lượt phát, máy chủ đã có %lld, từ chối %lld.\n"
               "From %lld players: %lld batches, the server has %lld, refused %lld.\n",
               (long long)returned.players, (long long)returned.batches,
               (long long)returned.counted, (long long)returned.refused,
               (long long)returned.players, (long long)returned.batches,
               (long long)returned.counted, (long long)returned.refused);
    }
    return r < 0 || returned.refused == 0
               ? r
               : bt_fail(err, -EREMOTEIO, "máy chủ không nhận hết / the server did not take all");
}

static int run(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    const char *word = bt_operand(arguments, 0), *directory = bt_operand(arguments, 1);
    if (word != NULL && (strcmp(word, "return") != 0 || directory == NULL)) {
        return bt_fail(err, -EINVAL,
                       "bangtin bundle --unit … --to DIR | bangtin bundle return DIR");
    }
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    return word != NULL ? run_return(client, directory, err) : run_write(arguments, client, err);
}

static const struct bt_option options[] = {
    {"unit", "UNIT", "của đơn vị này và cấp dưới / of the unit and those below"},
    {"screen", "SCREEN", "chỉ màn hình này / this screen alone", .many = true},
    {"valid", "30d", "dùng được trong bao lâu, tối đa 31d / for how long, 31d at most"},
    {"to", "DIR", "thư mục của USB / the stick's folder"},
    {"root-sha256", "HEX", "vân tay gốc tin cậy / the root's fingerprint"},
};

static const struct bt_subcommand commands[] = {
    {NULL, "[return DIR]", 0, 2,
     "Lập USB cho màn hình không có mạng; hoặc nộp những gì máy phát gửi về trên USB.\n"
     "Makes a stick for screens without a network; or hands in what players put on it.",
     BT_OPTIONS(options), .online = true, .run = run},
};

const struct bt_command_group bt_bundle_commands = {
    .name = "bundle",
    .summary = "USB cho màn hình không có mạng / a USB stick for screens without a network",
    .about =
        "Máy phát chỉ nhận những gì đã được ký; USB hết hạn sau --valid. Lượt phát trở về trên "
        "USB được niêm\nphong cho máy chủ và chỉ tính một lần. / Players take what was signed; "
        "plays that come back are sealed\nfor the server and are counted once.",
    .example = "  bangtin bundle --unit 31333 --valid 30d --to /media/usb\n"
               "  bangtin bundle return /media/usb\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
