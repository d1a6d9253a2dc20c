#include "server/media/s3.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pin.h"
#include "base/queue.h"
#include "base/str.h"
#include "server/http/metrics.h"
#include "server/media/s3_place.h"
#include "server/media/s3_private.h"
#include "server/media/sigv4.h"

#define CONNECT_S 10L
#define STALL_S 30
#define SLOW_S 300  // putting the parts of a large file together
#define STALL_BYTES_PER_S 1024L
#define FIRST_PAUSE_MS 200
#define MAX_IDLE 16
#define CHUNK_BYTES (256L * 1024)
#define URL_BYTES 4096
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct bt_log logger = {"server/s3"};

struct bt_s3 {
    struct bt_s3_place place;
    struct bt_sigv4_key key;
    char *ca, *pin;
    int64_t stall_s;
    struct bt_queue *rest;  // nothing ever comes through it; closing it ends the pauses
    struct bt_metric *requests, *failures, *away_metric, *sent, *received;
    atomic_bool closed;
    atomic_bool watched;  // somebody probes
    void (*doubt)(void *context);
    void *doubt_context;
    pthread_mutex_t lock;
    // Protected by lock.
    bool away;
    CURL *idle[MAX_IDLE];
    size_t idle_count;
};

// A request on its way.
struct errand {
    struct bt_s3 *s3;
    struct bt_s3_request *request;
    CURL *curl;
    struct curl_slist *headers;
    char problem[CURL_ERROR_SIZE];
    int64_t sent;
    int64_t answer_from;  // of Content-Range; -1: none
    bool begun;
};

void bt_s3_request_finish(struct bt_s3_request *request)
{
    bt_buf_finish(&request->text);
}

const char *bt_s3_prefix(const struct bt_s3 *s3)
{
    return s3->place.prefix;
}

static int read_key(const struct bt_s3_options *options, struct bt_s3 *s3, struct bt_error *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
    if (options->credentials == NULL && folder == NULL) {
        return bt_fail(err, -EINVAL,
                       "--s3-credentials FILE: cần khóa của kho / the store's keys are needed");
    }
    BT_AUTOFREE char *path =
        options->credentials != NULL ? bt_strdup(options->credentials) : bt_strf("%s/s3", folder);
    return bt_s3_read_key(path, &s3->key, err);
}

static void ask_metrics(struct bt_s3 *s3, struct bt_metrics *metrics)
{
    s3->requests = bt_metrics_counter(metrics, "bangtin_blob_store_requests", "",
                                      "Requests to the store of blobs.");
    s3->failures = bt_metrics_counter(metrics, "bangtin_blob_store_failures", "",
                                      "Of these, those that may go better the next time.");
    s3->sent = bt_metrics_counter(metrics, "bangtin_blob_store_sent_bytes", "",
                                  "Bytes of content sent to the store.");
    s3->received = bt_metrics_counter(metrics, "bangtin_blob_store_received_bytes", "",
                                      "Bytes of content received from the store.");
    s3->away_metric = bt_metrics_gauge(metrics, "bangtin_blob_store_away", "",
                                       "1 while the store of blobs does not answer.");
}

int bt_s3_open(const struct bt_s3_options *options, struct bt_s3 **out, struct bt_error *err)
{
    if (sodium_init() < 0) {
        return bt_fail(err, -EIO, "libsodium does not start");
    }
    BT_AUTO(bt_s3) s3 = BT_NEW(struct bt_s3);
    pthread_mutex_init(&s3->lock, NULL);
    s3->rest = bt_queue_create(1, free, (struct bt_waker){0});
    s3->stall_s = options->stall_s > 0 ? options->stall_s : STALL_S;
    s3->ca = options->ca == NULL ? NULL : bt_strdup(options->ca);
    s3->pin = options->pin == NULL ? NULL : bt_strdup(options->pin);
    int r = bt_s3_read_place(options->url, &s3->place, err);
    r = r < 0 ? r : read_key(options, s3, err);
    if (r == 0 && s3->pin != NULL && !bt_is_pin(s3->pin)) {
        r = bt_fail(err, -EINVAL, "--s3-pin: sha256//…");
    }
    if (r == 0 && bt_format(s3->key.region, sizeof(s3->key.region), "%s",
                            options->region == NULL ? "us-east-1" : options->region) < 0) {
        r = bt_fail(err, -EINVAL, "--s3-region: quá dài / too long");
    }
    if (r < 0) {
        return r;
    }
    ask_metrics(s3, options->metrics);
    *out = BT_TAKE(s3);
    return 0;
}

void bt_s3_close(struct bt_s3 *s3)
{
    atomic_store(&s3->closed, true);
    bt_queue_close(s3->rest);
}

void bt_s3_destroy(struct bt_s3 *s3)
{
    if (s3 == NULL) {
        return;
    }
    for (size_t i = 0; i < s3->idle_count; i++) {
        curl_easy_cleanup(s3->idle[i]);
    }
    bt_queue_destroy(s3->rest);
    pthread_mutex_destroy(&s3->lock);
    sodium_memzero(&s3->key, sizeof(s3->key));
    free(s3->ca);
    free(s3->pin);
    free(s3);
}

/*
 * Whether it answers.
 */

static void set_away(struct bt_s3 *s3, bool away, const char *why)
{
    pthread_mutex_lock(&s3->lock);
    bool changed = s3->away != away;
    s3->away = away;
    pthread_mutex_unlock(&s3->lock);
    bt_metric_set(s3->away_metric, away);
    if (changed && away) {
        bt_log_warn(&logger, "The store of blobs is away: %s; going on with what is here", why);
    } else if (changed) {
        bt_log_info(&logger, "The store of blobs answers again");
    }
}

bool bt_s3_away(struct bt_s3 *s3)
{
    pthread_mutex_lock(&s3->lock);
    bool away = s3->away;
    pthread_mutex_unlock(&s3->lock);
    return away;
}

int bt_s3_admit(struct bt_s3 *s3, struct bt_error *err)
{
    return atomic_load(&s3->watched) && bt_s3_away(s3)
               ? bt_fail(err, -EHOSTUNREACH, "The store of blobs is away")
               : 0;
}

void bt_s3_on_doubt(struct bt_s3 *s3, void (*doubt)(void *context), void *context)
{
    s3->doubt = doubt;
    s3->doubt_context = context;
}

int bt_s3_conclude(struct bt_s3 *s3, int code, struct bt_error *err)
{
    code = code == -EAGAIN ? -EHOSTUNREACH : code;
    if (code == -EHOSTUNREACH && s3->doubt != NULL) {
        bt_log_warn(&logger, "No answer from the store of blobs: %s", err == NULL ? "" : err->msg);
        s3->doubt(s3->doubt_context);
    } else if (code == -EHOSTUNREACH) {
        set_away(s3, true, err == NULL ? "" : err->msg);
    } else if (code == 0 || code == -ENOENT) {
        set_away(s3, false, NULL);
    }
    return code;
}

bool bt_s3_again(struct bt_s3 *s3, int code, int tries)
{
    if (code != -EAGAIN || tries + 1 >= BT_S3_TRIES || atomic_load(&s3->closed)) {
        return false;
    }
    int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << (2 * tries);
    pause_ms += (int64_t)randombytes_uniform((uint32_t)pause_ms);
    int64_t until_ns = bt_clock_mono_ns(bt_clock_real()) + pause_ms * BT_NS_PER_MS;
    (void)bt_queue_pop_wait(s3->rest, until_ns);
    return !bt_queue_closed(s3->rest);
}

/*
 * One request.
 */

static CURL *take_curl(struct bt_s3 *s3)
{
    pthread_mutex_lock(&s3->lock);
    CURL *curl = s3->idle_count > 0 ? s3->idle[--s3->idle_count] : NULL;
    pthread_mutex_unlock(&s3->lock);
    return curl != NULL ? curl : curl_easy_init();
}

static void give_curl_back(struct bt_s3 *s3, CURL *curl)
{
    curl_easy_reset(curl);  // forgets what was signed
    pthread_mutex_lock(&s3->lock);
    bool room = s3->idle_count < MAX_IDLE;
    if (room) {
        s3->idle[s3->idle_count++] = curl;
    }
    pthread_mutex_unlock(&s3->lock);
    if (!room) {
        curl_easy_cleanup(curl);
    }
}

static size_t read_body(char *to, size_t size, size_t count, void *context)
{
    struct errand *errand = context;
    const struct bt_s3_request *request = errand->request;
    int64_t wanted = BT_MIN(request->len - errand->sent, (int64_t)(size * count));
    ssize_t got = wanted;
    if (request->bytes != NULL) {
        memcpy(to, (const char *)request->bytes + errand->sent, (size_t)wanted);
    } else if (wanted > 0) {
        got = pread(request->fd, to, (size_t)wanted, request->at + errand->sent);
    }
    if (got < 0 || (got == 0 && wanted > 0)) {
        return CURL_READFUNC_ABORT;
    }
    errand->sent += got;
    return (size_t)got;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct errand *errand = context;
    if (origin != SEEK_SET) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    errand->sent = offset;
    return CURL_SEEKFUNC_OK;
}

// "bytes 100-199/4000"
static void read_content_range(struct errand *errand, const char *text)
{
    char from[24];
    size_t len = strspn(text, "0123456789");
    if (bt_format(from, sizeof(from), "%.*s", (int)BT_MIN(len, (size_t)100), text) == 0 &&
        text[len] == '-') {
        (void)!bt_parse_int(from, 0, INT64_MAX / 2, &errand->answer_from);
    }
}

static size_t read_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char etag[] = "ETag: ", range[] = "Content-Range: bytes ";
    struct errand *errand = context;
    size_t len = size * count;
    BT_AUTOFREE char *line = bt_strndup(bytes, len);
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(line, etag, strlen(etag)) == 0) {
        bt_copy_cut(errand->request->etag, BT_S3_ETAG_BYTES, line + strlen(etag));
    } else if (strncasecmp(line, range, strlen(range)) == 0) {
        read_content_range(errand, line + strlen(range));
    }
    return len;
}

// Where in the object the answer begins. What was not asked for is none.
static int begin(struct errand *errand)
{
    struct bt_s3_request *request = errand->request;
    curl_off_t len = -1;
    errand->begun = true;
    curl_easy_getinfo(errand->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
    int64_t from = request->status == 206 ? errand->answer_from : 0;
    return from == 0 || from == request->from ? request->begin(request->context, from, len)
                                              : -EBADMSG;
}

static size_t read_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct errand *errand = context;
    struct bt_s3_request *request = errand->request;
    size_t len = size * count;
    curl_easy_getinfo(errand->curl, CURLINFO_RESPONSE_CODE, &request->status);
    if (request->take == NULL || request->status / 100 != 2) {
        request->taken = bt_buf_append(&request->text, bytes, len);
        return request->taken < 0 ? 0 : len;
    }
    request->taken = errand->begun ? 0 : begin(errand);
    if (request->taken == 0) {
        request->taken = request->take(request->context, bytes, len);
    }
    bt_metric_add(errand->s3->received, (int64_t)len);
    return request->taken < 0 ? 0 : len;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct errand *errand = context;
    return atomic_load(&errand->s3->closed);
}

static void set_trust(struct errand *errand)
{
    const struct bt_s3 *s3 = errand->s3;
    CURL *curl = errand->curl;
    bool pinned = s3->pin != NULL;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");  // which, says the address
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, s3->pin);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, pinned ? 0L : 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, pinned ? 0L : 2L);
    if (s3->ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, s3->ca);
    }
}

static void set_bounds(struct errand *errand)
{
    CURL *curl = errand->curl;
    long stall_s = errand->request->slow ? SLOW_S : (long)errand->s3->stall_s;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, BT_MIN(CONNECT_S, stall_s));
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, stall_s);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "bangtin-server");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, errand->problem);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, errand);
}

static void set_bodies(struct errand *errand)
{
    const struct bt_s3_request *request = errand->request;
    CURL *curl = errand->curl;
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, bt_str_equal(request->method, "HEAD") ? 1L : 0L);
    if (request->sha256 != NULL) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->len);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(curl, CURLOPT_READDATA, errand);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, errand);
    }
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, errand);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, read_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, errand);
}

static void add_header(struct errand *errand, const char *name, const char *value)
{
    BT_AUTOFREE char *line = bt_strf("%s: %s", name, value);
    errand->headers = curl_slist_append(errand->headers, line);
}

static int set_signature(struct errand *errand, struct bt_error *err)
{
    char date[BT_SIGV4_DATE_BYTES], authorization[BT_SIGV4_AUTHORIZATION_BYTES];
    const struct bt_s3_request *request = errand->request;
    const struct bt_s3_place *place = &errand->s3->place;
    const char *query = request->query == NULL ? "" : request->query;
    const char *hash = request->sha256 == NULL ? EMPTY_SHA256 : request->sha256;
    BT_AUTOFREE char *path = request->key == NULL
                                 ? bt_strf("/%s", place->bucket)
                                 : bt_strf("/%s/%s%s", place->bucket, place->prefix, request->key);
    BT_AUTOFREE char *url =
        bt_strf("%s%s%s%s", place->origin, path, query[0] == '\0' ? "" : "?", query);
    const struct bt_sigv4_request signing = {.method = request->method,
                                             .host = place->host,
                                             .path = path,
                                             .query = query,
                                             .payload_sha256 = hash,
                                             .at_ms = bt_clock_wall_ms(bt_clock_real())};
    int r = bt_sigv4_sign(&errand->s3->key, &signing, date, authorization, err);
    if (r < 0) {
        return r;
    }
    curl_easy_setopt(errand->curl, CURLOPT_URL, url);
    add_header(errand, "x-amz-content-sha256", hash);
    add_header(errand, "x-amz-date", date);
    add_header(errand, "Authorization", authorization);
    errand->headers = curl_slist_append(errand->headers, "Expect:");
    if (request->from > 0) {
        BT_AUTOFREE char *range = bt_strf("bytes=%lld-", (long long)request->from);
        add_header(errand, "Range", range);
    }
    curl_easy_setopt(errand->curl, CURLOPT_HTTPHEADER, errand->headers);
    return 0;
}

// No whole answer.
static int fail_curl(const struct errand *errand, CURLcode code, struct bt_error *err)
{
    const char *what = errand->problem[0] != '\0' ? errand->problem : curl_easy_strerror(code);
    if (errand->request->taken < 0) {
        return bt_fail(err, errand->request->taken, "The store's answer is not what it has to be");
    }
    if (atomic_load(&errand->s3->closed)) {
        return bt_fail(err, -ECANCELED, "The server is stopping");
    }
    return code == CURLE_ABORTED_BY_CALLBACK
               ? bt_fail(err, -EIO, "A file that goes to the store cannot be read")
               : bt_fail(err, -EAGAIN, "%s", what);
}

static bool goes_better_next_time(long status, const char *code)
{
    return status >= 500 || status == 408 || status == 429 ||
           bt_str_equal(code, "RequestTimeout") || bt_str_equal(code, "SlowDown");
}

static int fail_status(const struct errand *errand, struct bt_error *err)
{
    const struct bt_s3_request *request = errand->request;
    char code[64] = "", message[160] = "";
    const char *text = bt_buf_text(&request->text);
    (void)!bt_s3_element(text, request->text.len, "Code", code, sizeof(code));
    (void)!bt_s3_element(text, request->text.len, "Message", message, sizeof(message));
    bool of_an_object = request->key != NULL && !bt_str_equal(code, "NoSuchBucket");
    int r = goes_better_next_time(request->status, code)       ? -EAGAIN
            : request->status == 404 && of_an_object           ? -ENOENT
            : request->status == 403 || request->status == 401 ? -EHOSTUNREACH
            : request->status == 404                           ? -EHOSTUNREACH
                                                               : -EIO;
    return bt_fail(err, r, "The store answers %ld %s %s", request->status, code, message);
}

static int judge(struct errand *errand, CURLcode code, struct bt_error *err)
{
    struct bt_s3_request *request = errand->request;
    curl_off_t len = -1;
    if (code != CURLE_OK) {
        return fail_curl(errand, code, err);
    }
    curl_easy_getinfo(errand->curl, CURLINFO_RESPONSE_CODE, &request->status);
    curl_easy_getinfo(errand->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
    request->answer_len = len;
    if (request->status / 100 != 2) {
        return fail_status(errand, err);
    }
    if (request->take != NULL && !errand->begun) {  // an empty object
        int r = begin(errand);
        return r < 0 ? bt_fail(err, r, "The store's answer is not what it has to be") : 0;
    }
    return 0;
}

int bt_s3_try(struct bt_s3 *s3, struct bt_s3_request *request, struct bt_error *err)
{
    struct errand errand = {.s3 = s3, .request = request, .curl = take_curl(s3), .answer_from = -1};
    if (errand.curl == NULL) {
        return bt_fail(err, -ENOMEM, "libcurl does not start");
    }
    bt_buf_finish(&request->text);
    bt_buf_init(&request->text, BT_S3_TEXT_MAX_BYTES);
    request->status = 0;
    request->taken = 0;
    request->etag[0] = '\0';
    set_trust(&errand);
    set_bounds(&errand);
    set_bodies(&errand);
    int r = set_signature(&errand, err);
    r = r < 0 ? r : judge(&errand, curl_easy_perform(errand.curl), err);
    curl_slist_free_all(errand.headers);
    give_curl_back(s3, errand.curl);
    bt_metric_add(s3->requests, 1);
    bt_metric_add(s3->failures, r == -EAGAIN);
    bt_metric_add(s3->sent, r == 0 ? request->len : 0);
    return r;
}

int bt_s3_perform(struct bt_s3 *s3, struct bt_s3_request *request, struct bt_error *err)
{
    int r = bt_s3_admit(s3, err);
    if (r < 0) {
        return r;
    }
    int tries = 0;
    do {
        r = bt_s3_try(s3, request, err);
        request->unanswered |= r == -EAGAIN;
    } while (bt_s3_again(s3, r, tries++));
    return bt_s3_conclude(s3, r, err);
}

int bt_s3_probe(struct bt_s3 *s3, struct bt_error *err)
{
    atomic_store(&s3->watched, true);
    BT_AUTOREQUEST request = {.method = "HEAD"};
    int r = bt_s3_try(s3, &request, err);
    if (r == -EAGAIN || r == -EHOSTUNREACH) {
        set_away(s3, true, err->msg);
        return -EHOSTUNREACH;
    }
    return bt_s3_conclude(s3, r, err);
}
