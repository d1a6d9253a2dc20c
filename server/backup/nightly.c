#include "server/backup/nightly.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "server/db/lease.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define VIET_NAM_MS (7 * HOUR_MS)
#define BEGIN_MS (2 * HOUR_MS)  // after midnight

// Lengthened each minute while it is made.
#define LEASE_MS 150000

// Whoever uses the server comes first.
#define NICENESS 10

// Of its command line, and the NULL.
#define FIRST_WORDS 6
#define STORE_WORDS 5
#define WORDS (FIRST_WORDS + STORE_WORDS + 1)

static const struct bt_log logger = {"server/backup"};

struct bt_nightly {
    struct bt_nightly_options options;  // its texts are borrowed
    pid_t running;                      // 0: none
    int64_t next_ms;                    // not before
};

struct bt_nightly *bt_nightly_create(const struct bt_nightly_options *options)
{
    struct bt_nightly *nightly = BT_NEW(struct bt_nightly);
    nightly->options = *options;
    return nightly;
}

static int wait_for(pid_t pid, int flags, int *out_status)
{
    pid_t ended;
    do {
        ended = waitpid(pid, out_status, flags);
    } while (ended < 0 && errno == EINTR);
    return ended == pid;
}

void bt_nightly_destroy(struct bt_nightly *nightly)
{
    int status;
    if (nightly != NULL && nightly->running > 0) {
        kill(nightly->running, SIGTERM);
        (void)wait_for(nightly->running, 0, &status);
    }
    free(nightly);
}

int64_t bt_nightly_due_ms(int64_t now_ms)
{
    int64_t since_ms = now_ms + VIET_NAM_MS - BEGIN_MS;
    return now_ms - since_ms % BT_MS_PER_DAY;
}

char *bt_backup_note_path(const char *data_dir)
{
    BT_AUTOFREE char *shared = bt_strf("%s/notes", data_dir);
    return bt_strf("%s/last-backup", access(shared, F_OK) == 0 ? shared : data_dir);
}

// 0: there was none.
static int64_t newest_ms(const char *data_dir)
{
    struct stat status;
    BT_AUTOFREE char *path = bt_backup_note_path(data_dir);
    return stat(path, &status) == 0
               ? (int64_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / BT_NS_PER_MS
               : 0;
}

// What this program blocks or ignores, the other one shall not.
static int spawn(char *const *words, pid_t *out)
{
    sigset_t none, all;
    posix_spawnattr_t attributes;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(out, "/proc/self/exe", NULL, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

// What it needs to know of the store; each for free.
static size_t add_store(const struct bt_s3_options *store, char *out[STORE_WORDS])
{
    const struct {
        const char *name, *value;
    } said[] = {{"blobs", store->url},
                {"s3-credentials", store->credentials},
                {"s3-region", store->region},
                {"s3-ca", store->ca},
                {"s3-pin", store->pin}};
    size_t count = 0;
    for (size_t i = 0; store->url != NULL && i < BT_ARRAY_LEN(said); i++) {
        if (said[i].value != NULL) {
            out[count++] = bt_strf("--%s=%s", said[i].name, said[i].value);
        }
    }
    return count;
}

static int begin(struct bt_nightly *nightly, const char *data_dir, struct bt_error *err)
{
    const struct bt_nightly_options *options = &nightly->options;
    char program[] = "bangtin-server", command[] = "backup";
    BT_AUTOFREE char *data = bt_strf("--data=%s", data_dir);
    BT_AUTOFREE char *to = bt_strf("--to=%s", options->to);
    BT_AUTOFREE char *database = bt_strf("--database=%s", options->database);
    BT_AUTOFREE char *keep = bt_strf("--keep=%lld", (long long)options->keep);
    char *words[WORDS] = {program, command, data, to, database, keep, NULL};
    char *store[STORE_WORDS] = {0};
    size_t added = add_store(&options->store, store);
    memcpy(words + FIRST_WORDS, store, added * sizeof(*store));
    int r = spawn(words, &nightly->running);
    for (size_t i = 0; i < added; i++) {
        free(store[i]);
    }
    if (r < 0) {
        nightly->running = 0;
        errno = -r;
        return bt_fail_errno(err, "Cannot begin the backup");
    }
    (void)setpriority(PRIO_PROCESS, (id_t)nightly->running, NICENESS);
    return 0;
}

static void look_after(struct bt_nightly *nightly)
{
    int status;
    if (!wait_for(nightly->running, WNOHANG, &status)) {
        return;
    }
    nightly->running = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        bt_log_info(&logger, "The night's backup lies in '%s'", nightly->options.to);
    } else {
        bt_log_warn(&logger, "The night's backup failed, see above; trying again in an hour");
    }
}

// 1: it is ours to make, or to go on with.
static int take_lease(struct bt_server *server, int64_t now_ms, struct bt_error *err)
{
    struct bt_db *db = NULL;
    char holder[BT_LEASE_HOLDER_BYTES];
    bt_lease_holder(server->data_dir, holder);
    int r = bt_db_acquire(server->db, &db, err);
    r = r < 0 ? r : bt_lease_take(db, "backup", holder, now_ms, LEASE_MS, err);
    bt_db_release(db);
    return r;
}

int bt_nightly_run(struct bt_server *server, struct bt_error *err)
{
    struct bt_nightly *nightly = server->nightly;
    int64_t now_ms = bt_clock_wall_ms(server->clock);
    if (nightly->running > 0) {
        look_after(nightly);
        return BT_MIN(take_lease(server, now_ms, err), 0);
    }
    if (nightly->options.to == NULL || now_ms < nightly->next_ms ||
        newest_ms(server->data_dir) >= bt_nightly_due_ms(now_ms)) {
        return 0;
    }
    int r = take_lease(server, now_ms, err);
    if (r <= 0) {
        return r;
    }
    nightly->next_ms = now_ms + HOUR_MS;
    return begin(nightly, server->data_dir, err);
}
