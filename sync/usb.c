#include "sync/usb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "sync/repository.h"
#include "sync/stick_files.h"
#include "sync/usb_inside.h"

#define NAME_BYTES 64
#define WORDS_MAX_BYTES 65536

// A wish may come before the directory is watched again.
#define LOOK_MS 60000

static const struct bt_log logger = {"sync/usb"};

struct bt_usb {
    struct bt_sync *sync;  // borrowed
    pthread_t thread;
    bool started;
    int stop_fd;  // readable: stop
};

/*
 * One stick.
 */

// While it is looked at.
struct visit {
    struct bt_sync *sync;            // borrowed
    struct bt_gentle *hands;         // for what is long
    struct bt_stick_reader *reader;  // NULL: it cannot be read
    struct bt_stick_papers *papers;
    struct bt_usb_outcome outcome;
};

static void visit_finish(struct visit *visit)
{
    bt_import_finish(&visit->outcome.import);
    bt_stick_papers_destroy(visit->papers);
    bt_stick_reader_destroy(visit->reader);
    bt_gentle_destroy(visit->hands);
}

static int write_words(struct bt_sync *sync, const char *back, const struct bt_usb_outcome *outcome,
                       struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(sync->standing);
    BT_AUTOBUF text;
    BT_AUTOFREE char *path = bt_strf("%s/KET-QUA.txt", back);
    bt_buf_init(&text, WORDS_MAX_BYTES);
    int r = bt_usb_words(sync, outcome, &text);
    r = r < 0 ? bt_fail(err, r, "KET-QUA.txt is too long")
              : bt_file_replace(path, text.data, text.len, err);
    if (r < 0 || identity.player[0] == '\0') {
        return r;
    }
    // A stick goes from screen to screen: each has its own.
    BT_AUTOFREE char *folder = bt_strf("%s/TRA-VE/%s", back, identity.player);
    BT_AUTOFREE char *own = bt_strf("%s/KET-QUA.txt", folder);
    r = bt_file_make_dirs(folder, err);
    return r < 0 ? r : bt_file_replace(own, text.data, text.len, err);
}

static bool is_worth_copying(const struct bt_usb_outcome *outcome)
{
    enum bt_import_verdict verdict = outcome->import.verdict;
    return outcome->import.vouched && (verdict == BT_IMPORT_TAKEN || verdict == BT_IMPORT_OLD ||
                                       verdict == BT_IMPORT_INCOMPLETE);
}

// The repository thread, on which the network's content comes, never waits for the stick: it gets
// what was read.
static int import(struct visit *visit, struct bt_error *err)
{
    struct bt_identity identity = bt_standing_identity(visit->sync->standing);
    int r = bt_stick_papers_load(visit->reader, identity.unit, &visit->papers, err);
    if (r < 0) {
        return r;
    }
    visit->outcome.import.papers = visit->papers;
    return bt_repository_import(visit->sync->repository, &visit->outcome.import);
}

// What the stick brings; then what has become of it.
static int take(struct visit *visit, struct bt_error *err)
{
    struct bt_sync *sync = visit->sync;
    struct bt_usb_outcome *outcome = &visit->outcome;
    int r = import(visit, err);
    if (r < 0 || !is_worth_copying(outcome)) {
        return r;
    }
    r = bt_usb_copy(sync, visit->reader, visit->hands, outcome);
    if (r < 0) {
        return r;
    }
    struct bt_import after = {.settle = true};
    r = bt_repository_import(sync->repository, &after);
    cJSON_Delete(outcome->import.waiting);
    outcome->import.waiting = BT_TAKE(after.waiting);
    bt_import_finish(&after);
    return r;
}

// What holds is kept once the disk has it; people are told no more than that.
static void wait_for_the_disk(struct bt_sync *sync, struct bt_usb_outcome *outcome)
{
    struct bt_error err;
    int r = bt_state_flush(sync->state, &err);
    if (r < 0) {
        bt_sync_disk_trouble(sync, r, err.msg);
        outcome->import.unkept = outcome->import.takedowns;
    }
    outcome->kept = r == 0;
}

static int answer(struct visit *visit, const char *back, struct bt_error *err)
{
    struct bt_sync *sync = visit->sync;
    struct bt_usb_outcome *outcome = &visit->outcome;
    wait_for_the_disk(sync, outcome);
    int r = bt_file_make_dirs(back, err);
    r = r < 0 ? r : bt_usb_plays_back(sync, back, outcome, err);
    if (r < 0) {
        bt_log_warn(&logger, "%s; the plays stay here", err->msg);
    }
    r = write_words(sync, back, outcome, err);
    bt_log_info(&logger, "Stick '%s': verdict %d, %lld files copied, %lld batches go back",
                outcome->import.id, (int)outcome->import.verdict, (long long)outcome->copied,
                (long long)outcome->batches);
    return r;
}

// It cannot be read, or not to its end.
static enum bt_import_verdict verdict_of(int r)
{
    return r == -ETIMEDOUT ? BT_IMPORT_SLOW : BT_IMPORT_BROKEN;
}

static int handle_stick(struct bt_sync *sync, const char *path, const char *back,
                        struct bt_error *err)
{
    BT_AUTOFINISH(visit_finish) struct visit visit = {.sync = sync};
    int r = bt_gentle_start(&visit.hands, err);
    if (r < 0) {
        return r;
    }
    r = bt_stick_reader_open(path, &bt_stick_patience, &sync->stopping, &visit.reader, err);
    if (r == -ENOENT) {
        bt_log_info(&logger, "'%s' has no " BT_STICK_FOLDER "; leaving it alone", path);
        return bt_file_make_dirs(back, err);
    }
    r = r < 0 ? r : take(&visit, err);
    if (r == -ECANCELED) {
        return r;
    }
    if (r < 0) {
        visit.outcome.import.verdict = verdict_of(r);
        visit.outcome.import.err = *err;
    }
    return answer(&visit, back, err);
}

/*
 * Wishes.
 */

// NAME of "NAME.go": a plain name of ours.
static bool read_wish(const char *file, char out[NAME_BYTES])
{
    size_t len = strlen(file);
    if (!bt_str_ends(file, ".go") || len - 3 >= NAME_BYTES || len == 3 || file[0] == '.') {
        return false;
    }
    memcpy(out, file, len - 3);
    out[len - 3] = '\0';
    return strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
           len - 3;
}

static void grant(struct bt_usb *usb, const char *name)
{
    struct stat info;
    struct bt_error err = {0};
    BT_AUTOFREE char *path = bt_strf("%s/%s", usb->sync->options.usb, name);
    BT_AUTOFREE char *back = bt_strf("%s.back", path);
    BT_AUTOFREE char *done = bt_strf("%s/done", back);
    if (lstat(done, &info) == 0) {
        return;
    }
    bt_log_info(&logger, "A stick was handed over: '%s'", path);
    int r = handle_stick(usb->sync, path, back, &err);
    if (r == -ECANCELED) {
        return;  // the next life takes it up
    }
    if (r < 0) {
        bt_log_warn(&logger, "Stick '%s': %s; giving it back", path, err.msg);
    }
    if (bt_file_make_dirs(back, &err) < 0 || bt_file_replace(done, "", 0, &err) < 0) {
        bt_log_warn(&logger, "%s; whoever handed the stick over waits in vain", err.msg);
    }
}

static void look(struct bt_usb *usb)
{
    char name[NAME_BYTES];
    DIR *dir = opendir(usb->sync->options.usb);
    const struct dirent *entry;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
    while (dir != NULL && !atomic_load(&usb->sync->stopping) && (entry = readdir(dir)) != NULL) {
        if (read_wish(entry->d_name, name)) {
            grant(usb, name);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/*
 * The thread.
 */

static void wait_for_wishes(const struct bt_usb *usb, int watch)
{
    char events[4096];
    struct pollfd waited[] = {{.fd = usb->stop_fd, .events = POLLIN},
                              {.fd = watch, .events = POLLIN}};
    if (poll(waited, BT_ARRAY_LEN(waited), LOOK_MS) > 0 && (waited[1].revents & POLLIN) != 0) {
        // Which it was, the look afterwards says.
        (void)!read(watch, events, sizeof(events));
    }
}

static void *run(void *context)
{
    struct bt_usb *usb = context;
    BT_AUTOCLOSE int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    while (!atomic_load(&usb->sync->stopping)) {
        // The same directory again gives the same watch; one that was made anew a new one.
        if (watch >= 0) {
            (void)inotify_add_watch(watch, usb->sync->options.usb,
                                    IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
        }
        look(usb);
        wait_for_wishes(usb, watch);
    }
    return NULL;
}

int bt_usb_create(struct bt_sync *sync, struct bt_usb **out, struct bt_error *err)
{
    struct bt_usb *usb = BT_NEW(struct bt_usb);
    usb->sync = sync;
    usb->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *out = usb;
    return usb->stop_fd < 0 ? bt_fail_errno(err, "Cannot make an event") : 0;
}

int bt_usb_run(struct bt_usb *usb, struct bt_error *err)
{
    if (usb->sync->options.usb[0] == '\0') {
        return 0;
    }
    int r = -pthread_create(&usb->thread, NULL, run, usb);
    usb->started = r == 0;
    return r == 0 ? 0 : bt_fail(err, r, "Cannot start the thread of sticks");
}

void bt_usb_close(struct bt_usb *usb)
{
    if (usb != NULL && usb->stop_fd >= 0) {
        (void)eventfd_write(usb->stop_fd, 1);
    }
}

void bt_usb_join(struct bt_usb *usb)
{
    if (usb != NULL && usb->started) {
        pthread_join(usb->thread, NULL);
        usb->started = false;
    }
}

void bt_usb_destroy(struct bt_usb *usb)
{
    if (usb == NULL) {
        return;
    }
    if (usb->stop_fd >= 0) {
        close(usb->stop_fd);
    }
    free(usb);
}
