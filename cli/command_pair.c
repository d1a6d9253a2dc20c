// bangtin pair: a player that shows a code becomes the player of a screen.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/approve.h"
#include "cli/ask.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/screen_document.h"
#include "cli/trusted.h"
#include "trust/words.h"

enum { WORDS_BYTES = 128, CODE_BYTES = sizeof("K7WQ-2MXB") };

// Four words in one way of writing: small letters stay, blanks and dashes become one blank.
static void tidy_words(char *words)
{
    char *to = words;
    for (const char *from = words; *from != '\0'; from++) {
        bool gap = *from == ' ' || *from == '-' || *from == '\t';
        if (!gap) {
            *to++ = *from;
        } else if (to > words && to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    to -= to > words && to[-1] == ' ';
    *to = '\0';
}

static int read_words(const struct bt_arguments *arguments, char words[WORDS_BYTES],
                      struct bt_error *err)
{
    const char *given = bt_argument(arguments, "words");
    if (given != NULL) {
        bt_copy_cut(words, WORDS_BYTES, given);
    } else {
        int r = bt_ask_line(
            "Gõ bốn từ đang hiện trên màn hình / type the four words on the screen:", words,
            WORDS_BYTES, err);
        if (r < 0) {
            return r;
        }
    }
    tidy_words(words);
    return 0;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

// "k7wq2mxb" → "K7WQ-2MXB", as the screen shows it.
static int read_code(const char *typed, char code[CODE_BYTES], struct bt_error *err)
{
    size_t len = 0;
    for (const char *c = typed; *c != '\0'; c++) {
        if (*c == '-' || *c == ' ') {
            continue;
        }
        if (len + 1 >= CODE_BYTES) {
            len = 0;
            break;
        }
        code[len++] = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        if (len == 4) {
            code[len++] = '-';
        }
    }
    code[len] = '\0';
    return len == CODE_BYTES - 1
               ? 0
               : bt_fail(err, -EINVAL, "'%s': mã có tám ký tự / codes have eight characters",
                         typed);
}

/**
 * The words are worked out here, with the root this machine trusts: whoever stands between, the
 * server included, has another key or another root, and other words.
 */
static int check_words(struct bt_client *client, const struct bt_arguments *arguments,
                       const cJSON *pairing, const char *code, const char *typed,
                       struct bt_error *err)
{
    char root[BT_SHA256_HEX_BYTES], words[BT_WORDS_BYTES];
    int r = bt_trusted_root(client, bt_argument(arguments, "root-sha256"), root, err);
    if (r < 0) {
        return r;
    }
    r = bt_words(text_of(pairing, "public_key"), root, code, words);
    if (r == 0 && !bt_str_equal(text_of(pairing, "root_sha256"), root)) {
        return bt_fail(err, -EACCES,
                       "Máy phát giữ gốc khác gốc mới nhất: máy bản cũ có thẻ làm trước khi đổi "
                       "gốc thì làm thẻ mới (bangtin card new); không phải thì có ai đó đứng giữa. "
                       "Chưa ghép. / The player has another root than the newest: one of an older "
                       "version with a card of before needs a new card; else somebody stands "
                       "between. Not paired.");
    }
    return r == 0 && strcmp(words, typed) == 0
               ? 0
               : bt_fail(err, -EACCES,
                         "Các từ không giống nhau: có ai đó đứng giữa, hoặc gõ nhầm. Chưa ghép. / "
                         "The words differ: somebody stands between, or a slip. Not paired.");
}

static int claim(struct bt_client *client, const struct bt_arguments *arguments, const char *path,
                 const char *words, cJSON **out, struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOFREE char *claim_path = bt_strf("%s/claim", path);
    cJSON_AddStringToObject(body, "screen", bt_argument(arguments, "screen"));
    cJSON_AddStringToObject(body, "words", words);
    int r = bt_client_send(client, "POST", claim_path, body, &answer, err);
    if (r < 0) {
        return r;
    }
    if (bt_client_json(client)) {
        puts(bt_buf_text(&answer.body));
    } else {
        puts("Đã ghép. / Paired.");
    }
    *out = BT_TAKE(answer.json);
    return 0;
}

// The player shows nothing of the screen's before a technician has signed that it may.
static void say_what_is_missing(const char *screen, const char *player, bool has_document)
{
    fprintf(stderr,
            "Máy phát chờ kỹ thuật viên ký; chạy tiếp / the technician has to sign; now run:\n"
            "  bangtin screen sign %s --player %s%s --key KY-THUAT.json\n",
            screen, player, has_document ? "" : " --carry u/UNIT/NAME");
}

static int bind_player(struct bt_client *client, const struct bt_arguments *arguments,
                       const cJSON *pairing, const cJSON *claimed, struct bt_error *err)
{
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    BT_AUTOJSON *proposal = NULL;
    const char *screen = bt_argument(arguments, "screen"), *unit = text_of(claimed, "unit");
    const char *player = text_of(pairing, "public_key");
    int r = bt_signers_load(arguments, &signers, err);
    if (r < 0 || signers.count == 0) {
        say_what_is_missing(screen, player, true);
        return r;
    }
    r = bt_screen_document_sign_for(client, arguments, unit, screen, player, &signers, &proposal,
                                    err);
    if (r < 0) {
        say_what_is_missing(screen, player, r != -ENOENT);
        return r == -ENOENT ? 0 : bt_fail_in(err, r, "Đã ghép, chưa ký / paired, not signed");
    }
    if (!bt_client_json(client)) {
        puts("Đã ký: máy phát này được chiếu màn hình ấy. / Signed: it may show the screen.");
    }
    return 0;
}

static int claim_by_key(struct bt_client *client, const char *screen, const char *player,
                        struct bt_error *err)
{
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOFREE char *part = bt_path_part(screen);
    BT_AUTOFREE char *path = bt_strf("/v1/screens/%s/player", part);
    cJSON_AddStringToObject(body, "public_key", player);
    int r = bt_client_send(client, "POST", path, body, &answer, err);
    if (r == 0) {
        puts(bt_client_json(client) ? bt_buf_text(&answer.body) : "Đã ghép lại. / Paired again.");
    }
    return r;
}

/**
 * A player that its server does not know any more waits to be paired with the key it has, which the
 * screen's signed document names: there are no words to compare.
 */
static int pair_again(struct bt_client *client, const struct bt_arguments *arguments,
                      struct bt_error *err)
{
    BT_AUTOANSWER shown = {0};
    BT_AUTOJSON *present = NULL;
    const char *screen = bt_argument(arguments, "screen");
    BT_AUTOFREE char *part = bt_path_part(screen);
    BT_AUTOFREE char *path = bt_strf("/v1/screens/%s", part);
    int r = bt_client_get(client, path, &shown, err);
    r = r < 0 ? r
              : bt_screen_document_present(client, bt_argument(arguments, "root-sha256"),
                                           text_of(shown.json, "unit"), screen, &present, err);
    if (r < 0) {
        return r;
    }
    const cJSON *player;
    r = bt_fail(err, -ENOENT,
                "Bản mô tả của màn hình chưa nêu máy phát nào / the screen's document names none");
    cJSON_ArrayForEach(player, cJSON_GetObjectItemCaseSensitive(present, "players"))
    {
        r = r < 0 && cJSON_IsString(player) ? claim_by_key(client, screen, player->valuestring, err)
                                            : r;
    }
    return r;
}

static int run_pair(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER pairing = {0};
    BT_AUTOJSON *claimed = NULL;
    char code[CODE_BYTES], words[WORDS_BYTES];
    const char *typed = bt_operand(arguments, 0);
    if (bt_argument_flag(arguments, "again") == (typed != NULL)) {
        return bt_fail(err, -EINVAL, "cần một trong hai / one of the two: CODE, --again");
    }
    int r = typed != NULL ? read_code(typed, code, err) : bt_client_open(arguments, &client, err);
    if (r < 0 || typed == NULL) {
        return r < 0 ? r : pair_again(client, arguments, err);
    }
    BT_AUTOFREE char *part = bt_path_part(code);
    BT_AUTOFREE char *path = bt_strf("/v1/pairings/%s", part);
    if ((r = bt_client_open(arguments, &client, err)) < 0 ||
        (r = bt_client_get(client, path, &pairing, err)) < 0 ||
        (r = read_words(arguments, words, err)) < 0 ||
        (r = check_words(client, arguments, pairing.json, code, words, err)) < 0 ||
        (r = claim(client, arguments, path, words, &claimed, err)) < 0) {
        return r;
    }
    return bind_player(client, arguments, pairing.json, claimed, err);
}

static const struct bt_option options[] = {
    {"screen", "SCREEN", "cho màn hình / for the screen", .required = true},
    {"again", NULL,
     "ghép lại máy đã được ký, khi máy chủ không còn biết nó; không cần mã / pairs again the "
     "player "
     "that the signed document names; needs no code"},
    {"words", "TEXT", "bốn từ đọc trên màn hình / the four words, read from the screen"},
    BT_APPROVE_OPTIONS,
};

static const struct bt_subcommand commands[] = {
    {NULL, "[CODE]", 0, 1,
     "CODE hiện trên màn hình. Chỉ ghép khi bốn từ trên màn hình giống ở đây.\n"
     "Có --key của kỹ thuật viên thì ký luôn rằng máy này được chiếu màn hình ấy; thay máy hay thẻ "
     "nhớ thì "
     "ghép lại.\n"
     "CODE stands on the screen. Pair only when the four words there are the same here. With the\n"
     "technician's --key it is also signed that this player may show the screen; a new player or\n"
     "card is paired again.",
     BT_OPTIONS(options), .online = true, .run = run_pair},
};

const struct bt_command_group bt_pair_commands = {
    .name = "pair",
    .summary = "Ghép máy phát với màn hình / make a player the player of a screen",
    .example = "  bangtin pair K7WQ-2MXB --screen s-7K3QZ5MX2A --key ky-thuat.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
