#include "server/care/care.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/str.h"
#include "server/care/alerts.h"
#include "server/care/archive.h"
#include "server/care/contents.h"
#include "server/care/hooks.h"
#include "server/care/tell.h"
#include "server/db/lease.h"

#define LEASE_MS (5 * 60 * 1000LL)
// Of one round; the others wait for the next one.
#define MAX_SENT 100
#define MAX_NOTED 10

// Whoever asked for a test waits for it.
#define POST_NS (2 * BT_NS_PER_S)

static const struct bt_log logger = {"server/care"};

struct bt_care {
    struct bt_server *server;  // borrowed
    bool webhooks_inside;
    int64_t watched_ms;  // we watch since
    char holder[BT_LEASE_HOLDER_BYTES];
    struct bt_courier *courier;        // the watch's
    int64_t judge_ns;                  // the watch's: when it looks at the screens again
    struct bt_archive_state archived;  // the archive's
    atomic_bool stopping;
    struct bt_queue *rest;  // nothing ever comes through it; closing it ends all rests
    pthread_t threads[2];
    size_t thread_count;
};

/*
 * Sending.
 */

struct post {
    struct bt_care *care;
    struct bt_db *db;
    char server[BT_SETTING_VALUE_BYTES], login[BT_SETTING_VALUE_BYTES];
    char from[BT_SETTING_VALUE_BYTES];
    bool mail_is_down;  // in this round nothing more is tried there
};

static int find_mail_server(struct post *post, struct bt_error *err)
{
    int r = bt_setting_text(post->db, "mail_server", NULL, post->server, err);
    r = r < 0 ? r : bt_setting_text(post->db, "mail_login", NULL, post->login, err);
    return r < 0 ? r : bt_setting_text(post->db, "mail_from", NULL, post->from, err);
}

static int send_mail(struct post *post, const struct bt_letter *letter, struct bt_error *err)
{
    const struct bt_mail_server server = {post->server, post->login, post->from};
    if (post->server[0] == '\0') {
        return bt_fail(err, -EIO, "chưa đặt máy chủ gửi thư / the setting 'mail_server' is empty");
    }
    int r = bt_courier_mail(post->care->courier, &server, letter, err);
    post->mail_is_down = r == -EIO;
    return r;
}

static int send_hook(struct post *post, const struct bt_letter *letter, struct bt_error *err)
{
    struct bt_hook hook;
    int64_t now_ms = bt_clock_wall_ms(post->care->server->clock);
    int r = bt_hook_load(post->db, letter->address, &hook, err);
    r = r < 0 ? r : bt_hook_check_url(hook.url, post->care->webhooks_inside, err);
    return r < 0 ? r : bt_courier_hook(post->care->courier, &hook, letter, now_ms, err);
}

// Must be written down, or it is sent again: a database that wants it once more gets it.
static int note_sent(struct post *post, const struct bt_letter *letter, int64_t now_ms,
                     struct bt_error *err)
{
    int r = bt_outbox_sent(post->db, letter, now_ms, err);
    for (int i = 0; r == -EAGAIN && i < MAX_NOTED; i++) {
        r = bt_outbox_sent(post->db, letter, now_ms, err);
    }
    return r;
}

static int send_one(struct post *post, const struct bt_letter *letter, struct bt_error *err)
{
    struct bt_error why = {0};
    bool mail = strcmp(letter->channel, BT_CHANNEL_MAIL) == 0;
    if (mail && post->mail_is_down) {
        return 0;
    }
    int r = mail ? send_mail(post, letter, &why) : send_hook(post, letter, &why);
    int64_t now_ms = bt_clock_wall_ms(post->care->server->clock);
    if (r == 0) {
        return note_sent(post, letter, now_ms, err);
    }
    if (atomic_load(&post->care->stopping)) {
        return 0;  // dropped by ourselves
    }
    bool final = r == -EINVAL || r == -ENOENT;
    bt_log_warn(&logger, "Cannot send %s by %s: %s; %s", letter->id, letter->channel, why.msg,
                final ? "given up" : "trying again later");
    return bt_outbox_failed(post->db, letter, why.msg, final, now_ms, err);
}

static int send_letters(struct bt_care *care, struct bt_db *db, struct bt_error *err)
{
    struct post post = {.care = care, .db = db};
    char after[16] = "";
    int r = find_mail_server(&post, err);
    for (int i = 0; r >= 0 && i < MAX_SENT && !atomic_load(&care->stopping); i++) {
        struct bt_letter letter = {.attempts = 0};
        int64_t now_ms = bt_clock_wall_ms(care->server->clock);
        r = bt_outbox_next(db, after, now_ms, &letter, err);
        if (r != 1) {
            break;
        }
        bt_copy_cut(after, sizeof(after), letter.id);
        r = bt_lease_take(db, "watch", care->holder, now_ms, LEASE_MS, err);
        r = r == 1 ? send_one(&post, &letter, err) : r < 0 ? r : -EAGAIN;
        bt_letter_finish(&letter);
    }
    return r < 0 ? r : 0;
}

/*
 * Rounds.
 */

// Tests say another time than the real one.
static int64_t milliseconds(const char *name, int64_t max, int64_t otherwise)
{
    int64_t ms;
    const char *said = getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return said != NULL && bt_parse_int(said, 10, max, &ms) == 0 ? ms : otherwise;
}

static int64_t minute_ns(void)
{
    return milliseconds("BT_CARE_EVERY_MS", 60000, 60000) * BT_NS_PER_MS;
}

static int judge(struct bt_care *care, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_all_limits) limits = NULL;
    int64_t now_ms = bt_clock_wall_ms(care->server->clock);
    int r = bt_lease_take(db, "watch", care->holder, now_ms, LEASE_MS, err);
    if (r <= 0) {
        return r;
    }
    r = bt_all_limits_load(db, &limits, err);
    r = r < 0 ? r : bt_contents_keep(db, err);
    r = r < 0 ? r : bt_alerts_keep(care->server, db, limits, care->watched_ms, err);
    return r < 0 ? r : bt_tell(db, limits, now_ms, err);
}

static int watch_once(struct bt_care *care, struct bt_db *db, struct bt_error *err)
{
    int64_t now_ns = bt_clock_mono_ns(bt_clock_real());
    int r = 0;
    if (now_ns >= care->judge_ns) {
        care->judge_ns = now_ns + minute_ns();
        r = judge(care, db, err);
    }
    return r < 0 ? r : send_letters(care, db, err);
}

static int archive_once(struct bt_care *care, struct bt_db *db, struct bt_error *err)
{
    int64_t now_ms = bt_clock_wall_ms(care->server->clock);
    int r = bt_lease_take(db, "archive", care->holder, now_ms, LEASE_MS, err);
    return r <= 0 ? r : bt_archive_round(care->server, db, &care->archived, &care->stopping, err);
}

struct duty {
    const char *name;
    int64_t every_ns;
    int (*run)(struct bt_care *care, struct bt_db *db, struct bt_error *err);
};

static int round_of(struct bt_care *care, const struct duty *duty)
{
    struct bt_db *db = NULL;
    struct bt_error err = {0};
    int r = bt_db_acquire(care->server->db, &db, &err);
    r = r < 0 ? r : duty->run(care, db, &err);
    if (r < 0 && r != -EAGAIN) {
        bt_log_warn(&logger, "%s: %s; trying again in a minute", duty->name, err.msg);
    }
    if (db != NULL && atomic_load(&care->stopping)) {
        bt_db_rollback(db);
    }
    if (db != NULL) {
        bt_db_release(db);
    }
    return r;
}

// Another server takes over at once.
static void leave(struct bt_care *care, const struct duty *duty)
{
    struct bt_db *db = NULL;
    if (bt_db_acquire(care->server->db, &db, NULL) == 0) {
        bt_lease_leave(db, duty->name, care->holder);
        bt_db_release(db);
    }
}

static void work(struct bt_care *care, const struct duty *duty)
{
    while (!bt_queue_closed(care->rest)) {
        int r = round_of(care, duty);
        int64_t rest_ns = r < 0 ? minute_ns() : duty->every_ns;
        (void)bt_queue_pop_wait(care->rest, bt_clock_mono_ns(bt_clock_real()) + rest_ns);
    }
    leave(care, duty);
}

static void *watch(void *context)
{
    const struct duty duty = {"watch", BT_MIN(minute_ns(), POST_NS), watch_once};
    work(context, &duty);
    return NULL;
}

static void *archive(void *context)
{
    const struct duty duty = {"archive", minute_ns(), archive_once};
    work(context, &duty);
    return NULL;
}

static int start_threads(struct bt_care *care, struct bt_error *err)
{
    void *(*const bodies[])(void *) = {watch, archive};
    for (size_t i = 0; i < BT_ARRAY_LEN(bodies); i++) {
        int r = pthread_create(&care->threads[i], NULL, bodies[i], care);
        if (r != 0) {
            return bt_fail(err, -r, "Cannot start a thread of care");
        }
        care->thread_count++;
    }
    return 0;
}

int bt_care_start(struct bt_server *server, const struct bt_care_options *options,
                  struct bt_care **out, struct bt_error *err)
{
    BT_AUTO(bt_care) care = BT_NEW(struct bt_care);
    care->server = server;
    care->webhooks_inside = options->webhooks_inside;
    care->watched_ms =
        bt_clock_wall_ms(server->clock) - milliseconds("BT_CARE_WATCHED_MS", BT_MS_PER_DAY, 0);
    care->rest = bt_queue_create(1, free, (struct bt_waker){0});
    bt_lease_holder(server->data_dir, care->holder);
    const struct bt_courier_options courier = {.password_file = options->mail_password_file,
                                               .mail_ca = options->mail_ca,
                                               .webhooks_inside = options->webhooks_inside,
                                               .stopping = &care->stopping};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return bt_fail(err, -EIO, "libcurl does not start");
    }
    int r = bt_courier_create(&courier, &care->courier, err);
    r = r < 0 ? r : start_threads(care, err);
    if (r == 0) {
        *out = BT_TAKE(care);
    }
    return r;
}

void bt_care_close(struct bt_care *care)
{
    if (care != NULL) {
        atomic_store(&care->stopping, true);
        bt_queue_close(care->rest);
    }
}

void bt_care_destroy(struct bt_care *care)
{
    if (care == NULL) {
        return;
    }
    bt_care_close(care);
    for (size_t i = 0; i < care->thread_count; i++) {
        pthread_join(care->threads[i], NULL);
    }
    bt_courier_destroy(care->courier);
    bt_queue_destroy(care->rest);
    free(care);
}
