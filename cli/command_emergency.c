// bangtin emergency: a template signed long before, filled and signed by one duty officer.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/outcome.h"
#include "cli/signers.h"
#include "cli/trusted.h"
#include "cli/waiting.h"
#include "trust/signing.h"

enum { ID_CHARACTERS = 10, MAX_MINUTES = 24 * 60 };

static const struct bt_column columns[] = {
    {"mã / id", "id", BT_COLUMN_TEXT},
    {"mẫu / template", "template", BT_COLUMN_TEXT},
    {"tình trạng / state", "state", BT_COLUMN_STATE},
    {"cấp / level", "level", BT_COLUMN_TEXT},
    {"từ / from", "from_ms", BT_COLUMN_TIME},
    {"đến / until", "until_ms", BT_COLUMN_TIME},
};
static const struct bt_rest shown = {"GET", "", BT_COLUMNS(columns)};

// An id that nobody gave before; letters that are read out over the telephone.
static int make_id(char out[ID_CHARACTERS + 3], struct bt_error *err)
{
    static const char letters[] = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
    uint8_t random[ID_CHARACTERS];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return bt_fail_errno(err, "No random numbers");
    }
    out[0] = 'e';
    out[1] = '-';
    for (size_t i = 0; i < ID_CHARACTERS; i++) {
        out[2 + i] = letters[random[i] % (sizeof(letters) - 1)];
    }
    out[2 + ID_CHARACTERS] = '\0';
    return 0;
}

static int add_fields(const struct bt_arguments *arguments, cJSON *signed_part,
                      struct bt_error *err)
{
    cJSON *fields = cJSON_AddObjectToObject(signed_part, "fields");
    for (size_t i = 0; i < bt_argument_count(arguments, "field"); i++) {
        const char *text = bt_argument_at(arguments, "field", i);
        const char *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            return bt_fail(err, -EINVAL, "--field '%s': cần dạng / must look like TEN=GIÁ TRỊ",
                           text);
        }
        BT_AUTOFREE char *name = bt_strndup(text, (size_t)(equals - text));
        cJSON_DeleteItemFromObjectCaseSensitive(fields, name);
        cJSON_AddStringToObject(fields, name, equals + 1);
    }
    return 0;
}

static void add_list(const struct bt_arguments *arguments, const char *option, const char *usual,
                     cJSON *signed_part, const char *key)
{
    cJSON *list = cJSON_AddArrayToObject(signed_part, key);
    for (size_t i = 0; i < bt_argument_count(arguments, option); i++) {
        const char *text = bt_argument_at(arguments, option, i);
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
    if (list->child == NULL && usual != NULL) {
        cJSON_AddItemToArray(list, cJSON_CreateString(usual));
    }
}

// "u/31333/template-bao" → "31333"; NULL for templates of the province.
static char *unit_of(const char *template)
{
    const char *slash = bt_str_starts(template, "u/") ? strchr(template + 2, '/') : NULL;
    return slash != NULL ? bt_strndup(template + 2, (size_t)(slash - template - 2)) : NULL;
}

static int add_template(struct bt_client *client, const struct bt_arguments *arguments,
                        cJSON *signed_part, struct bt_error *err)
{
    const char *template = bt_operand(arguments, 0);
    BT_AUTOFREE char *path = bt_strf("%s.json", template);
    struct bt_sha256 hash;
    char hex[BT_SHA256_HEX_BYTES];
    int r = bt_trusted_target(client, bt_argument(arguments, "root-sha256"), path, &hash, err);
    if (r == 0) {
        bt_hex(hash.bytes, sizeof(hash.bytes), hex);
        cJSON_AddStringToObject(signed_part, "template", template);
        cJSON_AddStringToObject(signed_part, "template_sha256", hex);
    }
    return r;
}

static cJSON *start_document(const char *id, int64_t minutes, int64_t level)
{
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    cJSON *document = cJSON_CreateObject();
    cJSON *part = cJSON_AddObjectToObject(document, "signed");
    cJSON_AddArrayToObject(document, "signatures");
    cJSON_AddStringToObject(part, "_type", "emergency");
    cJSON_AddNumberToObject(part, "format", 1);
    cJSON_AddStringToObject(part, "id", id);
    cJSON_AddNumberToObject(part, "level", (double)level);
    cJSON_AddNumberToObject(part, "from_ms", (double)now_ms);
    cJSON_AddNumberToObject(part, "until_ms", (double)(now_ms + minutes * 60 * 1000));
    return document;
}

static int sign_document(const struct bt_arguments *arguments, cJSON *document,
                         struct bt_error *err)
{
    BT_AUTOFINISH(bt_signers_finish) struct bt_signers signers = {0};
    int r = bt_signers_load(arguments, &signers, err);
    if (r == 0 && signers.count == 0) {
        r = bt_fail(err, -EINVAL, "thiếu / missing: --key FILE");
    }
    for (size_t i = 0; i < signers.count && r == 0; i++) {
        r = bt_signing_sign(document, signers.keys[i], err);
    }
    return r;
}

// Sends a signed activation and waits for the screens.
static int activate(struct bt_client *client, const struct bt_arguments *arguments, cJSON *document,
                    struct bt_error *err)
{
    BT_AUTOJSON *body = cJSON_CreateObject();
    BT_AUTOANSWER answer = {0};
    const cJSON *part = cJSON_GetObjectItemCaseSensitive(document, "signed");
    BT_AUTOFREE char *id =
        bt_strdup(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(part, "id")));
    cJSON_AddItemToObject(body, "activation", document);
    int r = bt_client_send(client, "POST", "/v1/emergencies", body, &answer, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *encoded = bt_path_part(id);
    BT_AUTOFREE char *path = bt_strf("/v1/emergencies/%s", encoded);
    return bt_outcome_wait(client, arguments, &shown, path, err);
}

static int run_start(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    char id[ID_CHARACTERS + 3];
    int r = make_id(id, err);
    if (r < 0 || (r = bt_client_open(arguments, &client, err)) < 0) {
        return r;
    }
    BT_AUTOJSON *document = start_document(id, bt_argument_int(arguments, "minutes", 120),
                                           bt_argument_int(arguments, "level", 3));
    cJSON *part = cJSON_GetObjectItemCaseSensitive(document, "signed");
    BT_AUTOFREE char *unit = unit_of(bt_operand(arguments, 0));
    add_list(arguments, "scope", unit, part, "scope");
    add_list(arguments, "screen", NULL, part, "screens");
    if ((r = add_template(client, arguments, part, err)) < 0 ||
        (r = add_fields(arguments, part, err)) < 0 ||
        (r = sign_document(arguments, document, err)) < 0) {
        return r;
    }
    return activate(client, arguments, BT_TAKE(document), err);
}

// The same activation for longer, signed again.
static int run_renew(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOJSON *document = NULL;
    BT_AUTOFREE char *encoded = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/emergencies/%s", encoded);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_client_get(client, path, &answer, err)) < 0) {
        return r;
    }
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer.json, "activation"));
    r = text != NULL ? bt_json_parse(text, strlen(text), &document, err) : -EREMOTEIO;
    cJSON *part = cJSON_GetObjectItemCaseSensitive(document, "signed");
    if (r < 0 || !cJSON_IsObject(part)) {
        return bt_fail(err, -EREMOTEIO, "The server does not give the activation back");
    }
    int64_t now_ms = bt_clock_wall_ms(bt_clock_real());
    int64_t until_ms = now_ms + bt_argument_int(arguments, "minutes", 120) * 60 * 1000;
    cJSON_ReplaceItemInObjectCaseSensitive(part, "from_ms", cJSON_CreateNumber((double)now_ms));
    cJSON_ReplaceItemInObjectCaseSensitive(part, "until_ms", cJSON_CreateNumber((double)until_ms));
    cJSON_ReplaceItemInObjectCaseSensitive(document, "signatures", cJSON_CreateArray());
    r = sign_document(arguments, document, err);
    return r < 0 ? r : activate(client, arguments, BT_TAKE(document), err);
}

static int run_end(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOANSWER answer = {0};
    BT_AUTOFREE char *encoded = bt_path_part(bt_operand(arguments, 0));
    BT_AUTOFREE char *path = bt_strf("/v1/emergencies/%s", encoded);
    BT_AUTOFREE char *end = bt_strf("%s/end", path);
    int r = bt_client_open(arguments, &client, err);
    if (r < 0 || (r = bt_client_send(client, "POST", end, NULL, &answer, err)) < 0) {
        return r;
    }
    return bt_outcome_wait(client, arguments, &shown, path, err);
}

#define MINUTES_OPTION                                                                             \
    {                                                                                              \
        "minutes", "N", "bao nhiêu phút, tối đa 24 giờ / for how long, 24 h at most (120)",        \
            .min = 1, .max = MAX_MINUTES                                                           \
    }

static const struct bt_option start_options[] = {
    {"field", "TEN=TEXT", "điền một ô của mẫu / fills a field of the template", .many = true},
    {"level", "N", "cấp 1..5, cao hơn thắng / the higher one is shown (3)", .min = 1, .max = 5},
    MINUTES_OPTION,
    {"scope", "UNIT", "ở đơn vị; mặc định đơn vị của mẫu / units; the template's own",
     .many = true},
    {"screen", "SCREEN", "chỉ màn hình này / this screen alone", .many = true},
    {"root-sha256", "HEX", "vân tay gốc tin cậy của tỉnh / the province's root must have it"},
    BT_WAIT_OPTION,
    BT_KEY_OPTIONS,
};
static const struct bt_option renew_options[] = {MINUTES_OPTION, BT_WAIT_OPTION, BT_KEY_OPTIONS};
static const struct bt_option end_options[] = {BT_WAIT_OPTION};

static const struct bt_rest list = {"GET", "/v1/emergencies", BT_COLUMNS(columns)};
static const struct bt_rest show = {"GET", "/v1/emergencies/{0}", BT_COLUMNS(columns)};

static const struct bt_subcommand commands[] = {
    {"start", "TEMPLATE", 1, 1,
     "Phát tin khẩn theo mẫu đã duyệt (p/template-… hoặc u/UNIT/template-…), ký bằng khóa trực.\n"
     "Shows an approved template with its fields filled, signed with the duty key.",
     BT_OPTIONS(start_options), .online = true, .run = run_start},
    {"renew", "EMERGENCY", 1, 1, "Kéo dài. / Makes it last longer.", BT_OPTIONS(renew_options),
     .online = true, .run = run_renew},
    {"end", "EMERGENCY", 1, 1,
     "Kết thúc; clip bị ngắt chiếu tiếp. / Ends it; what was cut goes on.", BT_OPTIONS(end_options),
     .online = true, .run = run_end},
    {"list", NULL, 0, 0, "Các tin khẩn. / All of them.", .online = true, .run = bt_rest_run,
     .request = &list},
    {"show", "EMERGENCY", 1, 1, "Một tin khẩn. / One of them.", .online = true, .run = bt_rest_run,
     .request = &show},
};

const struct bt_command_group bt_emergency_commands = {
    .name = "emergency",
    .summary = "Tin khẩn cấp: bão, lũ / emergencies: storms, floods",
    .example = "  bangtin emergency start u/31333/template-bao --field ten=\"Bão số 9\" --field "
               "cap=3 --minutes 180 --key truc.json\n"
               "  bangtin emergency end e-7K3QZ5MX2A\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
