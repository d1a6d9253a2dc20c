#include "server/house.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/program.h"
#include "base/str.h"
#include "server/accounts/access.h"
#include "server/accounts/accounts.h"
#include "server/backup/nightly.h"
#include "server/backup/restore.h"
#include "server/db/listen.h"
#include "server/fleet/hub.h"
#include "server/http/call.h"
#include "server/http/metrics.h"
#include "server/http/route.h"
#include "server/media/blobs.h"
#include "server/media/inspector.h"
#include "server/plan/planner.h"
#include "server/plays/ingest.h"
#include "server/publications/issuer.h"

static const struct bt_log logger = {"server"};

// As many transactions at a time as there are workers on a small machine, and those who have work
// of their own.
#define DATABASE_CONNECTIONS 12

// Others that start at the same time migrate the database meanwhile.
#define SHARED_PATIENCE_NS (60 * BT_NS_PER_S)

// Ours alone, to look at and, until *out_fd is closed, to use.
static int occupy(const char *dir, int64_t patience_ns, int *out_fd, struct bt_error *err)
{
    int r = bt_file_make_dirs(dir, err);
    if (r < 0) {
        return r;
    }
    if (chmod(dir, 0700) < 0) {
        return bt_fail_errno(err, "Cannot protect '%s'", dir);
    }
    BT_AUTOFREE char *lock = bt_strf("%s/lock", dir);
    *out_fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (*out_fd < 0) {
        return bt_fail_errno(err, "Cannot open '%s'", lock);
    }
    return bt_file_lock(*out_fd, patience_ns) < 0
               ? bt_fail(err, -EBUSY, "Another server uses '%s'", dir)
               : 0;
}

static int enter_data_directory(struct bt_house *house, struct bt_error *err)
{
    const char *dir = house->options->data;
    int r = occupy(dir, BT_LOCK_PATIENCE_NS, &house->lock_fd, err);
    if (r < 0) {
        return r;
    }
    BT_AUTOFREE char *restoring = bt_strf("%s/" BT_RESTORING, dir);
    if (access(restoring, F_OK) == 0) {
        return bt_fail(err, -EBUSY,
                       "'%s' is half of a backup: run 'bangtin-server restore' again, it goes on",
                       dir);
    }
    house->server.data_dir = dir;
    bt_lease_holder(dir, house->name);
    return 0;
}

// DATA/NAME is a link to SHARED/NAME from the first start on.
static int link_shared(const struct bt_house *house, const char *name, struct bt_error *err)
{
    char there[PATH_MAX], here[PATH_MAX];
    BT_AUTOFREE char *to = bt_strf("%s/%s", house->options->shared, name);
    BT_AUTOFREE char *from = bt_strf("%s/%s", house->options->data, name);
    int r = bt_file_make_dirs(to, err);
    if (r < 0) {
        return r;
    }
    if (realpath(to, there) == NULL || (symlink(there, from) < 0 && errno != EEXIST)) {
        return bt_fail_errno(err, "Cannot make '%s' a link to '%s'", from, to);
    }
    if (realpath(from, here) == NULL || strcmp(here, there) != 0) {
        return bt_fail(err, -EEXIST, "'%s' is not the shared one: move what is in it to '%s'", from,
                       to);
    }
    return 0;
}

// One server at a time goes through its first start: the keys are made once.
static int enter_shared_directory(struct bt_house *house, struct bt_error *err)
{
    static const char *const names[] = {"blobs", "quarantine", "workshop", "keys", "notes"};
    const char *dir = house->options->shared;
    if (dir == NULL) {
        return 0;
    }
    int r = occupy(dir, SHARED_PATIENCE_NS, &house->shared_fd, err);
    for (size_t i = 0; i < BT_ARRAY_LEN(names) && r == 0; i++) {
        r = link_shared(house, names[i], err);
    }
    return r;
}

static void leave_shared_directory(struct bt_house *house)
{
    if (house->shared_fd >= 0) {
        close(house->shared_fd);
        house->shared_fd = -1;
    }
}

static int prepare_certificate(struct bt_house *house, struct bt_error *err)
{
    const struct bt_options *options = house->options;
    if (options->http.certificate == NULL) {
        return 0;
    }
    if (options->made_certificate != NULL) {
        BT_AUTOFREE char *dir = bt_strf("%s/tls", options->data);
        int r = bt_tls_make(dir, err);
        if (r < 0) {
            return r;
        }
    }
    return bt_tls_pin(options->http.certificate, house->pin, err);
}

static bool holds_something(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    bool found = false;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

// What the cache holds may be forgotten, and what the folder held may not. Where servers share a
// folder it is a link to theirs.
static void warn_of_folder(const char *dir)
{
    if (rmdir(dir) < 0 && holds_something(dir)) {
        bt_log_warn(&logger,
                    "'%s' still has content, which is not served from there any more: bring it to "
                    "the store with 'bangtin-server blobs move', then remove the folder",
                    dir);
    }
}

static int open_blobs(struct bt_house *house, struct bt_error *err)
{
    BT_AUTOFREE char *dir = bt_strf("%s/blobs", house->options->data);
    struct bt_store_options store = house->options->store;
    if (store.s3.url == NULL) {
        return bt_blobs_open(dir, &house->server.blobs, err);
    }
    warn_of_folder(dir);
    store.s3.metrics = house->server.metrics;
    return bt_blobs_open_store(&store, &house->server.blobs, err);
}

static int start_inspector(struct bt_house *house, struct bt_error *err)
{
    house->media_program = bt_program_path("bangtin-media", "workshop");
    struct bt_workshop workshop = {.program = house->media_program, .sandbox = true};
    int r = bt_hatch_read(house->options->workshop, &workshop.hatch, err);
    return r < 0 ? r : bt_inspector_start(&house->server, &workshop, &house->server.inspector, err);
}

static int open_parts(struct bt_house *house, struct bt_error *err)
{
    struct bt_server *server = &house->server;
    server->clock = bt_clock_real();
    server->webhooks_inside = house->options->care.webhooks_inside;
    server->metrics = bt_metrics_create();
    int r = bt_db_open(house->options->database, DATABASE_CONNECTIONS, &server->db, err);
    if (r < 0) {
        return r;
    }
    server->accounts = bt_accounts_create();
    server->planner = bt_planner_create();
    server->nightly = bt_nightly_create(&house->options->nightly);
    r = open_blobs(house, err);
    r = r < 0 ? r : bt_issuer_open(server->data_dir, server->clock, &server->issuer, err);
    leave_shared_directory(house);
    if (r == 0 && house->options->role == BT_SERVER_WEB) {
        BT_AUTOFREE char *quarantine = bt_strf("%s/quarantine", server->data_dir);
        return bt_file_make_dirs(quarantine, err);
    }
    return r < 0 ? r : start_inspector(house, err);
}

// What other servers on this database said.
static void hear(void *context, const char *topic, const char *text)
{
    const struct bt_server *server = context;
    if (strcmp(topic, BT_INSPECTOR_TOPIC) == 0) {
        bt_inspector_wake(server->inspector);
    } else {
        bt_hub_hear(server->hub, topic, text);
    }
}

static void listens(void *context, bool now)
{
    const struct bt_server *server = context;
    bt_hub_listens(server->hub, now);
    bt_inspector_wake(now ? server->inspector : NULL);
}

static int start_hub(struct bt_house *house, struct bt_error *err)
{
    struct bt_server *server = &house->server;
    const struct bt_hub_options options = {.clock = server->clock,
                                           .db = server->db,
                                           .metrics = server->metrics,
                                           .name = bt_db_notifies(server->db) ? house->name : NULL,
                                           .write = bt_stream_write,
                                           .close = bt_stream_close};
    const struct bt_db_hearing hearing = {.hear = hear, .listens = listens, .context = server};
    int r = bt_hub_open(&options, &server->hub, err);
    r = r < 0 ? r : bt_hub_start(server->hub, err);
    return r < 0 ? r : bt_db_listen(server->db, &hearing, &house->listener, err);
}

static int start_ingest(struct bt_server *server, struct bt_error *err)
{
    const struct bt_ingest_options options = {
        .db = server->db, .hub = server->hub, .metrics = server->metrics};
    return bt_ingest_start(&options, &server->ingest, err);
}

static int start_http(struct bt_house *house, struct bt_error *err)
{
    struct bt_http_options http = house->options->http;
    http.gate = bt_access_gate;
    static const struct bt_route_table *const own[] = {&bt_http_routes};
    if (house->options->role == BT_SERVER_WORKER) {
        http.tables = own;
        http.tables_count = BT_ARRAY_LEN(own);
    }
    return bt_http_start(&house->server, &http, &house->http, err);
}

static int start_chores(struct bt_house *house, struct bt_error *err)
{
    if (house->options->role == BT_SERVER_WEB) {
        return 0;
    }
    int r = bt_housekeeper_start(&house->server, &house->housekeeper, err);
    return r < 0 ? r : bt_care_start(&house->server, &house->options->care, &house->care, err);
}

int bt_house_open(const struct bt_options *options, struct bt_house *out, struct bt_error *err)
{
    *out = (struct bt_house){.options = options, .lock_fd = -1, .shared_fd = -1};
    if (sodium_init() < 0) {
        return bt_fail(err, -EIO, "libsodium does not start");
    }
    int r = enter_data_directory(out, err);
    r = r < 0 ? r : enter_shared_directory(out, err);
    r = r < 0 ? r : prepare_certificate(out, err);
    r = r < 0 ? r : open_parts(out, err);
    r = r < 0 ? r : start_hub(out, err);
    r = r < 0 ? r : start_ingest(&out->server, err);
    r = r < 0 ? r : start_chores(out, err);
    return r < 0 ? r : start_http(out, err);
}

void bt_house_close(struct bt_house *house)
{
    bt_care_close(house->care);
    bt_housekeeper_close(house->housekeeper);
    bt_hub_close(house->server.hub);
    bt_http_close(house->http);
    bt_blobs_close(house->server.blobs);
    bt_inspector_close(house->server.inspector);
}

void bt_house_destroy(struct bt_house *house)
{
    bt_db_listener_destroy(house->listener);
    bt_blobs_close(house->server.blobs);  // calls wait for it
    bt_ingest_close(house->server.ingest);
    bt_ingest_join(house->server.ingest);  // calls wait for it
    bt_http_destroy(house->http);
    bt_care_destroy(house->care);
    bt_housekeeper_destroy(house->housekeeper);
    bt_ingest_destroy(house->server.ingest);
    bt_hub_destroy(house->server.hub);
    bt_inspector_destroy(house->server.inspector);
    bt_issuer_destroy(house->server.issuer);
    bt_blobs_destroy(house->server.blobs);
    bt_planner_destroy(house->server.planner);
    bt_nightly_destroy(house->server.nightly);
    bt_accounts_destroy(house->server.accounts);
    bt_db_pool_destroy(house->server.db);
    bt_metrics_destroy(house->server.metrics);
    free(house->media_program);
    leave_shared_directory(house);
    if (house->lock_fd >= 0) {
        close(house->lock_fd);
    }
}
