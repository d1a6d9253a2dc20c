// bangtin pair: a player that shows a code becomes the player of a screen.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/ask.h"
#include "cli/client.h"
#include "cli/commands.h"

enum { WORDS_BYTES = 128 };

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

static int check_words(const cJSON *pairing, const char *words, struct bt_error *err)
{
    char wanted[WORDS_BYTES];
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(pairing, "words"));
    bt_copy_cut(wanted, sizeof(wanted), text != NULL ? text : "");
    tidy_words(wanted);
    return strcmp(wanted, words) == 0
               ? 0
               : bt_fail(err, -EACCES,
                         "Các từ không giống nhau: có ai đó đứng giữa, hoặc gõ nhầm. Chưa ghép. / "
                         "The words differ: somebody stands between, or a slip. Not paired.");
}

static int run_pair(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER pairing = {0}, claim = {0};
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOFREE char *code = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/pairings/%s", code);
    BT_AUTOFREE char *claim_path = bt_strf("%s/claim", path);
    char words[WORDS_BYTES];
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_client_get(client, path, &pairing, err)) < 0 ||
        (r = read_words(arguments, words, err)) < 0 ||
        (r = check_words(pairing.json, words, err)) < 0) {
        return r;
    }
    cJSON_AddStringToObject(body, "screen", bt_argument(arguments, "screen"));
    cJSON_AddItemToObject(
        body, "words",
        cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(pairing.json, "words"), true));
    r = bt_client_send(client, "POST", claim_path, body, &claim, err);
    if (r == 0) {
        puts(bt_client_json(client)
                 ? bt_buf_text(&claim.body)
                 : "Đã ghép. Máy phát sẽ nhận nội dung trong giây lát. / Paired.");
    }
    return r;
}

static const struct bt_option options[] = {
    {"screen", "SCREEN", "cho màn hình / for the screen", .required = true},
    {"words", "TEXT", "bốn từ đọc trên màn hình / the four words, read from the screen"},
};

static const struct bt_subcommand commands[] = {
    {NULL, "CODE", 1, 1,
     "CODE hiện trên màn hình. Chỉ ghép khi bốn từ trên màn hình giống ở đây.\n"
     "CODE stands on the screen. Pair only when the four words there are the same here.",
     BT_OPTIONS(options), .online = true, .run = run_pair},
};

const struct bt_command_group bt_pair_commands = {
    .name = "pair",
    .summary = "Ghép máy phát với màn hình / make a player the player of a screen",
    .example = "  bangtin pair K7WQ-2MXB --screen s-7K3QZ5MX2A\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
