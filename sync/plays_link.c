#include "sync/plays_link.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define JSON "application/json"
#define BATCH "application/vnd.bangtin.plays"

#define MAX_ANSWER_BYTES 65536
#define TOKEN_MARGIN_S 30
#define LONGEST_POLL_MS 1000
#define MAX_RETRY_S 3600
#define MAX_EVERY_S 86400
#define MAX_COUNT 9007199254740991LL

int bt_plays_link_init(struct bt_plays_link *link, struct bt_sync *sync, struct bt_error *err)
{
    *link = (struct bt_plays_link){.sync = sync, .multi = curl_multi_init()};
    bt_buf_init(&link->got, MAX_ANSWER_BYTES);
    return link->multi == NULL ? bt_fail(err, -ENOMEM, "libcurl cannot start")
                               : bt_wire_init(&link->wire, sync->options.stall_s, err);
}

void bt_plays_link_finish(struct bt_plays_link *link)
{
    bt_wire_finish(&link->wire);
    if (link->multi != NULL) {
        curl_multi_cleanup(link->multi);
    }
    bt_buf_finish(&link->got);
}

void bt_plays_link_wake(struct bt_plays_link *link)
{
    if (link->multi != NULL) {
        curl_multi_wakeup(link->multi);
    }
}

static bool stopping(const struct bt_plays_link *link)
{
    return atomic_load(&link->sync->stopping);
}

static int64_t now_ns(const struct bt_plays_link *link)
{
    return bt_clock_mono_ns(link->sync->options.clock);
}

void bt_plays_link_wait(struct bt_plays_link *link, int64_t until_ns)
{
    for (int64_t left_ns = until_ns - now_ns(link); left_ns > 0 && !stopping(link);
         left_ns = until_ns - now_ns(link)) {
        int64_t left_ms = left_ns / BT_NS_PER_MS + 1;
        curl_multi_poll(link->multi, NULL, 0, (int)BT_MIN(left_ms, (int64_t)LONGEST_POLL_MS), NULL);
    }
}

// Performs the request that is ready. Nothing waits for it but this thread.
static int perform(struct bt_plays_link *link, CURLcode *out_code, struct bt_error *err)
{
    int running = 1, left;
    if (curl_multi_add_handle(link->multi, link->wire.curl) != CURLM_OK) {
        return bt_fail(err, -ENETUNREACH, "libcurl cannot begin");
    }
    while (running > 0 && !stopping(link)) {
        curl_multi_perform(link->multi, &running);
        if (running > 0) {
            curl_multi_poll(link->multi, NULL, 0, LONGEST_POLL_MS, NULL);
        }
    }
    const CURLMsg *msg = curl_multi_info_read(link->multi, &left);
    *out_code = msg != NULL ? msg->data.result : CURLE_ABORTED_BY_CALLBACK;
    curl_multi_remove_handle(link->multi, link->wire.curl);
    return stopping(link) ? bt_fail(err, -ECANCELED, "Stopping") : 0;
}

static void note_retry_after(struct bt_plays_link *link)
{
    struct curl_header *header = NULL;
    link->retry_after_s = 0;
    if (curl_easy_header(link->wire.curl, "Retry-After", 0, CURLH_HEADER, -1, &header) ==
            CURLHE_OK &&
        bt_parse_int(header->value, 1, MAX_RETRY_S, &link->retry_after_s) < 0) {
        link->retry_after_s = 0;
    }
}

static int judge(struct bt_plays_link *link, long status, struct bt_error *err)
{
    if (status == 200) {
        return 0;
    }
    if (status == 401) {
        link->token[0] = '\0';
    }
    if (status == 429 || status == 503) {
        return bt_fail(err, -EAGAIN, "The server has too much to do (%ld)", status);
    }
    if (status == 409) {
        bool forked = bt_wire_is_problem(&link->got, "urn:bangtin:plays-forked");
        return forked ? bt_fail(err, -ESTALE, "The server has another journal under this name")
                      : bt_fail(err, -ERANGE, "The server wants another record");
    }
    if (status == 413) {
        return bt_fail(err, -EMSGSIZE, "The batch is too long for the server");
    }
    if (status == 400 || status == 403 || status == 415 || status == 422) {
        return bt_fail(err, -EACCES, "The server does not take the plays (%ld)", status);
    }
    return bt_fail(err, -ENETUNREACH, "The server answers %ld", status);
}

// The wire is begun on `path`; a body makes it a POST.
static int exchange(struct bt_plays_link *link, const char *path, const char *type,
                    const struct bt_buf *body, struct bt_error *err)
{
    struct bt_address address;
    enum bt_trouble trouble;
    CURLcode code = CURLE_ABORTED_BY_CALLBACK;
    long status = 0;
    if (!bt_servers_now(link->sync->servers, &address)) {
        return bt_fail(err, -ENETUNREACH, "No server is known");
    }
    bt_buf_clear(&link->got);
    int r = bt_wire_begin(&link->wire, &address, path, err);
    if (r == 0 && link->token[0] != '\0') {
        r = bt_wire_add_header(&link->wire, err, "Authorization: Bearer %s", link->token);
    }
    if (r < 0) {
        return r;
    }
    if (body != NULL) {
        bt_wire_post(&link->wire, type, bt_buf_text(body), body->len);
    }
    bt_wire_receive(&link->wire, &link->got);
    bt_wire_ready(&link->wire);
    r = perform(link, &code, err);
    r = r < 0 ? r : bt_wire_result(&link->wire, code, &status, &trouble, err);
    if (r < 0) {
        return r;
    }
    note_retry_after(link);
    return judge(link, status, err);
}

/*
 * Logging in.
 */

static int log_in(struct bt_plays_link *link, struct bt_error *err)
{
    struct bt_sync *sync = link->sync;
    struct bt_identity identity = bt_standing_identity(sync->standing);
    struct bt_session session;
    BT_AUTOBUF body;
    bt_buf_init(&body, MAX_ANSWER_BYTES);
    link->token[0] = '\0';
    int r = bt_challenge_write(identity.player, &body, err);
    r = r < 0 ? r : exchange(link, "v1/player/challenge", JSON, &body, err);
    bt_buf_clear(&body);
    r = r < 0 ? r
              : bt_session_write(sync->key, identity.player, bt_buf_text(&link->got), link->got.len,
                                 &body, err);
    r = r < 0 ? r : exchange(link, "v1/player/session", JSON, &body, err);
    r = r < 0 ? r : bt_session_read(bt_buf_text(&link->got), link->got.len, &session, err);
    if (r < 0) {
        // Whatever it is: it is no word on the plays.
        return r == -ECANCELED || r == -EAGAIN ? r : bt_fail_in(err, -ENETUNREACH, "Logging in");
    }
    bt_copy_cut(link->token, sizeof(link->token), session.token);
    link->token_until_ns =
        now_ns(link) + BT_MAX(session.expires_s - TOKEN_MARGIN_S, (int64_t)1) * BT_NS_PER_S;
    return 0;
}

static int be_logged_in(struct bt_plays_link *link, struct bt_error *err)
{
    bool valid = link->token[0] != '\0' && now_ns(link) < link->token_until_ns;
    return valid ? 0 : log_in(link, err);
}

/*
 * How far it is.
 */

struct answer {
    char journal[BT_JOURNAL_ID_BYTES];
    char hash[BT_SHA256_HEX_BYTES];
    struct bt_plays_answer answer;
};

static const struct bt_json_field answer_fields[] = {
    BT_JSON_FIELD(struct answer, journal, "journal", BT_JSON_STRING,
                  .max = BT_JOURNAL_ID_BYTES - 1),
    BT_JSON_FIELD(struct answer, hash, "hash", BT_JSON_STRING, .min = BT_SHA256_HEX_BYTES - 1,
                  .max = BT_SHA256_HEX_BYTES - 1),
    BT_JSON_FIELD(struct answer, answer.counted.seq, "last", BT_JSON_INT, .max = MAX_COUNT),
    BT_JSON_FIELD(struct answer, answer.state, "state", BT_JSON_STRING,
                  .max = BT_PLAYS_STATE_BYTES - 1),
    BT_JSON_FIELD(struct answer, answer.every_s, "every_s", BT_JSON_INT, .min = 1,
                  .max = MAX_EVERY_S),
};

static int read_answer(const struct bt_plays_link *link, struct bt_plays_answer *out,
                       struct bt_error *err)
{
    BT_AUTOJSON *json = NULL;
    struct answer answer = {{0}};
    int r = bt_json_parse(bt_buf_text(&link->got), link->got.len, &json, err);
    r = r < 0 ? r
              : bt_json_read(json, answer_fields, BT_ARRAY_LEN(answer_fields), &answer, NULL, err);
    if (r == 0 && bt_unhex(answer.hash, answer.answer.counted.hash.bytes, BT_SHA256_BYTES) < 0) {
        r = bt_fail(err, -EINVAL, "'hash' is not a SHA-256 in hex");
    }
    if (r < 0) {
        return bt_fail_in(err, -ENETUNREACH, "The server's answer");
    }
    *out = answer.answer;
    return 0;
}

int bt_plays_link_ask(struct bt_plays_link *link, const char *journal, struct bt_plays_answer *out,
                      struct bt_error *err)
{
    char path[96];
    int r = be_logged_in(link, err);
    if (r < 0) {
        return r;
    }
    // It comes from a file: nothing but an id may become part of an address.
    if (!bt_id_is_plain(journal) ||
        bt_format(path, sizeof(path), "v1/player/plays?journal=%s", journal) < 0) {
        return bt_fail(err, -EACCES, "'%.40s' is no journal's id", journal);
    }
    r = exchange(link, path, NULL, NULL, err);
    return r < 0 ? r : read_answer(link, out, err);
}

int bt_plays_link_send(struct bt_plays_link *link, const struct bt_buf *packed,
                       struct bt_plays_answer *out, struct bt_error *err)
{
    int r = be_logged_in(link, err);
    r = r < 0 ? r : exchange(link, "v1/player/plays", BATCH, packed, err);
    return r < 0 ? r : read_answer(link, out, err);
}

int bt_plays_link_return(struct bt_plays_link *link, const struct bt_buf *body,
                         struct bt_error *err)
{
    int r = be_logged_in(link, err);
    return r < 0 ? r : exchange(link, "v1/player/repository", JSON, body, err);
}
