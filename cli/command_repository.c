// bangtin repository: the folder in which root and targets metadata are made and signed.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/roles.h"

enum { SERVERS_MAX_BYTES = 64 * 1024, MIN_PINS = 2, MAX_THRESHOLD = 16 };

static const char servers_path[] = "servers.json";

// {"snapshot": key, "timestamp": key} from a file, or from the server itself.
static int read_online_keys(const struct bt_arguments *arguments, struct bt_client *client,
                            cJSON **out, struct bt_error *err)
{
    const char *path = bt_argument(arguments, "online-keys");
    if (path == NULL && client == NULL) {
        return bt_fail(err, -EINVAL,
                       "Cần máy chủ hoặc / the server is needed, or --online-keys FILE");
    }
    if (path == NULL) {
        BT_AUTOANSWER answer = {0};
        int r = bt_client_get(client, "/v1/repository/keys", &answer, err);
        if (r == 0) {
            *out = BT_TAKE(answer.json);
        }
        return r;
    }
    BT_AUTOBUF text;
    bt_buf_init(&text, SERVERS_MAX_BYTES);
    int r = bt_file_read(path, &text, err);
    return r < 0 ? r : bt_json_parse(bt_buf_text(&text), text.len, out, err);
}

// Reads the keys named by an option, and loads those that can sign.
static int take_holders(const struct bt_arguments *arguments, const char *option,
                        struct bt_ceremony *ceremony, struct bt_role_members *out,
                        struct bt_error *err)
{
    out->keys = cJSON_CreateArray();
    for (size_t i = 0; i < bt_argument_count(arguments, option); i++) {
        const char *path = bt_argument_at(arguments, option, i);
        BT_AUTOFINISH(bt_key_facts_finish) struct bt_key_facts facts = {0};
        int r = bt_key_facts_load(path, &facts, err);
        if (r < 0) {
            return r;
        }
        bt_role_members_add(out, facts.public_key);
        if (facts.has_secret &&
            (r = bt_signers_add(arguments, path, &ceremony->signers, err)) < 0) {
            return r;
        }
    }
    return 0;
}

static struct bt_role_keys one_key(const cJSON **slot, const cJSON *keys, const char *name)
{
    *slot = cJSON_GetObjectItemCaseSensitive(keys, name);
    return (struct bt_role_keys){slot, *slot != NULL ? 1 : 0, 1};
}

static int make_root(struct bt_ceremony *ceremony, const struct bt_role_members *root,
                     const struct bt_role_members *targets, const cJSON *online,
                     struct bt_error *err)
{
    struct bt_root_roles roles;
    const cJSON *snapshot, *timestamp;
    BT_AUTOFREE const cJSON **roots = NULL, **others = NULL;
    roles.root = bt_role_members_borrow(root, &roots);
    roles.targets = bt_role_members_borrow(targets, &others);
    roles.snapshot = one_key(&snapshot, online, "snapshot");
    roles.timestamp = one_key(&timestamp, online, "timestamp");
    int64_t expires_ms = ceremony->now_ms + BT_ROOT_LIFE_DAYS * BT_MS_PER_DAY;
    cJSON *document;
    int r = bt_signing_root(1, expires_ms, &roles, &document, err);
    if (r == 0) {
        bt_offline_put(ceremony->offline, BT_TOP_ROOT, document);
    }
    return r;
}

static int add_server(cJSON *servers, const char *url, const struct bt_arguments *arguments,
                      struct bt_error *err)
{
    size_t pins = bt_argument_count(arguments, "pin");
    if (bt_str_starts(url, "https://") && pins < MIN_PINS) {
        return bt_fail(err, -EINVAL,
                       "Cần ít nhất hai --pin cho https: khóa đang dùng và khóa dự phòng / https "
                       "needs two pins, of the key in use and of a spare one");
    }
    cJSON *server = cJSON_CreateObject();
    cJSON_AddItemToArray(servers, server);
    cJSON_AddStringToObject(server, "url", url);
    cJSON *list = cJSON_AddArrayToObject(server, "pins");
    for (size_t i = 0; i < pins; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(bt_argument_at(arguments, "pin", i)));
    }
    return 0;
}

// Writes servers.json: the addresses players try, in order.
static int set_servers(struct bt_ceremony *ceremony, const struct bt_arguments *arguments,
                       const char *first, struct bt_error *err)
{
    BT_AUTOJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "format", 1);
    cJSON *servers = cJSON_AddArrayToObject(document, "servers");
    int r = first != NULL ? add_server(servers, first, arguments, err) : 0;
    for (size_t i = 0; first == NULL && i < bt_operand_count(arguments) && r == 0; i++) {
        r = add_server(servers, bt_operand(arguments, i), arguments, err);
    }
    if (r < 0) {
        return r;
    }
    char *text = cJSON_PrintUnformatted(document);
    r = text != NULL ? bt_offline_set_file(ceremony->offline, servers_path, text, strlen(text),
                                           ceremony->now_ms, err)
                     : -ENOMEM;
    cJSON_free(text);
    return r;
}

static int make_targets(struct bt_ceremony *ceremony, const struct bt_arguments *arguments,
                        struct bt_error *err)
{
    int64_t expires_ms = ceremony->now_ms + BT_TARGETS_LIFE_DAYS * BT_MS_PER_DAY;
    cJSON *document;
    int r = bt_signing_targets(1, expires_ms, &document, err);
    if (r < 0) {
        return r;
    }
    bt_offline_put(ceremony->offline, BT_TOP_TARGETS, document);
    const char *players_url = bt_argument(arguments, "players-url");
    const char *server = bt_argument(arguments, "server");
    return set_servers(ceremony, arguments, players_url != NULL ? players_url : server, err);
}

static int run_new(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOJSON *online = NULL;
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members root = {0}, targets = {0};
    struct bt_offline *offline;
    int r = bt_offline_create(bt_operand(arguments, 0), bt_argument(arguments, "server"), &offline,
                              err);
    if (r < 0 || (r = bt_ceremony_begin_new(arguments, offline, &ceremony, err)) < 0 ||
        (r = read_online_keys(arguments, ceremony.client, &online, err)) < 0 ||
        (r = take_holders(arguments, "root", &ceremony, &root, err)) < 0 ||
        (r = take_holders(arguments, "targets", &ceremony, &targets, err)) < 0) {
        return r;
    }
    root.threshold = bt_argument_int(arguments, "root-threshold", bt_role_usual_threshold("root"));
    targets.threshold =
        bt_argument_int(arguments, "targets-threshold", bt_role_usual_threshold("targets"));
    if ((r = make_root(&ceremony, &root, &targets, online, err)) < 0 ||
        (r = make_targets(&ceremony, arguments, err)) < 0) {
        return r;
    }
    return bt_ceremony_finish(&ceremony, err);
}

static int run_sign(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    return r < 0 ? r : bt_ceremony_finish(&ceremony, err);
}

static int run_push(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r == 0 && ceremony.client == NULL) {
        r = bt_fail(err, -EINVAL, "Kho này không có máy chủ / this repository has no server");
    }
    return r < 0 ? r : bt_ceremony_push(&ceremony, err);
}

static int run_pull(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = bt_offline_save(ceremony.offline, err)) < 0) {
        return r;
    }
    for (int i = 0; i < BT_TOP_COUNT; i++) {
        const cJSON *document = bt_offline_current(ceremony.offline, (enum bt_top_role)i);
        printf("%s %lld\n", bt_top_role_names[i], (long long)bt_offline_version(document));
    }
    return 0;
}

static int run_servers(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = set_servers(&ceremony, arguments, NULL, err)) < 0) {
        return r;
    }
    return bt_ceremony_finish(&ceremony, err);
}

// The keys with which a server says by itself what is newest: those of a new machine, after the old
// one's are not trusted.
static int replace_online(struct bt_ceremony *ceremony, const char *role, const cJSON *online,
                          struct bt_error *err)
{
    BT_AUTOFINISH(bt_role_members_finish) struct bt_role_members members = {0}, before = {0};
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(online, role);
    if (!cJSON_IsObject(key)) {
        return bt_fail(err, -EREMOTEIO, "Máy chủ không nói khóa / the server names no key of '%s'",
                       role);
    }
    int r = bt_roles_read(ceremony->offline, role, &before, err);
    if (r < 0) {
        return r;
    }
    members.keys = cJSON_CreateArray();
    members.threshold = 1;
    bt_role_members_add(&members, key);
    if (cJSON_Compare(members.keys, before.keys, true)) {
        return bt_fail(
            err, -EALREADY,
            "'%s': máy chủ vẫn dùng khóa đang được tin / the server's key is the trusted one",
            role);
    }
    return bt_roles_write(ceremony->offline, role, &members, ceremony->now_ms, err);
}

static int run_online(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTOCEREMONY ceremony = {0};
    BT_AUTOJSON *online = NULL;
    int r = bt_ceremony_begin(arguments, &ceremony, err);
    if (r < 0 || (r = read_online_keys(arguments, ceremony.client, &online, err)) < 0 ||
        (r = replace_online(&ceremony, "snapshot", online, err)) < 0 ||
        (r = replace_online(&ceremony, "timestamp", online, err)) < 0) {
        return r;
    }
    return bt_ceremony_finish(&ceremony, err);
}

#define PIN_OPTION                                                                                    \
    {                                                                                                 \
        "pin", "PIN",                                                                                 \
            "khóa chứng chỉ máy chủ sha256//…, từ hai cái / the certificate's key, two " \
            "or more",                                                                                \
            .many = true                                                                              \
    }

static const struct bt_option new_options[] = {
    {"server", "URL", "địa chỉ máy chủ / the server's address", .required = true},
    {"players-url", "URL", "địa chỉ các máy phát dùng, nếu khác / the one players use, if another"},
    PIN_OPTION,
    {"root", "FILE", "khóa giữ gốc; lặp lại / key that holds the root; repeat", .many = true,
     .required = true},
    {"targets", "FILE", "khóa của tỉnh; lặp lại / key of the province; repeat", .many = true,
     .required = true},
    {"root-threshold", "N", "số người ký gốc / how many sign the root (2)", .min = 1,
     .max = MAX_THRESHOLD},
    {"targets-threshold", "N", "số người ký cho tỉnh / how many sign for the province (2)",
     .min = 1, .max = MAX_THRESHOLD},
    {"online-keys", "FILE",
     "khóa công khai của máy chủ, nếu không nối mạng / the server's public "
     "keys, when it cannot be asked"},
    {"offline", NULL, "không hỏi và không gửi máy chủ / neither asks nor tells the server"},
    BT_KEY_OPTIONS,
};

static const struct bt_option ceremony_options[] = {BT_CEREMONY_OPTIONS};
static const struct bt_option server_options[] = {PIN_OPTION, BT_CEREMONY_OPTIONS};
static const struct bt_option online_options[] = {
    {"online-keys", "FILE",
     "khóa công khai của máy chủ, nếu không nối mạng / the server's public keys, when it cannot "
     "be asked"},
    BT_CEREMONY_OPTIONS};
static const struct bt_option renew_options[] = {BT_CEREMONY_OPTIONS};

static const struct bt_subcommand commands[] = {
    {"new", "DIR", 1, 1,
     "Lập kho ký của tỉnh trong thư mục DIR, trên máy của người giữ khóa: gốc và vai trò của "
     "tỉnh.\n"
     "Makes the province's repository in DIR, on the machine of those who hold the keys.",
     BT_OPTIONS(new_options), .run = run_new},
    {"sign", NULL, 0, 0, "Thêm chữ ký vào bản đang chờ. / Adds signatures to what is pending.",
     BT_OPTIONS(ceremony_options), .run = run_sign},
    {"push", NULL, 0, 0, "Gửi bản đủ chữ ký lên máy chủ. / Sends what is complete to the server.",
     BT_OPTIONS(ceremony_options), .run = run_push},
    {"pull", NULL, 0, 0, "Lấy bản mới nhất từ máy chủ. / Takes what is newest from the server.",
     BT_OPTIONS(ceremony_options), .run = run_pull},
    {"renew", "[ROLE…]", 0, 64,
     "Gia hạn trong một bước: root, targets (mặc định cả hai) hoặc u-UNIT, s-UNIT.\n"
     "Renews in one step: root and targets (both unless named), or u-UNIT, s-UNIT.",
     BT_OPTIONS(renew_options), .run = bt_command_renew},
    {"online", NULL, 0, 0,
     "Tin khóa mới của máy chủ (timestamp, snapshot), thôi tin khóa cũ: sau khi máy chủ bị chiếm, "
     "hay mất khóa.\n"
     "Trusts the server's new keys in the place of the old: after it was in wrong hands, or lost "
     "them.",
     BT_OPTIONS(online_options), .run = run_online},
    {"servers", "URL…", 1, 8,
     "Máy chủ chuyển chỗ hoặc đổi chứng chỉ: danh sách mới cho mọi máy phát.\n"
     "The server moves or changes its certificate: the new list for all players.",
     BT_OPTIONS(server_options), .run = run_servers},
};

const struct bt_command_group bt_repository_commands = {
    .name = "repository",
    .summary = "Kho ký: gốc tin cậy của tỉnh / the repository: the province's root of trust",
    .about =
        "Kho là một thư mục; có thể đưa bằng USB từ người ký này sang người ký khác. Máy chủ\n"
        "không giữ khóa nào ở đây. / The repository is a folder that may travel from holder to\n"
        "holder. The server holds none of its keys.",
    .example = "  bangtin key new goc.json --holder tran-thi-tinh\n"
               "  bangtin repository new kho --server http://127.0.0.1:8080 --root goc.json "
               "--targets goc.json --root-threshold 1 --targets-threshold 1\n"
               "  bangtin repository renew --repository kho --key goc.json\n",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
