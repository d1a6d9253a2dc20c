/**
 * The recorder: the journal on a thread of its own. The render thread reports; nothing here ever
 * makes it wait. A bounded ring of 10,000 messages stands between; when the disk is full or
 * read-only the player plays on and the newest messages are kept in the ring; what had to be
 * dropped is counted and declared in the journal as a `loss` record as soon as it can be written.
 *
 * Commits: one per boundary or every 10 s for all zones, whichever is first (see journal.h).
 */
#ifndef BT_PLAYS_RECORDER_H
#define BT_PLAYS_RECORDER_H

#include "plays/play.h"

struct bt_recorder;

struct bt_recorder_options {
    const char *path;    // the journal's database; created when absent
    const char *screen;  // name of the screen, "" when unknown; copied
    const char *player;  // version text; copied
    bool wait_for_open;  // tests and tools: open returns the journal's own error
};

// Starts the thread. A journal that cannot be opened is tried again by the thread; until then the
// ring keeps what is reported.
int bt_recorder_open(const struct bt_recorder_options *options, struct bt_recorder **out,
                     struct bt_error *err) BT_NODISCARD;

// Everything reported before is committed, or declared lost, before this returns (at most 5 s).
void bt_recorder_destroy(struct bt_recorder *recorder);
BT_DEFINE_AUTO(bt_recorder)

// A play starts with its first present. The handle is never 0. Never waits, never fails.
uint64_t bt_recorder_begin(struct bt_recorder *recorder, const struct bt_play_start *start);

// What was presented so far in this segment; the newest word counts. For plays longer than 10 s.
void bt_recorder_progress(struct bt_recorder *recorder, uint64_t play,
                          const struct bt_play_counts *counts);

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
    int64_t waiting;       // messages in the ring
    int64_t lost;          // messages dropped since start
    int64_t closed_plays;  // since start
};
void bt_recorder_status(struct bt_recorder *recorder, struct bt_recorder_status *out);

#endif
