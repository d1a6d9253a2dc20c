// bangtin card: what a technician's card needs so that its player pairs by itself, once.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/approve.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/rest.h"
#include "cli/screen_document.h"
#include "cli/trusted.h"
#include "trust/private_key.h"

#define DEFAULT_DAYS 7
#define SETTINGS_MAX_BYTES 4096

struct card {
    const char *screen, *folder;  // borrowed
    char public_key[65], root_sha256[65];
    cJSON *made;  // the server's answer; its token goes into a file and nowhere else
};

static void finish_card(struct card *card)
{
    cJSON_Delete(card->made);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

/**
 * The player's key is made here and not by the player: so the technician knows without comparing
 * anything which key it is that the screen's document has to name.
 */
static int make_key(struct card *card, struct bt_error *err)
{
    BT_AUTO(bt_private_key) key = NULL;
    BT_AUTOFREE char *path = bt_strf("%s/identity.json", card->folder);
    if (access(path, F_OK) == 0) {
        return bt_fail(err, -EEXIST, "'%s' đã có một thẻ; chọn thư mục khác / has a card already",
                       card->folder);
    }
    int r = bt_file_make_dirs(card->folder, err);
    r = r < 0 ? r : bt_private_key_generate(BT_PRIVATE_ED25519, &key, err);
    if (r < 0) {
        return r;
    }
    bt_private_key_set_holder(key, "player", BT_KEY_FILE, "");
    BT_AUTOJSON *object = bt_private_key_public(key);
    bt_copy_cut(card->public_key, sizeof(card->public_key),
                text_of(cJSON_GetObjectItemCaseSensitive(object, "keyval"), "public"));
    return bt_private_key_save(key, path, NULL, err);
}

static int enrol(struct bt_client *client, const struct bt_arguments *arguments, struct card *card,
                 struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOFREE char *path = bt_strf("%s/enrolment", card->folder);
    cJSON_AddStringToObject(body, "screen", card->screen);
    cJSON_AddStringToObject(body, "public_key", card->public_key);
    cJSON_AddNumberToObject(body, "days", (double)bt_argument_int(arguments, "days", DEFAULT_DAYS));
    int r = bt_client_send(client, "POST", "/v1/enrolments", body, &answer, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *line = bt_strf("%s\n", text_of(answer.json, "token"));
    r = bt_file_replace_secret(path, line, strlen(line), err);
    cJSON_DeleteItemFromObjectCaseSensitive(answer.json, "token");
    card->made = BT_TAKE(answer.json);
    return r;
}

// The login's keys of the server, as curl takes them: "sha256//…;sha256//…".
static int append_pins(const struct bt_client *client, struct bt_buf *out)
{
    BT_AUTOJSON *login = NULL;
    const cJSON *pin;
    int r = 0;
    if (bt_config_read("login.json", &login, NULL) < 0 ||
        !bt_str_equal(text_of(login, "server"), bt_client_server(client))) {
        return 0;
    }
    const char *before = "";
    cJSON_ArrayForEach(pin, cJSON_GetObjectItemCaseSensitive(login, "pins"))
    {
        r = r < 0 || !cJSON_IsString(pin) ? r
                                          : bt_buf_appendf(out, "%s%s", before, pin->valuestring);
        before = ";";
    }
    return r;
}

// Nothing secret: what the player is told beside its key and its token.
static int write_settings(struct bt_client *client, const struct bt_arguments *arguments,
                          const struct card *card, struct bt_error *err)
{
    BT_AUTOBUF text;
    bt_buf_init(&text, SETTINGS_MAX_BYTES);
    const char *address = bt_argument(arguments, "address");
    const char *pin = bt_argument(arguments, "address-pin");
    BT_AUTOFREE char *path = bt_strf("%s/card.env", card->folder);
    int r = bt_buf_appendf(&text, "screen=%s\nserver=%s\npin=", card->screen,
                           address != NULL ? address : bt_client_server(client));
    r = r < 0 ? r : pin != NULL ? bt_buf_appendf(&text, "%s", pin) : append_pins(client, &text);
    r = r < 0 ? r : bt_buf_appendf(&text, "\nroot_sha256=%s\n", card->root_sha256);
    return r < 0 ? bt_fail(err, r, "The card's settings are too long")
                 : bt_file_replace(path, text.data, text.len, err);
}

static int check_address(const struct bt_client *client, const struct bt_arguments *arguments,
                         struct bt_error *err)
{
    const char *address = bt_argument(arguments, "address");
    address = address != NULL ? address : bt_client_server(client);
    // A player that listens to this machine is a test's.
    return bt_str_starts(address, "https://") || bt_str_starts(address, "http://127.0.0.1:")
               ? 0
               : bt_fail(err, -EINVAL,
                         "máy phát cần địa chỉ https:// của máy chủ / players need the server's "
                         "https:// address: --address URL");
}

static void say_how_to_sign(const struct card *card)
{
    fprintf(stderr,
            "Máy phát chỉ chiếu khi kỹ thuật viên đã ký cho nó / it shows nothing before the "
            "technician has signed:\n  bangtin screen sign %s --player %s --key KY-THUAT.json\n",
            card->screen, card->public_key);
}

static bool names_another(const cJSON *document)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(document, "players")) > 0;
}

// Signing takes the screen from the player it has: then that waits until the new one is there.
static int sign(struct bt_client *client, const struct bt_arguments *arguments,
                const struct card *card, struct bt_error *err)
{
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    BT_AUTOJSON *present = NULL, *proposal = NULL;
    const char *root = bt_argument(arguments, "root-sha256"), *unit = text_of(card->made, "unit");
    int r = bt_signers_load(arguments, &signers, err);
    if (r < 0 || signers.count == 0) {
        say_how_to_sign(card);
        return r;
    }
    r = bt_screen_document_present(client, root, unit, card->screen, &present, err);
    if (r == 0 && names_another(present)) {
        fputs("Màn hình đang có máy phát; ký khi máy mới đã thay chỗ. / The screen has a player: "
              "sign when the new one has taken its place.\n",
              stderr);
        say_how_to_sign(card);
        return 0;
    }
    r = r < 0 ? r
              : bt_screen_document_sign_for(client, arguments, unit, card->screen, card->public_key,
                                            &signers, &proposal, err);
    if (r < 0) {
        say_how_to_sign(card);
    }
    return r == -ENOENT ? 0 : r;
}

static void print_card(const struct bt_client *client, const struct card *card)
{
    if (bt_client_json(client)) {
        cJSON_AddStringToObject(card->made, "public_key", card->public_key);
        BT_AUTOFREE char *text = cJSON_PrintUnformatted(card->made);
        puts(text);
        return;
    }
    printf(
        "Thẻ / card: %s (%s)\nChỉ dùng được một lần; giữ như giữ chìa khóa, xóa sau khi ghi thẻ. "
        "/ Good for one start; keep it like a key, wipe it once the card is written.\n"
        "  deploy/raspberry-pi/image --card %s …\n",
        card->folder, text_of(card->made, "id"), card->folder);
}

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOFINISH(finish_card)
    struct card card = {.screen = bt_operand(arguments, 0),
                        .folder = bt_argument(arguments, "out")};
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = check_address(client, arguments, err)) < 0 ||
        (r = bt_trusted_root(client, bt_argument(arguments, "root-sha256"), card.root_sha256,
                             err)) < 0 ||
        (r = make_key(&card, err)) < 0 || (r = enrol(client, arguments, &card, err)) < 0 ||
        (r = write_settings(client, arguments, &card, err)) < 0) {
        return r;
    }
    print_card(client, &card);
    return sign(client, arguments, &card, err);
}

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"màn hình / screen", "screen", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"đến / until", "expires_ms", BT_COLUMN_TIME},
    {"máy phát / player", "player", BT_COLUMN_TEXT},
};
static const struct bt_member list_members[] = {{"unit", "unit", 0, BT_MEMBER_TEXT, NULL}};
static const struct bt_option list_options[] = {
    {"unit", "UNIT", "chỉ của đơn vị / of this unit alone"}};
static const struct bt_rest list = {"GET", "/v1/enrolments", BT_MEMBERS(list_members),
                                    BT_COLUMNS(columns)};
static const struct bt_rest withdraw = {"DELETE", "/v1/enrolments/{0}",
                                        .done = "Đã thu hồi / withdrawn"};

static const struct bt_option new_options[] = {
    {"out", "DIR", "thư mục cho thẻ: khóa máy phát, mã, địa chỉ / what the card gets",
     .required = true},
    {"days", "N", "dùng trong bao nhiêu ngày; mặc định 7 / good for how many days; 7", .min = 1,
     .max = 30},
    {"address", "URL",
     "địa chỉ máy chủ mà máy phát dùng; mặc định: máy chủ đã đăng nhập / the server as players "
     "reach it; the one logged in"},
    {"address-pin", "PIN", "khóa của máy chủ ấy / its key: sha256//…"},
    BT_APPROVE_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {"new", "SCREEN", 1, 1,
     "Thẻ cho máy phát của màn hình: cắm vào là tự ghép, một lần, không cần mã trên màn hình. Có "
     "--key\n"
     "của kỹ thuật viên thì ký luôn rằng máy này được chiếu. Thẻ làm trước đó mà chưa dùng thì hết "
     "hiệu lực.\n"
     "A card for the screen's player: it pairs by itself, once, without a code. With the\n"
     "technician's --key it is also signed that it may show the screen. Unused cards made before\n"
     "end.",
     BT_OPTIONS(new_options), .online = true, .run = run_new},
    {"list", NULL, 0, 0, "Các thẻ: còn chờ, đã dùng, hết hạn. / Cards: waiting, used, expired.",
     BT_OPTIONS(list_options), .online = true, .run = bt_rest_run, .request = &list},
    {"withdraw", "CARD", 1, 1,
     "Thu hồi thẻ chưa dùng (mất thẻ). / Ends a card that was not used: a lost one.",
     .online = true, .run = bt_rest_run, .request = &withdraw},
};

const struct bt_command_group bt_card_commands = {
    .name = "card",
    .summary = "Thẻ để máy phát tự ghép / cards with which players pair by themselves",
    .example = "  bangtin card new s-7K3QZ5MX2A --out the-quang-truong --key ky-thuat.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
