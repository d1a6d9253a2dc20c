// bangtin audit: what was done by whom, and whether the log is whole.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/rest.h"
#include "cli/trusted.h"

static const struct bt_column columns[] = {
    {"số / n", "seq", BT_COLUMN_TEXT},
    {"lúc / when", "at_ms", BT_COLUMN_TIME},
    {"ai / who", "actor", BT_COLUMN_TEXT},
    {"việc / what", "verb", BT_COLUMN_TEXT},
    {"đối tượng / of", "object", BT_COLUMN_TEXT},
    {"đơn vị / unit", "unit", BT_COLUMN_TEXT},
};

static const struct bt_rest list = {"GET", "/v1/audit", BT_COLUMNS(columns)};

// The chain as it is worked out here, entry by entry.
struct chain {
    struct bt_sha256 hash;
    int64_t count, seq;
    bool head_seen;
};

static int follow(struct chain *chain, const cJSON *entry, const char *wanted, struct bt_error *err)
{
    int64_t seq = 0;
    char hex[BT_SHA256_HEX_BYTES];
    const char *body = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "body"));
    const char *hash = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "hash"));
    if (bt_json_whole(cJSON_GetObjectItemCaseSensitive(entry, "seq"), 1, INT64_C(1) << 53, &seq) <
            0 ||
        body == NULL || hash == NULL) {
        return bt_fail(err, -EBADMSG, "An entry without 'seq', 'body', 'hash'");
    }
    if (seq != chain->seq + 1) {
        return bt_fail(err, -EBADMSG, "Mục %lld thiếu / entry %lld is missing",
                       (long long)chain->seq + 1, (long long)chain->seq + 1);
    }
    chain->hash = bt_chain_next(&chain->hash, body, strlen(body));
    bt_hex(chain->hash.bytes, sizeof(chain->hash.bytes), hex);
    if (strcmp(hex, hash) != 0) {
        return bt_fail(err, -EBADMSG, "Mục %lld đã bị sửa / entry %lld was changed", (long long)seq,
                       (long long)seq);
    }
    chain->head_seen |= strcmp(hex, wanted) == 0;
    chain->seq = seq;
    chain->count++;
    return 0;
}

// The list begins with the newest.
static int follow_all(struct chain *chain, const cJSON *entries, const char *wanted,
                      struct bt_error *err)
{
    const cJSON *first = entries->child, *entry = first != NULL ? first->prev : NULL;
    int r = 0;
    while (entry != NULL && r == 0) {
        r = follow(chain, entry, wanted, err);
        entry = entry == first ? NULL : entry->prev;
    }
    return r;
}

static int judge(const struct bt_client *client, const struct chain *chain, const char *head,
                 struct bt_error *err)
{
    if (head[0] != '\0' && !chain->head_seen && strspn(head, "0") != strlen(head)) {
        return bt_fail(err, -EBADMSG,
                       "Sổ không chứa mốc đã ký %.16s…: đã bị viết lại / the log does not contain "
                       "the signed head %.16s…: it was rewritten",
                       head, head);
    }
    if (bt_client_json(client)) {
        printf("{\"intact\":true,\"entries\":%lld,\"signed_head\":\"%s\"}\n",
               (long long)chain->count, head);
    } else {
        printf("Nguyên vẹn / whole: %lld mục / entries; mốc đã ký / signed head: %.16s\n",
               (long long)chain->count, head);
    }
    return 0;
}

static int run_verify(const struct bt_arguments *arguments, struct bt_error *err)
{
    BT_AUTO(bt_client) client = NULL;
    BT_AUTOJSON *entries = NULL;
    struct chain chain = {.seq = 0};
    char head[BT_SHA256_HEX_BYTES] = "";
    int r = bt_client_open(arguments, &client, err);
    if (r < 0) {
        return r;
    }
    // The head first: what it names must be in the list that is fetched after it.
    r = bt_trusted_audit_head(client, bt_argument(arguments, "root-sha256"), head, err);
    if (r < 0 && r != -ENOENT) {
        return r;
    }
    if ((r = bt_rest_list(client, "/v1/audit?limit=200", &entries, err)) < 0) {
        return r;
    }
    r = follow_all(&chain, entries, head, err);
    return r < 0 ? r : judge(client, &chain, head, err);
}

static const struct bt_option verify_options[] = {
    {"root-sha256", "HEX", "vân tay gốc tin cậy của tỉnh / the province's root must have it"}};

static const struct bt_subcommand commands[] = {
    {"verify", NULL, 0, 0,
     "Tính lại chuỗi băm của cả sổ và so với mốc trong dấu thời gian đã ký. Cần quyền quản trị ở "
     "cấp cao nhất.\n"
     "Works out the whole chain again and compares it with the head in the signed timestamp.",
     BT_OPTIONS(verify_options), .online = true, .run = run_verify},
    {"list", NULL, 0, 0, "Ai đã làm gì. / Who did what.", .online = true, .run = bt_rest_run,
     .request = &list},
};

const struct bt_command_group bt_audit_commands = {
    .name = "audit",
    .summary = "Nhật ký kiểm toán / the audit log",
    .commands = commands,
    .count = BT_ARRAY_LEN(commands),
};
