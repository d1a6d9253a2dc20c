#include "bench/fleet/member.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/pace.h"

#define SHORTEST_RETRY_NS (100 * BT_NS_PER_MS)
#define LONGEST_RETRY_NS (120 * BT_NS_PER_S)
#define STATUS_NS (600 * BT_NS_PER_S)
#define POLL_NS (900 * BT_NS_PER_S)
#define REQUEST_BYTES (2 << 20)
#define RANGE_BYTES (256 << 10)
#define PLAY_EVERY_MS 60000
#define FAR_OFF_MS (30 * BT_MS_PER_DAY)

// One in so many.
#define SLOW_ONE_IN 50
#define WRONG_CLOCK_ONE_IN 20
#define BLOB_ONE_IN 5  // the others have the file already

uint64_t fleet_draw(struct fleet *fleet, uint64_t below)
{
    uint64_t x = fleet->chance += 0x9E3779B97F4A7C15ULL;  // splitmix64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return (x ^ (x >> 31)) % below;
}

int64_t fleet_wall_ms(const struct fleet *fleet, int64_t now_ns)
{
    return fleet->begin_ms + (now_ns - fleet->begin_ns) / BT_NS_PER_MS * fleet->speed;
}

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static int64_t about(struct member *member, int64_t period_ns)
{
    return period_ns + (int64_t)fleet_draw(member->fleet, (uint64_t)period_ns / 10 + 1);
}

// Of pulling and of plays: each has its own, as in a player.
static int64_t later(unsigned *failures)
{
    return now_ns() + bt_pace_backoff_ns(++*failures, SHORTEST_RETRY_NS, LONGEST_RETRY_NS);
}

void member_key(int number, uint8_t public_key[crypto_sign_PUBLICKEYBYTES],
                uint8_t secret[crypto_sign_SECRETKEYBYTES])
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    struct bt_sha256 hash = bt_sha256_of(&number, sizeof(number));
    memcpy(seed, hash.bytes, sizeof(seed));
    crypto_sign_seed_keypair(public_key, secret, seed);
}

void member_init(struct member *member, struct fleet *fleet, int number)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    *member = (struct member){.fleet = fleet, .number = number};
    (void)!bt_format(member->id, sizeof(member->id), "d-%06d", number);
    member_key(number, public_key, member->secret);
    line_init(&member->stream);
    member->slow = fleet_draw(fleet, SLOW_ONE_IN) == 0;
    member->stream.slow = member->slow;
    diary_init(&member->diary, member->id, member->secret, number,
               fleet->begin_ms - (int64_t)fleet_draw(fleet, PLAY_EVERY_MS), PLAY_EVERY_MS);
}

/*
 * Asking.
 */

// The beginning of a request; "Authorization" when there is a token.
static void begin_request(struct member *member, const char *line, struct bt_buf *out)
{
    bt_buf_init(out, REQUEST_BYTES);
    (void)!bt_buf_appendf(out, "%s HTTP/1.1\r\nHost: x\r\n", line);
    if (member->token[0] != '\0') {
        (void)!bt_buf_appendf(out, "Authorization: Bearer %s\r\n", member->token);
    }
}

static void ask(struct member *member, struct bt_buf *request, pool_answered_fn answered)
{
    pool_ask(member->fleet->pool, request, member->slow, answered, member);
    bt_buf_finish(request);
}

static void get(struct member *member, const char *path, const char *header,
                pool_answered_fn answered)
{
    struct bt_buf request;
    BT_AUTOFREE char *line = bt_strf("GET %s", path);
    begin_request(member, line, &request);
    (void)!bt_buf_appendf(&request, "%s\r\n", header);
    ask(member, &request, answered);
}

static void post(struct member *member, const char *path, const char *type, const void *body,
                 size_t len, pool_answered_fn answered)
{
    struct bt_buf request;
    BT_AUTOFREE char *line = bt_strf("POST %s", path);
    begin_request(member, line, &request);
    (void)!bt_buf_appendf(&request, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, len);
    (void)!bt_buf_append(&request, body, len);
    ask(member, &request, answered);
}

static void post_json(struct member *member, const char *path, const char *body,
                      pool_answered_fn answered)
{
    post(member, path, "application/json", body, strlen(body), answered);
}

// What nobody expects is noted; a token that is not known any more is forgotten.
static bool is_fine(struct member *member, const struct line_answer *answer, const char *asked)
{
    struct counts *counts = &member->fleet->counts;
    counts_add(counts, COUNT_BYTES, (int64_t)answer->body_len);
    if (answer->status == 0) {
        counts_add(counts, COUNT_UNREACHED, 1);
    } else if (answer->status == 503) {
        counts_add(counts, COUNT_BUSY, 1);
    } else if (answer->status == 401) {
        counts_add(counts, COUNT_FORGOTTEN, 1);
        member->token[0] = '\0';
    } else if (answer->status >= 300 && answer->status != 304 && answer->status != 429 &&
               answer->status != 409) {
        counts_fault(counts, asked, answer->status);
    }
    return answer->status >= 200 && answer->status < 300;
}

static void lose_stream(struct member *member)
{
    member->fleet->streams -= member->streaming;
    counts_add(&member->fleet->counts, COUNT_LOST, member->streaming);
    member->streaming = false;
    line_close(&member->stream);
}

// The connection as a whole; without a token it was refused, which is no failure.
static void fail(struct member *member)
{
    bool refused = member->token[0] == '\0';
    lose_stream(member);
    if (refused && !member->logging_in) {
        bt_retry_refused(&member->retry, now_ns(), LONGEST_RETRY_NS);
    } else {
        bt_retry_failed(&member->retry, now_ns(), LONGEST_RETRY_NS);
    }
}

static void talked(struct member *member, bool fine)
{
    member->talking = false;
    if (!fine) {
        fail(member);
    }
    member->logging_in = false;
}

static bool read_text(const struct line_answer *answer, const char *key, char *out, size_t size)
{
    BT_AUTOJSON *json = NULL;
    if (bt_json_parse(answer->body, answer->body_len, &json, NULL) < 0) {
        return false;
    }
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return text != NULL && bt_format(out, size, "%s", text) == 0;
}

/*
 * Logging in.
 */

static void handle_session(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "session") &&
                read_text(answer, "token", member->token, sizeof(member->token));
    counts_add(&member->fleet->counts, COUNT_LOGINS, fine);
    talked(member, fine);
}

static void handle_challenge(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    uint8_t signature[crypto_sign_BYTES];
    char hex[2 * sizeof(signature) + 1];
    if (!is_fine(member, answer, "challenge") ||
        !read_text(answer, "nonce", member->nonce, sizeof(member->nonce))) {
        talked(member, false);
        return;
    }
    BT_AUTOFREE char *text = bt_strf("bangtin-session\n%s\n%s", member->nonce, member->id);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), member->secret);
    bt_hex(signature, sizeof(signature), hex);
    BT_AUTOFREE char *body = bt_strf("{\"player\":\"%s\",\"nonce\":\"%s\",\"signature\":\"%s\"}",
                                     member->id, member->nonce, hex);
    post_json(member, "/v1/player/session", body, handle_session);
}

static void log_in(struct member *member)
{
    BT_AUTOFREE char *body = bt_strf("{\"player\":\"%s\"}", member->id);
    member->talking = member->logging_in = true;
    post_json(member, "/v1/player/challenge", body, handle_challenge);
}

/*
 * The stream.
 */

static int64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    int64_t number = 0;
    for (at = at != NULL ? at + strlen(key) : ""; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
    }
    return number;
}

static void take_hint(struct member *member, const char *data, int64_t at_ns)
{
    int64_t jitter_ms = number_after(data, "\"jitter_ms\":");
    struct counts *counts = &member->fleet->counts;
    counts_add(counts, COUNT_HINTS, 1);
    counts_time(&counts->hint, at_ns - counts->mark_ns);
    member->hinted_ns =
        at_ns + (int64_t)fleet_draw(member->fleet, (uint64_t)jitter_ms + 1) * BT_NS_PER_MS;
}

static void handle_event(struct line *line, const char *name, const char *data, void *context)
{
    struct member *member = context;
    struct counts *counts = &member->fleet->counts;
    int64_t at_ns = now_ns();
    (void)line;
    if (strcmp(name, "hint") == 0) {
        take_hint(member, data, at_ns);
    } else if (strcmp(name, "ping") == 0) {
        member->ping = number_after(data, "\"ping\":");
        counts_add(counts, COUNT_PINGS, 1);
    } else if (strcmp(name, "order") == 0) {
        member->answer = member->order = number_after(data, "\"n\":");
        counts_add(counts, COUNT_ORDERS, 1);
        counts_time(&counts->order, at_ns - counts->mark_ns);
    }
}

void member_forget(struct member *member)
{
    lose_stream(member);
    member->token[0] = '\0';
    member->retry = (struct bt_retry){0};
}

static void handle_stream(struct line *line, const struct line_answer *answer, void *context)
{
    struct member *member = context;
    struct counts *counts = &member->fleet->counts;
    if (!line->streaming || answer->status == 0) {
        (void)!is_fine(member, answer, "stream");
        fail(member);
        return;
    }
    member->streaming = true;
    member->fleet->streams++;
    bt_retry_well(&member->retry);
    counts_add(counts, COUNT_STREAMS, 1);
    counts_time(&counts->stream, now_ns() - counts->mark_ns);
}

static void open_stream(struct member *member)
{
    const struct line_user user = {handle_stream, handle_event, member};
    struct bt_buf request;
    begin_request(member, "GET /v1/player/stream", &request);
    (void)!bt_buf_appendf(&request, "Last-Event-ID: %lld\r\n\r\n", (long long)member->order);
    if (!line_send(&member->stream, member->fleet->epoll, member->fleet->path, &request, &user)) {
        counts_add(&member->fleet->counts, COUNT_UNREACHED, 1);
        fail(member);
    }
    bt_buf_finish(&request);
}

/*
 * Pulling: the timestamp, and what is new behind it.
 */

static void pull_ended(struct member *member, bool fine)
{
    member->pull = fine ? PULL_NOTHING : PULL_TIMESTAMP;
    member->pull_failures = fine ? 0 : member->pull_failures;
    member->pull_ns = fine ? 0 : later(&member->pull_failures);
    talked(member, true);
}

static void handle_blob(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "blob");
    counts_add(&member->fleet->counts, COUNT_RANGES, fine);
    member->at += (int64_t)answer->body_len;
    if (!fine || answer->body_len < RANGE_BYTES) {
        pull_ended(member, fine);
        return;
    }
    talked(member, true);
}

// The first asset that a document names.
static bool find_blob(struct member *member, const char *document)
{
    const char *at = strstr(document, "\"sha256\":\"");
    bool found = at != NULL && strlen(at) > 10 + 64 && member->number % BLOB_ONE_IN == 0;
    if (found) {
        BT_AUTOFREE char *hash = bt_strndup(at + 10, 64);
        found = strcmp(member->blob, hash) != 0;
        bt_copy_cut(member->blob, sizeof(member->blob), hash);
    }
    member->at = 0;
    return found;
}

static void handle_target(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "target");
    counts_add(&member->fleet->counts, COUNT_DOCUMENTS, fine);
    if (!fine || !find_blob(member, answer->body)) {
        pull_ended(member, fine);
        return;
    }
    member->pull = PULL_BLOB;
    talked(member, true);
}

// The last target of the role, which is the newest by its name: "u/31333/NAME.json", with its hash.
static bool find_target(struct member *member, const char *role)
{
    static const char unit[] = "\"u/31333/";
    const char *path = NULL;
    for (const char *at = role; (at = strstr(at, unit)) != NULL; at++) {
        path = at;
    }
    const char *hash = path != NULL ? strstr(path, "\"sha256\":\"") : NULL;
    const char *end = path != NULL ? strchr(path + 1, '"') : NULL;
    return hash != NULL && end != NULL && strlen(hash) > 10 + 64 &&
           bt_format(member->wanted, sizeof(member->wanted), "/tuf/targets/u/31333/%.64s.%.*s",
                     hash + 10, (int)(end - path - 9), path + 9) == 0;
}

static void handle_role(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "role");
    counts_add(&member->fleet->counts, COUNT_DOCUMENTS, fine);
    if (!fine || !find_target(member, answer->body)) {
        pull_ended(member, fine);
        return;
    }
    member->pull = PULL_TARGET;
    talked(member, true);
}

static void handle_snapshot(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "snapshot");
    const char *role = fine ? strstr(answer->body, "\"u-31333.json\"") : NULL;
    int64_t version = role != NULL ? number_after(role, "\"version\":") : 0;
    counts_add(&member->fleet->counts, COUNT_DOCUMENTS, fine);
    if (!fine || version == member->role || version == 0) {
        pull_ended(member, fine);
        return;
    }
    member->role = version;
    member->pull = PULL_ROLE;
    talked(member, true);
}

static void keep_etag(struct member *member, const char *head)
{
    const char *at = strcasestr(head, "\r\netag: ");
    at = at != NULL ? at + strlen("\r\netag: ") : "";
    (void)!bt_format(member->etag, sizeof(member->etag), "%.*s", (int)strcspn(at, "\r"), at);
}

static void handle_timestamp(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    struct counts *counts = &member->fleet->counts;
    bool fine = is_fine(member, answer, "timestamp");
    if (!fine) {
        counts_add(counts, COUNT_SAME, answer->status == 304);
        pull_ended(member, answer->status == 304);
        return;
    }
    const char *at = strstr(answer->body, "\"snapshot.json\"");
    counts_add(counts, COUNT_FRESH, 1);
    keep_etag(member, answer->head);
    member->snapshot = at != NULL ? number_after(at, "\"version\":") : 0;
    member->pull = PULL_SNAPSHOT;
    talked(member, true);
}

static void pull(struct member *member)
{
    char path[160], header[120] = "";
    int64_t version = member->pull == PULL_SNAPSHOT ? member->snapshot : member->role;
    const char *role = member->pull == PULL_SNAPSHOT ? "snapshot" : "u-31333";
    member->talking = true;
    if (member->pull == PULL_TIMESTAMP) {
        if (member->etag[0] != '\0') {
            (void)!bt_format(header, sizeof(header), "If-None-Match: %s\r\n", member->etag);
        }
        get(member, "/tuf/metadata/timestamp.json", header, handle_timestamp);
    } else if (member->pull == PULL_TARGET) {
        get(member, member->wanted, "", handle_target);
    } else if (member->pull == PULL_BLOB) {
        (void)!bt_format(path, sizeof(path), "/blobs/%s", member->blob);
        (void)!bt_format(header, sizeof(header), "Range: bytes=%lld-%lld\r\n",
                         (long long)member->at, (long long)member->at + RANGE_BYTES - 1);
        get(member, path, header, handle_blob);
    } else {
        (void)!bt_format(path, sizeof(path), "/tuf/metadata/%lld.%s.json", (long long)version,
                         role);
        get(member, path, "", member->pull == PULL_SNAPSHOT ? handle_snapshot : handle_role);
    }
}

/*
 * Words to the server.
 */

static void handle_pong(const struct line_answer *answer, void *context)
{
    talked(context, is_fine(context, answer, "pong"));
}

static void pong(struct member *member)
{
    BT_AUTOFREE char *body = bt_strf("{\"ping\":%lld}", (long long)member->ping);
    member->ping = 0;
    member->talking = true;
    post_json(member, "/v1/player/pong", body, handle_pong);
}

static void handle_done(const struct line_answer *answer, void *context)
{
    talked(context, is_fine(context, answer, "done"));
}

static void done(struct member *member)
{
    BT_AUTOFREE char *body =
        bt_strf("{\"results\":[{\"n\":%lld,\"state\":\"done\",\"at_ms\":1,\"detail\":\"\"}]}",
                (long long)member->answer);
    member->answer = 0;
    member->talking = true;
    post_json(member, "/v1/player/done", body, handle_done);
}

static void handle_status(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    bool fine = is_fine(member, answer, "status");
    counts_add(&member->fleet->counts, COUNT_STATUSES, fine);
    talked(member, fine);
}

static void status(struct member *member, int64_t at_ns)
{
    BT_AUTOFREE char *body = bt_strf(
        "{\"at_ms\":%lld,\"clock\":{\"trust\":\"synced\",\"offset_ms\":-13},\"version\":\"0.1.0\","
        "\"timestamp\":1,\"publications\":[],\"waiting\":[],\"on\":[],\"emergency\":[],"
        "\"takedowns\":[],\"blank\":false,\"volume_percent\":0,\"brightness_percent\":100,"
        "\"presented\":123456,\"dropped\":0,\"storage\":{\"free_bytes\":1,\"assets_bytes\":1},"
        "\"display\":{\"width\":320,\"height\":180,\"refresh_hz\":60},\"troubles\":[]}",
        (long long)bt_clock_wall_ms(bt_clock_real()));
    member->status_ns = at_ns + about(member, STATUS_NS);
    member->talking = true;
    post_json(member, "/v1/player/status", body, handle_status);
}

/*
 * Plays.
 */

static void take_counted(struct member *member, const struct line_answer *answer)
{
    struct diary *diary = &member->diary;
    char hash[BT_SHA256_HEX_BYTES];
    int64_t last = number_after(answer->body, "\"last\":");
    if (!read_text(answer, "hash", hash, sizeof(hash)) ||
        bt_unhex(hash, diary->hash.bytes, sizeof(diary->hash.bytes)) < 0) {
        counts_fault(&member->fleet->counts, "answer to plays", answer->status);
        return;
    }
    counts_add(&member->fleet->counts, COUNT_PLAYS, last - diary->counted);
    diary->counted = last;
}

static void handle_asked(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    member->sending = false;
    member->asked = is_fine(member, answer, "plays?");
    if (member->asked) {
        take_counted(member, answer);
    } else {
        member->send_ns = later(&member->send_failures);
    }
}

static void handle_sent(const struct line_answer *answer, void *context)
{
    struct member *member = context;
    struct counts *counts = &member->fleet->counts;
    int64_t at_ns = now_ns();
    member->sending = false;
    counts_add(counts, COUNT_REFUSED, answer->status == 429);
    counts_add(counts, COUNT_GAPS, answer->status == 409);
    if (!is_fine(member, answer, "plays")) {
        member->asked = false;
        member->send_ns = answer->status == 429 ? at_ns + about(member, member->fleet->send_ns)
                                                : later(&member->send_failures);
        return;
    }
    member->send_failures = 0;
    counts_add(counts, COUNT_BATCHES, 1);
    counts_time(&counts->batch, at_ns - member->asked_ns);
    take_counted(member, answer);
    bool more =
        member->diary.sent <
        diary_last(&member->diary, fleet_wall_ms(member->fleet, at_ns)) - BT_BATCH_MAX_RECORDS;
    member->send_ns = more ? 0 : at_ns + about(member, member->fleet->send_ns);
}

static void send_plays(struct member *member, int64_t at_ns)
{
    member->sending = true;
    if (!member->asked) {
        BT_AUTOFREE char *path = bt_strf("/v1/player/plays?journal=%s", member->diary.journal);
        get(member, path, "", handle_asked);
        return;
    }
    int64_t off_ms = fleet_draw(member->fleet, WRONG_CLOCK_ONE_IN) != 0
                         ? 0
                         : (int64_t)fleet_draw(member->fleet, 2 * FAR_OFF_MS) - FAR_OFF_MS;
    BT_AUTOBUF batch;
    bt_buf_init(&batch, BT_BATCH_MAX_PACKED);
    diary_batch(&member->diary, fleet_wall_ms(member->fleet, at_ns), off_ms, &batch);
    member->asked_ns = at_ns;
    post(member, "/v1/player/plays", "application/vnd.bangtin.plays", batch.data, batch.len,
         handle_sent);
}

/*
 * What is due.
 */

static void talk(struct member *member, int64_t at_ns)
{
    if (member->talking || at_ns < member->retry.at_ns) {
        return;
    }
    if (member->hinted_ns != 0 && member->pull == PULL_NOTHING) {
        member->pull = PULL_TIMESTAMP;
        member->pull_ns = member->hinted_ns;
        member->hinted_ns = 0;
    }
    if (member->token[0] == '\0') {
        log_in(member);
    } else if (member->ping != 0) {
        pong(member);
    } else if (member->answer != 0) {
        done(member);
    } else if (member->pull != PULL_NOTHING && at_ns >= member->pull_ns) {
        pull(member);
    } else if (at_ns >= member->status_ns) {
        status(member, at_ns);
    } else if (at_ns >= member->poll_ns) {
        member->poll_ns = at_ns + about(member, POLL_NS);
        member->hinted_ns = member->hinted_ns == 0 ? at_ns : member->hinted_ns;
    }
}

void member_look(struct member *member, int64_t at_ns)
{
    if (at_ns < member->start_ns) {
        return;
    }
    if (member->send_ns == 0 && !member->asked) {
        // They began at different moments.
        member->send_ns =
            at_ns + (int64_t)fleet_draw(member->fleet, (uint64_t)member->fleet->send_ns);
        member->status_ns = at_ns + (int64_t)fleet_draw(member->fleet, STATUS_NS);
        member->poll_ns = at_ns + (int64_t)fleet_draw(member->fleet, POLL_NS);
    }
    talk(member, at_ns);
    bool in = member->token[0] != '\0';
    if (in && !member->streaming && !member->stream.busy && at_ns >= member->retry.at_ns) {
        open_stream(member);
    }
    if (in && !member->sending && at_ns >= member->send_ns) {
        send_plays(member, at_ns);
    }
    line_look(&member->stream, member->fleet->epoll, at_ns);
}
