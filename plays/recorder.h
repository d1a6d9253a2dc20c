/**
 * The recorder: the journal on a thread of its own. The render thread reports; nothing here ever
 * makes it wait: its calls copy a few hundred bytes under a lock that is never held across I/O.
 *
 * Between the two stand the plays that the disk has not taken yet. What was reported of one play
 * is one entry, however often it was reported. When the disk is full or read-only the player plays
 * on, the thread tries again every 10 s, and the newest 10,000 ended plays are kept; those dropped
 * are counted and declared in the journal as a `loss` record as soon as it can be written. A
 * journal that is damaged, or was taken away, is set aside and a new one begun.
 *
 * Commits: one for all zones, a quarter of a second after a boundary, or 10 s after progress was
 * reported. A card with a short life wears: on average there is at most one commit in 10 s, and 30
 * may come sooner. A play that was going on at a power cut is recorded as `power lost`, with the
 * counts of the last commit.
 */
#ifndef BT_PLAYS_RECORDER_H
#define BT_PLAYS_RECORDER_H

#include "plays/play.h"

// Zones that change together have all changed by then.
#define BT_RECORDER_GATHER_MS 250

// What is written in a day follows from these (bench/journal_bytes).
#define BT_RECORDER_GAP_MS 10000
#define BT_RECORDER_BURST 30

struct bt_recorder;

struct bt_recorder_options {
    const char *path;    // the journal's database; created when absent
    const char *screen;  // name of the screen, "" when unknown; copied
    const char *player;  // version text; copied
    bool wait_for_open;  // tests and tools: open returns the journal's own error
    int64_t wall_ms;     // what the player takes for the time now; 0: the system's clock
    int clock_trust;     // enum bt_clock_trust of that time
};

// Starts the thread. A journal that cannot be opened is tried again by the thread; until then the
// ring keeps what is reported.
int bt_recorder_open(const struct bt_recorder_options *options, struct bt_recorder **out,
                     struct bt_error *err) BT_NODISCARD;

// The screen is known now, or is another: what is written from here on names it. Any thread.
void bt_recorder_set_screen(struct bt_recorder *recorder, const char *screen);

/**
 * The player stops: plays that were not ended are closed as `stopped`, everything is committed and
 * a `stop` record written. Waits for the disk at most 5 s; what it has not taken by then is lost
 * and logged.
 */
void bt_recorder_destroy(struct bt_recorder *recorder);
BT_DEFINE_AUTO(bt_recorder)

// A play starts with its first present. The handle is never 0. Never waits, never fails.
uint64_t bt_recorder_begin(struct bt_recorder *recorder, const struct bt_play_start *start);

// What was presented so far in this segment; the newest word counts. For plays longer than 10 s.
void bt_recorder_progress(struct bt_recorder *recorder, uint64_t play,
                          const struct bt_play_counts *counts);

// The display has become darker than it was when the play began: the record says the darkest.
void bt_recorder_darken(struct bt_recorder *recorder, uint64_t play, const char *display,
                        const char *evidence);

/**
 * The segment ended. `why_ended` is a bt_end_reason_word. When the reason is "preempted" the play
 * stays open for a resume (bt_recorder_resume), until it is resumed or closed by a later end,
 * or by bt_recorder_abandon.
 */
void bt_recorder_end(struct bt_recorder *recorder, uint64_t play,
                     const struct bt_play_counts *counts, const char *why_ended);
void bt_recorder_resume(struct bt_recorder *recorder, uint64_t play, int64_t mono_ns,
                        int64_t wall_ms);
void bt_recorder_abandon(struct bt_recorder *recorder, uint64_t play);

struct bt_recorder_status {
    bool journal_ok;
    char problem[256];     // "" when ok
    int64_t waiting;       // plays with news that is not committed yet
    int64_t lost;          // plays dropped since start
    int64_t closed_plays;  // committed as records since start
};
void bt_recorder_status(struct bt_recorder *recorder, struct bt_recorder_status *out);

/**
 * Tests and tools: everything reported before is tried at once. 0 when it is committed, or the
 * journal's error, or -ETIMEDOUT after 5 s.
 */
int bt_recorder_flush(struct bt_recorder *recorder) BT_NODISCARD;

#endif
