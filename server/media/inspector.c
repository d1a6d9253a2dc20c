#include "server/media/inspector.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/db.h"
#include "server/db/keeper.h"
#include "server/db/lease.h"
#include "server/db/listen.h"
#include "server/media/blobs.h"
#include "server/media/finding.h"
#include "server/media/pieces.h"
#include "server/media/quarantine.h"
#include "server/media/uploads.h"

#define PATH_BYTES 4096
#define MAX_RECEIVING 10000

// Kept while a file is looked into; and how soon a server notices that one has ended.
#define LEASE "inspect/"
#define LEASE_MS (2 * 60 * 1000LL)
#define LOOK_S 10

// Whoever looked was stopped, or the file has brought it down: that happens to the next one, too.
#define MAX_LOOKS 3

#define MARK_BYTES 9

#define WAITING "SELECT id, unit, title, created_by FROM upload WHERE state = 'inspecting'"
#define IN_TURN " ORDER BY changed_ms LIMIT 1"

static const struct bt_log logger = {"server/inspector"};

struct bt_inspector {
    struct bt_server *server;  // borrowed
    char *program;
    struct bt_workshop workshop;  // its program is ours
    bool shares_store;            // with other servers
    bool several;                 // servers may look into uploads
    char holder[BT_LEASE_HOLDER_BYTES];
    char mark[MARK_BYTES];  // what the names of our directories in the workshop end with
    pthread_t thread;
    pthread_mutex_t lock;  // leaf lock
    pthread_cond_t wake;
    // Protected by lock.
    bool waiting;  // something may be waiting
    bool closed;
};

static int ask_waiting(struct bt_inspector *inspector, struct bt_db *db, struct bt_db_rows **out,
                       struct bt_error *err)
{
    if (!inspector->several) {
        return bt_db_ask(db, out, err, WAITING IN_TURN);
    }
    return bt_db_ask(db, out, err,
                     WAITING " AND NOT EXISTS (SELECT 1 FROM care_lease WHERE name = '" LEASE
                             "' || upload.id AND holder <> $1 AND until_ms > $2)" IN_TURN,
                     BT_TEXT(inspector->holder),
                     BT_INT(bt_clock_wall_ms(inspector->server->clock)));
}

static int ask_job(struct bt_inspector *inspector, struct bt_db *db, struct bt_inspected *out,
                   struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int r = ask_waiting(inspector, db, &rows, err);
    if (r < 0) {
        return r;
    }
    if (!bt_db_next(rows)) {
        return -ENOENT;
    }
    bt_copy_cut(out->id, sizeof(out->id), bt_db_get_text(rows, 0));
    bt_copy_cut(out->unit, sizeof(out->unit), bt_db_get_text(rows, 1));
    bt_copy_cut(out->title, sizeof(out->title), bt_db_get_text(rows, 2));
    bt_copy_cut(out->user, sizeof(out->user), bt_db_get_text(rows, 3));
    return 0;
}

// Of several servers on one database one looks into it. If that one dies, another does, later.
static int next_job(struct bt_inspector *inspector, struct bt_db *db, struct bt_inspected *out,
                    struct bt_error *err)
{
    int r = 0;
    if (!inspector->several) {
        return ask_job(inspector, db, out, err);
    }
    while (r == 0) {
        r = ask_job(inspector, db, out, err);
        BT_AUTOFREE char *lease = bt_strf(LEASE "%s", out->id);
        r = r < 0 ? r
                  : bt_lease_take(db, lease, inspector->holder,
                                  bt_clock_wall_ms(inspector->server->clock), LEASE_MS, err);
    }
    return BT_MIN(r, 0);
}

static void clear_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while ((entry = readdir(dir)) != NULL) {
        bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!dots && unlinkat(dirfd(dir), entry->d_name, 0) < 0) {
            bt_log_warn(&logger, "Cannot remove '%s/%s'; a hostile file left it", path,
                        entry->d_name);
        }
    }
    closedir(dir);
    rmdir(path);
}

// What the workshop cannot be blamed for: the file stays and is tried again at the next start.
static bool is_our_fault(int code)
{
    return code < 0 && code != -ETIMEDOUT && code != -EFAULT && code != -EINVAL;
}

static bool is_closed(struct bt_inspector *inspector)
{
    pthread_mutex_lock(&inspector->lock);
    bool closed = inspector->closed;
    pthread_mutex_unlock(&inspector->lock);
    return closed;
}

// An empty one.
static int make_room(const char *dir, struct bt_error *err)
{
    clear_directory(dir);
    return bt_file_make_dirs(dir, err);
}

static int look(struct bt_inspector *inspector, const char *file, const char *dir, cJSON **out,
                struct bt_error *err)
{
    for (int looks = 1;; looks++) {
        int r = make_room(dir, err);
        r = r < 0 ? r : bt_workshop_inspect(&inspector->workshop, file, dir, out, err);
        if (r != -EAGAIN || is_closed(inspector)) {
            return r;
        }
        if (looks == MAX_LOOKS) {
            return -EFAULT;
        }
        bt_log_info(&logger, "%s; looking again", err->msg);
    }
}

static int find(struct bt_inspector *inspector, const struct bt_inspected *upload, const char *file,
                const char *dir, struct bt_finding *out, char shown[PATH_BYTES],
                struct bt_error *err)
{
    int r = look(inspector, file, dir, &out->report, err);
    if (r == 0 && upload->keeper != NULL && bt_keeper_lost(upload->keeper)) {
        r = bt_fail(err, -ESTALE, "It took too long");
    }
    r = r == 0 ? bt_finding_shown(out, file, dir, shown, PATH_BYTES, err) : r;
    if (r < 0 && !is_our_fault(r)) {
        bt_finding_blame(out, err);
        r = 0;
    }
    return r;
}

static int inspect(struct bt_inspector *inspector, struct bt_db *db,
                   const struct bt_inspected *upload, const char *file, const char *dir,
                   struct bt_error *err)
{
    BT_AUTOFINISH(bt_finding_finish) struct bt_finding finding = {0};
    struct bt_server *server = inspector->server;
    char shown[PATH_BYTES];
    int r = find(inspector, upload, file, dir, &finding, shown, err);
    if (r == 0 && bt_finding_plays(&finding)) {
        r = bt_finding_adopt(&finding, server->blobs, file, shown, dir, err);
    }
    r = r == 0 ? bt_finding_store(&finding, server, db, upload, err) : r;
    if (r == 0) {
        bt_log_info(&logger, "'%s' of unit '%s': %s", upload->title, upload->unit,
                    bt_finding_verdict(&finding));
        unlink(file);  // a good one has its second name among the blobs
    }
    return r;
}

// Its pieces are not all there, and never will be.
static int refuse(struct bt_inspector *inspector, struct bt_db *db,
                  const struct bt_inspected *upload, const char *file, struct bt_error *err)
{
    BT_AUTOFINISH(bt_finding_finish) struct bt_finding finding = {0};
    bt_finding_blame(&finding, err);
    bt_log_warn(&logger, "'%s' of unit '%s' is refused: %s", upload->title, upload->unit, err->msg);
    int r = bt_finding_store(&finding, inspector->server, db, upload, err);
    if (r == 0) {
        unlink(file);
    }
    return r;
}

// One that fails again and again does not keep the others waiting.
static void send_to_the_end(struct bt_inspector *inspector, struct bt_db *db,
                            const struct bt_inspected *upload)
{
    struct bt_error err = {0};
    if (bt_db_run(db, &err,
                  "UPDATE upload SET changed_ms = $2 WHERE id = $1 AND state = 'inspecting'",
                  BT_TEXT(upload->id), BT_INT(bt_clock_wall_ms(inspector->server->clock))) < 0) {
        bt_log_debug(&logger, "'%s' stays the first in the line: %s", upload->id, err.msg);
    }
}

static int inspect_job(struct bt_inspector *inspector, struct bt_db *db,
                       const struct bt_inspected *upload, struct bt_error *err)
{
    char file[PATH_BYTES], dir[PATH_BYTES];
    const char *data_dir = inspector->server->data_dir;
    if (bt_upload_path(data_dir, upload->id, file, sizeof(file)) < 0 ||
        bt_format(dir, sizeof(dir), "%s/workshop/%s-%s", data_dir, upload->id, inspector->mark) <
            0) {
        return bt_fail(err, -ENAMETOOLONG, "The data directory's path is too long");
    }
    int r = inspector->shares_store
                ? bt_pieces_collect(inspector->server, db, upload->id, file, err)
                : 0;
    r = r == -ENODATA ? refuse(inspector, db, upload, file, err)
        : r == 0      ? inspect(inspector, db, upload, file, dir, err)
                      : r;
    clear_directory(dir);
    return r;
}

// With its lease kept, where other servers could take it up.
static int inspect_kept(struct bt_inspector *inspector, struct bt_db *db,
                        struct bt_inspected *upload, struct bt_error *err)
{
    BT_AUTO(bt_keeper) keeper = NULL;
    BT_AUTOFREE char *lease = bt_strf(LEASE "%s", upload->id);
    const struct bt_keeper_options options = {.pool = inspector->server->db,
                                              .clock = inspector->server->clock,
                                              .name = lease,
                                              .holder = inspector->holder,
                                              .for_ms = LEASE_MS};
    int r = inspector->several ? bt_keeper_start(&options, &keeper, err) : 0;
    upload->keeper = keeper;
    r = r < 0 ? r : inspect_job(inspector, db, upload, err);
    upload->keeper = NULL;
    if (r == -ESTALE) {
        bt_log_info(&logger, "'%s' of unit '%s' is left to another server: %s", upload->title,
                    upload->unit, err->msg);
    } else if (r < 0) {
        send_to_the_end(inspector, db, upload);
    }
    return r;
}

static int inspect_next(struct bt_inspector *inspector, struct bt_db *db, struct bt_error *err)
{
    struct bt_inspected upload = {0};
    int r = next_job(inspector, db, &upload, err);
    if (r < 0) {
        return r;
    }
    r = inspect_kept(inspector, db, &upload, err);
    if (inspector->several) {
        BT_AUTOFREE char *lease = bt_strf(LEASE "%s", upload.id);
        bt_lease_leave(db, lease, inspector->holder);
    }
    return r == -ESTALE ? 0 : r == -ENOENT ? -EIO : r;  // this one was there
}

// What has ended may go from the store; it is tried again the next time.
static void sweep_pieces(struct bt_inspector *inspector, struct bt_db *db)
{
    struct bt_error err = {0};
    if (inspector->shares_store && bt_pieces_sweep(inspector->server, db, &err) < 0) {
        bt_log_debug(&logger, "Pieces stay in the store: %s", err.msg);
    }
}

// A server was killed between the last byte of a file and its row. In a store the two are one.
static int take_up_whole(struct bt_inspector *inspector, struct bt_db *db, struct bt_error *err)
{
    BT_AUTO(bt_db_rows) rows = NULL;
    int64_t r = inspector->shares_store
                    ? -ENOENT
                    : bt_db_ask(db, &rows, err,
                                "SELECT id, size FROM upload WHERE state = 'receiving'"
                                " ORDER BY changed_ms DESC LIMIT $1",
                                BT_INT(MAX_RECEIVING));
    while (r >= 0 && bt_db_next(rows)) {
        const char *id = bt_db_get_text(rows, 0);
        if (bt_upload_received(inspector->server, db, id) == bt_db_get_int(rows, 1)) {
            r = bt_db_run(db, err,
                          "UPDATE upload SET state = 'inspecting' WHERE id = $1"
                          " AND state = 'receiving'",
                          BT_TEXT(id));
        }
    }
    return r == -ENOENT ? 0 : (int)BT_MIN(r, INT64_C(0));
}

static void inspect_all(struct bt_inspector *inspector)
{
    struct bt_error err = {0};
    struct bt_db *db = NULL;
    int r = bt_db_acquire(inspector->server->db, &db, &err);
    r = r < 0 ? r : take_up_whole(inspector, db, &err);
    while (r == 0 && !is_closed(inspector)) {
        r = inspect_next(inspector, db, &err);
    }
    if (r < 0 && r != -ENOENT) {
        bt_log_error(&logger, "Cannot inspect an upload: %s; trying again %s", err.msg,
                     inspector->several ? "soon" : "with the next one");
    }
    if (db != NULL) {
        sweep_pieces(inspector, db);
        bt_db_release(db);
    }
}

// What was half done when another server took it over.
static void sweep_workshop(const struct bt_inspector *inspector)
{
    BT_AUTOFREE char *workshop = bt_strf("%s/workshop", inspector->server->data_dir);
    DIR *dir = opendir(workshop);
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        const char *mark = strrchr(entry->d_name, '-');
        BT_AUTOFREE char *path = bt_strf("%s/%s", workshop, entry->d_name);
        if (mark != NULL && strcmp(mark + 1, inspector->mark) == 0) {
            clear_directory(path);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static void sweep(struct bt_inspector *inspector)
{
    struct bt_error err = {0};
    struct bt_db *db = NULL;
    int r = bt_db_acquire(inspector->server->db, &db, &err);
    if (r == 0) {
        r = bt_quarantine_sweep(inspector->server->data_dir, db, &err);
        bt_db_release(db);
    }
    if (r < 0) {
        bt_log_warn(&logger, "Cannot tidy the quarantine: %s; trying again at the next start",
                    err.msg);
    }
}

static bool wait_for_work(struct bt_inspector *inspector)
{
    int64_t now_s = bt_clock_mono_ns(bt_clock_real()) / BT_NS_PER_S;
    pthread_mutex_lock(&inspector->lock);
    while (!inspector->waiting && !inspector->closed) {
        if (inspector->several) {
            // What another server has taken and not looked into.
            const struct timespec until = {.tv_sec = now_s + LOOK_S};
            if (pthread_cond_timedwait(&inspector->wake, &inspector->lock, &until) == ETIMEDOUT) {
                inspector->waiting = true;
            }
        } else {
            pthread_cond_wait(&inspector->wake, &inspector->lock);
        }
    }
    inspector->waiting = false;
    bool goes_on = !inspector->closed;
    pthread_mutex_unlock(&inspector->lock);
    return goes_on;
}

static void *run(void *context)
{
    struct bt_inspector *inspector = context;
    sweep(inspector);
    sweep_workshop(inspector);
    while (wait_for_work(inspector)) {
        inspect_all(inspector);
    }
    return NULL;
}

static int make_directories(const char *data_dir, struct bt_error *err)
{
    static const char *const names[] = {"quarantine", "workshop"};
    for (size_t i = 0; i < BT_ARRAY_LEN(names); i++) {
        char path[PATH_BYTES];
        int r = bt_format(path, sizeof(path), "%s/%s", data_dir, names[i]);
        r = r < 0 ? r : bt_file_make_dirs(path, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

int bt_inspector_start(struct bt_server *server, const struct bt_workshop *workshop,
                       struct bt_inspector **out, struct bt_error *err)
{
    int r = make_directories(server->data_dir, err);
    if (r < 0) {
        return r;
    }
    struct bt_inspector *inspector = BT_NEW(struct bt_inspector);
    inspector->server = server;
    inspector->program = bt_strdup(workshop->program);
    inspector->workshop = *workshop;
    inspector->workshop.program = inspector->program;
    inspector->waiting = true;  // what was left from before
    pthread_mutex_init(&inspector->lock, NULL);
    init_wake(&inspector->wake);
    inspector->shares_store = bt_blobs_store(server->blobs) != NULL;
    inspector->several = inspector->shares_store || bt_db_notifies(server->db);
    bt_lease_holder(server->data_dir, inspector->holder);
    bt_copy_cut(inspector->mark, sizeof(inspector->mark), inspector->holder);
    r = pthread_create(&inspector->thread, NULL, run, inspector);
    if (r != 0) {
        free(inspector->program);
        free(inspector);
        errno = r;
        return bt_fail_errno(err, "Cannot start the inspector");
    }
    *out = inspector;
    return 0;
}

static void tell(struct bt_inspector *inspector, bool close)
{
    pthread_mutex_lock(&inspector->lock);
    inspector->waiting = true;
    inspector->closed |= close;
    pthread_cond_signal(&inspector->wake);
    pthread_mutex_unlock(&inspector->lock);
}

void bt_inspector_wake(struct bt_inspector *inspector)
{
    if (inspector != NULL) {
        tell(inspector, false);
    }
}

void bt_inspector_close(struct bt_inspector *inspector)
{
    if (inspector != NULL) {
        tell(inspector, true);
    }
}

void bt_inspector_destroy(struct bt_inspector *inspector)
{
    if (inspector == NULL) {
        return;
    }
    bt_inspector_close(inspector);
    pthread_join(inspector->thread, NULL);
    pthread_cond_destroy(&inspector->wake);
    pthread_mutex_destroy(&inspector->lock);
    free(inspector->program);
    free(inspector);
}
