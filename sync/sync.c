#include "sync/sync.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/channel.h"
#include "sync/enrolment.h"
#include "sync/plays.h"
#include "sync/repository.h"
#include "sync/transfers.h"
#include "sync/usb.h"

// The protocol's.
#define PING_S 90
#define POLL_S 60
#define RETRY_MAX_S 120
#define STALL_S 70

static const struct bt_log logger = {"sync"};

/*
 * Troubles.
 */

void bt_sync_trouble(struct bt_sync *sync, enum bt_trouble trouble, const char *detail)
{
    if (bt_troubles_raise(sync->troubles, trouble, detail, bt_time_floor_now(sync->time).wall_ms)) {
        bt_log_warn(&logger, "%s: %s; what was approved plays on", bt_trouble_code(trouble),
                    detail);
    }
}

void bt_sync_fine(struct bt_sync *sync, enum bt_trouble trouble)
{
    if (bt_troubles_clear(sync->troubles, trouble)) {
        bt_log_info(&logger, "%s: over", bt_trouble_code(trouble));
    }
}

void bt_sync_disk_trouble(struct bt_sync *sync, int r, const char *detail)
{
    if (r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EIO || r == -EUCLEAN) {
        bt_sync_trouble(sync, BT_TROUBLE_DISK_FULL, detail);
    } else {
        bt_log_warn(&logger, "%s; trying again", detail);
    }
}

int bt_sync_clear_directory(const char *path, struct bt_error *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? 0 : bt_fail_errno(err, "Cannot open '%s'", path);
    }
    int r = 0;
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (r == 0 && (entry = readdir(dir)) != NULL) {
        bool own = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!own && unlinkat(dirfd(dir), entry->d_name, 0) < 0) {
            r = bt_fail_errno(err, "Cannot remove '%s/%s'", path, entry->d_name);
        }
    }
    closedir(dir);
    return r;
}

/*
 * Starting.
 */

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void copy_options(struct bt_sync *sync, const struct bt_sync_options *options)
{
    struct bt_sync_options *own = &sync->options;
    *own = *options;
    own->directory = bt_strdup(options->directory);
    own->server = bt_strdup(text_or_empty(options->server));
    own->pin = bt_strdup(text_or_empty(options->pin));
    own->root_sha256 = bt_strdup(text_or_empty(options->root_sha256));
    own->model = bt_strdup(text_or_empty(options->model));
    own->version = bt_strdup(text_or_empty(options->version));
    own->plays = bt_strdup(text_or_empty(options->plays));
    own->usb = bt_strdup(text_or_empty(options->usb));
    own->platform = bt_strdup(text_or_empty(options->platform));
    own->installer = bt_strdup(text_or_empty(options->installer));
    own->root = bt_strdup(text_or_empty(options->root));
    own->clock = options->clock != NULL ? options->clock : bt_clock_real();
    own->ping_s = options->ping_s > 0 ? options->ping_s : PING_S;
    own->poll_s = options->poll_s > 0 ? options->poll_s : POLL_S;
    own->retry_max_s = options->retry_max_s > 0 ? options->retry_max_s : RETRY_MAX_S;
    own->stall_s = options->stall_s > 0 ? options->stall_s : STALL_S;
}

static void free_options(struct bt_sync_options *options)
{
    const char *const texts[] = {options->directory,   options->server,   options->pin,
                                 options->root_sha256, options->model,    options->version,
                                 options->plays,       options->root,     options->usb,
                                 options->platform,    options->installer};
    for (size_t i = 0; i < BT_ARRAY_LEN(texts); i++) {
        free((void *)(uintptr_t)texts[i]);
    }
}

static int make_directories(struct bt_sync *sync, struct bt_error *err)
{
    const char *directory = sync->options.directory;
    sync->store_directory = bt_strf("%s/assets", directory);
    sync->metadata_directory = bt_strf("%s/metadata", directory);
    int r = bt_file_make_dirs(sync->store_directory, err);
    r = r < 0 ? r : bt_file_make_dirs(sync->metadata_directory, err);
    if (r == 0 && chmod(directory, 0700) < 0) {
        return bt_fail_errno(err, "Cannot keep others out of '%s'", directory);
    }
    return r;
}

static int first_address(const struct bt_sync_options *options, struct bt_address *out,
                         bool *out_given, struct bt_error *err)
{
    struct bt_address address = {0};
    size_t len = strlen(options->server);
    *out_given = len > 0;
    if (len == 0) {
        return 0;
    }
    len -= options->server[len - 1] == '/';
    int r = bt_format(address.url, sizeof(address.url), "%.*s", (int)len, options->server);
    r = r < 0 ? r : bt_format(address.pins, sizeof(address.pins), "%s", options->pin);
    if (r < 0) {
        return bt_fail(err, -EINVAL, "The server's address or pin is too long");
    }
    *out = address;
    return bt_address_check_url(address.url, err);
}

static int open_state(struct bt_sync *sync, struct bt_error *err)
{
    BT_AUTOFREE char *state = bt_strf("%s/state.db", sync->options.directory);
    BT_AUTOFREE char *key = bt_strf("%s/identity.json", sync->options.directory);
    int r = bt_state_open(state, &sync->state, err);
    r = r < 0 ? r : bt_store_open(sync->store_directory, &sync->store, err);
    return r < 0 ? r : bt_identity_key(key, &sync->key, err);
}

static int open_standing(struct bt_sync *sync, struct bt_queue *news, struct bt_error *err)
{
    struct bt_address first;
    bool given;
    int r = first_address(&sync->options, &first, &given, err);
    if (r < 0) {
        return r;
    }
    sync->news = news;
    sync->troubles = bt_troubles_create();
    sync->time =
        bt_time_floor_create(sync->options.clock, bt_state_get_int(sync->state, "known_ms", 0));
    sync->servers = bt_servers_create(sync->state, given ? &first : NULL);
    const struct bt_standing_parts parts = {
        .state = sync->state, .store = sync->store, .time = sync->time, .news = news};
    atomic_store(&sync->open_from, (int)bt_state_get_int(sync->state, "open_from", 0));
    atomic_store(&sync->open_until, (int)bt_state_get_int(sync->state, "open_until", 0));
    r = bt_standing_open(&parts, &sync->standing, err);
    if (r == 0) {
        // A power cut may have come between pairing and this.
        if (bt_standing_identity(sync->standing).player[0] != '\0') {
            bt_enrolment_forget(sync->options.directory);
        }
        bt_standing_forbid(sync->standing, NULL);
        bt_standing_begin(sync->standing);
    }
    return r;
}

static void handle_flushed(void *context)
{
    bt_channel_flushed(((struct bt_sync *)context)->channel);
}

static void handle_flush_failed(void *context, int r, const char *detail)
{
    bt_sync_disk_trouble(context, r, detail);
}

static int start_flusher(struct bt_sync *sync, struct bt_error *err)
{
    const struct bt_flusher_options options = {.state = sync->state,
                                               .context = sync,
                                               .flushed = handle_flushed,
                                               .failed = handle_flush_failed};
    return bt_flusher_start(&options, &sync->flusher, err);
}

static int start_threads(struct bt_sync *sync, struct bt_error *err)
{
    int r = bt_channel_create(sync, &sync->channel, err);
    r = r < 0 ? r : bt_repository_create(sync, &sync->repository, err);
    r = r < 0 ? r : bt_transfers_create(sync, &sync->transfers, err);
    r = r < 0 ? r : bt_plays_create(sync, &sync->plays, err);
    r = r < 0 ? r : bt_usb_create(sync, &sync->usb, err);
    r = r < 0 ? r : start_flusher(sync, err);
    r = r < 0 ? r : bt_transfers_run(sync->transfers, err);
    r = r < 0 ? r : bt_repository_run(sync->repository, err);
    r = r < 0 ? r : bt_channel_run(sync->channel, err);
    r = r < 0 ? r : bt_plays_run(sync->plays, err);
    return r < 0 ? r : bt_usb_run(sync->usb, err);
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

int bt_sync_start(const struct bt_sync_options *options, struct bt_queue *news,
                  struct bt_sync **out, struct bt_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    BT_AUTO(bt_sync) sync = BT_NEW(struct bt_sync);
    copy_options(sync, options);
    int r = make_directories(sync, err);
    r = r < 0 ? r : open_state(sync, err);
    r = r < 0 ? r : open_standing(sync, news, err);
    r = r < 0 ? r : start_threads(sync, err);
    if (r < 0) {
        return bt_fail_in(err, r, "Cannot start with '%s'", options->directory);
    }
    *out = BT_TAKE(sync);
    return 0;
}

void bt_sync_close(struct bt_sync *sync)
{
    if (sync != NULL) {
        atomic_store(&sync->stopping, true);
        bt_channel_close(sync->channel);
        bt_repository_close(sync->repository);
        bt_transfers_close(sync->transfers);
        bt_plays_close(sync->plays);
        bt_usb_close(sync->usb);
    }
}

void bt_sync_destroy(struct bt_sync *sync)
{
    if (sync == NULL) {
        return;
    }
    bt_sync_close(sync);
    // Each may still talk to the others until it has ended.
    bt_channel_join(sync->channel);
    bt_repository_join(sync->repository);
    bt_transfers_join(sync->transfers);
    bt_plays_join(sync->plays);
    bt_usb_join(sync->usb);
    bt_flusher_destroy(sync->flusher);
    bt_channel_destroy(sync->channel);
    bt_repository_destroy(sync->repository);
    bt_transfers_destroy(sync->transfers);
    bt_plays_destroy(sync->plays);
    bt_usb_destroy(sync->usb);
    bt_standing_destroy(sync->standing);
    bt_servers_destroy(sync->servers);
    bt_time_floor_destroy(sync->time);
    bt_troubles_destroy(sync->troubles);
    bt_private_key_destroy(sync->key);
    bt_store_destroy(sync->store);
    bt_state_destroy(sync->state);
    free(sync->store_directory);
    free(sync->metadata_directory);
    free_options(&sync->options);
    free(sync);
}

/*
 * From the main loop.
 */

const char *bt_sync_store_directory(const struct bt_sync *sync)
{
    return sync->store_directory;
}

void bt_sync_done(struct bt_sync *sync, int64_t number, enum bt_order_state state,
                  const char *detail)
{
    if (number > 0) {
        bt_channel_done(sync->channel, number, state, detail);
    }
}

void bt_sync_pong(struct bt_sync *sync, int64_t ping)
{
    bt_channel_pong(sync->channel, ping);
}

void bt_sync_screenshot(struct bt_sync *sync, int64_t number, void *png, size_t len)
{
    bt_channel_screenshot(sync->channel, number, png, len);
}

void bt_sync_set_status(struct bt_sync *sync, const char *json)
{
    bt_channel_status(sync->channel, json);
}

void bt_sync_content_is_on(struct bt_sync *sync)
{
    bt_repository_content_is_on(sync->repository);
}

void bt_sync_asset_is_damaged(struct bt_sync *sync, const struct bt_sha256 *sha256)
{
    struct bt_error err;
    char hex[BT_SHA256_HEX_BYTES];
    bt_hex(sha256->bytes, BT_SHA256_BYTES, hex);
    BT_AUTOFREE char *detail = bt_strf("Asset '%.12s…' was damaged on the disk", hex);
    bt_sync_trouble(sync, BT_TROUBLE_ASSET_DAMAGED, detail);
    if (bt_store_remove(sync->store, sha256, &err) < 0) {
        bt_log_warn(&logger, "%s; it is not shown", err.msg);
    }
    bt_repository_look(sync->repository);
}
