#include "sync/repository.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "playlists/show.h"
#include "sync/channel.h"
#include "sync/pace.h"
#include "sync/repository_inside.h"
#include "sync/returning.h"
#include "sync/transfers.h"
#include "trust/tuf_client.h"

// Asked for anyway while the stream is up: a hint may be lost.
#define BELT_NS (15 * 60 * BT_NS_PER_S)
#define SHORTEST_RETRY_NS (200 * BT_NS_PER_MS)

// While assets come one after the other, the rest is looked at so often.
#define LOOK_NS (5 * BT_NS_PER_S)

// What became of a version is to be told soon; and hours begin and end.
#define NEWER_NS (10 * BT_NS_PER_S)

static const struct bt_log logger = {"sync/repository"};

static int64_t mono_ns(const struct bt_repository *repository)
{
    return bt_clock_mono_ns(repository->sync->options.clock);
}

int64_t bt_repository_wall_ms(const struct bt_repository *repository)
{
    return bt_time_floor_now(repository->sync->time).wall_ms;
}

/*
 * From other threads.
 */

static void lock(struct bt_repository *repository)
{
    pthread_mutex_lock(&repository->lock);
}

static void unlock(struct bt_repository *repository)
{
    pthread_mutex_unlock(&repository->lock);
}

static void wake(struct bt_repository *repository)
{
    pthread_cond_signal(&repository->changed);
}

void bt_repository_hint(struct bt_repository *repository, int64_t timestamp_version,
                        int64_t within_ns)
{
    int64_t at_ns = mono_ns(repository) + bt_chance(within_ns);
    lock(repository);
    if (timestamp_version > repository->timestamp) {
        repository->refresh_at_ns = BT_MIN(repository->refresh_at_ns, at_ns);
        wake(repository);
    }
    unlock(repository);
}

uint64_t bt_repository_refresh(struct bt_repository *repository)
{
    lock(repository);
    repository->refresh_at_ns = 0;
    uint64_t ticket = ++repository->asked;
    wake(repository);
    unlock(repository);
    return ticket;
}

bool bt_repository_reached(struct bt_repository *repository, uint64_t ticket)
{
    lock(repository);
    bool reached = repository->answered >= ticket;
    unlock(repository);
    return reached;
}

void bt_repository_arrived(struct bt_repository *repository)
{
    lock(repository);
    repository->arrived = true;
    wake(repository);
    unlock(repository);
}

void bt_repository_look(struct bt_repository *repository)
{
    lock(repository);
    repository->look = true;
    wake(repository);
    unlock(repository);
}

void bt_repository_content_is_on(struct bt_repository *repository)
{
    lock(repository);
    repository->content_on = true;
    repository->look = true;
    wake(repository);
    unlock(repository);
}

void bt_repository_stream_is_up(struct bt_repository *repository, bool up)
{
    lock(repository);
    repository->stream_up = up;
    wake(repository);
    unlock(repository);
}

int64_t bt_repository_timestamp(struct bt_repository *repository)
{
    lock(repository);
    int64_t timestamp = repository->timestamp;
    unlock(repository);
    return timestamp;
}

int64_t bt_repository_expires_ms(struct bt_repository *repository)
{
    lock(repository);
    int64_t expires_ms = repository->expires_ms;
    unlock(repository);
    return expires_ms;
}

cJSON *bt_repository_waiting(struct bt_repository *repository)
{
    lock(repository);
    cJSON *copy = repository->waiting != NULL ? cJSON_Duplicate(repository->waiting, true)
                                              : cJSON_CreateArray();
    unlock(repository);
    return copy;
}

void bt_repository_status(struct bt_repository *repository, cJSON *status)
{
    cJSON_AddItemToObject(status, "waiting", bt_repository_waiting(repository));
    bt_newer_status(repository->newer, status);
}

/*
 * What is wanted, and whether it is there.
 */

static bool has_asset(const struct bt_asset *asset, void *context)
{
    struct bt_repository *repository = context;
    char path[BT_STORE_PATH_BYTES];
    int r = bt_store_locate(repository->sync->store, &asset->sha256, asset->size, path, NULL);
    return r == 0 || r == -EPERM;  // what was taken down is not needed
}

static void add_hashes(const struct bt_documents *documents, struct bt_sha256 **hashes,
                       size_t *count, size_t *capacity)
{
    for (size_t d = 0; d < documents->count; d++) {
        const struct bt_publication *publication = documents->list[d]->publication;
        BT_GROW(*hashes, *capacity, *count + publication->asset_count + 1);
        for (size_t i = 0; i < publication->asset_count; i++) {
            (*hashes)[(*count)++] = publication->assets[i].sha256;
        }
    }
}

static void pin(struct bt_repository *repository)
{
    const struct bt_documents *const all[] = {&repository->current, &repository->leaving,
                                              &repository->newest, &repository->effective,
                                              &repository->templates};
    struct bt_sha256 *hashes = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < BT_ARRAY_LEN(all); i++) {
        add_hashes(all[i], &hashes, &count, &capacity);
    }
    BT_GROW(hashes, capacity, count + 1);
    count += bt_newer_pins(repository->newer, &hashes[count]);
    bt_store_set_pinned(repository->sync->store, hashes, count);
    free(hashes);
}

static int64_t missing_bytes(struct bt_repository *repository, const struct bt_document *document)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < document->publication->asset_count; i++) {
        const struct bt_asset *asset = &document->publication->assets[i];
        bytes += has_asset(asset, repository) ? 0 : asset->size;
    }
    return bytes;
}

static bool is_current(struct bt_repository *repository, const struct bt_document *document)
{
    const struct bt_document *current = bt_documents_find(&repository->current, document->target);
    return current != NULL && memcmp(&current->publication->sha256, &document->publication->sha256,
                                     sizeof(struct bt_sha256)) == 0;
}

static void describe_waiting(struct bt_repository *repository)
{
    static const char *const activates[] = {"boundary", "now", "time"};
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < repository->newest.count; i++) {
        const struct bt_document *document = repository->newest.list[i];
        if (is_current(repository, document)) {
            continue;
        }
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "target", document->target);
        cJSON_AddNumberToObject(entry, "version", (double)document->publication->version);
        cJSON_AddNumberToObject(entry, "missing_bytes",
                                (double)missing_bytes(repository, document));
        cJSON_AddStringToObject(entry, "activate", activates[document->publication->activate]);
        cJSON_AddItemToArray(list, entry);
    }
    lock(repository);
    cJSON *before = repository->waiting;
    repository->waiting = list;
    unlock(repository);
    cJSON_Delete(before);
}

static void want(struct bt_repository *repository, struct bt_wanted *wanted)
{
    bt_wanted_add(wanted, &repository->templates, has_asset, repository);
    bt_wanted_add(wanted, &repository->effective, has_asset, repository);
    bt_wanted_add(wanted, &repository->newest, has_asset, repository);
    bt_wanted_add(wanted, &repository->current, has_asset, repository);
    bt_newer_want(repository->newer, wanted);
    bt_wanted_sort(wanted);
    bt_transfers_want(repository->sync->transfers, wanted);
    describe_waiting(repository);
}

static void offer_templates(struct bt_repository *repository)
{
    struct bt_documents ready = {0};
    struct bt_error err;
    for (size_t i = 0; i < repository->templates.count; i++) {
        if (missing_bytes(repository, repository->templates.list[i]) == 0) {
            bt_documents_add_copy(&ready, repository->templates.list[i]);
        }
    }
    int r = bt_standing_set_templates(repository->sync->standing, &ready, &err);
    if (r < 0) {
        bt_sync_disk_trouble(repository->sync, r, err.msg);
    } else {
        bt_channel_look(repository->sync->channel);
    }
    bt_documents_finish(&ready);
}

/*
 * Changing over.
 */

// They must make one show together, or the wall would keep nothing.
static int check_show(const struct bt_documents *documents, struct bt_error *err)
{
    struct bt_publication *publications[BT_MAX_DOCUMENTS];
    const char *zone = "Asia/Ho_Chi_Minh";
    if (documents->count > BT_MAX_PUBLICATIONS) {
        return bt_fail(err, -EINVAL, "more than %d publications", BT_MAX_PUBLICATIONS);
    }
    for (size_t i = 0; i < documents->count; i++) {
        const struct bt_document *document = documents->list[i];
        int r = bt_publication_parse(document->text, document->len, BT_UNKNOWN_IGNORE,
                                     &publications[i], err);
        if (r < 0) {
            while (i-- > 0) {
                bt_publication_destroy(publications[i]);
            }
            return r;
        }
        if (publications[i]->canvas.width > 0) {
            zone = documents->list[i]->publication->canvas.time_zone;
        }
    }
    BT_AUTO(bt_show) show = NULL;
    struct bt_tz *tz = NULL;
    if (bt_tz_load(zone, &tz, NULL) < 0) {
        tz = bt_tz_create_fixed(7 * 3600);
    }
    return bt_show_create(publications, documents->count, tz, &show, err);
}

static void change_over(struct bt_repository *repository)
{
    struct bt_error err;
    struct bt_sync *sync = repository->sync;
    int r = repository->effective.count > 0 ? check_show(&repository->effective, &err) : 0;
    if (r < 0) {
        bt_repository_refuse(repository, r, "content", &err);
        return;
    }
    r = bt_standing_set_content(sync->standing, &repository->effective, repository->urgent, &err);
    if (r < 0) {
        bt_sync_disk_trouble(sync, r, err.msg);
        return;
    }
    if (repository->leaving.count == 0) {
        repository->leaving = repository->current;
        repository->current = (struct bt_documents){0};
    }
    bt_documents_finish(&repository->current);
    bt_documents_copy(&repository->current, &repository->effective);
    repository->urgent = false;
    bt_log_info(&logger, "New content: %zu publications", repository->current.count);
    bt_channel_look(sync->channel);
}

// As of this time and of the newest documents, what is to be shown?
static void find_effective(struct bt_repository *repository)
{
    bt_documents_finish(&repository->effective);
    bt_documents_effective(&repository->newest, &repository->current,
                           bt_repository_wall_ms(repository), &repository->effective,
                           &repository->effective_until_ms);
}

// Cheap as long as the asset that was missing before still is.
static bool is_complete(struct bt_repository *repository)
{
    if (repository->missing.size > 0 && !has_asset(&repository->missing, repository)) {
        return false;
    }
    repository->missing.size = 0;
    for (size_t d = 0; d < repository->effective.count; d++) {
        const struct bt_publication *publication = repository->effective.list[d]->publication;
        for (size_t i = 0; i < publication->asset_count; i++) {
            if (!has_asset(&publication->assets[i], repository)) {
                repository->missing = publication->assets[i];
                return false;
            }
        }
    }
    return true;
}

static void change_over_when_complete(struct bt_repository *repository)
{
    if (is_complete(repository) &&
        !bt_documents_equal(&repository->effective, &repository->current)) {
        change_over(repository);
        pin(repository);
        describe_waiting(repository);
    }
}

static void forget_leaving(struct bt_repository *repository)
{
    lock(repository);
    bool on = repository->content_on;
    repository->content_on = false;
    unlock(repository);
    if (on) {
        bt_documents_finish(&repository->leaving);
    }
}

void bt_repository_look_now(struct bt_repository *repository, struct bt_wanted *out)
{
    forget_leaving(repository);
    repository->look_at_ns = mono_ns(repository) + LOOK_NS;
    repository->missing.size = 0;
    if (bt_repository_wall_ms(repository) >= repository->effective_until_ms) {
        repository->urgent = true;
        find_effective(repository);
    }
    bt_standing_forbid(repository->sync->standing, &repository->newest);
    pin(repository);
    want(repository, out);
    offer_templates(repository);
    change_over_when_complete(repository);
}

static void look(struct bt_repository *repository)
{
    struct bt_wanted wanted = {0};
    bt_repository_look_now(repository, &wanted);
    bt_wanted_finish(&wanted);
}

/*
 * Refreshing.
 */

static void take_documents(struct bt_repository *repository, struct bt_documents *mine,
                           struct bt_documents *templates)
{
    struct bt_error err;
    struct bt_state *state = repository->sync->state;
    bool changed = !bt_documents_equal(mine, &repository->newest);
    bt_documents_finish(&repository->newest);
    bt_documents_finish(&repository->templates);
    repository->newest = *mine;
    repository->templates = *templates;
    *mine = (struct bt_documents){0};
    *templates = (struct bt_documents){0};
    if (!changed) {
        return;
    }
    int r = bt_state_begin(state, &err);
    if (r == 0) {
        r = bt_documents_keep(&repository->newest, state, "newest", &err);
        r = bt_state_end(state, r, &err);
        r = r < 0 ? r : bt_state_flush(state, &err);
    }
    if (r < 0) {
        bt_sync_disk_trouble(repository->sync, r, err.msg);
    }
    find_effective(repository);
}

static void note_versions(struct bt_repository *repository)
{
    struct bt_tuf_versions versions;
    bt_tuf_client_versions(repository->client, &versions);
    lock(repository);
    repository->timestamp = versions.timestamp;
    repository->expires_ms = versions.expires_ms;
    unlock(repository);
}

int bt_repository_fetch_all(struct bt_repository *repository, struct bt_error *err)
{
    struct bt_documents mine = {0}, templates = {0};
    int r = bt_repository_fetch_servers(repository, err);
    r = r < 0 ? r : bt_repository_fetch_mine(repository, &mine, err);
    r = r < 0 ? r : bt_repository_fetch_templates(repository, &templates, err);
    if (r == 0) {
        take_documents(repository, &mine, &templates);
    }
    bt_documents_finish(&mine);
    bt_documents_finish(&templates);
    return r;
}

static void report(struct bt_repository *repository, int r, const struct bt_error *err)
{
    struct bt_sync *sync = repository->sync;
    if (r == -ENETUNREACH) {
        bt_log_debug(&logger, "%s; trying again", err->msg);
    } else if (bt_repository_is_outage(r)) {
        bt_sync_disk_trouble(sync, r, err->msg);
    } else if (r < 0) {
        bt_repository_refuse(repository, r, "metadata", err);
    }
}

// What an earlier round refused may be right now; this round says so again otherwise.
static void clear_refusals(struct bt_sync *sync)
{
    bt_sync_fine(sync, BT_TROUBLE_SIGNATURE_REFUSED);
    bt_sync_fine(sync, BT_TROUBLE_PUBLICATION_REFUSED);
    bt_sync_fine(sync, BT_TROUBLE_METADATA_EXPIRED);
}

static int refresh(struct bt_repository *repository)
{
    struct bt_sync *sync = repository->sync;
    struct bt_error err = {0};
    repository->refusals = 0;
    int r = bt_tuf_client_refresh(repository->client, bt_repository_wall_ms(repository), &err);
    note_versions(repository);
    if (r < 0) {
        bt_fetcher_forget(&repository->fetcher);
        bt_return_snapshot(repository, r);
    } else {
        clear_refusals(sync);
        bt_sync_fine(sync, BT_TROUBLE_SERVER_UNREACHABLE);
        bt_sync_fine(sync, BT_TROUBLE_CAPTIVE_PORTAL);
        bt_repository_read_keys(repository);
        r = bt_repository_fetch_all(repository, &err);
        bt_return_lost(repository);
        bt_repository_fetch_software(repository);
    }
    if (r < 0 && !atomic_load(&sync->stopping)) {
        report(repository, r, &err);
    }
    return r;
}

// When to ask again without a hint.
static int64_t next_refresh_ns(struct bt_repository *repository, int r, bool stream_up)
{
    const struct bt_sync_options *options = &repository->sync->options;
    // What came garbled may come whole the next time.
    bool again = r < 0 || repository->refusals > 0;
    repository->failures = again ? repository->failures + 1 : 0;
    if (again) {
        return bt_pace_backoff_ns(repository->failures, SHORTEST_RETRY_NS,
                                  options->retry_max_s * BT_NS_PER_S);
    }
    return bt_pace_about_ns(stream_up ? BELT_NS : options->poll_s * BT_NS_PER_S);
}

void bt_repository_use_network(struct bt_repository *repository)
{
    const struct bt_tuf_fetcher fetcher = {.fetch = bt_fetcher_fetch,
                                           .context = &repository->fetcher};
    if (repository->client != NULL) {
        bt_tuf_client_set_fetcher(repository->client, &fetcher);
    }
}

int bt_repository_open_client(struct bt_repository *repository, struct bt_error *err)
{
    const struct bt_tuf_fetcher fetcher = {.fetch = bt_fetcher_fetch,
                                           .context = &repository->fetcher};
    if (repository->client != NULL) {
        return 0;
    }
    int r = bt_tuf_client_open(repository->sync->metadata_directory, &fetcher, &repository->client,
                               err);
    if (r == 0) {
        note_versions(repository);
        bt_repository_read_keys(repository);
    }
    return r;
}

// False: not paired, so there is nothing to ask for.
static bool refresh_when_paired(struct bt_repository *repository, bool stream_up,
                                int64_t *out_next_ns)
{
    struct bt_error err;
    struct bt_identity identity = bt_standing_identity(repository->sync->standing);
    *out_next_ns = INT64_MAX;
    if (identity.player[0] == '\0') {
        return false;
    }
    int r = bt_repository_open_client(repository, &err);
    if (r == 0) {
        r = refresh(repository);
    } else {
        bt_repository_refuse(repository, r, "metadata", &err);
    }
    *out_next_ns = mono_ns(repository) + next_refresh_ns(repository, r, stream_up);
    return r == 0 || !bt_repository_is_outage(r);
}

static void handle_refresh(struct bt_repository *repository)
{
    int64_t next_ns;
    lock(repository);
    uint64_t ticket = repository->asked;
    bool stream_up = repository->stream_up;
    unlock(repository);
    bool answered = refresh_when_paired(repository, stream_up, &next_ns);
    lock(repository);
    if (answered) {
        repository->answered = ticket;
    }
    repository->refresh_at_ns = BT_MIN(repository->refresh_at_ns, next_ns);
    unlock(repository);
}

/*
 * The thread.
 */

static int64_t until_effective_changes_ns(const struct bt_repository *repository)
{
    int64_t left_ms = repository->effective_until_ms - bt_repository_wall_ms(repository);
    // The wall clock may be set meanwhile.
    return mono_ns(repository) + BT_CLAMP(left_ms, 0, 1000) * BT_NS_PER_MS;
}

static void look_at_newer(struct bt_repository *repository)
{
    int64_t poll_ns = repository->sync->options.poll_s * BT_NS_PER_S;
    repository->newer_at_ns = mono_ns(repository) + BT_MIN(poll_ns, NEWER_NS);
    if (bt_newer_look(repository->newer, &repository->current)) {
        look(repository);
    }
}

struct work {
    bool refresh, look, arrived, newer;
    struct bt_import *import;  // NULL: none
};

static struct work wait_for_work(struct bt_repository *repository)
{
    struct work work = {.import = NULL};
    lock(repository);
    while (!atomic_load(&repository->sync->stopping)) {
        int64_t now_ns = mono_ns(repository);
        int64_t until_ns = BT_MIN(repository->refresh_at_ns, repository->newer_at_ns);
        if (repository->effective_until_ms != INT64_MAX) {
            until_ns = BT_MIN(until_ns, until_effective_changes_ns(repository));
        }
        work.refresh = now_ns >= repository->refresh_at_ns;
        work.look =
            repository->look || bt_repository_wall_ms(repository) >= repository->effective_until_ms;
        work.arrived = repository->arrived;
        work.newer = now_ns >= repository->newer_at_ns;
        work.import = repository->import;
        if (work.refresh || work.look || work.arrived || work.newer || work.import != NULL) {
            break;
        }
        until_ns = BT_MIN(until_ns, now_ns + 60 * BT_NS_PER_S);
        const struct timespec until = {.tv_sec = until_ns / BT_NS_PER_S,
                                       .tv_nsec = until_ns % BT_NS_PER_S};
        pthread_cond_timedwait(&repository->changed, &repository->lock, &until);
    }
    repository->look = false;
    repository->arrived = false;
    if (work.refresh) {
        repository->refresh_at_ns = INT64_MAX;
    }
    unlock(repository);
    return work;
}

static void load(struct bt_repository *repository)
{
    struct bt_error err;
    struct bt_sync *sync = repository->sync;
    bt_standing_content(sync->standing, &repository->current);
    int r = bt_documents_load(&repository->newest, sync->state, "newest", &err);
    r = r < 0 ? r : bt_documents_load(&repository->templates, sync->state, "template", &err);
    if (r < 0) {
        bt_sync_disk_trouble(sync, r, err.msg);
    }
    find_effective(repository);
    if (bt_standing_identity(sync->standing).player[0] != '\0' &&
        bt_repository_open_client(repository, &err) < 0) {
        bt_log_warn(&logger, "%s; asking the server", err.msg);
    }
}

// Done or not, who waits for it goes on.
static void let_go_of_import(struct bt_repository *repository, bool done)
{
    lock(repository);
    if (repository->import != NULL) {
        *repository->import_done = done;
        repository->import = NULL;
        pthread_cond_signal(&repository->imported);
    }
    unlock(repository);
}

static void *run(void *context)
{
    struct bt_repository *repository = context;
    load(repository);
    look(repository);
    while (!atomic_load(&repository->sync->stopping)) {
        struct work work = wait_for_work(repository);
        if (atomic_load(&repository->sync->stopping)) {
            break;
        }
        if (work.import != NULL) {
            bt_repository_handle_import(repository, work.import);
            let_go_of_import(repository, true);
        }
        if (work.refresh) {
            handle_refresh(repository);
        }
        if (work.refresh || work.look || mono_ns(repository) >= repository->look_at_ns) {
            look(repository);
        } else {
            change_over_when_complete(repository);
        }
        if (work.refresh || work.arrived || work.newer) {
            look_at_newer(repository);
        }
    }
    let_go_of_import(repository, false);
    return NULL;
}

int bt_repository_create(struct bt_sync *sync, struct bt_repository **out, struct bt_error *err)
{
    struct bt_repository *repository = BT_NEW(struct bt_repository);
    pthread_condattr_t attributes;
    repository->sync = sync;
    // Orders come first: the channel asks for the first refresh, or the poll does when it is down.
    repository->refresh_at_ns = bt_clock_mono_ns(sync->options.clock) +
                                bt_pace_about_ns(sync->options.poll_s * BT_NS_PER_S);
    repository->effective_until_ms = INT64_MAX;
    repository->newer = bt_newer_create(sync);
    pthread_mutex_init(&repository->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&repository->changed, &attributes);
    pthread_cond_init(&repository->imported, NULL);
    pthread_condattr_destroy(&attributes);
    *out = repository;
    int r = bt_fetcher_init(&repository->fetcher, sync, err);
    return r < 0 ? r : bt_plays_link_init(&repository->link, sync, err);
}

int bt_repository_run(struct bt_repository *repository, struct bt_error *err)
{
    int r = -pthread_create(&repository->thread, NULL, run, repository);
    repository->started = r == 0;
    return r == 0 ? 0 : bt_fail(err, r, "Cannot start the thread of the repository");
}

void bt_repository_close(struct bt_repository *repository)
{
    if (repository != NULL) {
        lock(repository);
        wake(repository);
        unlock(repository);
    }
}

void bt_repository_join(struct bt_repository *repository)
{
    if (repository != NULL && repository->started) {
        pthread_join(repository->thread, NULL);
        repository->started = false;
    }
}

void bt_repository_destroy(struct bt_repository *repository)
{
    if (repository == NULL) {
        return;
    }
    bt_tuf_client_destroy(repository->client);
    bt_fetcher_finish(&repository->fetcher);
    bt_plays_link_finish(&repository->link);
    bt_newer_destroy(repository->newer);
    bt_documents_finish(&repository->newest);
    bt_documents_finish(&repository->templates);
    bt_documents_finish(&repository->current);
    bt_documents_finish(&repository->leaving);
    bt_documents_finish(&repository->effective);
    cJSON_Delete(repository->waiting);
    pthread_mutex_destroy(&repository->lock);
    pthread_cond_destroy(&repository->changed);
    free(repository);
}
