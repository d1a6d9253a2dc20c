#include "plays/recorder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "plays/journal.h"
#include "plays/pending.h"

#define GATHER_NS (BT_RECORDER_GATHER_MS * BT_NS_PER_MS)
#define GAP_NS (BT_RECORDER_GAP_MS * BT_NS_PER_MS)
#define BURST_NS (BT_RECORDER_BURST * GAP_NS)
#define PROGRESS_NS (10 * BT_NS_PER_S)
#define RETRY_NS (10 * BT_NS_PER_S)
#define NOTE_TIME_NS (60 * BT_NS_PER_S)
#define PRUNE_NS (BT_JOURNAL_PRUNE_EVERY_MS * BT_NS_PER_MS)
#define FINISH_NS (5 * BT_NS_PER_S)

#define BATCH_PLAYS 64

static const struct bt_log log_ = {.name = "plays/recorder"};

struct bt_recorder {
    char *path, *player;  // set by open, never changed
    pthread_t thread;

    pthread_mutex_t lock;  // leaf lock: no I/O while it is held
    pthread_cond_t news;   // for the thread
    pthread_cond_t tried;  // for whoever waits in flush and destroy
    // Protected by lock.
    char screen[BT_PLAY_ID_BYTES];
    struct bt_pending pending;
    uint64_t last_id;
    int64_t boundary_ns, progress_ns;  // when the first uncommitted one was reported, or 0
    struct bt_record_moment known;     // a moment whose wall time is known
    bool closing;
    bool done;  // the thread uses nothing any more
    uint64_t flushes_wanted, flushes_done;
    int result;  // of the last try
    struct bt_recorder_status status;

    // Journal thread only.
    struct bt_journal *journal;  // NULL while it cannot be opened
    int64_t paced_ns;            // no commit before this; moves on by a gap with each round
    int64_t retry_ns, noted_ns, pruned_ns;
    struct bt_pending_copy *batch;
};

static int64_t now_ns(void)
{
    return bt_clock_mono_ns(bt_clock_real());
}

static void lock(struct bt_recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
}

static void unlock(struct bt_recorder *recorder)
{
    pthread_mutex_unlock(&recorder->lock);
}

// What the render thread calls.

static void note_news(struct bt_recorder *recorder, int64_t *since)
{
    if (*since == 0) {
        *since = now_ns();
        pthread_cond_signal(&recorder->news);
    }
}

static void note_wall(struct bt_recorder *recorder, int64_t wall_ms, int64_t mono_ns, int trust)
{
    recorder->known = (struct bt_record_moment){wall_ms, mono_ns, trust};
}

uint64_t bt_recorder_begin(struct bt_recorder *recorder, const struct bt_play_start *start)
{
    lock(recorder);
    uint64_t id = ++recorder->last_id;
    bt_pending_begin(&recorder->pending, id, start);
    note_wall(recorder, start->wall_ms, start->mono_ns, start->clock_trust);
    note_news(recorder, &recorder->boundary_ns);
    unlock(recorder);
    return id;
}

void bt_recorder_progress(struct bt_recorder *recorder, uint64_t play,
                          const struct bt_play_counts *counts)
{
    lock(recorder);
    struct bt_pending_play *found = bt_pending_find(&recorder->pending, play);
    if (found != NULL) {
        bt_play_count(&found->play, counts);
        bt_pending_changed(&recorder->pending, found);
        note_news(recorder, &recorder->progress_ns);
    }
    unlock(recorder);
}

void bt_recorder_darken(struct bt_recorder *recorder, uint64_t play, const char *display,
                        const char *evidence)
{
    lock(recorder);
    struct bt_pending_play *found = bt_pending_find(&recorder->pending, play);
    if (found != NULL) {
        bt_play_set_display(&found->play, display, evidence);
        bt_pending_changed(&recorder->pending, found);
        note_news(recorder, &recorder->progress_ns);
    }
    unlock(recorder);
}

void bt_recorder_end(struct bt_recorder *recorder, uint64_t play,
                     const struct bt_play_counts *counts, const char *why_ended)
{
    lock(recorder);
    struct bt_pending_play *found = bt_pending_find(&recorder->pending, play);
    if (found != NULL) {
        bt_play_end(&found->play, counts, why_ended);
        bt_pending_changed(&recorder->pending, found);
        note_news(recorder, &recorder->boundary_ns);
    }
    unlock(recorder);
}

void bt_recorder_resume(struct bt_recorder *recorder, uint64_t play, int64_t mono_ns,
                        int64_t wall_ms)
{
    lock(recorder);
    struct bt_pending_play *found = bt_pending_find(&recorder->pending, play);
    if (found != NULL) {
        bt_play_resume(&found->play, mono_ns, wall_ms);
        bt_pending_changed(&recorder->pending, found);
        note_news(recorder, &recorder->boundary_ns);
    }
    unlock(recorder);
}

void bt_recorder_abandon(struct bt_recorder *recorder, uint64_t play)
{
    lock(recorder);
    struct bt_pending_play *found = bt_pending_find(&recorder->pending, play);
    if (found != NULL && found->play.paused) {
        bt_play_abandon(&found->play);
        bt_pending_changed(&recorder->pending, found);
        note_news(recorder, &recorder->boundary_ns);
    }
    unlock(recorder);
}

void bt_recorder_status(struct bt_recorder *recorder, struct bt_recorder_status *out)
{
    lock(recorder);
    *out = recorder->status;
    out->lost = recorder->pending.dropped;
    out->waiting = (int64_t)bt_pending_waiting(&recorder->pending);
    unlock(recorder);
}

static bool wait_until(struct bt_recorder *recorder, pthread_cond_t *cond, int64_t until_ns)
{
    struct timespec until = {until_ns / BT_NS_PER_S, until_ns % BT_NS_PER_S};
    return pthread_cond_timedwait(cond, &recorder->lock, &until) == 0;
}

int bt_recorder_flush(struct bt_recorder *recorder)
{
    int64_t until_ns = now_ns() + FINISH_NS;
    lock(recorder);
    uint64_t wanted = ++recorder->flushes_wanted;
    pthread_cond_signal(&recorder->news);
    bool in_time = true;
    while (recorder->flushes_done < wanted && in_time) {
        in_time = wait_until(recorder, &recorder->tried, until_ns);
    }
    int r = recorder->flushes_done < wanted ? -ETIMEDOUT : recorder->result;
    unlock(recorder);
    return r;
}

// What the journal thread does.

static struct bt_record_moment moment_now(struct bt_recorder *recorder)
{
    struct bt_record_moment now;
    int64_t mono_ns = now_ns();
    lock(recorder);
    now = recorder->known;
    unlock(recorder);
    now.wall_ms += (mono_ns - now.mono_ns) / BT_NS_PER_MS;
    now.mono_ns = mono_ns;
    return now;
}

static void copy_screen(struct bt_recorder *recorder, char out[BT_PLAY_ID_BYTES])
{
    lock(recorder);
    bt_copy_cut(out, BT_PLAY_ID_BYTES, recorder->screen);
    unlock(recorder);
}

static int open_journal(struct bt_recorder *recorder, struct bt_error *err)
{
    char screen[BT_PLAY_ID_BYTES];
    copy_screen(recorder, screen);
    struct bt_journal_options options = {
        .path = recorder->path,
        .screen = screen,
        .player = recorder->player,
        .now = moment_now(recorder),
    };
    int r = bt_journal_open(&options, &recorder->journal, err);
    if (r == 0) {
        recorder->noted_ns = now_ns();
    }
    return r;
}

// The journal cannot be gone on with. The open plays go into the new one.
static int start_over(struct bt_recorder *recorder, int why, struct bt_error *err)
{
    bt_journal_destroy(recorder->journal);
    recorder->journal = NULL;
    lock(recorder);
    bt_pending_forget_saved(&recorder->pending);
    unlock(recorder);
    int r = why == -EUCLEAN ? bt_journal_set_aside(recorder->path, err) : 0;
    r = r < 0 ? r : open_journal(recorder, err);
    if (r < 0) {
        return r;
    }
    struct bt_record_moment now = moment_now(recorder);
    struct bt_loss unknown = {
        .start_ms = now.wall_ms,
        .end_ms = now.wall_ms,
        .clock_trust = now.clock_trust,
        .cause = "journal damaged or gone",
    };
    r = bt_journal_put_loss(recorder->journal, &unknown, err);
    return r < 0 ? r : bt_journal_commit(recorder->journal, err);
}

static int put_batch(struct bt_recorder *recorder, size_t count, const struct bt_loss *loss,
                     struct bt_error *err)
{
    int r = 0;
    if (loss->plays > 0) {
        r = bt_journal_put_loss(recorder->journal, loss, err);
    }
    for (size_t i = 0; i < count && r == 0; i++) {
        r = bt_journal_put(recorder->journal, &recorder->batch[i].play, err);
    }
    return r;
}

// A record that a trusted clock dates keeps the time as well as a note would.
static bool has_dated_record(const struct bt_pending_copy *copies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct bt_play *play = &copies[i].play;
        if (bt_play_closed(play) && play->start.clock_trust == BT_CLOCK_SYNCED) {
            return true;
        }
    }
    return false;
}

static int write_batch(struct bt_recorder *recorder, size_t count, const struct bt_loss *loss,
                       struct bt_error *err)
{
    struct bt_record_moment now = moment_now(recorder);
    bool dated = has_dated_record(recorder->batch, count);
    bool note = !dated && now.mono_ns >= recorder->noted_ns + NOTE_TIME_NS;
    int r = put_batch(recorder, count, loss, err);
    if (r == 0 && note) {
        r = bt_journal_note_time(recorder->journal, &now, err);
    }
    r = r < 0 ? r : bt_journal_commit(recorder->journal, err);
    if (r < 0) {
        bt_journal_rollback(recorder->journal);
        return r;
    }
    recorder->noted_ns = dated || note ? now.mono_ns : recorder->noted_ns;
    return 0;
}

static void count_saved(struct bt_recorder *recorder, size_t count, const struct bt_loss *loss)
{
    for (size_t i = 0; i < count; i++) {
        recorder->status.closed_plays += bt_play_closed(&recorder->batch[i].play);
    }
    bt_pending_saved(&recorder->pending, recorder->batch, count);
    recorder->pending.loss.plays -= loss->plays;
}

// One transaction. Returns how many plays were saved; a full batch means that more are waiting.
static int save_some(struct bt_recorder *recorder, struct bt_error *err)
{
    lock(recorder);
    size_t count = bt_pending_take(&recorder->pending, recorder->batch, BATCH_PLAYS);
    struct bt_loss loss = recorder->pending.loss;
    recorder->boundary_ns = 0;
    recorder->progress_ns = 0;
    unlock(recorder);

    bt_copy_cut(loss.cause, sizeof(loss.cause), "journal unwritable");
    int r = write_batch(recorder, count, &loss, err);

    lock(recorder);
    if (r == 0) {
        count_saved(recorder, count, &loss);
    } else {
        bt_pending_returned(&recorder->pending, recorder->batch, count);
        recorder->boundary_ns = now_ns();
    }
    unlock(recorder);
    return r < 0 ? r : (int)count;
}

static int prune(struct bt_recorder *recorder, struct bt_error *err)
{
    struct bt_record_moment now = moment_now(recorder);
    if (now.mono_ns < recorder->pruned_ns + PRUNE_NS || now.clock_trust != BT_CLOCK_SYNCED) {
        return 0;
    }
    recorder->pruned_ns = now.mono_ns;
    int r = bt_journal_prune(recorder->journal, now.wall_ms, err);
    r = r < 0 ? r : bt_journal_commit(recorder->journal, err);
    if (r < 0) {
        bt_journal_rollback(recorder->journal);
    }
    return r;
}

static int save_all(struct bt_recorder *recorder, struct bt_error *err)
{
    int r = recorder->journal == NULL ? open_journal(recorder, err) : 0;
    if (r == 0) {
        do {
            r = save_some(recorder, err);
        } while (r == BATCH_PLAYS);
    }
    // Once for all of them: were each full batch paced, many short plays would wait ever longer.
    if (r >= 0) {
        recorder->paced_ns = BT_MAX(recorder->paced_ns, now_ns() - BURST_NS) + GAP_NS;
    }
    return r < 0 ? r : prune(recorder, err);
}

static void report(struct bt_recorder *recorder, int r, const struct bt_error *err)
{
    struct bt_recorder_status *status = &recorder->status;
    lock(recorder);
    bool was_ok = status->journal_ok || status->problem[0] == '\0';
    status->journal_ok = r == 0;
    bt_copy_cut(status->problem, sizeof(status->problem), r == 0 ? "" : err->msg);
    recorder->result = r;
    unlock(recorder);
    if (r < 0 && was_ok) {
        bt_log_warn(&log_, "%s; playing on, plays wait in memory", err->msg);
    } else if (r == 0 && !was_ok) {
        bt_log_info(&log_, "The journal '%s' takes plays again", recorder->path);
    }
}

static void work(struct bt_recorder *recorder)
{
    struct bt_error err = {0};
    if (recorder->journal != NULL) {
        char screen[BT_PLAY_ID_BYTES];
        copy_screen(recorder, screen);
        bt_journal_set_screen(recorder->journal, screen);
    }
    int r = save_all(recorder, &err);
    if (r == -EUCLEAN || r == -ESTALE) {
        bt_log_error(&log_, "%s; beginning a new journal", err.msg);
        r = start_over(recorder, r, &err);
        r = r < 0 ? r : save_all(recorder, &err);
    }
    recorder->retry_ns = r < 0 ? now_ns() + RETRY_NS : 0;
    report(recorder, r, &err);
}

// With the lock held: when the thread has something to do next.
static int64_t next_due_ns(const struct bt_recorder *recorder)
{
    if (recorder->closing || recorder->flushes_wanted != recorder->flushes_done) {
        return 0;
    }
    int64_t due = recorder->noted_ns + NOTE_TIME_NS;
    if (recorder->boundary_ns != 0) {
        due = BT_MIN(due, recorder->boundary_ns + GATHER_NS);
    }
    if (recorder->progress_ns != 0) {
        due = BT_MIN(due, recorder->progress_ns + PROGRESS_NS);
    }
    due = BT_MAX(due, recorder->paced_ns);
    return BT_MAX(recorder->journal == NULL ? 0 : due, recorder->retry_ns);
}

// Waits for something to do. True: and that is the last of it.
static bool wait_for_work(struct bt_recorder *recorder, uint64_t *out_flush)
{
    lock(recorder);
    for (int64_t due = next_due_ns(recorder); due > now_ns(); due = next_due_ns(recorder)) {
        wait_until(recorder, &recorder->news, due);
    }
    bool closing = recorder->closing;
    if (closing) {
        bt_pending_stop_all(&recorder->pending);
    }
    *out_flush = recorder->flushes_wanted;
    unlock(recorder);
    return closing;
}

static void announce_try(struct bt_recorder *recorder, uint64_t flush)
{
    lock(recorder);
    recorder->flushes_done = flush;
    pthread_cond_broadcast(&recorder->tried);
    unlock(recorder);
}

static void say_goodbye(struct bt_recorder *recorder)
{
    struct bt_recorder_status status;
    bt_recorder_status(recorder, &status);
    if (status.waiting > 0 || recorder->pending.loss.plays > 0) {
        bt_log_error(&log_, "%lld plays are lost, the journal could not take them: %s",
                     (long long)(status.waiting + recorder->pending.loss.plays), status.problem);
    }
    if (recorder->journal == NULL || !status.journal_ok) {
        return;
    }
    struct bt_error err;
    struct bt_record_moment now = moment_now(recorder);
    int r = bt_journal_put_stop(recorder->journal, &now, &err);
    r = r < 0 ? r : bt_journal_note_time(recorder->journal, &now, &err);
    r = r < 0 ? r : bt_journal_commit(recorder->journal, &err);
    if (r < 0) {
        bt_log_warn(&log_, "Cannot write the stop record: %s; the next start will say so", err.msg);
    }
}

static void *run(void *argument)
{
    struct bt_recorder *recorder = argument;
    bool last;
    do {
        uint64_t flush;
        last = wait_for_work(recorder, &flush);
        work(recorder);
        announce_try(recorder, flush);
    } while (!last);
    say_goodbye(recorder);
    bt_journal_destroy(recorder->journal);
    recorder->journal = NULL;
    lock(recorder);
    recorder->done = true;
    pthread_cond_broadcast(&recorder->tried);
    unlock(recorder);
    return NULL;
}

static void init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void finish(struct bt_recorder *recorder)
{
    bt_journal_destroy(recorder->journal);
    bt_pending_finish(&recorder->pending);
    pthread_cond_destroy(&recorder->news);
    pthread_cond_destroy(&recorder->tried);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder->batch);
    free(recorder->path);
    free(recorder->player);
    free(recorder);
}

static struct bt_recorder *create(const struct bt_recorder_options *options)
{
    struct bt_recorder *recorder = BT_NEW(struct bt_recorder);
    bool told = options->wall_ms != 0;
    recorder->path = bt_strdup(options->path);
    bt_copy_cut(recorder->screen, sizeof(recorder->screen),
                options->screen != NULL ? options->screen : "");
    recorder->player = bt_strdup(options->player != NULL ? options->player : "");
    recorder->batch = BT_NEW_ARRAY(struct bt_pending_copy, BATCH_PLAYS);
    bt_pending_init(&recorder->pending);
    pthread_mutex_init(&recorder->lock, NULL);
    init_cond(&recorder->news);
    init_cond(&recorder->tried);
    note_wall(recorder, told ? options->wall_ms : bt_clock_wall_ms(bt_clock_real()), now_ns(),
              told ? options->clock_trust : BT_CLOCK_UNKNOWN);
    recorder->pruned_ns = now_ns() - PRUNE_NS + NOTE_TIME_NS;
    recorder->paced_ns = now_ns() - BURST_NS;
    return recorder;
}

void bt_recorder_set_screen(struct bt_recorder *recorder, const char *screen)
{
    lock(recorder);
    bt_copy_cut(recorder->screen, sizeof(recorder->screen), screen);
    unlock(recorder);
}

int bt_recorder_open(const struct bt_recorder_options *options, struct bt_recorder **out,
                     struct bt_error *err)
{
    struct bt_recorder *recorder = create(options);
    int r = options->wait_for_open ? open_journal(recorder, err) : 0;
    if (r < 0) {
        finish(recorder);
        return r;
    }
    r = pthread_create(&recorder->thread, NULL, run, recorder);
    if (r != 0) {
        finish(recorder);
        errno = r;
        return bt_fail_errno(err, "Cannot start the thread of the recorder");
    }
    *out = recorder;
    return 0;
}

void bt_recorder_destroy(struct bt_recorder *recorder)
{
    if (recorder == NULL) {
        return;
    }
    lock(recorder);
    recorder->closing = true;
    pthread_cond_signal(&recorder->news);
    int64_t until_ns = now_ns() + FINISH_NS;
    while (!recorder->done && wait_until(recorder, &recorder->tried, until_ns)) {
    }
    bool done = recorder->done;
    unlock(recorder);
    if (!done) {
        // The thread hangs in the disk and still uses everything; the process is about to end.
        bt_log_error(&log_, "The disk of '%s' hangs; leaving without it", recorder->path);
        pthread_detach(recorder->thread);
        return;
    }
    pthread_join(recorder->thread, NULL);
    finish(recorder);
}
