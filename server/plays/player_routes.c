// What players ask and send of their plays.
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "server/plays/handlers.h"
#include "server/plays/ingest.h"
#include "server/publications/issuer.h"
#include "server/settings/settings.h"

// Who is told to come back comes at some moment of these.
#define BACK_MIN_S 3
#define BACK_SPREAD_S 30

static bool is_journal_id(const char *text)
{
    return text != NULL && strlen(text) == BT_JOURNAL_ID_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == BT_JOURNAL_ID_BYTES - 1;
}

static int reply(struct bt_call *call, const char *journal, enum bt_standing_state state,
                 int64_t last_seq, const struct bt_sha256 *last_hash, int64_t every_s)
{
    char hash[BT_SHA256_HEX_BYTES];
    bt_hex(last_hash->bytes, BT_SHA256_BYTES, hash);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "journal", journal);
    cJSON_AddNumberToObject(body, "last", (double)last_seq);
    cJSON_AddStringToObject(body, "hash", hash);
    cJSON_AddStringToObject(body, "state", bt_standing_word(state));
    cJSON_AddNumberToObject(body, "every_s", (double)every_s);
    return bt_call_json_reply(call, 200, body);
}

int bt_handle_player_plays(struct bt_call *call, struct bt_error *err)
{
    const char *journal = bt_call_query(call, "journal");
    if (!is_journal_id(journal)) {
        return bt_call_problem(call, 400, "invalid", "Thiếu mã sổ lượt phát.",
                               "'journal' must be 32 hex digits.");
    }
    struct bt_standing standing;
    int64_t every_s;
    int r = bt_standing_read(bt_call_db(call), bt_call_caller(call)->player, journal, &standing,
                             NULL, err);
    r = r < 0 ? r
              : bt_setting_number(bt_call_db(call), "plays_every_s", bt_call_caller(call)->unit,
                                  &every_s, err);
    return r < 0 ? r
                 : reply(call, journal, standing.state, standing.last_seq, &standing.last_hash,
                         every_s);
}

// A problem like others, with the number that is wanted.
static int refuse_gap(struct bt_call *call, const struct bt_counted *counted, struct bt_error *err)
{
    BT_AUTOBUF body;
    bt_buf_init(&body, 512);
    int r =
        bt_buf_appendf(&body,
                       "{\"type\":\"urn:bangtin:plays-gap\",\"title\":\"Conflict\","
                       "\"status\":409,\"detail\":\"Thiếu các bản ghi trước đó. / Records before"
                       " these are missing.\",\"expected\":%lld}",
                       (long long)counted->expected);
    return r < 0 ? bt_fail(err, r, "The answer is too long")
                 : bt_call_bytes_reply(call, 409, "application/problem+json", body.data, body.len);
}

static int refuse_fork(struct bt_call *call)
{
    return bt_call_problem(
        call, 409, "plays-forked",
        "Sổ lượt phát không khớp với phần đã nhận; có thể thẻ nhớ đã bị sao chép.",
        "The journal does not fit what came before; its card may be a copy.");
}

static int refuse_later(struct bt_call *call)
{
    char seconds[24];
    if (bt_format(seconds, sizeof(seconds), "%u",
                  BACK_MIN_S + randombytes_uniform(BACK_SPREAD_S)) == 0) {
        bt_call_set_header(call, "Retry-After", seconds);
    }
    return bt_call_problem(call, 429, "plays-later",
                           "Máy chủ đang nhận nhiều lượt phát; hãy gửi lại sau.",
                           "Many players are sending their plays; send it again later.");
}

static int answer_counted(struct bt_call *call, const char *journal,
                          const struct bt_counted *counted, int64_t every_s, struct bt_error *err)
{
    if (counted->result < 0) {
        return refuse_later(call);
    }
    switch (counted->verdict) {
    case BT_VERDICT_GAP:
        return refuse_gap(call, counted, err);
    case BT_VERDICT_FORKED:
    case BT_VERDICT_BLOCKED:
        return refuse_fork(call);
    case BT_VERDICT_COUNT:
    case BT_VERDICT_KNOWN:
    default:
        return reply(call, journal, counted->state, counted->last_seq, &counted->last_hash,
                     every_s);
    }
}

static int refuse_unread(struct bt_call *call, int r, const struct bt_error *err)
{
    switch (r) {
    case -EACCES:
        return bt_call_problem(call, 403, "plays-signature",
                               "Gói lượt phát không được ký bằng khoá của máy phát này.", err->msg);
    case -EMSGSIZE:
        return bt_call_problem(call, 413, "plays-malformed", "Gói lượt phát quá lớn.", err->msg);
    case -EINVAL:
    case -EBADMSG:
    case -ENOTSUP:
        return bt_call_problem(call, 400, "plays-malformed", "Không đọc được gói lượt phát.",
                               err->msg);
    default:
        return r;
    }
}

// Until it is on the disk no worker waits: others have requests, too.
struct awaited {
    struct bt_call *call;
    char journal[BT_JOURNAL_ID_BYTES];
    int64_t every_s;
    struct bt_counted counted;
};

static void handle_counted(const struct bt_counted *counted, void *context)
{
    struct awaited *awaited = context;
    awaited->counted = *counted;
    bt_call_go_on(awaited->call);
}

static int answer_awaited(struct bt_call *call, void *context, struct bt_error *err)
{
    const struct awaited *awaited = context;
    return answer_counted(call, awaited->journal, &awaited->counted, awaited->every_s, err);
}

static int count(struct bt_call *call, const char *player, const void *packed, size_t len,
                 struct bt_error *err)
{
    struct bt_ingest *ingest = bt_call_server(call)->ingest;
    struct bt_delivery *delivery;
    int r = bt_delivery_read(bt_ingest_senders(ingest), player, packed, len, bt_call_now_ms(call),
                             &delivery, err);
    if (r < 0) {
        return refuse_unread(call, r, err);
    }
    struct awaited *awaited = BT_NEW(struct awaited);
    awaited->call = call;
    awaited->every_s = delivery->sender.every_s;
    bt_copy_cut(awaited->journal, sizeof(awaited->journal), delivery->batch.header.journal);
    bt_call_put_off(call, answer_awaited, awaited, free);
    r = bt_ingest_submit(ingest, delivery, handle_counted, awaited);
    if (r < 0) {
        bt_delivery_destroy(delivery);
        handle_counted(&(struct bt_counted){.result = r}, awaited);
    }
    return 0;
}

int bt_handle_player_plays_send(struct bt_call *call, struct bt_error *err)
{
    size_t len;
    const char *body = bt_call_body(call, &len);
    return count(call, bt_call_caller(call)->player, body, len, err);
}

/*
 * What came on a stick: sealed to us, and signed by the player like all it sends. So it does not
 * matter who brings it, nor how often.
 */
int bt_handle_stick_plays(struct bt_call *call, struct bt_error *err)
{
    size_t len;
    const char *body = bt_call_body(call, &len);
    BT_AUTOBUF packed;
    BT_AUTOFINISH(bt_batch_finish) struct bt_batch batch = {.lines = NULL};
    bt_buf_init(&packed, BT_BATCH_MAX_PACKED);
    int r = bt_issuer_unseal(bt_call_server(call)->issuer, body, len, &packed, err);
    r = r < 0 ? r : bt_batch_read(packed.data, packed.len, &batch, err);
    return r < 0 ? refuse_unread(call, r, err)
                 : count(call, batch.header.player, packed.data, packed.len, err);
}
