// bangtin software: which versions of the programs are out, signed by the province
// (docs/software.md).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "trust/software.h"

#define USUAL_HOURS "01:00-04:00"

static int print_document(const cJSON *document, char **out, struct bt_error *err)
{
    *out = cJSON_PrintUnformatted(document);
    return *out != NULL ? 0 : bt_fail(err, -ENOMEM, "Out of memory");
}

static bool is_there(const struct bt_offline *offline)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, BT_SOFTWARE_MAX_BYTES);
    return bt_offline_file(offline, BT_SOFTWARE_TARGET, &text, NULL) != -ENOENT;
}

// What is out by now; nothing is where nothing was ever announced.
static int load(const struct bt_offline *offline, cJSON **out, struct bt_error *err)
{
    BT_AUTOBUF text;
    BT_AUTO(bt_software) software = NULL;
    bt_buf_init(&text, BT_SOFTWARE_MAX_BYTES);
    if (!is_there(offline)) {
        *out = cJSON_CreateObject();
        cJSON_AddNumberToObject(*out, "format", 1);
        cJSON_AddArrayToObject(*out, "releases");
        return 0;
    }
    int r = bt_offline_file(offline, BT_SOFTWARE_TARGET, &text, err);
    r = r < 0 ? r : bt_software_parse(bt_buf_text(&text), text.len, true, &software, err);
    r = r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
    return r < 0 ? bt_fail_in(err, r, BT_SOFTWARE_TARGET) : 0;
}

// Checked by the reader that players have.
static int keep(struct bt_ceremony *ceremony, const cJSON *document, struct bt_error *err)
{
    BT_AUTOFREE char *text = NULL;
    BT_AUTO(bt_software) software = NULL;
    int r = print_document(document, &text, err);
    r = r < 0 ? r : bt_software_parse(text, strlen(text), true, &software, err);
    return r < 0 ? r
                 : bt_offline_set_file(ceremony->offline, BT_SOFTWARE_TARGET, text, strlen(text),
                                       ceremony->now_ms, err);
}

static void add_names(cJSON *who, const char *key, const struct bt_arguments *arguments,
                      const char *option)
{
    cJSON *list = cJSON_AddArrayToObject(who, key);
    for (size_t i = 0; i < bt_argument_count(arguments, option); i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(bt_argument_at(arguments, option, i)));
    }
}

static int read_from(const struct bt_arguments *arguments, int64_t *out_ms, struct bt_error *err)
{
    const char *from = bt_argument(arguments, "from");
    *out_ms = 0;
    return from == NULL || bt_rfc3339_parse(from, out_ms) == 0
               ? 0
               : bt_fail(err, -EINVAL,
                         "--from '%s' không có dạng / is not of the form 2026-12-01T00:00:00+07:00",
                         from);
}

static int make_release(const struct bt_arguments *arguments, const char *hex, int64_t size,
                        cJSON **out, struct bt_error *err)
{
    int64_t from_ms;
    const char *program = bt_argument(arguments, "program");
    const char *hours = bt_argument(arguments, "hours");
    int r = read_from(arguments, &from_ms, err);
    if (r < 0) {
        return r;
    }
    cJSON *release = cJSON_CreateObject();
    cJSON_AddStringToObject(release, "program", program != NULL ? program : "bangtin-player");
    cJSON_AddStringToObject(release, "platform", bt_argument(arguments, "platform"));
    cJSON_AddStringToObject(release, "version", bt_argument(arguments, "version"));
    cJSON_AddStringToObject(release, "sha256", hex);
    cJSON_AddNumberToObject(release, "size", (double)size);
    cJSON *who = cJSON_AddObjectToObject(release, "who");
    add_names(who, "units", arguments, "unit");
    add_names(who, "screens", arguments, "screen");
    cJSON_AddNumberToObject(release, "from_ms", (double)from_ms);
    cJSON_AddStringToObject(release, "hours", hours != NULL ? hours : USUAL_HOURS);
    cJSON_AddBoolToObject(release, "now", bt_argument_flag(arguments, "now"));
    *out = release;
    return 0;
}

// The package goes first: what is announced must be there.
static int send_package(struct bt_client *client, const char *hex, const struct bt_buf *package,
                        struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *path = bt_strf("/v1/software/%s", hex);
    const struct bt_request request = {.method = "PUT",
                                       .path = path,
                                       .bytes = package->data,
                                       .bytes_len = package->len,
                                       .bytes_type = BT_PACKAGE_TYPE};
    return bt_client_ask(client, &request, &answer, err);
}

static int take_package(const struct bt_arguments *arguments, struct bt_client *client,
                        char hex[BT_SHA256_HEX_BYTES], int64_t *out_size, struct bt_error *err)
{
    BT_AUTOBUF package;
    bt_buf_init(&package, (size_t)BT_PACKAGE_MAX_BYTES);
    int r = bt_file_read(bt_operand(arguments, 0), &package, err);
    if (r < 0) {
        return r;
    }
    struct bt_sha256 sha256 = bt_sha256_of(package.data, package.len);
    bt_hex(sha256.bytes, sizeof(sha256.bytes), hex);
    *out_size = (int64_t)package.len;
    return client != NULL ? send_package(client, hex, &package, err) : 0;
}

static int run_add(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOJSON *document = NULL, *release = NULL;
    char hex[BT_SHA256_HEX_BYTES];
    int64_t size;
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = load(ceremony.offline, &document, err)) < 0 ||
        (r = take_package(arguments, ceremony.client, hex, &size, err)) < 0 ||
        (r = make_release(arguments, hex, size, &release, err)) < 0) {
        return r;
    }
    cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(document, "releases"), BT_TAKE(release));
    r = keep(&ceremony, document, err);
    return r < 0 ? r : bt_ceremony_finish(&ceremony, err);
}

static bool is_version(const cJSON *release, const char *version)
{
    return bt_str_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(release, "version")),
                        version);
}

static int run_remove(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOJSON *document = NULL;
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = load(ceremony.offline, &document, err)) < 0) {
        return r;
    }
    cJSON *releases = cJSON_GetObjectItemCaseSensitive(document, "releases");
    int before = cJSON_GetArraySize(releases);
    for (int i = before - 1; i >= 0; i--) {
        if (is_version(cJSON_GetArrayItem(releases, i), bt_operand(arguments, 0))) {
            cJSON_DeleteItemFromArray(releases, i);
        }
    }
    if (cJSON_GetArraySize(releases) == before) {
        return bt_fail(err, -ENOENT, "Không có bản này / there is no version '%s'",
                       bt_operand(arguments, 0));
    }
    r = keep(&ceremony, document, err);
    return r < 0 ? r : bt_ceremony_finish(&ceremony, err);
}

static const struct bt_column columns[] = {
    {"chương trình / program", "program", BT_COLUMN_TEXT},
    {"bản / version", "version", BT_COLUMN_TEXT},
    {"nền / platform", "platform", BT_COLUMN_TEXT},
    {"đơn vị / units", "who.units", BT_COLUMN_TEXT},
    {"màn hình / screens", "who.screens", BT_COLUMN_TEXT},
    {"từ / from", "from_ms", BT_COLUMN_TIME},
    {"giờ / hours", "hours", BT_COLUMN_TEXT},
    {"ngay / now", "now", BT_COLUMN_TEXT},
    {"băm / hash", "sha256", BT_COLUMN_HASH},
};

static int run_show(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_offline) offline = NULL;
    BT_AUTOJSON *document = NULL;
    const char *dir = bt_argument(arguments, "repository");
    int r = bt_offline_open(dir != NULL ? dir : ".", &offline, err);
    if (r < 0 || (r = load(offline, &document, err)) < 0) {
        return r;
    }
    if (bt_argument_flag(arguments, "json")) {
        BT_AUTOFREE char *text = NULL;
        r = print_document(document, &text, err);
        return r < 0 ? r : (puts(text), 0);
    }
    bt_table_print(cJSON_GetObjectItemCaseSensitive(document, "releases"), columns,
                   BT_ARRAY_LEN(columns), stdout);
    return 0;
}

static const struct bt_option add_options[] = {
    {"version", "A.B.C", "bản / the version", .required = true},
    {"platform", "NAME", "nền, như debian-13-arm64 / for which system", .required = true},
    {"program", "NAME", "chương trình / the program (bangtin-player)"},
    {"unit", "UNIT", "chỉ đơn vị này; lặp lại / for this unit alone; repeat", .many = true},
    {"screen", "SCREEN", "chỉ màn hình này; lặp lại / for this screen alone; repeat", .many = true},
    {"from", "TIME", "không sớm hơn, như 2026-12-01T00:00:00+07:00 / not before"},
    {"hours", "HH:MM-HH:MM",
     "giờ được cài, theo giờ của màn hình / when it may be installed "
     "(" USUAL_HOURS ")"},
    {"now", NULL, "cài ngay, cả trong giờ mở / at once, whatever the hour"},
    BT_CEREMONY_OPTIONS,
};
static const struct bt_option remove_options[] = {BT_CEREMONY_OPTIONS};
static const struct bt_option show_options[] = {
    {"repository", "DIR",
     "thư mục kho ký (mặc định: thư mục này) / the repository's folder (here)"},
    {"json", NULL, "nguyên văn / the text itself"},
};

static const struct bt_subcommand commands[] = {
    {"add", "FILE.deb", 1, 1,
     "Công bố một bản mới; tỉnh ký như servers.json. Không ghi --unit, --screen: cho tất cả.\n"
     "Announces a version; the province signs it. Without --unit and --screen it is for all.",
     BT_OPTIONS(add_options), .run = run_add},
    {"remove", "VERSION", 1, 1,
     "Thôi công bố một bản; máy đã cài thì giữ nguyên. / Announces a version no longer; who has it "
     "keeps it.",
     BT_OPTIONS(remove_options), .run = run_remove},
    {"show", NULL, 0, 0, "Các bản đang công bố. / What is announced.", BT_OPTIONS(show_options),
     .run = run_show},
};

const struct bt_command_group bt_software_commands = {
    .name = "software",
    .summary = "Bản mới của chương trình cho máy phát / new versions of the programs for players",
    .about =
        "Máy phát chỉ cài bản mà tỉnh đã ký, ngoài giờ mở, và tự quay về bản cũ nếu bản mới phát\n"
        "kém hơn. Thử trước trên vài màn hình: add hai lần, lần đầu với --screen, lần sau với\n"
        "--from muộn hơn. / Players install what the province signed and nothing else, outside\n"
        "opening hours, and go back by themselves when it plays worse. To try it on a few\n"
        "screens first, add it twice: once with --screen, once with a later --from.",
    .example = "  bangtin software add bangtin-player_0.2.0_arm64.deb --version 0.2.0 --platform "
               "debian-13-arm64 --screen HOI-TRUONG --repository kho --key tinh.json\n"
               "  bangtin software show --repository kho\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
