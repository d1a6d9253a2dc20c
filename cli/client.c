#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/config.h"

#define SERVER_BYTES 256
#define COOKIE_BYTES 256
#define PINS_BYTES 1024
#define CONNECT_TIMEOUT_S 15L
#define KEY_BYTES 33
#define SOON_S 5       // who is told to come later than that is told so
#define STALLED_S 60L  // this long below STALLED_BYTES_S and the connection is dead
#define STALLED_BYTES_S 1L
#define RETRY_AFTER_MAX_S 86400

static const char login_file[] = "login.json";

struct bt_client {
    CURL *curl;
    char server[SERVER_BYTES];  // as it was given
    char origin[SERVER_BYTES];  // of URLs
    char pins[PINS_BYTES];      // "sha256//A;sha256//B", or ""
    char cookie[COOKIE_BYTES];  // of the session
    char token[COOKIE_BYTES];   // of the session, for writing requests
    char bearer[COOKIE_BYTES];  // an API token
    bool json;
};

void bt_client_destroy(struct bt_client *client)
{
    if (client != NULL) {
        curl_easy_cleanup(client->curl);
        free(client);
    }
}

const char *bt_client_server(const struct bt_client *client)
{
    return client->server;
}

bool bt_client_json(const struct bt_client *client)
{
    return client->json;
}

const char *bt_client_cookie(const struct bt_client *client)
{
    return client->cookie;
}

static bool is_loopback(const char *authority)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        if (strncmp(authority, names[i], len) == 0 &&
            (authority[len] == ':' || authority[len] == '\0')) {
            return true;
        }
    }
    return false;
}

// "unix:PATH", "https://…" or plain on loopback; without a path behind.
static int set_server(struct bt_client *client, const char *server, struct bt_error *err)
{
    int r = bt_format(client->server, sizeof(client->server), "%s", server);
    if (r == 0 && bt_str_starts(server, "unix:/")) {
        return bt_format(client->origin, sizeof(client->origin), "http://localhost");
    }
    size_t len = strlen(client->server);
    if (r == 0 && len > 0 && client->server[len - 1] == '/') {
        client->server[len - 1] = '\0';
    }
    const char *rest = strstr(client->server, "://");
    bool plain = bt_str_starts(client->server, "http://");
    if (r < 0 || rest == NULL || rest[3] == '\0' || strpbrk(rest + 3, "/@?#\\") != NULL ||
        !(plain || bt_str_starts(client->server, "https://"))) {
        return bt_fail(err, -EINVAL,
                       "'%s': cần dạng / must look like https://bangtin.example.vn, unix:/PATH",
                       server);
    }
    if (plain && !is_loopback(rest + 3)) {
        return bt_fail(
            err, -EINVAL,
            "'%s' không mã hóa; chỉ được trong chính máy này / is not encrypted; that is "
            "for this very machine alone",
            server);
    }
    return bt_format(client->origin, sizeof(client->origin), "%s", client->server);
}

static int set_pins(struct bt_client *client, const cJSON *pins, struct bt_error *err)
{
    const cJSON *pin;
    cJSON_ArrayForEach(pin, pins)
    {
        const char *text = cJSON_GetStringValue(pin);
        if (text == NULL || !bt_str_starts(text, "sha256//") || strchr(text, ';') != NULL) {
            return bt_fail(err, -EINVAL, "'%s' is no pin; they look like sha256//BASE64",
                           text != NULL ? text : "");
        }
        size_t used = strlen(client->pins);
        int r = bt_format(client->pins + used, sizeof(client->pins) - used, "%s%s",
                          used > 0 ? ";" : "", text);
        if (r < 0) {
            return bt_fail(err, r, "Too many pins");
        }
    }
    return 0;
}

int bt_client_create(const char *server, const cJSON *pins, struct bt_client **out,
                     struct bt_error *err)
{
    BT_AUTO(bt_client) client = BT_NEW(struct bt_client);
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        return bt_fail(err, -ENOMEM, "libcurl does not start");
    }
    int r = set_server(client, server, err);
    if (r < 0 || (r = set_pins(client, pins, err)) < 0) {
        return r;
    }
    *out = BT_TAKE(client);
    return 0;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text != NULL ? text : "";
}

bool bt_client_logged_in(const struct bt_client *client)
{
    return client->cookie[0] != '\0' || client->bearer[0] != '\0';
}

int bt_client_open_server(const char *wanted, struct bt_client **out, struct bt_error *err)
{
    BT_AUTOJSON *login = NULL;
    int r = bt_config_read(login_file, &login, err);
    if (r < 0 && (r != -ENOENT || wanted == NULL)) {
        return r != -ENOENT ? r
                            : bt_fail(err, r,
                                      "Chưa đăng nhập; chạy trước / not logged in; first: "
                                      "bangtin login URL");
    }
    const char *known = text_of(login, "server");
    bool same = wanted == NULL || strcmp(wanted, known) == 0;
    BT_AUTO(bt_client) client = NULL;
    r = bt_client_create(wanted != NULL ? wanted : known,
                         same ? cJSON_GetObjectItemCaseSensitive(login, "pins") : NULL, &client,
                         err);
    if (r < 0) {
        return r;
    }
    if (same) {
        bt_copy_cut(client->cookie, sizeof(client->cookie), text_of(login, "cookie"));
        bt_copy_cut(client->token, sizeof(client->token), text_of(login, "token"));
        bt_copy_cut(client->bearer, sizeof(client->bearer), text_of(login, "bearer"));
    }
    *out = BT_TAKE(client);
    return 0;
}

int bt_client_open(const struct bt_arguments *arguments, struct bt_client **out,
                   struct bt_error *err)
{
    int r = bt_client_open_server(bt_argument(arguments, "server"), out, err);
    if (r == 0) {
        (*out)->json = bt_argument_flag(arguments, "json");
    }
    return r;
}

int bt_client_remember(const struct bt_client *client, const cJSON *pins, const char *login,
                       const cJSON *secrets, struct bt_error *err)
{
    BT_AUTOJSON *kept = cJSON_Duplicate(secrets, true);
    cJSON_AddStringToObject(kept, "server", client->server);
    cJSON_AddStringToObject(kept, "login", login);
    if (pins != NULL) {
        cJSON_AddItemToObject(kept, "pins", cJSON_Duplicate(pins, true));
    }
    return bt_config_write(login_file, kept, err);
}

void bt_client_forget(void)
{
    bt_config_remove(login_file);
}

void bt_answer_finish(struct bt_answer *answer)
{
    bt_buf_finish(&answer->body);
    cJSON_Delete(answer->json);
    *answer = (struct bt_answer){0};
}

// What one transfer writes into.
struct transfer {
    struct bt_client *client;
    struct bt_answer *answer;
    const struct bt_request *request;
    FILE *file;         // instead of the answer's body for good statuses, or NULL
    int64_t left;       // bytes the file may still take
    const char *bytes;  // what is still to be sent
    size_t bytes_left;
    CURLcode code;        // how it ended
    char key[KEY_BYTES];  // of a POST, the same whenever it is sent
};

static size_t handle_body(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count;
    long status = 0;
    curl_easy_getinfo(transfer->client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer->file == NULL || status >= 400) {
        return bt_buf_append(&transfer->answer->body, data, len) == 0 ? len : 0;
    }
    transfer->left -= (int64_t)len;
    return transfer->left >= 0 ? fwrite(data, 1, len, transfer->file) : 0;
}

// The value of a header line when it has this name.
static bool header_is(const char *line, size_t len, const char *name, char *out, size_t room)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0) {
        return false;
    }
    const char *value = line + name_len + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t')) {
        value++;
    }
    while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) {
        end--;
    }
    BT_AUTOFREE char *copy = bt_strndup(value, (size_t)(end - value));
    bt_copy_cut(out, room, copy);
    return true;
}

static size_t handle_header(char *data, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct bt_answer *answer = transfer->answer;
    size_t len = size * count;
    char cookie[512], offset[32], after[32];
    header_is(data, len, "ETag", answer->etag, sizeof(answer->etag));
    header_is(data, len, "Location", answer->location, sizeof(answer->location));
    if (header_is(data, len, "Upload-Offset", offset, sizeof(offset)) &&
        bt_parse_int(offset, 0, INT64_MAX, &answer->upload_offset) < 0) {
        answer->upload_offset = -1;
    }
    if (header_is(data, len, "Retry-After", after, sizeof(after)) &&
        bt_parse_int(after, 0, RETRY_AFTER_MAX_S, &answer->retry_after_s) < 0) {
        answer->retry_after_s = 0;
    }
    if (header_is(data, len, "Set-Cookie", cookie, sizeof(cookie))) {
        cookie[strcspn(cookie, ";")] = '\0';
        bt_copy_cut(transfer->client->cookie, sizeof(transfer->client->cookie), cookie);
    }
    return len;
}

static size_t handle_send(char *out, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = BT_MIN(size * count, transfer->bytes_left);
    memcpy(out, transfer->bytes, len);
    transfer->bytes += len;
    transfer->bytes_left -= len;
    return len;
}

static int handle_progress(void *context, curl_off_t down_total, curl_off_t down,
                           curl_off_t up_total, curl_off_t up)
{
    const struct transfer *transfer = context;
    const struct bt_request *request = transfer->request;
    if (request->progress != NULL) {
        bool sending = request->bytes != NULL;
        request->progress(request->progress_context, sending ? up : down,
                          sending ? up_total : down_total);
    }
    return 0;
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
    BT_AUTOFREE char *line = bt_strf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL) {
        return -ENOMEM;
    }
    *list = longer;
    return 0;
}

static int make_key(char out[KEY_BYTES])
{
    uint8_t random[(KEY_BYTES - 1) / 2];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return -EIO;
    }
    bt_hex(random, sizeof(random), out);
    return 0;
}

static int add_login(const struct bt_client *client, const char *method, struct curl_slist **list)
{
    int r = 0;
    if (client->bearer[0] != '\0') {
        BT_AUTOFREE char *value = bt_strf("Bearer %s", client->bearer);
        return add_header(list, "Authorization", value);
    }
    if (client->cookie[0] != '\0') {
        r = add_header(list, "Cookie", client->cookie);
    }
    if (r == 0 && client->token[0] != '\0' && strcmp(method, "GET") != 0) {
        r = add_header(list, "X-Bangtin-Token", client->token);
    }
    return r;
}

static int add_headers(const struct bt_client *client, const struct transfer *transfer,
                       struct curl_slist **list)
{
    const struct bt_request *request = transfer->request;
    int r = add_login(client, request->method, list);
    const char *type = request->json != NULL ? "application/json" : "";  // "": not libcurl's own
    r = r == 0 ? add_header(list, "Content-Type", request->bytes ? request->bytes_type : type) : r;
    if (r == 0 && request->if_match != NULL) {
        r = add_header(list, "If-Match", request->if_match);
    }
    if (r == 0 && transfer->key[0] != '\0') {
        r = add_header(list, "Idempotency-Key", transfer->key);
    }
    for (const char *const *line = request->headers; r == 0 && line && *line; line++) {
        struct curl_slist *longer = curl_slist_append(*list, *line);
        r = longer != NULL ? 0 : -ENOMEM;
        *list = longer != NULL ? longer : *list;
    }
    return r == 0 ? add_header(list, "Expect", "") : r;
}

static void set_tls(CURL *curl, const struct bt_client *client)
{
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (client->pins[0] != '\0') {
        // The key is what counts: the server's own certificate has no other issuer.
        curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, client->pins);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_body(CURL *curl, struct transfer *transfer)
{
    const char *method = transfer->request->method;
    if (transfer->bytes == NULL) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
        if (strcmp(method, "POST") == 0) {  // says that its body is empty
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
        }
        return;
    }
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transfer->bytes_left);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, handle_send);
    curl_easy_setopt(curl, CURLOPT_READDATA, transfer);
}

static void set_transfer(CURL *curl, const char *url, struct transfer *transfer)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALLED_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALLED_BYTES_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, handle_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, handle_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, handle_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, transfer->request->progress == NULL ? 1L : 0L);
    set_body(curl, transfer);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, transfer->request->method);
}

static int fail_curl(const struct bt_client *client, CURLcode code, struct bt_error *err)
{
    const char *advice = "";
    if (code == CURLE_PEER_FAILED_VERIFICATION && client->pins[0] == '\0') {
        advice = "; máy chủ có chứng chỉ riêng? thêm / its own certificate? add --pin sha256//…";
    } else if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH) {
        advice = "; khóa của máy chủ không phải khóa đã ghim / the server's key is not the pinned "
                 "one";
    }
    return bt_fail(err, -ECONNREFUSED, "Không kết nối được / cannot reach '%s': %s%s",
                   client->server, curl_easy_strerror(code), advice);
}

static int code_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return -EACCES;
    case 404:
        return -ENOENT;
    case 409:
        return -EEXIST;
    case 412:
    case 428:
        return -ESTALE;
    case 423:
    case 429:
    case 502:
    case 503:
    case 504:
        return -EAGAIN;
    default:
        return -EREMOTEIO;
    }
}

// A problem's own words, safe for a terminal.
static int fail_status(const struct bt_answer *answer, struct bt_error *err)
{
    char words[BT_ERROR_MAX_BYTES];
    const char *detail = text_of(answer->json, "detail");
    bt_copy_cut(words, sizeof(words), detail[0] != '\0' ? detail : text_of(answer->json, "title"));
    for (char *c = words; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7F ? ' ' : *c;
    }
    const char *advice =
        answer->status == 401 ? " (đăng nhập lại / log in again: bangtin login)" : "";
    return bt_fail(err, code_of(answer->status), "%s%s [HTTP %d]",
                   words[0] != '\0' ? words : "Máy chủ từ chối / the server refuses", advice,
                   answer->status);
}

static int judge(struct bt_answer *answer, struct bt_error *err)
{
    const char *text = bt_buf_text(&answer->body);
    if (text[0] == '{' || text[0] == '[') {
        int r = bt_json_parse(text, answer->body.len, &answer->json, err);
        if (r < 0 && answer->status < 400) {
            return bt_fail_in(err, -EREMOTEIO, "The server's answer");
        }
    }
    return answer->status >= 400 ? fail_status(answer, err) : 0;
}

static int perform(struct bt_client *client, struct transfer *transfer, struct bt_error *err)
{
    BT_AUTOFREE char *url = bt_strf("%s%s", client->origin, transfer->request->path);
    struct curl_slist *headers = NULL;
    curl_easy_reset(client->curl);
    if (bt_str_starts(client->server, "unix:")) {
        curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->server + strlen("unix:"));
    }
    int r = add_headers(client, transfer, &headers);
    if (r == 0) {
        set_tls(client->curl, client);
        set_transfer(client->curl, url, transfer);
        curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
        transfer->code = curl_easy_perform(client->curl);
        long status = 0;
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
        transfer->answer->status = (int)status;
        r = transfer->code == CURLE_OK ? 0 : fail_curl(client, transfer->code, err);
    } else {
        r = bt_fail(err, r, "Cannot make the request");
    }
    curl_slist_free_all(headers);
    return r;
}

/*
 * Whether a server, or the proxy before it, only starts anew. What reads may come again whatever
 * happened; anything else only when it was surely not done: not every door knows what was done
 * under a key.
 */
static bool is_missed(const struct transfer *transfer, int r)
{
    const struct bt_answer *answer = transfer->answer;
    CURLcode code = transfer->code;
    bool reads = strcmp(transfer->request->method, "GET") == 0;
    if (r < 0) {
        bool cut =
            code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
        return code == CURLE_COULDNT_CONNECT || (reads && cut);
    }
    bool told_to = answer->status == 503 && answer->retry_after_s > 0;
    bool lost = answer->status == 502 || answer->status == 504;
    return (told_to || (reads && lost)) && answer->retry_after_s <= SOON_S;
}

static int ask_once(struct bt_client *client, const struct bt_request *request, const char *text,
                    const char *key, struct bt_answer *out, bool *missed, struct bt_error *err)
{
    struct transfer transfer = {.client = client,
                                .answer = out,
                                .request = request,
                                .bytes = text != NULL ? text : request->bytes,
                                .bytes_left = text != NULL ? strlen(text) : request->bytes_len};
    bt_copy_cut(transfer.key, sizeof(transfer.key), key);
    *out = (struct bt_answer){.upload_offset = -1};
    bt_buf_init(&out->body, BT_ANSWER_MAX_BYTES);
    int r = perform(client, &transfer, err);
    *missed = is_missed(&transfer, r);
    return r;
}

static void wait_for(int seconds)
{
    const struct bt_clock *clock = bt_clock_real();
    bt_clock_sleep_until(clock, bt_clock_mono_ns(clock) + seconds * BT_NS_PER_S);
}

int bt_client_ask(struct bt_client *client, const struct bt_request *request, struct bt_answer *out,
                  struct bt_error *err)
{
    static const int pauses_s[] = {1, 2};
    char key[KEY_BYTES] = "";
    char *text = request->json != NULL ? cJSON_PrintUnformatted(request->json) : NULL;
    bool missed = false;
    int r = strcmp(request->method, "POST") == 0 ? make_key(key) : 0;
    *out = (struct bt_answer){.upload_offset = -1};
    r = r < 0 ? bt_fail(err, r, "No random bytes")
              : ask_once(client, request, text, key, out, &missed, err);
    for (size_t i = 0; i < BT_ARRAY_LEN(pauses_s) && missed; i++) {
        wait_for(pauses_s[i]);
        bt_answer_finish(out);
        r = ask_once(client, request, text, key, out, &missed, err);
    }
    cJSON_free(text);
    return r < 0 ? r : judge(out, err);
}

int bt_client_get(struct bt_client *client, const char *path, struct bt_answer *out,
                  struct bt_error *err)
{
    return bt_client_ask(client, &(struct bt_request){.method = "GET", .path = path}, out, err);
}

int bt_client_send(struct bt_client *client, const char *method, const char *path,
                   const cJSON *body, struct bt_answer *out, struct bt_error *err)
{
    const struct bt_request request = {.method = method, .path = path, .json = body};
    return bt_client_ask(client, &request, out, err);
}

int bt_client_fetch_file(struct bt_client *client, const char *path, const char *file,
                         int64_t max_bytes,
                         void (*progress)(void *context, int64_t done, int64_t total),
                         void *context, struct bt_error *err)
{
    BT_AUTOANSWER answer = {.upload_offset = -1};
    BT_AUTOFREE char *aside = bt_strf("%s.part", file);
    const struct bt_request request = {
        .method = "GET", .path = path, .progress = progress, .progress_context = context};
    bt_buf_init(&answer.body, BT_ANSWER_MAX_BYTES);
    struct transfer transfer = {.client = client,
                                .answer = &answer,
                                .request = &request,
                                .file = fopen(aside, "we"),
                                .left = max_bytes};
    if (transfer.file == NULL) {
        return bt_fail_errno(err, "Cannot write '%s'", aside);
    }
    int r = perform(client, &transfer, err);
    if (fclose(transfer.file) != 0 && r == 0) {
        r = bt_fail_errno(err, "Cannot write '%s'", aside);
    }
    r = r < 0 ? r : judge(&answer, err);
    if (r == 0 && rename(aside, file) < 0) {
        r = bt_fail_errno(err, "Cannot rename '%s'", aside);
    }
    if (r < 0) {
        unlink(aside);
    }
    return r;
}

char *bt_path_part(const char *text)
{
    static const char harmless[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    char *out = bt_alloc(3 * strlen(text) + 1);
    size_t used = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(harmless, *c) != NULL) {
            out[used++] = *c;
            continue;
        }
        char hex[3];
        bt_hex((const uint8_t *)c, 1, hex);
        out[used++] = '%';
        out[used++] = hex[0];
        out[used++] = hex[1];
    }
    return out;
}
